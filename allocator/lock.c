/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/lock.h"

#include "allocator/error.h"
#include "allocator/point.h"

#include <eddy/domain.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>

static int set_lock(int fd, int64_t at, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int rc;
    do
        rc = fcntl(fd, F_OFD_SETLK, &lock);
    while (rc != 0 && errno == EINTR);
    return rc;
}

bool eddy_lock_try(int fd, int64_t at, enum eddy_lock_kind kind)
{
    return set_lock(fd, at, kind == EDDY_LOCK_SHARED ? F_RDLCK : F_WRLCK) == 0;
}

void eddy_lock_drop(int fd, int64_t at)
{
    set_lock(fd, at, F_UNLCK);
}

int eddy_lock_wait(int fd, int64_t at, enum eddy_lock_kind kind, uint64_t deadline,
                   const char *what)
{
    /* Polled, since F_OFD_SETLKW knows no deadline; held for a few file operations by those who go
     * about it. */
    for (long nap = 20000; !eddy_lock_try(fd, at, kind); nap = nap < 5000000 ? nap * 2 : nap) {
        if (errno != EAGAIN && errno != EACCES)
            return eddy_fail_errno("cannot lock a file of Eddy's");
        if (eddy_now() >= deadline)
            return eddy_fail(EDDY_EBUSY,
                             "another process has been busy with %s for too long (is it stopped?); "
                             "try again",
                             what);
        EDDY_POINT("lock:busy");
        nanosleep(&(struct timespec){0, nap}, NULL);
    }
    return EDDY_OK;
}

int eddy_lock_look(int fd, int64_t at, int64_t bytes)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = bytes};
    return fcntl(fd, F_OFD_GETLK, &lock) != 0 ? -1 : lock.l_type != F_UNLCK;
}

bool eddy_lock_is_held(int fd, int64_t at, int64_t bytes)
{
    return eddy_lock_look(fd, at, bytes) != 0; /* if it cannot be known, somebody may live */
}
