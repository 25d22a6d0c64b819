/* reclaim.h - a writer ends a sample of its own, when no reader has it or is to take it.  (internal)
 *
 *   published as sn -- reclaim --> ended: nobody gets it any more, and who read it is done
 *
 * For samples that stand for something else (transport/foreign/): their writer wants to know.  It
 * claims the slot as for a loan, and gives it back; or another writer has claimed it already.
 *
 * Threads: the writer's.
 * Crash:   as of a loan.                                      spec/protocols.md, "Reclaiming"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_RECLAIM_H
#define EDDY_RECLAIM_H

#include "transport/topic/writer.h"

/* A sample that was published. */
struct eddy_published {
    uint64_t sn;
    uint32_t slot, ticket;
};

/* Of the loan that the writer has just published. */
static inline struct eddy_published eddy_writer_published(const struct eddy_writer *w,
                                                          const struct eddy_loan *loan)
{
    return (struct eddy_published){w->last_sn, loan->slot, loan->ticket ^ w->mark};
}

/* How far readers are now.  presses: best-effort readers lose what they have not taken. */
struct eddy_limit eddy_writer_reclaim_limit(struct eddy_writer *writer, bool presses);

/* True: it has ended, by this or before. */
bool eddy_writer_reclaim(struct eddy_writer *writer, const struct eddy_published *sample,
                         const struct eddy_limit *limit);

/* Until look says something else than EDDY_EAGAIN, not past `deadline`; has the dead reaped and lets go
 * of readers as who waits for room does.  EDDY_EAGAIN, EDDY_ETIMEDOUT. */
int eddy_writer_await(struct eddy_writer *writer, int (*look)(void *context), void *context,
                      uint64_t deadline);

#endif
