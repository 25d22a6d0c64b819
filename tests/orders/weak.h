/* weak.h - a machine that shows what C11 allows and x86 does not: threads that see stores late.
 *
 * Each atomic word keeps its last few values, in modification order.  A load may return any of them
 * that is not ruled out by what happened before, by coherence or by the order of the seq_cst
 * accesses; a store may come in before values that it has not heard of: by lot.  A thread's
 * clock says what happened before; a release hands it on with the value, and an acquire takes it
 * over.  So a missing acquire or release shows when a later load returns what is out of date or
 * a plain access races, and a missing seq_cst when the two sides of a store-buffering pattern miss
 * each other.
 *
 * That order is not that of time: an access may come in before others that ran earlier, as long as
 * nothing has put them into order yet (weak_order.c).
 *
 * Sound, not complete: whatever it does, C11 allows (as RC11 reads it, without its fences), so a
 * test that fails here shows a fault.  It does not show what needs values from the future.  A word
 * of a shared mapping is one word wherever the file is mapped.  Memory that changes behind its back
 * (the kernel's, another process's) starts anew with what is there, seen by all.  The kernel
 * orders, too: who takes a lock or sees it free comes after who dropped it, who maps a file after
 * who linked it.
 *
 *   EDDY_WEAK_SEED  repeats the lots, though not the scheduler
 *
 * Threads: any; up to 48 alive at a time.
 * Crash:   private memory only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_WEAK_H
#define EDDY_TESTS_WEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weak_change { WEAK_OR, WEAK_AND, WEAK_SWAP, WEAK_ADD };

/* Orders are memory_order's. */
uint64_t weak_load(const volatile void *word, size_t size, int order);
void weak_store(volatile void *word, size_t size, uint64_t value, int order);
uint64_t weak_change(volatile void *word, size_t size, enum weak_change how, uint64_t value,
                     int order);
/* *expected receives what was found when it fails. */
bool weak_cas(volatile void *word, size_t size, void *expected, uint64_t value, int order,
              int failure);

/* A plain access: aborts if it races with another. */
void weak_reads_plainly(const uint64_t *word);
void weak_writes_plainly(const uint64_t *word);

/* Runs live(argument) as a life of its own: after so many steps (0: never) the thread stops within
 * whatever it does, as a process does that is killed.  What it has mapped, opened and allocated
 * since goes; the locks of its descriptors fall.  False: it died.  */
bool weak_live(void (*live)(void *), void *argument, uint64_t steps);

#endif
