/* join.h - joins as the layers above make them: how a name becomes memory is their business.
 * (internal)
 *
 *   eddy_join_enter: name -> ops->map -> attach hook -> JOINED -> eddy_leave: detach hook ->
 *   ops->unmap
 *
 * Threads: any.  Nothing of `ops`, and no hook, is called with the table locked.
 * Crash:   private memory.
 *                                                                       spec/joins.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_JOIN_INSIDE_H
#define EDDY_JOIN_INSIDE_H

#include <eddy/join.h>

/* What `map` found. */
struct eddy_join_mapping {
    void *region; /* for protect and unmap */
    void *address;
    uint64_t bytes, page_bytes;
    uint64_t device, inode; /* which object it is */
    bool locked;
};

struct eddy_join_ops {
    int (*map)(void *context, const char *name, const struct eddy_join_options *options,
               struct eddy_join_mapping *mapping);
    int (*protect)(void *region, enum eddy_map map);
    int (*unmap)(void *region);
};

/* Where names are looked up.  Two are the same folder if device and inode are. */
struct eddy_join_folder {
    uint64_t device, inode;
    const char *path; /* for sentences */
};

struct eddy_join_request {
    const char *name;                        /* plain: see allocator/name.h */
    const struct eddy_join_options *options; /* never NULL */
    const struct eddy_join_folder *folder;   /* NULL: only what is adopted is found */
    const struct eddy_join_ops *ops;
    void *context; /* for ops->map, during the call */
};

/* EDDY_EINVAL: map or flags. */
int eddy_join_check(const struct eddy_join_options *options);
int eddy_join_enter(const struct eddy_join_request *request, struct eddy_join_info *info,
                    void **handle);

/* The arguments alone, in the order that eddy_join_adopt promises. */
int eddy_join_adopt_check(const struct eddy_adoption *adoption);
/* Of one that was checked. */
int eddy_join_adopt_enter(const struct eddy_adoption *adoption, bool shadows);

#endif
