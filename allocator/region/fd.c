/* Regions without a name: created, or attached by a descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008u
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

static const char *const shown = "a nameless region";

/* --- creating -------------------------------------------------------------------------------- */

static int open_memory(uint64_t page_bytes)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    if (page_bytes)
        flags |= MFD_HUGETLB | (unsigned)__builtin_ctzll(page_bytes) << MFD_HUGE_SHIFT;
    int fd = memfd_create("eddy-region", flags | MFD_NOEXEC_SEAL);
    return fd < 0 && errno == EINVAL ? memfd_create("eddy-region", flags) : fd;
}

static int fail_memory(uint64_t page_bytes)
{
    if (page_bytes)
        return eddy_fail(EDDY_ENOMEM,
                         "cannot create a region with pages of %llu bytes; does the kernel "
                         "have them (/sys/kernel/mm/hugepages)? else leave page_bytes 0",
                         (unsigned long long)page_bytes);
    return eddy_fail_errno("cannot create a nameless region");
}

static int seal_and_size(int fd, uint64_t bytes, uint32_t mode)
{
    if (ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0 ||
        fchmod(fd, mode) != 0)
        return eddy_fail_errno("cannot size a nameless region of %llu bytes",
                               (unsigned long long)bytes);
    return EDDY_OK;
}

static int check_page(uint64_t *page_bytes)
{
    if (*page_bytes == eddy_page_round(1))
        *page_bytes = 0;
    if (*page_bytes == 0 || *page_bytes == UINT64_C(2) << 20 || *page_bytes == UINT64_C(1) << 30)
        return EDDY_OK;
    return eddy_fail(EDDY_EINVAL, "pages have %llu bytes (page_bytes 0), 2 MiB or 1 GiB",
                     (unsigned long long)eddy_page_round(1));
}

int eddy_region_create_nameless_sized(const struct eddy_region_options *options,
                                      size_t options_size, eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    int error = eddy_region_take(&o, options, options_size, 0666, EDDY_CLEANUP_AUTO);
    uint64_t page = error ? 0 : o.page_bytes;
    if (!error)
        error = check_page(&page);
    if (error)
        return error;
    int fd = open_memory(page);
    if (fd < 0)
        return fail_memory(page);
    uint64_t bytes = eddy_region_file_bytes(o.bytes, page);
    error = seal_and_size(fd, bytes, eddy_region_mode(&o));
    if (!error)
        error = eddy_region_build(fd, bytes, &o, shown, region);
    if (error)
        close(fd);
    return error;
}

/* --- attaching ------------------------------------------------------------------------------- */

/* Who could make it shorter could kill us with SIGBUS: it must be ours, or nobody can. */
static int check_trust(int fd, const struct stat *status, const struct eddy_region_options *o)
{
    if (!S_ISREG(status->st_mode))
        return eddy_fail(EDDY_EACCES, "descriptor %d is not of a regular file", fd);
    if (status->st_uid != geteuid() && !(o->flags & EDDY_REGION_FOREIGN) &&
        !(eddy_region_seals(fd) & EDDY_SEAL_SHRINK))
        return eddy_fail(
            EDDY_EACCES,
            "the region of descriptor %d belongs to user %u, who could shrink it under "
            "us; have it sealed, or give EDDY_REGION_FOREIGN",
            fd, status->st_uid);
    return EDDY_OK;
}

static int attach_fd(int fd, uint64_t bytes, const struct eddy_region_options *o,
                     struct eddy_region **region)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return eddy_fail_errno("cannot look at descriptor %d", fd);
    int error = check_trust(fd, &status, o);
    uint64_t all = (uint64_t)status.st_size;
    if (!error && all == 0)
        error = eddy_region_fail_empty(shown);
    if (!error && bytes > all)
        error = eddy_fail(EDDY_EBOUNDS, "the region has %llu bytes, not %llu",
                          (unsigned long long)all, (unsigned long long)bytes);
    return error ? error : eddy_region_view(fd, bytes ? bytes : all, o, shown, region);
}

int eddy_region_attach_fd_sized(int fd, uint64_t bytes, const struct eddy_region_options *options,
                                size_t options_size, eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    if (fd < 0)
        return eddy_fail(EDDY_EINVAL, "%d is no descriptor", fd);
    int error = eddy_region_take_view(&o, options, options_size);
    if (!error)
        error = attach_fd(fd, bytes, &o, region);
    if (error)
        close(fd);
    return error;
}
