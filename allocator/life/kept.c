/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/life/kept.h"

#include "allocator/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

/* The signal that a description would send if anything asked it to, which nothing does: a member of
 * descriptions that is there for any file, and that nobody else sets to this. */
#define MARK 63

/* Where the kernel does not tell, for whatever reason, what else is known must be enough: which file
 * it is, or that it has our mark. */
static bool is_same(const struct eddy_kept *k, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return errno != EBADF;
    return k->inode == 0 || (status.st_dev == k->device && status.st_ino == k->inode);
}

static bool has_mark(int fd)
{
    int mark = fcntl(fd, F_GETSIG);
    return mark == MARK || (mark < 0 && errno != EBADF);
}

static bool is_ours(const struct eddy_kept *k, int fd)
{
    return fd >= 0 && is_same(k, fd) && (!k->is_marked || has_mark(fd));
}

void eddy_kept_begin(struct eddy_kept *k, int fd, const char *path, int flags)
{
    struct stat status = {0};
    fstat(fd, &status);
    *k = (struct eddy_kept){.flags = flags,
                            .is_marked = fcntl(fd, F_SETSIG, MARK) == 0,
                            .device = status.st_dev,
                            .inode = status.st_ino,
                            .path = path};
    eddy_store_relaxed(&k->fd, fd); /* nobody else has it yet */
}

struct eddy_kept eddy_kept_lent(int fd)
{
    struct stat status = {0};
    fstat(fd, &status);
    return (struct eddy_kept){.fd = fd, .device = status.st_dev, .inode = status.st_ino};
}

static int open_anew(struct eddy_kept *k, int lost)
{
    int fd = k->path ? open(k->path, k->flags | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0) {
        errno = k->path ? errno : EBADF;
        return -1;
    }
    if (!is_same(k, fd)) {
        close(fd);
        errno = ESTALE;
        return -1;
    }
    if (k->is_marked)
        (void)fcntl(fd, F_SETSIG, MARK);
    /* Relaxed: what the number leads to is the kernel's.  Another thread may have been faster. */
    if (eddy_cas_relaxed(&k->fd, &lost, fd))
        return fd;
    close(fd);
    return lost;
}

int eddy_kept_fd(const struct eddy_kept *kept)
{
    struct eddy_kept *k = (struct eddy_kept *)(uintptr_t)kept; /* the number alone changes */
    int fd = eddy_load_relaxed(&k->fd);
    return is_ours(k, fd) ? fd : open_anew(k, fd);
}

void eddy_kept_end(struct eddy_kept *k)
{
    int fd = eddy_load_relaxed(&k->fd);
    if (is_ours(k, fd))
        close(fd);
    eddy_store_relaxed(&k->fd, -1);
}
