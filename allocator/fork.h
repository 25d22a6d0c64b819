/* fork.h - how a handle knows that it was inherited.  (internal)
 *
 * A handle keeps the count that it was opened with.  The count lies on a page that the kernel clears
 * in every child that has memory of its own (MADV_WIPEONFORK), whichever call made it: 0 there, until
 * the child opens something itself, and then a number that no ancestor had.  The locks of lists that
 * a process has of its handles lie on the same page, so that no child finds one taken.
 *
 * A child of vfork shares its parent's memory and cannot be told from it by looking there; but it has
 * another process id, at which all calls look that open or close: eddy_is_guest.
 *
 * Threads: any.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FORK_H
#define EDDY_FORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EDDY_WIPED_BYTES 65536u /* whole pages, however large those are */

struct eddy_wiped {
    _Alignas(EDDY_WIPED_BYTES) _Atomic uint32_t count; /* 0: in a child that has opened nothing */
    _Atomic int32_t pid; /* whose memory this is; 0: nobody has asked */
    pthread_mutex_t forking, domains, rings, joins, messages, listening; /* zero: free */
    unsigned in_callback[2]; /* threads: see message.c */
    bool joins_are_own;      /* the table of joins is this process's; under its lock */
};
extern struct eddy_wiped eddy_wiped __attribute__((visibility("hidden")));

/* What a handle was opened with, to compare with. */
#define eddy_fork_count atomic_load_explicit(&eddy_wiped.count, memory_order_relaxed)

/* The count for a handle that is being opened; never 0. */
uint32_t eddy_fork_enter(void);

/* Whether a list of handles is this process's, by the count that is kept beside it; from now on it
 * is.  If not, an ancestor has left it: another thread may have been changing it then, and what a
 * child inherits of that is not even all of one moment.  It is to begin anew, empty.  For who has the
 * list's lock. */
static inline bool eddy_fork_owns(uint32_t *whose)
{
    uint32_t me = eddy_fork_count;
    bool own = *whose == me;
    *whose = me;
    return own;
}

/* True in a process that runs in its parent's memory, as a child of vfork does. */
bool eddy_is_guest(void);

/* Between these no child is made by fork(): those by other means do not ask. */
void eddy_fork_hold(void);
void eddy_fork_let(void);

/* EDDY_EFORKED, with a sentence. */
int eddy_fail_forked(void);

#endif
