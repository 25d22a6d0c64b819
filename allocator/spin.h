/* spin.h - looking again and again for a while, before one sleeps.  (internal)
 *
 *   eddy_spin_init -> eddy_spin, as often as one waits: how long, it learns from what paid lately
 *
 * Threads: any number; what they learn at once may get lost.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SPIN_H
#define EDDY_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct eddy_spin {
    bool may;         /* there is another CPU for those we wait for */
    int64_t fixed_ns; /* 0 learns what pays, < 0 never, > 0 that long */
    _Atomic uint64_t budget_ns;
    _Atomic uint32_t fruitless;
};

void eddy_spin_init(struct eddy_spin *spin, int64_t fixed_ns);

/* True as soon as `ready` is.  False at once for EDDY_POLL. */
bool eddy_spin(struct eddy_spin *spin, uint64_t deadline, bool (*ready)(const void *what),
               const void *what);

#endif
