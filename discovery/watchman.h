/* watchman.h - a thread to which the kernel tells what becomes of who is on a topic.  (internal)
 *
 *   eddy_watchman_add (the first of a domain handle starts the thread) -> tell, tell, ...
 *       -> eddy_watchman_drop (the last ends it)
 *
 * By inotify, which needs nobody's help, it hears of two things: that somebody has touched a topic's
 * control file, as all do who come, go, reap, or let go of a reader (endpoint.h); and that the last
 * reference to a description of a file of lives is gone, as is a participant's when its memory goes,
 * however it went, in whatever PID namespace.  Then it asks the lock, which alone decides.  The
 * kernel tells right before it drops the lock: so it asks again, for a second, ever less often.
 *
 * It has a table of descriptors of its own, so that the program can close none of them and no child
 * inherits one; hence it adds to what it listens to itself, and is called by a touch of the file in
 * which its own participant lives.
 *
 * Threads: any may add, drop and ask; `tell` is called in the watchman's thread, with its lock held.
 * Crash:   goes with the process.  A forked child has none.
 *                                                         spec/topics.md, "Watching who is there"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WATCHMAN_H
#define EDDY_WATCHMAN_H

#include "discovery/beat.h"
#include "discovery/domain.h"

/* Afterwards nothing is missed.  Takes a moment.  EDDY_ESYS: no thread, or no inotify. */
int eddy_watchman_add(struct eddy_domain *domain, struct eddy_beat *watched);
/* `tell` is not called any more.  The last of a domain takes some 20 ms: closing inotify does. */
void eddy_watchman_drop(struct eddy_domain *domain, struct eddy_beat *watched);

/* In a forked child, in place of that: it has no watchman. */
void eddy_watchman_forget(struct eddy_beat *beat);

/* What is known of a participant; who is not known is neither dead nor stopped. */
struct eddy_beat_life eddy_watchman_ask(struct eddy_beat *watched, uint64_t id);

#endif
