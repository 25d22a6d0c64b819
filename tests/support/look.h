/* look.h - looking in at what is in the test's folder, and clearing it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_LOOK_H
#define EDDY_TESTS_LOOK_H

#include "world.h"

#include <string.h>

static inline eddy_snapshot *snapshot_now(void)
{
    eddy_snapshot *snapshot = NULL;
    must(eddy_snapshot_take(NULL, &snapshot));
    return snapshot;
}

static inline const struct eddy_object_report *find_object(const eddy_snapshot *snapshot,
                                                           const char *name)
{
    for (size_t i = 0; i < eddy_snapshot_objects(snapshot); i++) {
        const struct eddy_object_report *object = eddy_snapshot_object(snapshot, i);
        if (strcmp(object->name, name) == 0)
            return object;
    }
    check_fail(CHECK_HERE("find_object"), "there is no \"%s\"", name);
}

static inline struct eddy_gc_report collect(void)
{
    struct eddy_gc_report report = {0};
    must(eddy_gc(NULL, &report));
    return report;
}

static inline eddy_ring *ring_create(eddy_domain *domain, const char *name)
{
    struct eddy_ring_options options = {.slot_bytes = 4096, .slots = 4, .role = EDDY_RING_PRODUCER};
    eddy_ring *ring = NULL;
    must(eddy_ring_create(domain, name, &options, &ring));
    return ring;
}

#endif
