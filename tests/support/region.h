/* region.h - regions for tests: their paths and options, what lies where, who has it locked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_REGION_H
#define EDDY_TESTS_REGION_H

#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

/* A path in the test's folder; good until the fourth call after it. */
static inline const char *in_world(const char *name)
{
    static _Thread_local char paths[4][160];
    static _Thread_local unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", world_dir(), name);
    return path;
}

static inline bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static inline uint32_t mode_of(const char *path)
{
    struct stat status;
    check(lstat(path, &status) == 0);
    return status.st_mode & 07777;
}

static inline uint64_t size_of(const char *path)
{
    struct stat status;
    check(lstat(path, &status) == 0);
    return (uint64_t)status.st_size;
}

static inline unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Lines of /proc/self/maps: mappings that were left behind show. */
static inline unsigned mappings(void)
{
    unsigned count = 0;
    int c;
    FILE *maps = fopen("/proc/self/maps", "re");
    check(maps != NULL);
    while ((c = fgetc(maps)) != EOF)
        count += c == '\n';
    fclose(maps);
    return count;
}

static inline struct eddy_region_options of_bytes(uint64_t bytes)
{
    return (struct eddy_region_options){.bytes = bytes};
}

static inline eddy_region *create_at(const char *path, const struct eddy_region_options *options)
{
    eddy_region *region = NULL;
    must(eddy_region_create_path(path, options, &region));
    check(region != NULL);
    return region;
}

static inline eddy_region *attach_at(const char *path, const struct eddy_region_options *options)
{
    eddy_region *region = NULL;
    must(eddy_region_attach_path(path, options, &region));
    check(region != NULL);
    return region;
}

static inline eddy_region *create_nameless(uint64_t bytes, uint32_t flags)
{
    eddy_region *region = NULL;
    struct eddy_region_options options = {
        .bytes = bytes, .flags = flags, .cleanup = EDDY_CLEANUP_AUTO};
    must(eddy_region_create_nameless(&options, &region));
    check(region != NULL);
    return region;
}

static inline eddy_region *create_named(eddy_domain *domain, const char *name, uint64_t bytes)
{
    eddy_region *region = NULL;
    struct eddy_region_options options = {.bytes = bytes};
    must(eddy_region_create(domain, name, &options, &region));
    check(region != NULL);
    return region;
}

static inline eddy_region *attach_named(eddy_domain *domain, const char *name)
{
    eddy_region *region = NULL;
    must(eddy_region_attach(domain, name, NULL, &region));
    check(region != NULL);
    return region;
}

static inline void put(eddy_region *region, uint64_t offset, unsigned char value)
{
    check(eddy_region_at(region, offset, 1) != NULL);
    check(eddy_region_writable_data(region) != NULL);
    ((volatile unsigned char *)eddy_region_writable_data(region))[offset] = value;
}

static inline unsigned get(const eddy_region *region, uint64_t offset)
{
    const volatile unsigned char *byte = eddy_region_at(region, offset, 1);
    check(byte != NULL);
    return *byte;
}

static inline struct eddy_region_info info_of(const eddy_region *region)
{
    struct eddy_region_info info;
    must(eddy_region_describe(region, &info));
    return info;
}

#endif
