/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/wait/futex.h"

#include <eddy/domain.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NAP_MIN UINT64_C(20000) /* ns */
#define NAP_MAX UINT64_C(1000000)

uint64_t eddy_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t eddy_deadline(uint64_t nanoseconds)
{
    uint64_t now = eddy_now();
    return nanoseconds > EDDY_FOREVER - now ? EDDY_FOREVER : now + nanoseconds;
}

void eddy_bell_wake(_Atomic uint32_t *bell)
{
    const unsigned count = FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0);
    int saved = errno;
    if (syscall(SYS_futex, bell, FUTEX_WAKE_OP, INT_MAX, NULL, bell, count) < 0) {
        /* A filter of system calls.  Who looks now and then sees that it has changed, and the simplest
         * call may be allowed. */
        eddy_add_seq(bell, 1u);
        syscall(SYS_futex, bell, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
    errno = saved;
}

void eddy_nap(uint64_t nanoseconds)
{
    struct timespec t = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
    int saved = errno;
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
    errno = saved;
}

/* The kernel does not let us sleep on the word: a filter of system calls (seccomp), say.  Then it is
 * looked at now and then. */
static bool wait_without(_Atomic uint32_t *bell, uint32_t armed, uint64_t deadline)
{
    uint64_t now = eddy_now();
    /* Relaxed: what has come is looked at by the caller. */
    while (eddy_load_relaxed(bell) == armed) {
        if (now >= deadline)
            return false;
        eddy_nap(deadline - now < NAP_MAX ? deadline - now : NAP_MAX);
        now = eddy_now();
    }
    return true;
}

bool eddy_bell_wait(_Atomic uint32_t *bell, uint32_t armed, uint64_t deadline)
{
    struct timespec until = {(time_t)(deadline / 1000000000u), (long)(deadline % 1000000000u)};
    /* WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so that interruptions do not stretch it.
     */
    long rc = syscall(SYS_futex, bell, FUTEX_WAIT_BITSET, armed,
                      deadline == EDDY_FOREVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    if (rc == 0 || errno == EAGAIN || errno == EINTR)
        return true;
    return errno != ETIMEDOUT && wait_without(bell, armed, deadline);
}

void eddy_await_none(const _Atomic uint32_t *count)
{
    /* seq: before that, what they look for was taken away; who counts itself in later finds that. */
    for (uint64_t nap = NAP_MIN; eddy_load_seq(count) != 0; nap = nap < NAP_MAX ? 2 * nap : nap)
        eddy_nap(nap);
}
