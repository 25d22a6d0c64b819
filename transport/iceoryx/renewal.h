/* renewal.h - going on when the domain's files were removed.  (internal)
 *
 *   removed -> told to people -> a new domain is opened -> each publisher and subscriber moves there
 *
 * Whoever had the domain open could go on with the others, but newcomers would never meet them: two
 * worlds.  So all of a process move: publishers at once, with what they keep for late readers, or when
 * their last loan is back; subscribers in the thread of their listener, once they have handed on what
 * was there.  What a publisher publishes again a subscriber that has had it passes over.
 *
 * Threads: one of its own, which sleeps until the files are removed.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_RENEWAL_H
#define EDDY_ICEORYX_RENEWAL_H

#include "binding.h"

struct eddy_watcher;

/* Watches over a domain that was opened just now. */
void eddy_renewal_watch(eddy_domain *domain);

/* The domain is about to be closed: its files may go with it. */
void eddy_renewal_stop(void);

/* Who is told.  A publisher moves at once; a listener's thread is woken, and calls
 * eddy_watcher_renew. */
void eddy_renewal_add_pub(iox_pub_t pub);
void eddy_renewal_remove_pub(iox_pub_t pub);
void eddy_renewal_add_watcher(struct eddy_watcher *watcher);
void eddy_renewal_remove_watcher(struct eddy_watcher *watcher);

#endif
