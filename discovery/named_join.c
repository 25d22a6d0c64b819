/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/join/join.h"

#include "allocator/error.h"
#include "allocator/name.h"
#include "allocator/region/region.h"
#include "allocator/sized.h"
#include "discovery/domain.h"
#include "discovery/kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A join that reads may be asked to write later, which its descriptor must allow then: it is opened
 * for writing where that may be, and the view made narrower. */
static int attach(void *domain, const char *name, enum eddy_map map, eddy_region **region)
{
    struct eddy_region_options how = {.map = EDDY_MAP_READ_WRITE};
    int error = eddy_region_attach(domain, name, &how, region);
    if (error != EDDY_EACCES || map == EDDY_MAP_READ_WRITE)
        return error;
    how.map = EDDY_MAP_READ;
    return eddy_region_attach(domain, name, &how, region);
}

/* The same object once more, on its own: a join outlives the handle of the domain that it was made
 * with, whose other users know nothing of it.  It never grows, and needs no descriptor: one for
 * each join would set a limit to them. */
static int detach_from_domain(eddy_region *named, const struct eddy_join_options *options,
                              struct eddy_region_info *info, eddy_region **region)
{
    /* Foreign: who owns the file was looked at by name already. */
    struct eddy_region_options how = {.map = options->map,
                                      .flags = options->flags | EDDY_REGION_FOREIGN,
                                      .limit_bytes = eddy_region_bytes(named)};
    int fd = fcntl(eddy_region_fd(named), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return eddy_fail_errno("%s: cannot have a descriptor for it", eddy_region_path(named));
    eddy_region *own = NULL;
    int error = eddy_region_attach_fd(fd, how.limit_bytes, &how, &own);
    if (error)
        return error;
    error = eddy_region_describe(own, info);
    if (error) {
        eddy_region_close(own);
        return error;
    }
    eddy_kept_end(&own->file);
    *region = own;
    return EDDY_OK;
}

static int map_region(void *context, const char *name, const struct eddy_join_options *options,
                      struct eddy_join_mapping *m)
{
    struct eddy_region_info info;
    eddy_region *named = NULL, *region = NULL;
    int error = attach(context, name, options->map, &named);
    if (error)
        return error;
    error = detach_from_domain(named, options, &info, &region);
    eddy_region_close(named);
    if (error)
        return error;
    *m = (struct eddy_join_mapping){
        .region = region,
        .address = (void *)(uintptr_t)eddy_region_data(region),
        .bytes = info.bytes,
        .page_bytes = info.page_bytes,
        .device = info.device,
        .inode = info.inode,
        .locked = info.locked,
    };
    return EDDY_OK;
}

static int protect_region(void *region, enum eddy_map map)
{
    return eddy_region_protect(region, map);
}

static int unmap_region(void *region)
{
    return eddy_region_close(region);
}

static const struct eddy_join_ops region_ops = {map_region, protect_region, unmap_region};

static int find_folder(const eddy_domain *domain, struct eddy_join_folder *folder)
{
    struct stat status;
    if (eddy_domain_forked(domain))
        return eddy_fail_forked();
    if (fstat(eddy_domain_folder(domain), &status) != 0)
        return eddy_fail_errno("%s: looking at the folder", domain->dir);
    *folder = (struct eddy_join_folder){status.st_dev, status.st_ino, domain->dir};
    return EDDY_OK;
}

int eddy_join_sized(eddy_domain *domain, const char *name, const struct eddy_join_options *options,
                    size_t options_size, struct eddy_join_info *info, void **handle)
{
    EDDY_UNCANCELLED;
    struct eddy_join_options o;
    struct eddy_join_folder folder = {0};
    struct eddy_join_request request = {
        .options = &o, .folder = domain ? &folder : NULL, .ops = &region_ops, .context = domain};
    int error = eddy_name_check(name, "region", &request.name);
    if (!error)
        error = EDDY_SIZED(eddy_join_options, o, options, options_size);
    if (!error)
        error = eddy_join_check(request.options);
    if (!error && domain)
        error = find_folder(domain, &folder);
    return error ? error : eddy_join_enter(&request, info, handle);
}

/* The flink of a region of that name, whatever it leads to. */
static bool is_shadowing(const eddy_domain *domain, const char *name)
{
    char file[EDDY_KIND_FLINK_ROOM];
    struct stat status;
    const struct eddy_kind *kind = eddy_kind_named("region");
    return kind && eddy_kind_flink(kind, name, file) == EDDY_OK &&
           fstatat(eddy_domain_folder(domain), file, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

int eddy_join_adopt_sized(const struct eddy_adoption *adoption, size_t adoption_size)
{
    EDDY_UNCANCELLED;
    struct eddy_adoption a;
    int error = EDDY_SIZED(eddy_adoption, a, adoption, adoption_size);
    if (!error)
        error = eddy_join_adopt_check(adoption ? &a : NULL);
    if (error)
        return error;
    const eddy_domain *domain = a.domain;
    if (domain && eddy_domain_forked(domain))
        return eddy_fail_forked();
    return eddy_join_adopt_enter(&a, domain && is_shadowing(domain, a.name));
}
