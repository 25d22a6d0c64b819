/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/wait/orphans.h"

#include "allocator/point.h"
#include "allocator/wait/futex.h"

#include <eddy/domain.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

_Thread_local struct eddy_robust *eddy_robust_own;
static _Thread_local struct eddy_robust nobodys;

struct eddy_robust *eddy_robust_find(void)
{
    void *head = NULL;
    size_t bytes = 0;
    int saved = errno;
    if (eddy_robust_own)
        return &nobodys;
    bool found = syscall(SYS_get_robust_list, 0, &head, &bytes) == 0 && head &&
                 bytes == sizeof(struct eddy_robust);
    errno = saved;
    eddy_robust_own = found ? head : &nobodys;
    return eddy_robust_own;
}

/* --- sleeping -------------------------------------------------------------------------------- */

/* The kernel compares and queues in this order, and names the last of those that woke us: nobody is
 * woken by an entry.  A writer that publishes later than it is compared finds us in the queue of `word`
 * when it is killed. */
enum { BELL, TOLLS, WORD, ENTRY, ENTRY_REST, WORDS };

static void toll(struct eddy_orphans *o)
{
    EDDY_POINT("orphans:woken");
    eddy_add_seq(&o->tolls, 1u); /* [toll] */
    EDDY_POINT("orphans:counted");
    syscall(SYS_futex, &o->tolls, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#ifdef SYS_futex_waitv

/* Since Linux 5.16; and a filter of system calls may not know it. */
static atomic_bool refused;

static long wait_on_all(struct eddy_orphans *o, const struct eddy_vigil *v, uint64_t deadline)
{
    struct futex_waitv on[WORDS] = {
        [BELL] = {.val = v->armed, .uaddr = (uintptr_t)v->bell, .flags = FUTEX_32},
        [TOLLS] = {.val = v->tolls, .uaddr = (uintptr_t)&o->tolls, .flags = FUTEX_32},
        [WORD] = {.val = 0, .uaddr = (uintptr_t)&o->word, .flags = FUTEX_32},
    };
    struct timespec until = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
    uint32_t words = ENTRY, halves[WORDS - ENTRY];
    if (v->seen) {
        memcpy(halves, &v->seen->was, sizeof halves);
        for (; words < WORDS; words++)
            on[words] = (struct futex_waitv){.val = halves[words - ENTRY],
                                             .uaddr = (uintptr_t)v->seen->at +
                                                      (words - ENTRY) * sizeof halves[0],
                                             .flags = FUTEX_32};
    }
    return syscall(SYS_futex_waitv, on, words, 0, deadline == EDDY_FOREVER ? NULL : &until,
                   CLOCK_MONOTONIC);
}

bool eddy_orphans_wait(struct eddy_orphans *o, const struct eddy_vigil *v, uint64_t deadline)
{
    if (atomic_load_explicit(&refused, memory_order_relaxed)) /* it stays so */
        return eddy_bell_wait(v->bell, v->armed, deadline);
    struct eddy_robust *own = eddy_orphans_begin(o);
    long rc = wait_on_all(o, v, deadline);
    int error = rc < 0 ? errno : 0;
    if (rc == WORD)
        toll(o);
    eddy_orphans_end(own);
    if (error == 0 || error == EAGAIN || error == EINTR)
        return true;
    if (error == ETIMEDOUT)
        return false;
    atomic_store_explicit(&refused, true, memory_order_relaxed);
    return eddy_bell_wait(v->bell, v->armed, deadline);
}

#else

bool eddy_orphans_wait(struct eddy_orphans *o, const struct eddy_vigil *v, uint64_t deadline)
{
    (void)o;
    return eddy_bell_wait(v->bell, v->armed, deadline);
}

#endif
