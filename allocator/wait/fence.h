/* fence.h - one side of "I say, then look; you say, then look" for nothing, the other at a price.
 *           (internal)
 *
 * Where one of two sides acts all the time and the other once in a blue moon, a fence on both would
 * be paid by the wrong one.  The frequent side keeps its order for the compiler alone
 * (eddy_fence_light); the rare one has the kernel make every processor finish what it was at
 * (eddy_fence_all).  Then one of the two sees what the other said.
 *
 * Threads: any.  Crash: nothing is shared.               spec/protocols.md, "Letting go of a reader"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FENCE_H
#define EDDY_FENCE_H

#include <stdatomic.h>
#include <stdbool.h>

static inline void eddy_fence_light(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

/* Takes some 10 ms.  False: this kernel, or a filter of system calls, does not do that. */
bool eddy_fence_all(void);

#endif
