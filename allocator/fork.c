/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/fork.h"

#include "allocator/atomic.h"
#include "allocator/error.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct eddy_wiped eddy_wiped;

static uint32_t last_count; /* of this process and its ancestors */

/* Relaxed, all: nothing is handed on by the count, and who has a handle has it from who opened it. */
uint32_t eddy_fork_enter(void)
{
    uint32_t count = eddy_fork_count;
    if (count)
        return count;
    uint32_t next = __atomic_add_fetch(&last_count, 1, __ATOMIC_RELAXED);
    eddy_store_relaxed(&eddy_wiped.pid, getpid());
    return eddy_cas_relaxed(&eddy_wiped.count, &count, next) ? next : count;
}

bool eddy_is_guest(void)
{
    int32_t owner = eddy_load_relaxed(&eddy_wiped.pid);
    return owner != 0 && owner != getpid();
}

void eddy_fork_hold(void)
{
    pthread_mutex_lock(&eddy_wiped.forking);
}

void eddy_fork_let(void)
{
    pthread_mutex_unlock(&eddy_wiped.forking);
}

static pthread_mutex_t held; /* what the lock looks like while it is held by who forks */

static void before_fork(void)
{
    eddy_fork_hold();
    memcpy(&held, &eddy_wiped.forking, sizeof held);
}

/* Where the kernel does not wipe, fork() at least does.  The lock that fork() took is as it was, and
 * given back as any other. */
static void after_fork_in_child(void)
{
    memset(&eddy_wiped, 0, sizeof eddy_wiped);
    memcpy(&eddy_wiped.forking, &held, sizeof held);
    eddy_fork_let();
}

__attribute__((constructor)) static void watch_forks(void)
{
    madvise(&eddy_wiped, sizeof eddy_wiped, MADV_WIPEONFORK);
    pthread_atfork(before_fork, eddy_fork_let, after_fork_in_child);
}

int eddy_fail_forked(void)
{
    return eddy_fail(EDDY_EFORKED,
                     "this handle belongs to the process that forked this one; open one here");
}
