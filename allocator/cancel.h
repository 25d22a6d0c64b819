/* cancel.h - no thread is cancelled while it holds something.  (internal)
 *
 * A thread that is cancelled (pthread_cancel) ends at the next call that is a cancellation point,
 * such as open, close or write, with whatever it holds: mutexes of the process, names that other
 * processes wait for, descriptors, half a handle.  So what may block on files or holds a lock over
 * such calls says EDDY_UNCANCELLED before anything else; a cancellation that comes meanwhile takes
 * effect at the caller's next cancellation point.  Sleeping on bells is none.
 *
 * Threads: any; it is a state of the thread, put back as it was at the end of the block.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CANCEL_H
#define EDDY_CANCEL_H

#include <pthread.h>

static inline int eddy_cancel_off(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void eddy_cancel_restore(const int *before)
{
    int ours;
    pthread_setcancelstate(*before, &ours);
}

/* In the block that it stands in, whichever way that is left. */
#define EDDY_UNCANCELLED                                                                           \
    __attribute__((unused, cleanup(eddy_cancel_restore))) const int eddy_cancel_before =           \
        eddy_cancel_off()

#endif
