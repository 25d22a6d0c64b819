/* wait.h - waiting for another thread or process: looking for a while, then sleeping.  (internal)
 *
 *   eddy_wait:  look -> look again and again, if that has paid lately -> arm, look, sleep
 *
 * Threads: any number may wait at once at one place; what they learn at once may get lost.
 * Crash:   private memory; a bell is as in futex.h.
 *                                                              spec/protocols.md, "Waiting"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WAIT_H
#define EDDY_WAIT_H

#include "allocator/wait/orphans.h"
#include "allocator/wait/spin.h"

/* A kind of wait. */
struct eddy_awaited {
    /* EDDY_EAGAIN: not yet; anything else ends the wait, with that. */
    int (*look)(void *what);
    /* False: a look would be in vain.  Cheap; NULL if a look is. */
    bool (*hint)(const void *what);
    /* Told before and after each sleep, or NULL.  The bell is armed before, and looked at after. */
    void (*sleeps)(void *what, bool begins);
    uint32_t pauses; /* between two looks while one does not sleep: 1, or more if they disturb */
    uint64_t nap_ns; /* the longest sleep; 0: as long as it takes */
    /* Of the domain, where who rings the bell may be killed before; or NULL. */
    struct eddy_orphans *orphans;
    /* Where it will be published, and what was there before the last look: for `sleeps` to say.  Or
     * NULL. */
    const struct eddy_entry_seen *seen;
};

/* Until a look ends it, or the deadline has passed: EDDY_ETIMEDOUT.  EDDY_POLL: one look, no sleep,
 * and EDDY_EAGAIN.  `bell` is rung by whoever makes it so that a look ends the wait. */
int eddy_wait(struct eddy_spin *spin, const struct eddy_awaited *kind, void *what,
              _Atomic uint32_t *bell, uint64_t deadline);

#endif
