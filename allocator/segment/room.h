/* room.h - telling writers that there is a slot to be had, or memory for one.  (internal)
 *
 *   room_news   even: nobody has looked in vain -- eddy_room_watch --> odd -- eddy_room_tell --> even, one higher
 *
 * Who sleeps for room is woken by `room_bell`.  Who does not wait, and has looked at all slots in vain,
 * remembers `room_news` as it was before that look: as long as it is the same, nothing was let go of.  A
 * count, as a bell is, but nobody sleeps on it, so that telling is no system call.
 *
 * Threads: any.
 * Crash:   who dies between letting go and telling has told nobody: nobody relies on it for long.
 *                                              spec/protocols.md, "At the limit"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ROOM_H
#define EDDY_ROOM_H

#include "allocator/segment/layout.h"
#include "allocator/wait/futex.h"

/* Before a look that may be in vain: what is let go of behind it changes what this returns. */
static inline uint32_t eddy_room_watch(struct eddy_control *c)
{
    return eddy_or_seq(&c->room_news, 1u) | 1u; /* seq: then we look at the slots */
}

/* The same of a slot, which is likely to be what who has looked in vain can have. */
static inline void eddy_room_hint(struct eddy_control *c, uint32_t slot)
{
    if (__builtin_expect(eddy_load_relaxed(&c->room_news) & 1u, 0)) /* a hint */
        eddy_store_relaxed(&c->room_slot, slot);
}

/* After something was let go of, by a sequentially consistent store if that is to be told for sure. */
static inline void eddy_room_tell(struct eddy_control *c)
{
    /* seq: who looks in vain says so, then looks at what we have let go of. */
    if (__builtin_expect(eddy_load_seq(&c->room_news) & 1u, 0))
        eddy_add_relaxed(&c->room_news, 1u); /* it counts, and orders nothing */
    eddy_bell_ring(&c->room_bell);
}

#endif
