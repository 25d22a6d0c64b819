/* fd.h - the descriptor of a wait set.  (internal)
 *
 *   written (readable) -- a wait finds nothing: eddy_waitset_pipe_arm --> armed -- news --> written
 *
 * Threads: whoever waits arms it; a thread of ours writes.
 * Crash:   private to the process.              spec/protocols.md, "A descriptor to poll on"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WAITSET_FD_H
#define EDDY_WAITSET_FD_H

#include <stdbool.h>

struct eddy_waitset_pipe;

/* Makes it unreadable until there is news.  What came since the wait looked counts. */
void eddy_waitset_pipe_arm(struct eddy_waitset_pipe *pipe);

/* Ends the thread; in a forked child, which has none, only closes.  NULL is allowed. */
void eddy_waitset_pipe_free(struct eddy_waitset_pipe *pipe, bool forked);

#endif
