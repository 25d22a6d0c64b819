/* foreign.h - descriptors that are not Eddy's on a wait set.  (internal)
 *
 *   attached -- a look finds it not ready: armed -- it is: a thread of ours tells the bell --> looked at
 *
 * The kernel has no sleep on a futex and on descriptors both.  So a thread sleeps on the descriptors
 * (epoll) in the wait set's place, and tells its bell as an event does: all that waits sleeps on the
 * bell as before, and what is published costs what it cost.  Each descriptor is armed for once, after
 * a look that found it not ready: nothing is told that has been told already.
 *
 * Threads: those of the wait set, under its lock; a thread of ours, which takes none.
 * Crash:   private to the process.                  spec/protocols.md, "Descriptors of others"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WAITSET_FOREIGN_H
#define EDDY_WAITSET_FOREIGN_H

#include <stdbool.h>

struct eddy_attachment;
struct eddy_foreign;

/* Whether there is what is asked for, or something wrong with it.  If not, it is armed. */
bool eddy_foreign_is_ready(struct eddy_foreign *foreign, const struct eddy_attachment *attached);

/* It is told of no more. */
void eddy_foreign_drop(struct eddy_foreign *foreign, const struct eddy_attachment *attached);

/* Ends the thread; in a forked child, which has none, only closes.  NULL is allowed. */
void eddy_foreign_free(struct eddy_foreign *foreign, bool forked);

#endif
