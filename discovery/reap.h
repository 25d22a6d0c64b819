/* reap.h - take back what the dead held on a topic.  (internal)
 *
 *   seat of a dead participant -- swap the owner to (me, reaping) --> mine
 *   mine -- cursor, pins, loans, history back --> free
 *
 * The swap makes one reaper the seat's owner; if that one dies, the next takes the seat from it and
 * does all again: every step may be done twice.  A participant that is alive or only stopped keeps
 * its lock, and is never reaped.
 *
 * Threads: any, at any time; none waits.
 * Crash:   see above.                                          spec/protocols.md, "Reaping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_REAP_H
#define EDDY_REAP_H

#include "allocator/futex.h"
#include "allocator/segment.h"
#include "discovery/domain.h"

struct eddy_reaped {
    uint32_t reaped; /* seats of the dead */
    uint32_t alive;  /* seats of the living, our own participant's among them */
    uint32_t others; /* seats of other living participants */
};

/* Reaps every dead seat of a topic. */
struct eddy_reaped eddy_reap_topic(const struct eddy_domain *domain, struct eddy_segment *segment);

/* Looks without touching. */
struct eddy_reaped eddy_count_members(const struct eddy_domain *domain,
                                      struct eddy_segment *segment);

/* Wakes whoever sleeps for a topic.  Two loads when nobody does. */
static inline void eddy_wake_topic(struct eddy_control *c, struct eddy_registry *r)
{
    eddy_bell_ring(&c->readers_bell);
    for (uint64_t words = eddy_load_seq(&c->bell_words); words; words &= words - 1) {
        uint32_t w = (uint32_t)__builtin_ctzll(words);
        uint64_t hit = eddy_load_seq(&c->bells[w]) & eddy_load_seq(&r->sleeping[w]);
        for (; hit; hit &= hit - 1)
            eddy_bell_ring(&r->bells[w * 64 + (uint32_t)__builtin_ctzll(hit)].bell);
    }
}

/* Leaving in good order: the same steps, by the owner. */
void eddy_reader_seat_leave(struct eddy_segment *segment, uint32_t seat);
void eddy_writer_seat_leave(struct eddy_segment *segment, uint32_t seat);

#endif
