/* fork.h - how a handle knows that it was inherited.  (internal)
 *
 * A handle keeps the count that it was opened with; in a forked child the count is another.
 *
 * Threads: the count changes only while a child has one thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FORK_H
#define EDDY_FORK_H

#include <stdint.h>

/* Forks that led to this process, as far back as Eddy was there. */
extern uint32_t eddy_fork_count;

/* EDDY_EFORKED, with a sentence. */
int eddy_fail_forked(void);

#endif
