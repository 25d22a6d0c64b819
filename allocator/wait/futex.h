/* futex.h - bells: how one process sleeps until another has something for it.  (internal)
 *
 *   even: nobody sleeps -- eddy_bell_arm --> odd -- eddy_bell_ring --> even, one higher
 *
 * A bell is one futex word, a count.  The sleeper arms it, looks once more for what it waits for,
 * then waits while the word is what it saw.  The waker makes the thing true, then looks at the
 * bell.  Both use sequentially consistent accesses, so one sees the other.  Ringing counts and
 * wakes in one system call, so a waker that dies cannot leave the bell silent: either the word
 * still is odd for the next waker, or the sleepers are awake.  It counts because several may sleep
 * on one bell: another who arms it again must not make it look to us as if it had not been rung.
 *
 * Threads: any number may sleep on or ring one bell.
 * Crash:   a dead sleeper leaves at most one needless wake behind, as do two who ring at once.
 *                                                              spec/protocols.md, "Sleeping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FUTEX_H
#define EDDY_FUTEX_H

#include "allocator/atomic.h"

/* What eddy_bell_wait is to be given. */
static inline uint32_t eddy_bell_arm(_Atomic uint32_t *bell)
{
    return eddy_or_seq(bell, 1u) | 1u;
}

/* The system call of ringing; eddy_bell_ring asks first whether anybody sleeps. */
void eddy_bell_wake(_Atomic uint32_t *bell);

static inline void eddy_bell_ring(_Atomic uint32_t *bell)
{
    if (eddy_load_seq(bell) & 1u)
        eddy_bell_wake(bell);
}

/* Sleeps unless the bell was rung since it was armed, until `deadline`.  False: the deadline
 * passed.  May wake for nothing. */
bool eddy_bell_wait(_Atomic uint32_t *bell, uint32_t armed, uint64_t deadline);

/* Sleeps; a signal may end it early.  No cancellation point. */
void eddy_nap(uint64_t nanoseconds);

/* Waits until a count is 0, in naps: of threads that count themselves in (seq) for a few steps and
 * out again (release).  Who waits may be all that keeps them from the processor, by its real-time
 * priority, so that neither looking all the time nor sched_yield would do. */
void eddy_await_none(const _Atomic uint32_t *count);

#endif
