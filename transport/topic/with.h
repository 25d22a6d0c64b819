/* with.h - what goes with a sample in front of its user header.  (internal)
 *
 * From the data towards lower addresses: user header, rounded up to 8; key; word; time.  The upper bits
 * of a slot's `header_size` say what there is.         spec/layout.md, "With each sample"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WITH_H
#define EDDY_WITH_H

#include "allocator/segment/layout.h"

#include <eddy/topic.h>

#define EDDY_WITH_ALL (EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME)
_Static_assert(EDDY_WITH_ALL == 7 && EDDY_WITH_KEY == 1 && EDDY_WITH_WORD == 2,
               "they are the upper bits of `header_size`");

static inline uint32_t eddy_with_of(uint32_t header_size)
{
    return header_size >> EDDY_HEADER_WITH;
}

/* Bytes of it. */
static inline uint64_t eddy_with_room(uint32_t with)
{
    return (with & EDDY_WITH_KEY ? EDDY_KEY_BYTES : 0u) + (with & EDDY_WITH_WORD ? 8u : 0u) +
           (with & EDDY_WITH_TIME ? 8u : 0u);
}

#endif
