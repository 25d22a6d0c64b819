/* Files in memory.  file.h has the contract.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/file.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define POPULATE_MAX (64u << 20) /* of more, the page tables alone would take too long to fill */

uint64_t eddy_page_round(uint64_t bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

static int fail_map(uint64_t bytes)
{
    return eddy_fail_errno(
        "cannot map %llu bytes of shared memory (see vm.max_map_count, ulimit -v)",
        (unsigned long long)bytes);
}

static int rights(bool writable)
{
    return writable ? PROT_READ | PROT_WRITE : PROT_READ;
}

static int map_as(int fd, uint64_t offset, uint64_t bytes, int rights, void **address)
{
    void *at = mmap(NULL, bytes, rights, MAP_SHARED, fd, (off_t)offset);
    if (at == MAP_FAILED)
        return fail_map(bytes);
    /* Core dumps are for the process's own memory; frames would make them huge. */
    madvise(at, bytes, MADV_DONTDUMP);
    *address = at;
    return EDDY_OK;
}

int eddy_file_map(int fd, uint64_t offset, uint64_t bytes, bool writable, void **address)
{
    return map_as(fd, offset, bytes, rights(writable), address);
}

int eddy_file_map_sparse(int fd, uint64_t offset, uint64_t bytes, bool writable, void **address)
{
    void *at = NULL;
    /* Nobody may look at it until it is not locked any more. */
    int error = map_as(fd, offset, bytes, PROT_NONE, &at);
    if (error)
        return error;
    munlock(at, bytes);
    if (mprotect(at, bytes, rights(writable)) != 0) {
        error = fail_map(bytes);
        munmap(at, bytes);
        return error;
    }
    *address = at;
    return EDDY_OK;
}

void eddy_file_populate(void *address, uint64_t bytes, bool writable)
{
    /* Kernels before 5.14 know neither, and then the pages come one by one. */
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
    if (bytes <= POPULATE_MAX)
        madvise(address, bytes, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
#else
    (void)address, (void)bytes, (void)writable;
#endif
}

bool eddy_file_touch(void *address, uint64_t bytes, bool writable)
{
#if defined(MADV_POPULATE_READ) && defined(MADV_POPULATE_WRITE)
    if (madvise(address, bytes, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0)
        return true;
    if (errno != EINVAL)
        return false;
#else
    (void)writable;
#endif
    for (uint64_t at = 0, page = eddy_page_round(1); at < bytes; at += page)
        (void)*((const volatile uint8_t *)address + at);
    return true;
}
