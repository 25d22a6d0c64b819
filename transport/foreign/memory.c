/* What is behind a descriptor that somebody gave, and what it can do to who maps it.
 * spec/foreign.md, "What is believed"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/foreign/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DMABUF_FILE_SYSTEM 0x444d4142 /* DMA_BUF_MAGIC of <linux/magic.h> */

/* <linux/dma-buf.h>, which not every system has. */
struct dma_buf_sync {
    uint64_t flags;
};
#define DMABUF_SYNC_READ  (1u << 0)
#define DMABUF_SYNC_START (0u << 2)
#define DMABUF_SYNC_END   (1u << 2)
#define DMABUF_SYNC       _IOW('b', 0, struct dma_buf_sync)

/* Only the kernel's own pseudo file systems say such things: nobody can make one up. */
static bool is_dmabuf(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 && system.f_type == DMABUF_FILE_SYSTEM;
}

static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK);
}

int eddy_memory_look(int fd, enum eddy_foreign_kind *kind, uint64_t *bytes)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return eddy_fail_errno("cannot look at descriptor %d", fd);
    bool dmabuf = is_dmabuf(fd);
    off_t size = dmabuf ? lseek(fd, 0, SEEK_END) : status.st_size;
    *kind = dmabuf ? EDDY_MEMORY_DMABUF : is_sealed(fd) ? EDDY_MEMORY_SEALED : EDDY_MEMORY_UNSEALED;
    if (size <= 0 || S_ISDIR(status.st_mode))
        return eddy_fail(EDDY_EACCES, "descriptor %d is no memory, or it is empty", fd);
    *bytes = (uint64_t)size;
    return EDDY_OK;
}

/* A dma-buf has no file that could be opened again: who exports it chooses its rights. */
int eddy_memory_reduced(int fd, enum eddy_foreign_kind kind, int *reduced)
{
    char own[40];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
    bool can = kind != EDDY_MEMORY_DMABUF && mode != O_RDONLY;
    *reduced = can ? open(own, O_RDONLY | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (*reduced < 0)
        return eddy_fail_errno("cannot open memory again for reading alone (is there a /proc?)");
    return EDDY_OK;
}

void eddy_memory_seal(int fd)
{
    (void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
}

int eddy_memory_sync(int fd, bool begins)
{
    struct dma_buf_sync sync = {DMABUF_SYNC_READ | (begins ? DMABUF_SYNC_START : DMABUF_SYNC_END)};
    int rc;
    do
        rc = ioctl(fd, DMABUF_SYNC, &sync);
    while (rc != 0 && (errno == EINTR || errno == EAGAIN));
    return rc == 0 ? EDDY_OK : eddy_fail_errno("cannot make a dma-buf ready to be read");
}
