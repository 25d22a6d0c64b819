/* Regions: mapping, looking, closing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/region/region.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/sized.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#define DEFAULT_LIMIT (UINT64_C(4) << 30)
#define ALL_FLAGS     0xffu

/* --- options --------------------------------------------------------------------------------- */

static int check_common(const struct eddy_region_options *o)
{
    if (o->flags & ~ALL_FLAGS)
        return eddy_fail(EDDY_EINVAL, "unknown flags %#x of a region", o->flags);
    if (o->map != EDDY_MAP_READ_WRITE && o->map != EDDY_MAP_READ)
        return eddy_fail(EDDY_EINVAL, "a region is mapped EDDY_MAP_READ_WRITE or EDDY_MAP_READ");
    return EDDY_OK;
}

int eddy_region_take_view(struct eddy_region_options *o, const struct eddy_region_options *given,
                          size_t size)
{
    int error = EDDY_SIZED(eddy_region_options, *o, given, size);
    return error ? error : check_common(o);
}

int eddy_region_take(struct eddy_region_options *o, const struct eddy_region_options *given,
                     size_t size, uint32_t most, enum eddy_cleanup cleanup)
{
    int error = eddy_region_take_view(o, given, size);
    if (error)
        return error;
    if (o->bytes == 0)
        return eddy_fail(EDDY_EINVAL, "a region's size must be greater than 0");
    if (o->bytes > INT64_MAX / 2 || (o->limit_bytes && o->limit_bytes < o->bytes))
        return eddy_fail(EDDY_EINVAL, "a region of %llu bytes cannot have the limit %llu",
                         (unsigned long long)o->bytes, (unsigned long long)o->limit_bytes);
    if (o->mode & ~most)
        return eddy_fail(EDDY_EINVAL, "the mode %04o has more than %04o, the most for this region",
                         o->mode, most);
    if (o->cleanup != cleanup)
        return eddy_fail(EDDY_EINVAL, "%s",
                         cleanup == EDDY_CLEANUP_AUTO
                             ? "a nameless region needs EDDY_CLEANUP_AUTO"
                             : "EDDY_CLEANUP_AUTO is for nameless regions; use "
                               "eddy_region_create_nameless");
    return EDDY_OK;
}

uint32_t eddy_region_mode(const struct eddy_region_options *o)
{
    return o->mode ? o->mode : 0600;
}

/* --- pages ----------------------------------------------------------------------------------- */

uint64_t eddy_region_page(int fd)
{
    struct statfs system;
    if (fstatfs(fd, &system) == 0 && (uint32_t)system.f_type == HUGETLBFS_MAGIC)
        return (uint64_t)system.f_bsize;
    return eddy_page_round(1);
}

uint64_t eddy_region_round(uint64_t bytes, uint64_t page)
{
    return (bytes + page - 1) / page * page;
}

uint64_t eddy_region_file_bytes(uint64_t bytes, uint64_t page)
{
    return page > eddy_page_round(1) ? eddy_region_round(bytes, page) : bytes;
}

/* The default is a wish: where the process may not have so much, less will do. */
static int reserve_default(struct eddy_region *r, uint64_t bytes, uint64_t align)
{
    uint64_t wish = bytes > UINT64_MAX / 16 ? bytes : 8 * bytes;
    if (wish < DEFAULT_LIMIT)
        wish = DEFAULT_LIMIT;
    for (;; wish /= 2) {
        bool least = wish <= bytes;
        uint64_t whole = eddy_region_round(least ? bytes : wish, r->page);
        int error = eddy_place_reserve(whole, align, r->flags & EDDY_REGION_RANDOM, &r->place);
        r->limit = whole;
        if (!error || least)
            return error;
    }
}

static int reserve(struct eddy_region *r, uint64_t bytes, uint64_t limit)
{
    bool huge = r->flags & EDDY_REGION_HUGE && r->page < EDDY_HUGE_PAGE;
    uint64_t align = huge ? EDDY_HUGE_PAGE : r->page;
    if (!limit)
        return reserve_default(r, bytes, align);
    if (limit < bytes)
        return eddy_fail(EDDY_ELIMIT,
                         "the region has %llu bytes, more than the limit of this view, %llu; "
                         "raise limit_bytes",
                         (unsigned long long)bytes, (unsigned long long)limit);
    r->limit = eddy_region_file_bytes(limit, r->page);
    return eddy_place_reserve(eddy_region_round(limit, r->page), align,
                              r->flags & EDDY_REGION_RANDOM, &r->place);
}

/* Best effort, all of it. */
static void advise(const struct eddy_region *r, uint64_t offset, uint64_t bytes)
{
    void *at = r->place.base + offset;
    if (!(r->flags & EDDY_REGION_DUMP))
        madvise(at, bytes, MADV_DONTDUMP);
    if (r->flags & EDDY_REGION_HUGE)
        madvise(at, bytes, MADV_HUGEPAGE);
}

static int lock_part(struct eddy_region *r, uint64_t offset, uint64_t bytes)
{
    if (!(r->flags & EDDY_REGION_LOCK))
        return EDDY_OK;
    r->locked = mlock(r->place.base + offset, bytes) == 0 && (offset == 0 || r->locked);
    if (r->locked || !(r->flags & EDDY_REGION_STRICT))
        return EDDY_OK;
    return eddy_fail_errno("cannot lock %llu bytes of a region in memory (see ulimit -l)",
                           (unsigned long long)bytes);
}

static int map_part(struct eddy_region *r, uint64_t offset, uint64_t end)
{
    bool writable = eddy_load_relaxed(&r->map) == EDDY_MAP_READ_WRITE; /* the lock is held */
    struct eddy_place_part part = {offset, end - offset, r->page, writable};
    int error = eddy_place_map(&r->place, eddy_region_file(r), &part);
    if (!error)
        advise(r, offset, end - offset);
    else if (r->place.bytes < r->limit)
        r->limit = r->place.bytes;
    return error;
}

/* Memory is there already: now it may be locked, and become huge pages. */
static int settle_part(struct eddy_region *r, uint64_t offset, uint64_t end)
{
    if (r->flags & EDDY_REGION_HUGE && !(r->flags & EDDY_REGION_SPARSE))
        madvise(r->place.base + offset, end - offset, MADV_COLLAPSE);
    return lock_part(r, offset, end - offset);
}

int eddy_region_extend(struct eddy_region *r, uint64_t bytes)
{
    uint64_t from = eddy_region_round(eddy_load_relaxed(&r->bytes), r->page); /* lock is held */
    uint64_t to = eddy_region_round(bytes, r->page);
    int error = EDDY_OK;
    if (to > from)
        error = map_part(r, from, to);
    if (!error && to > from)
        error = settle_part(r, from, to);
    if (!error)
        eddy_store_release(&r->bytes, bytes); /* [region] */
    return error;
}

/* --- coming ---------------------------------------------------------------------------------- */

static int describe(struct eddy_region *r)
{
    struct stat status;
    int access = fcntl(eddy_region_file(r), F_GETFL);
    if (access < 0 || fstat(eddy_region_file(r), &status) != 0)
        return eddy_fail_errno("cannot look at a region's descriptor");
    r->may_write = (access & O_ACCMODE) == O_RDWR;
    r->file.flags = access & O_ACCMODE;
    r->device = status.st_dev;
    r->inode = status.st_ino;
    r->page = eddy_region_page(eddy_region_file(r));
    return EDDY_OK;
}

static int open_view(struct eddy_region *r, uint64_t bytes, const struct eddy_region_options *o,
                     const char *shown)
{
    int error = describe(r);
    if (!error && o->map == EDDY_MAP_READ_WRITE && !r->may_write)
        return eddy_fail(EDDY_EACCES, "%s may be read only; ask for EDDY_MAP_READ", shown);
    if (!error)
        error = reserve(r, bytes, o->limit_bytes);
    return error;
}

static struct eddy_region *new_region(int fd, const struct eddy_region_options *o)
{
    struct eddy_region *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    eddy_kept_begin(&r->file, fd, NULL, O_RDWR);
    r->flags = o->flags;
    r->fork_count = eddy_fork_enter();
    eddy_store_relaxed(&r->map, (uint32_t)o->map); /* nobody else knows it */
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

/* The descriptor stays the caller's. */
static void discard(struct eddy_region *r)
{
    r->file = (struct eddy_kept)EDDY_KEPT_NONE;
    eddy_region_free(r);
}

int eddy_region_view(int fd, uint64_t bytes, const struct eddy_region_options *o, const char *shown,
                     struct eddy_region **region)
{
    struct eddy_region *r = new_region(fd, o);
    if (!r)
        return eddy_fail(EDDY_ENOMEM, "no memory to attach %s", shown);
    int error = open_view(r, bytes, o, shown);
    if (!error)
        error = eddy_region_extend(r, bytes);
    if (error) {
        discard(r);
        return error;
    }
    *region = r;
    return EDDY_OK;
}

static int reserve_memory(int fd, uint64_t bytes, const char *shown)
{
    if (eddy_file_back(fd, 0, bytes) == 0)
        return EDDY_OK;
    if (eddy_region_page(fd) > eddy_page_round(1))
        return eddy_fail_errno(
            "cannot reserve %llu bytes of huge pages for %s; configure more (vm.nr_hugepages, or "
            "/sys/kernel/mm/hugepages), or leave page_bytes 0",
            (unsigned long long)bytes, shown);
    return eddy_fail_errno("cannot reserve %llu bytes of shared memory for %s; free some, enlarge "
                           "its file system, or choose EDDY_REGION_SPARSE",
                           (unsigned long long)bytes, shown);
}

/* Address space first: it costs nothing.  Then memory, and only then is it looked at. */
int eddy_region_build(int fd, uint64_t bytes, const struct eddy_region_options *o,
                      const char *shown, struct eddy_region **region)
{
    struct eddy_region *r = new_region(fd, o);
    if (!r)
        return eddy_fail(EDDY_ENOMEM, "no memory to create %s", shown);
    r->created = true;
    int error = open_view(r, bytes, o, shown);
    if (!error && !(o->flags & EDDY_REGION_SPARSE))
        error = reserve_memory(fd, bytes, shown);
    if (!error)
        error = eddy_region_extend(r, bytes);
    if (error) {
        discard(r);
        return error;
    }
    *region = r;
    return EDDY_OK;
}

int eddy_region_fail_empty(const char *shown)
{
    return eddy_fail(EDDY_ENOTREADY, "%s is empty: it has no size yet; try again later", shown);
}

/* --- going ----------------------------------------------------------------------------------- */

void eddy_region_free(struct eddy_region *r)
{
    eddy_place_free(&r->place);
    eddy_kept_end(&r->file);
    pthread_mutex_destroy(&r->lock);
    free(r->path);
    free(r);
}

/* The name goes first, so that nobody finds a region that is about to go.  If the name cannot be
 * had now, whoever comes next finds it without an owner. */
static void give_up_name(struct eddy_region *r)
{
    if (eddy_region_is_owned(r) && r->name->lock(r) == EDDY_OK) {
        r->name->remove(r);
        EDDY_POINT("region-close:removed");
        eddy_life_end(&r->life);
        r->name->unlock(r);
    }
    eddy_life_end(&r->life);
}

int eddy_region_close(eddy_region *r)
{
    EDDY_UNCANCELLED;
    if (!r)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = eddy_region_forked(r);
    if (!forked)
        give_up_name(r);
    if (r->name)
        r->name->leave(r, forked);
    eddy_region_free(r);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

/* --- looking --------------------------------------------------------------------------------- */

const void *eddy_region_data(const eddy_region *r)
{
    return r->place.base;
}

void *eddy_region_writable_data(const eddy_region *r)
{
    EDDY_UNCANCELLED;
    /* Acquire, from [rights]: the pages are writable when it says so. */
    return eddy_load_acquire(&r->map) == EDDY_MAP_READ_WRITE ? r->place.base : NULL;
}

uint64_t eddy_region_bytes(const eddy_region *r)
{
    return eddy_load_acquire(&r->bytes); /* from [region]: so far it is mapped */
}

const void *eddy_region_at(const eddy_region *r, uint64_t offset, uint64_t bytes)
{
    uint64_t all = eddy_region_bytes(r);
    return offset <= all && bytes <= all - offset ? r->place.base + offset : NULL;
}

int eddy_region_fd(const eddy_region *r)
{
    return eddy_region_file(r);
}

const char *eddy_region_path(const eddy_region *r)
{
    return r->path ? r->path : "";
}

bool eddy_region_is_same(const struct eddy_region *r, const struct stat *status)
{
    return r->device == status->st_dev && r->inode == status->st_ino;
}

int eddy_region_describe(const eddy_region *region, struct eddy_region_info *info)
{
    EDDY_UNCANCELLED;
    struct eddy_region *r = (struct eddy_region *)(uintptr_t)region; /* its lock alone changes */
    struct stat status;
    if (eddy_region_forked(r))
        return eddy_fail_forked();
    if (fstat(eddy_region_file(r), &status) != 0)
        return eddy_fail_errno("cannot look at a region's file");
    pthread_mutex_lock(&r->lock);
    *info = (struct eddy_region_info){.bytes = eddy_region_bytes(r),
                                      .limit_bytes = r->limit,
                                      .page_bytes = r->page,
                                      .device = r->device,
                                      .inode = r->inode,
                                      .mode = status.st_mode & 0777,
                                      .map = (enum eddy_map)eddy_load_relaxed(&r->map), /* lock */
                                      .seals = eddy_region_seals(eddy_region_file(r)),
                                      .created = r->created,
                                      .owned = eddy_region_is_owned(r),
                                      .locked = r->locked};
    pthread_mutex_unlock(&r->lock);
    return EDDY_OK;
}
