/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/wait/fence.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool eddy_fence_all(void)
{
    int saved = errno;
    bool done = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0;
    errno = saved;
    return done;
}
