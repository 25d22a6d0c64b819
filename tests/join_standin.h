/* join_standin.h - objects to join that need no files: name `x<n>` or `y<n>` is object n, mapped
 * for real.
 *
 * It counts, so that a mapping too many or too few is seen, and fails when it is told to.
 *
 * Threads: all may join; the counts are atomic.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_JOIN_STANDIN_H
#define EDDY_TESTS_JOIN_STANDIN_H

#include "support/check.h"

#include "allocator/join/join.h"

#include <eddy/join.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { STANDIN_PAGE = 4096, STANDIN_DEVICE = 77 };

static struct {
    atomic_int maps, protects, unmaps, mapped; /* calls that succeeded; mapped now */
    int map_error, protect_error, unmap_error;
    atomic_uint flags; /* of the last map */
    void *where;       /* to map; NULL: anywhere */
    /* While it is mapped or unmapped, if set. */
    void (*at_map)(const char *name);
    void (*at_unmap)(void *address);
} standin;

struct standin_region {
    void *address;
    uint64_t bytes;
};

static inline uint64_t standin_bytes(unsigned long object)
{
    return (object % 3 + 1) * STANDIN_PAGE;
}

static inline int standin_map(void *context, const char *name,
                              const struct eddy_join_options *options, struct eddy_join_mapping *m)
{
    (void)context;
    if (standin.at_map)
        standin.at_map(name);
    if (standin.map_error)
        return standin.map_error;
    unsigned long object = strtoul(name + 1, NULL, 10);
    int protection = options->map == EDDY_MAP_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    struct standin_region *region = calloc(1, sizeof *region);
    check(region);
    region->bytes = standin_bytes(object);
    int flags = MAP_SHARED | MAP_ANONYMOUS | (standin.where ? MAP_FIXED_NOREPLACE : 0);
    region->address = mmap(standin.where, region->bytes, protection, flags, -1, 0);
    check(region->address != MAP_FAILED);
    *m = (struct eddy_join_mapping){.region = region,
                                    .address = region->address,
                                    .bytes = region->bytes,
                                    .page_bytes = STANDIN_PAGE,
                                    .device = STANDIN_DEVICE,
                                    .inode = object + 1,
                                    .locked = options->flags & EDDY_REGION_LOCK};
    atomic_store(&standin.flags, options->flags);
    atomic_fetch_add(&standin.maps, 1);
    atomic_fetch_add(&standin.mapped, 1);
    return EDDY_OK;
}

static inline int standin_protect(void *argument, enum eddy_map map)
{
    struct standin_region *region = argument;
    if (standin.protect_error)
        return standin.protect_error;
    check(map == EDDY_MAP_READ_WRITE);
    check(mprotect(region->address, region->bytes, PROT_READ | PROT_WRITE) == 0);
    atomic_fetch_add(&standin.protects, 1);
    return EDDY_OK;
}

static inline int standin_unmap(void *argument)
{
    struct standin_region *region = argument;
    if (standin.at_unmap)
        standin.at_unmap(region->address);
    check(munmap(region->address, region->bytes) == 0);
    free(region);
    atomic_fetch_add(&standin.unmaps, 1);
    atomic_fetch_sub(&standin.mapped, 1);
    return standin.unmap_error;
}

static const struct eddy_join_ops standin_ops = {standin_map, standin_protect, standin_unmap};
static const struct eddy_join_folder standin_folder = {1, 1, "/here"};
static const struct eddy_join_folder standin_elsewhere = {1, 2, "/elsewhere"};

static inline int standin_join_in(const struct eddy_join_folder *folder, const char *name,
                                  const struct eddy_join_options *options,
                                  struct eddy_join_info *info, void **handle)
{
    static const struct eddy_join_options defaults;
    struct eddy_join_request request = {.name = name,
                                        .options = options ? options : &defaults,
                                        .folder = folder,
                                        .ops = &standin_ops};
    int error = eddy_join_check(request.options);
    return error ? error : eddy_join_enter(&request, info, handle);
}

static inline int standin_join(const char *name, const struct eddy_join_options *options,
                               struct eddy_join_info *info, void **handle)
{
    return standin_join_in(&standin_folder, name, options, info, handle);
}

/* A join without hooks, for writing. */
static inline void *standin_joined(const char *name)
{
    void *handle = NULL;
    must(standin_join(name, NULL, NULL, &handle));
    return handle;
}

static inline int64_t references_of(const char *name)
{
    struct eddy_join_info info;
    return eddy_join_find(name, &info) == EDDY_OK ? info.references : 0;
}

static inline int standin_setup(void **state)
{
    (void)state;
    memset((void *)&standin, 0, sizeof standin);
    return 0;
}

/* Whatever a test does, nothing of it is joined or mapped in the end. */
static inline int standin_teardown(void **state)
{
    (void)state;
    return eddy_join_list(NULL, 0) == 0 && atomic_load(&standin.mapped) == 0 ? 0 : -1;
}

#define STANDIN_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, standin_setup, standin_teardown)

#endif
