/* segment.h - a segment by itself, for tests of what lies in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_SEGMENT_H
#define EDDY_TESTS_SEGMENT_H

#include "allocator/segment/segment.h"
#include "check.h"

/* With the shortest log, and nothing else. */
static inline struct eddy_segment *segment_create(int dir, const char *name, uint64_t limit)
{
    static const uint8_t hash[16];
    struct eddy_segment *segment;
    struct eddy_segment_options options = {.name = name,
                                           .type = "",
                                           .scope = "",
                                           .type_hash = hash,
                                           .limit_bytes = limit,
                                           .log_length = EDDY_LOG_MIN};
    must(eddy_segment_create(dir, &options, &segment));
    return segment;
}

static inline void segment_destroy(int dir, struct eddy_segment *segment)
{
    eddy_segment_remove(dir, segment->id, EDDY_SEATS_MAX);
    eddy_segment_detach(segment);
}

#endif
