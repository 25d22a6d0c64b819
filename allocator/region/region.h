/* region.h - the inside of a region: a file, a place, and how far the one is mapped to the other.
 * (internal)
 *
 *   a file without a name -> eddy_region_build: mapped, memory reserved -> it gets its name
 *   an existing file      -> eddy_region_view: mapped
 *
 * This layer knows paths and descriptors.  What leads to a region else (a flink) is told by a
 * struct eddy_region_name, whose functions it calls.
 *
 * Threads: `lock` guards growing, rights and ownership; `bytes` and `map` may be read at any time.
 * Crash:   the owner holds a lock on a byte of the file, which the kernel drops with the process.
 *                                                                          spec/regions.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_REGION_INSIDE_H
#define EDDY_REGION_INSIDE_H

#include "allocator/atomic.h"
#include "allocator/file.h"
#include "allocator/fork.h"
#include "allocator/life/kept.h"
#include "allocator/life/life.h"
#include "allocator/lock.h"
#include "allocator/region/place.h"

#include <eddy/region.h>
#include <pthread.h>
#include <sys/stat.h>

#define EDDY_REGION_OWNER (1ll << 40) /* the byte that the owner has locked */

/* What leads to a region besides descriptors. */
struct eddy_region_name {
    /* Nobody else gives, takes or owns this name until unlock.  EDDY_EBUSY. */
    int (*lock)(struct eddy_region *region);
    void (*unlock)(struct eddy_region *region);
    /* Opens the file at the name for reading and writing.  EDDY_ENOENT, EDDY_EACCES. */
    int (*open)(struct eddy_region *region, int *fd);
    /* Takes the name away if it still leads to this region.  The lock is held. */
    void (*remove)(struct eddy_region *region);
    /* Frees what the name needed.  Also in a forked child. */
    void (*leave)(struct eddy_region *region, bool forked);
    bool is_kept_by_mode; /* the sticky bit says that it stays without an owner */
};

struct eddy_region {
    struct eddy_place place;
    _Atomic uint64_t bytes; /* mapped */
    _Atomic uint32_t map;
    uint32_t flags, fork_count;
    uint64_t limit, page; /* page: of the file's pages */
    uint64_t device, inode;
    struct eddy_kept file;
    bool may_write; /* the descriptor is open for writing */
    bool created, locked;
    pthread_mutex_t lock;

    struct eddy_life life; /* the owner's lock; none: not the owner */

    const struct eddy_region_name *name; /* NULL: nameless */
    void *context;                       /* of the name */
    char *path;                          /* "" or absolute */
};

static inline bool eddy_region_forked(const struct eddy_region *region)
{
    return region->fork_count != eddy_fork_count;
}

/* Its descriptor, for this call; -1 with errno if the program closed it and no path leads there. */
static inline int eddy_region_file(const struct eddy_region *region)
{
    return eddy_kept_fd(&region->file);
}

/* For creating; `most`: the permission bits that the mode may have. */
int eddy_region_take(struct eddy_region_options *own, const struct eddy_region_options *given,
                     size_t size, uint32_t most, enum eddy_cleanup cleanup);
/* For attaching; gives defaults for NULL. */
int eddy_region_take_view(struct eddy_region_options *own, const struct eddy_region_options *given,
                          size_t size);

/* Size of the pages of the file system that the descriptor is on. */
uint64_t eddy_region_page(int fd);
uint64_t eddy_region_round(uint64_t bytes, uint64_t page);
/* What the file will have: whole pages only if they are huge. */
uint64_t eddy_region_file_bytes(uint64_t bytes, uint64_t page);

/* Maps a new file of `bytes` and reserves its memory.  Takes the descriptor over, on success. */
int eddy_region_build(int fd, uint64_t bytes, const struct eddy_region_options *options,
                      const char *shown, struct eddy_region **region);
/* Maps a file that is there. */
int eddy_region_view(int fd, uint64_t bytes, const struct eddy_region_options *options,
                     const char *shown, struct eddy_region **region);

/* A new file in a folder, mapped, reserved, owned and of its mode before it has a name. */
struct eddy_region_making {
    int dir;
    const char *shown;
    const struct eddy_region_options *options;
    /* Links the file and sets the region's name; it is owned already. */
    int (*link)(struct eddy_region *region, struct eddy_file *file, void *context, uint32_t flags);
    void *context;
};
int eddy_region_make(const struct eddy_region_making *making, struct eddy_region **region);

/* Undoes all of these; closes the descriptor. */
void eddy_region_free(struct eddy_region *region);

/* Maps what lies between `bytes` so far and `bytes`, and lets others see it.  The lock is held or
 * nobody else knows the region. */
int eddy_region_extend(struct eddy_region *region, uint64_t bytes);

/* The permission bits that were asked for. */
uint32_t eddy_region_mode(const struct eddy_region_options *options);
bool eddy_region_is_same(const struct eddy_region *region, const struct stat *status);
uint32_t eddy_region_seals(int fd);
int eddy_region_fail_empty(const char *shown);

/* --- owning ---------------------------------------------------------------------------------- */

/* Takes the owner's lock on a new file.  EDDY_EBUSY. */
int eddy_region_own_new(struct eddy_region *region, const struct eddy_file *file);

static inline bool eddy_region_is_owned(const struct eddy_region *region)
{
    return eddy_life_goes_on(&region->life);
}

#endif
