/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/fork.h"

#include "allocator/error.h"

#include <pthread.h>

uint32_t eddy_fork_count;

static void count_fork(void)
{
    eddy_fork_count++;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

int eddy_fail_forked(void)
{
    return eddy_fail(EDDY_EFORKED,
                     "this handle belongs to the process that forked this one; open one here");
}
