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

/* Leaving in good order: the same steps, by the owner. */
void eddy_reader_seat_leave(struct eddy_segment *segment, uint32_t seat);
void eddy_writer_seat_leave(struct eddy_segment *segment, uint32_t seat);

#endif
