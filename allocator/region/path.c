/* Regions at paths of the caller's choice.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/region/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define FOLDER_PATIENCE 1000000000u /* ns that others in the folder may take */

/* A path, taken apart: the folder stays open, so that renaming it harms nobody. */
struct eddy_region_place {
    struct eddy_kept dir;
    int folder;        /* locked while names change; -1: not */
    char *path, *file; /* absolute path of the folder; name in it */
};

/* --- the path -------------------------------------------------------------------------------- */

static void free_path(struct eddy_region_place *p)
{
    if (p) {
        eddy_kept_end(&p->dir);
        free(p->path);
        free(p->file);
    }
    free(p);
}

static int fail_path(const char *path)
{
    return eddy_fail(EDDY_EINVAL, "\"%.200s\" cannot be the path of a region: it must name a file",
                     path ? path : "(null)");
}

static int open_folder(const char *path, size_t length, struct eddy_region_place *p)
{
    char *dir = length ? strndup(path, length) : strdup(*path == '/' ? "/" : ".");
    if (!dir)
        return eddy_fail(EDDY_ENOMEM, "no memory for a path");
    p->path = realpath(dir, NULL);
    int fd = p->path ? open(p->path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0)
        eddy_kept_begin(&p->dir, fd, p->path, O_PATH | O_DIRECTORY);
    int error =
        fd >= 0 ? EDDY_OK : eddy_fail_errno("cannot open the folder of %s; make it first", path);
    free(dir);
    return error;
}

static int open_path(const char *path, struct eddy_region_place **place)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    const char *file = slash ? slash + 1 : path;
    if (!path || !*file || strcmp(file, ".") == 0 || strcmp(file, "..") == 0)
        return fail_path(path);
    struct eddy_region_place *p = calloc(1, sizeof *p);
    if (!p)
        return eddy_fail(EDDY_ENOMEM, "no memory for a path");
    p->dir = (struct eddy_kept)EDDY_KEPT_NONE;
    p->folder = -1;
    p->file = strdup(file);
    int error = p->file ? open_folder(path, slash ? (size_t)(slash - path) : 0, p)
                        : eddy_fail(EDDY_ENOMEM, "no memory for a path");
    if (error)
        free_path(p);
    else
        *place = p;
    return error;
}

/* --- the name -------------------------------------------------------------------------------- */

/* Between looking at a name and taking it away, no other region may get it.  The lock is advice,
 * and strangers may hold it: after a while we go on without. */
static void lock_folder(struct eddy_region_place *p)
{
    uint64_t deadline = eddy_deadline(FOLDER_PATIENCE);
    p->folder = openat(eddy_kept_fd(&p->dir), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->folder < 0)
        return;
    while (flock(p->folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
           eddy_now() < deadline) {
        EDDY_POINT("region-lock:busy");
        nanosleep(&(struct timespec){0, 200000}, NULL);
    }
}

static void unlock_folder(struct eddy_region_place *p)
{
    if (p->folder >= 0) {
        flock(p->folder, LOCK_UN); /* a child that is just being forked has the descriptor, too */
        close(p->folder);
    }
    p->folder = -1;
}

static int lock_name(struct eddy_region *r)
{
    lock_folder(r->context);
    return EDDY_OK;
}

static void unlock_name(struct eddy_region *r)
{
    unlock_folder(r->context);
}

static int open_name(struct eddy_region *r, int *fd)
{
    struct eddy_region_place *p = r->context;
    struct stat status;
    struct eddy_file_wanted w = {.dir = eddy_kept_fd(&p->dir),
                                 .name = p->file,
                                 .shown = r->path,
                                 .writable = true,
                                 .foreign = true,
                                 .instead = "another path"};
    return eddy_file_open_as(&w, fd, &status);
}

static void remove_name(struct eddy_region *r)
{
    struct eddy_region_place *p = r->context;
    struct stat status;
    if (fstatat(eddy_kept_fd(&p->dir), p->file, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        eddy_region_is_same(r, &status)) {
        EDDY_POINT("region-remove:looked");
        unlinkat(eddy_kept_fd(&p->dir), p->file, 0);
    }
}

static void leave_name(struct eddy_region *r, bool forked)
{
    (void)forked;
    free_path(r->context);
}

static const struct eddy_region_name at_path = {.lock = lock_name,
                                                .unlock = unlock_name,
                                                .open = open_name,
                                                .remove = remove_name,
                                                .leave = leave_name};

static int name_region(struct eddy_region *r, struct eddy_region_place *p)
{
    const char *slash = p->path[1] ? "/" : ""; /* the root has its own */
    if (asprintf(&r->path, "%s%s%s", p->path, slash, p->file) < 0) {
        r->path = NULL;
        return eddy_fail(EDDY_ENOMEM, "no memory for a path");
    }
    r->name = &at_path;
    r->context = p;
    r->file.path = r->path;
    return EDDY_OK;
}

/* --- creating -------------------------------------------------------------------------------- */

static int check_page(const struct eddy_region_place *p, const struct eddy_region_options *o,
                      const char *path)
{
    uint64_t page = eddy_region_page(eddy_kept_fd(&p->dir));
    if (o->page_bytes == 0 || o->page_bytes == page)
        return EDDY_OK;
    return eddy_fail(EDDY_EINVAL,
                     "%s lies on a file system with pages of %llu bytes, not %llu; mount a "
                     "hugetlbfs with that page size (mount -t hugetlbfs -o pagesize=2M), or create "
                     "the region nameless",
                     path, (unsigned long long)page, (unsigned long long)o->page_bytes);
}

/* What may be replaced: nothing, or a regular file of ours. */
static int check_replaced(const struct eddy_region_place *p, const char *path)
{
    struct stat status;
    if (fstatat(eddy_kept_fd(&p->dir), p->file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? EDDY_OK : eddy_fail_errno("cannot look at %s", path);
    if (S_ISREG(status.st_mode) && status.st_uid == geteuid())
        return EDDY_OK;
    return eddy_fail(EDDY_EACCES,
                     "%s is not a regular file of yours, so it is not replaced; remove it, or "
                     "choose another path",
                     path);
}

static int link_new(const struct eddy_region_place *p, struct eddy_file *file, const char *path)
{
    int error = eddy_file_link(file, p->file);
    if (error != EDDY_EEXIST)
        return error;
    return eddy_fail(EDDY_EEXIST,
                     "%s is there already; attach to it, remove it, or give EDDY_REGION_REPLACE",
                     path);
}

static int link_over(struct eddy_region_place *p, struct eddy_file *file, const char *path)
{
    lock_folder(p);
    int error = check_replaced(p, path);
    if (!error)
        error = eddy_file_link_over(file, p->file);
    unlock_folder(p);
    return error;
}

static int link_region(struct eddy_region *r, struct eddy_file *file, void *context, uint32_t flags)
{
    int error = name_region(r, context);
    if (error)
        return error;
    return flags & EDDY_REGION_REPLACE ? link_over(context, file, r->path)
                                       : link_new(context, file, r->path);
}

int eddy_region_create_path_sized(const char *path, const struct eddy_region_options *options,
                                  size_t options_size, eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    struct eddy_region_place *p = NULL;
    int error = eddy_region_take(&o, options, options_size, 0666, EDDY_CLEANUP_OWNER);
    if (!error)
        error = open_path(path, &p);
    if (error)
        return error;
    struct eddy_region_making m = {eddy_kept_fd(&p->dir), path, &o, link_region, p};
    error = check_page(p, &o, path);
    if (!error)
        error = eddy_region_make(&m, region);
    if (error)
        free_path(p);
    return error;
}

/* --- attaching ------------------------------------------------------------------------------- */

static int open_existing(const struct eddy_region_place *p, const struct eddy_region_options *o,
                         const char *path, struct eddy_region **region)
{
    int fd;
    struct stat status;
    bool foreign = o->flags & EDDY_REGION_FOREIGN;
    struct eddy_file_wanted w = {.dir = eddy_kept_fd(&p->dir),
                                 .name = p->file,
                                 .shown = path,
                                 .writable = o->map == EDDY_MAP_READ_WRITE,
                                 .foreign = foreign,
                                 .forbidden = foreign ? 0 : 022,
                                 .instead = "EDDY_REGION_FOREIGN if that is meant"};
    int error = eddy_file_open_as(&w, &fd, &status);
    if (error)
        return error;
    error = status.st_size == 0 ? eddy_region_fail_empty(path)
                                : eddy_region_view(fd, (uint64_t)status.st_size, o, path, region);
    if (error)
        close(fd);
    return error;
}

int eddy_region_attach_path_sized(const char *path, const struct eddy_region_options *options,
                                  size_t options_size, eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    struct eddy_region_place *p = NULL;
    struct eddy_region *r = NULL;
    int error = eddy_region_take_view(&o, options, options_size);
    if (!error)
        error = open_path(path, &p);
    if (error)
        return error;
    error = open_existing(p, &o, path, &r);
    if (r) {
        error = name_region(r, p);
        if (!error) {
            *region = r;
            return EDDY_OK;
        }
        eddy_region_free(r);
    }
    free_path(p);
    return error;
}
