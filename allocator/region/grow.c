/* Growing regions in place, and what else changes the memory of one.  spec/regions.md, "Growing"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_bytes(const struct eddy_region *r, uint64_t *bytes)
{
    struct stat status;
    if (fstat(eddy_region_file(r), &status) != 0)
        return eddy_fail_errno("cannot look at a region's file");
    *bytes = (uint64_t)status.st_size;
    return EDDY_OK;
}

static int fail_limit(const struct eddy_region *r, uint64_t bytes)
{
    return eddy_fail(EDDY_ELIMIT,
                     "%llu bytes are more than the limit of this view of a region, %llu; open it "
                     "with a higher limit_bytes",
                     (unsigned long long)bytes, (unsigned long long)r->limit);
}

/* --- the file -------------------------------------------------------------------------------- */

/* What somebody wrote behind the end, on the last page, would show: new bytes are zero. */
static int clear_rest(const struct eddy_region *r, uint64_t bytes)
{
    uint64_t page = r->page, start = bytes / page * page;
    if (bytes == start)
        return EDDY_OK;
    uint8_t *at =
        mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, eddy_region_file(r), (off_t)start);
    if (at == MAP_FAILED)
        return eddy_fail_errno("cannot map the last page of a region");
    memset(at + (bytes - start), 0, page - (bytes - start));
    munmap(at, page);
    return EDDY_OK;
}

/* Others may have mapped all of the file, so what was reserved in vain is given back as pages,
 * never by making the file shorter. */
static int reserve_more(const struct eddy_region *r, uint64_t from, uint64_t to)
{
    if (r->flags & EDDY_REGION_SPARSE || eddy_file_back(eddy_region_file(r), from, to - from) == 0)
        return EDDY_OK;
    int number = errno;
    uint64_t whole = eddy_region_round(from, r->page);
    if (to > whole)
        fallocate(eddy_region_file(r), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)whole,
                  (off_t)(to - whole));
    errno = number;
    return eddy_fail_errno("cannot reserve %llu more bytes for a region; it stays as it is; free "
                           "memory or enlarge its file system",
                           (unsigned long long)(to - from));
}

static int grow_file(const struct eddy_region *r, uint64_t from, uint64_t to)
{
    int error = clear_rest(r, from);
    if (!error)
        error = reserve_more(r, from, to);
    EDDY_POINT("region-grow:reserved");
    if (!error && ftruncate(eddy_region_file(r), (off_t)to) != 0)
        error = eddy_fail_errno("cannot make a region %llu bytes long", (unsigned long long)to);
    return error;
}

/* --- the view -------------------------------------------------------------------------------- */

static int check_grow(const struct eddy_region *r, uint64_t bytes)
{
    uint32_t seals = eddy_region_seals(eddy_region_file(r));
    if (bytes < eddy_region_bytes(r))
        return eddy_fail(EDDY_EINVAL, "shrinking is not supported: the region has %llu bytes",
                         (unsigned long long)eddy_region_bytes(r));
    if (r->name ? !eddy_region_is_owned(r) : !r->created)
        return eddy_fail(EDDY_EACCES, "only the owner of a region may let it grow; call "
                                      "eddy_region_own first, or eddy_region_refresh");
    if (seals & (EDDY_SEAL_GROW | EDDY_SEAL_WRITE))
        return eddy_fail(EDDY_EACCES, "the region is sealed against growing or writing");
    return bytes > r->limit ? fail_limit(r, bytes) : EDDY_OK;
}

static int grow(struct eddy_region *r, uint64_t bytes)
{
    uint64_t there = 0;
    if (bytes == eddy_region_bytes(r))
        return EDDY_OK;
    int error = check_grow(r, bytes);
    if (error)
        return error;
    error = file_bytes(r, &there);
    bytes = eddy_region_file_bytes(bytes, r->page);
    if (!error && there < bytes)
        error = grow_file(r, there, bytes);
    EDDY_POINT("region-grow:longer");
    uint64_t all = there > bytes ? there : bytes;
    if (!error && all > r->limit)
        error = fail_limit(r, all);
    return error ? error : eddy_region_extend(r, all);
}

int eddy_region_grow(eddy_region *r, uint64_t bytes)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    pthread_mutex_lock(&r->lock);
    int error = grow(r, bytes);
    pthread_mutex_unlock(&r->lock);
    return error;
}

static int refresh(struct eddy_region *r)
{
    uint64_t there, mine = eddy_region_bytes(r);
    int error = file_bytes(r, &there);
    if (error)
        return error;
    if (there < mine)
        return eddy_fail(EDDY_ESEGMENT,
                         "somebody made the file of a region shorter: %llu bytes, %llu are mapped; "
                         "do not touch what is behind",
                         (unsigned long long)there, (unsigned long long)mine);
    if (there == mine)
        return 0;
    error = there > r->limit ? fail_limit(r, there) : eddy_region_extend(r, there);
    return error ? error : 1;
}

int eddy_region_refresh(eddy_region *r)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    pthread_mutex_lock(&r->lock);
    int longer = refresh(r);
    pthread_mutex_unlock(&r->lock);
    return longer;
}

/* --- rights and pages ------------------------------------------------------------------------ */

static int protect(struct eddy_region *r, enum eddy_map map)
{
    int rights = map == EDDY_MAP_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    uint64_t mapped = eddy_region_round(eddy_region_bytes(r), r->page);
    if (map == EDDY_MAP_READ_WRITE && !r->may_write)
        return eddy_fail(EDDY_EACCES, "the region's descriptor is not open for writing; attach it "
                                      "again with EDDY_MAP_READ_WRITE");
    if (map == EDDY_MAP_READ_WRITE && eddy_region_seals(eddy_region_file(r)) & EDDY_SEAL_WRITE)
        return eddy_fail(EDDY_EACCES, "the region is sealed against writing");
    /* Before the pages lose the right, so that nobody is told of an address that faults.  Relaxed:
     * who sees this gets no address, hence nothing to look at. */
    if (map == EDDY_MAP_READ)
        eddy_store_relaxed(&r->map, EDDY_MAP_READ);
    if (mprotect(r->place.base, mapped, rights) != 0)
        return eddy_fail_errno("cannot change the rights of a region's pages");
    eddy_store_release(&r->map, (uint32_t)map); /* [rights] */
    return EDDY_OK;
}

int eddy_region_protect(eddy_region *r, enum eddy_map map)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    if (map != EDDY_MAP_READ && map != EDDY_MAP_READ_WRITE)
        return eddy_fail(EDDY_EINVAL, "a region is mapped EDDY_MAP_READ_WRITE or EDDY_MAP_READ");
    pthread_mutex_lock(&r->lock);
    int error = protect(r, map);
    pthread_mutex_unlock(&r->lock);
    return error;
}

static int punch(const struct eddy_region *r, uint64_t offset, uint64_t bytes)
{
    uint64_t first = eddy_region_round(offset, r->page);
    uint64_t last = (offset + bytes) / r->page * r->page;
    if (first >= last)
        return EDDY_OK;
    if (fallocate(eddy_region_file(r), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)first,
                  (off_t)(last - first)) != 0)
        return eddy_fail_errno("cannot give pages of a region back");
    return EDDY_OK;
}

int eddy_region_punch(eddy_region *r, uint64_t offset, uint64_t bytes)
{
    EDDY_UNCANCELLED;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    if (!(r->flags & EDDY_REGION_SPARSE))
        return eddy_fail(EDDY_EINVAL, "only a view with EDDY_REGION_SPARSE may give pages back: of "
                                      "others the memory is promised");
    if (!eddy_region_writable_data(r))
        return eddy_fail(EDDY_EACCES, "a view that may only read gives no pages back");
    if (!eddy_region_at(r, offset, bytes))
        return eddy_fail(EDDY_EBOUNDS, "%llu bytes at %llu are not all inside the region",
                         (unsigned long long)bytes, (unsigned long long)offset);
    return punch(r, offset, bytes);
}
