/* futex.h - bells: how one process sleeps until another has something for it.  (internal)
 *
 *   AWAKE (0) -- eddy_bell_arm --> ASLEEP (1) -- eddy_bell_ring, or the sleeper itself --> AWAKE
 *
 * A bell is one futex word.  The sleeper arms it, looks once more for what it waits for, then
 * waits.  The waker makes the thing true, then looks at the bell.  Both use sequentially consistent
 * accesses, so one sees the other.  Ringing clears the word and wakes in one system call, so a waker
 * that dies cannot leave the bell silent: either the word still says ASLEEP for the next waker, or
 * the sleepers are awake.
 *
 * Threads: any number may sleep on or ring one bell.
 * Crash:   a dead sleeper leaves at most one needless wake behind.
 *                                                              spec/protocols.md, "Sleeping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FUTEX_H
#define EDDY_FUTEX_H

#include "allocator/atomic.h"

static inline void eddy_bell_arm(_Atomic uint32_t *bell)
{
    eddy_store_seq(bell, 1u);
}

/* The system call of ringing; eddy_bell_ring asks first whether anybody sleeps. */
void eddy_bell_wake(_Atomic uint32_t *bell);

static inline void eddy_bell_ring(_Atomic uint32_t *bell)
{
    if (eddy_load_seq(bell) != 0)
        eddy_bell_wake(bell);
}

/* Sleeps while the bell is armed, until `deadline`.  False: the deadline passed.  May wake for
 * nothing. */
bool eddy_bell_wait(_Atomic uint32_t *bell, uint64_t deadline);

#endif
