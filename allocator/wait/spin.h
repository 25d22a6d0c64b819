/* spin.h - for how long a wait looks before it sleeps: what one place where one waits has learnt.
 * (internal)
 *
 *   asleep -- enough sleeps, none of them long --> looking, on a stake -- lost --> asleep, for longer
 *
 * Sleeping costs two switches, and a system call of whoever wakes us; looking costs the time for
 * which one looks.  Looking goes on while waits are shorter than a sleep is worth, or while it makes
 * come sooner what one waits for; what it may cost in vain is bounded, whatever the others do.
 *
 * Threads: any number; what they learn at once may get lost.
 * Crash:   private memory.
 *                                                              spec/protocols.md, "Waiting"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SPIN_H
#define EDDY_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Waits of one sort: how many, and the mean time from one's end to the next one's. */
struct eddy_spin_pace {
    uint32_t count;
    uint64_t intervals, waits; /* sums, nanoseconds */
};

struct eddy_spin {
    bool may;             /* there is another CPU for those we wait for */
    int64_t fixed_ns;     /* 0 learns what pays, < 0 never, > 0 that long */
    _Atomic bool busy;    /* a thread has what follows */
    bool looks;           /* or sleeps at once */
    int64_t stake_ns;     /* looking goes on while it lasts */
    uint64_t looked;      /* for so long, since it last paid for itself or was found to gain */
    int64_t allowance_ns; /* for what is in vain */
    uint32_t sleeps;      /* to come before the next try */
    uint32_t found;       /* by looking, since this try began */
    int64_t gain_ns;      /* by which looking makes things come sooner, if it lives by that */
    uint32_t left,
        term;      /* found by looking before sleeping is measured again; the next such term */
    uint64_t last; /* when a wait ended last */
    _Atomic uint32_t shares; /* others of this CPU ran when they were let; it fades */
    struct eddy_spin_pace asleep, looking;
};

void eddy_spin_init(struct eddy_spin *spin, int64_t fixed_ns);

/* For how long to look in the next wait; 0: sleep at once. */
uint64_t eddy_spin_limit(struct eddy_spin *spin);

/* Letting others of this CPU run took so long.  Where somebody did, and was soon done, the next wait lets
 * them run at once, before it looks: they are those to whom we have just given something to do. */
void eddy_spin_shared(struct eddy_spin *spin, uint64_t took_ns);
bool eddy_spin_shares(const struct eddy_spin *spin);

/* How a wait went. */
struct eddy_spun {
    uint64_t limit;      /* as it was given */
    uint64_t begin, end; /* of the wait */
    uint64_t looked;     /* until then; begin if not at all */
    bool found;          /* by looking */
};
void eddy_spin_learn(struct eddy_spin *spin, const struct eddy_spun *how);

#endif
