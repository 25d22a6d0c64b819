/* Regions by name: a file <nonce>.region in the folder of a domain, and the flink that leads to it.
 * spec/regions.md, "Names"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/region/region.h"

#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/point.h"
#include "allocator/whose.h"
#include "discovery/directory.h"
#include "discovery/kind.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct eddy_kind region_kind;

struct eddy_region_flink {
    struct eddy_domain *domain;
    char file[EDDY_KIND_FLINK_ROOM]; /* of the flink */
    struct eddy_name held;           /* while it is locked */
    char id[EDDY_NONCE_TEXT];
};

/* --- the name's lock ------------------------------------------------------------------------- */

static int lock_name(struct eddy_region *r)
{
    struct eddy_region_flink *n = r->context;
    return eddy_directory_enter(n->domain, eddy_flink_lock(n->file), &n->held);
}

static void unlock_name(struct eddy_region *r)
{
    struct eddy_region_flink *n = r->context;
    eddy_directory_leave(n->domain, &n->held);
}

/* The nonce alone makes sure that it is this region: a name is in nobody else's file. */
static int open_object(const struct eddy_region_flink *n, bool writable, int *fd,
                       struct stat *status)
{
    char file[64];
    eddy_kind_file(&region_kind, n->id, file);
    /* Its creator may have let a group write; the folder vouches for who that was. */
    struct eddy_file_wanted w = {.dir = eddy_domain_folder(n->domain),
                                 .name = file,
                                 .shown = file,
                                 .writable = writable,
                                 .domain = true,
                                 .forbidden = 002,
                                 .instead = "another domain"};
    return eddy_file_open_as(&w, fd, status);
}

static int open_name(struct eddy_region *r, int *fd)
{
    struct stat status;
    return open_object(r->context, true, fd, &status);
}

static void remove_name(struct eddy_region *r)
{
    struct eddy_region_flink *n = r->context;
    eddy_kind_remove(&region_kind, eddy_domain_folder(n->domain), n->file, n->id);
}

static void leave_name(struct eddy_region *r, bool forked)
{
    struct eddy_region_flink *n = r->context;
    if (!forked) {
        pthread_mutex_lock(&n->domain->lock);
        n->domain->handles--;
        pthread_mutex_unlock(&n->domain->lock);
    }
    free(n);
}

static const struct eddy_region_name by_flink = {.lock = lock_name,
                                                 .unlock = unlock_name,
                                                 .open = open_name,
                                                 .remove = remove_name,
                                                 .leave = leave_name,
                                                 .is_kept_by_mode = true};

/* --- who uses it ----------------------------------------------------------------------------- */

enum use { GONE, OWNED, KEPT, NOBODYS, UNKNOWN };

static enum use use_of(int dir, const char *id)
{
    int fd;
    char file[64];
    struct stat status;
    eddy_kind_file(&region_kind, id, file);
    struct eddy_file_wanted w = {.dir = dir,
                                 .name = file,
                                 .shown = file,
                                 .domain = true,
                                 .forbidden = 002,
                                 .instead = "another domain"};
    int error = eddy_file_open_as(&w, &fd, &status);
    if (error)
        return error == EDDY_ENOENT ? GONE : UNKNOWN;
    bool held = eddy_lock_is_held(fd, EDDY_REGION_OWNER, 1);
    /* Kept is looked at after the lock: who owns what was kept takes the lock first. */
    bool kept = fstat(fd, &status) != 0 || eddy_file_is_kept(&status);
    close(fd);
    return held ? OWNED : kept ? KEPT : NOBODYS;
}

/* --- creating -------------------------------------------------------------------------------- */

/* Takes away what the dead left, and with REPLACE what the living have. */
static int make_way(struct eddy_region_flink *n, uint32_t flags)
{
    int error = eddy_kind_find(&region_kind, eddy_domain_folder(n->domain), n->file, n->id);
    if (error)
        return error == EDDY_ENOENT ? EDDY_OK : error;
    enum use use = use_of(eddy_domain_folder(n->domain), n->id);
    if (use == UNKNOWN)
        return EDDY_EACCES; /* and the sentence is there */
    if (use != GONE && use != NOBODYS && !(flags & EDDY_REGION_REPLACE))
        return eddy_fail(EDDY_EEXIST,
                         "%s leads to a region that %s; attach to it, or give EDDY_REGION_REPLACE",
                         n->file, use == KEPT ? "was kept" : "somebody alive owns");
    eddy_kind_remove(&region_kind, eddy_domain_folder(n->domain), n->file, n->id);
    return EDDY_OK;
}

/* The file, then the flink: nothing ever leads to a region that is not there. */
static int announce(struct eddy_region_flink *n, struct eddy_file *file, uint32_t flags)
{
    char name[64];
    uint8_t nonce[16];
    int error = make_way(n, flags);
    if (!error)
        error = eddy_nonce_make(nonce, n->id);
    if (error)
        return error;
    eddy_kind_file(&region_kind, n->id, name);
    error = eddy_file_give(file);
    if (!error)
        error = eddy_file_link(file, name);
    EDDY_POINT("region-create:before-announce");
    if (!error)
        error = eddy_kind_announce(&region_kind, eddy_domain_folder(n->domain), n->file, n->id);
    if (error)
        eddy_kind_remove(&region_kind, eddy_domain_folder(n->domain), NULL, n->id);
    return error;
}

/* Whether the name is free is asked before memory is reserved, and decided after that. */
static int check_free(struct eddy_region_flink *n, uint32_t flags)
{
    int error = flags & EDDY_REGION_REPLACE
                    ? EDDY_OK
                    : eddy_directory_enter(n->domain, eddy_flink_lock(n->file), &n->held);
    if (error || flags & EDDY_REGION_REPLACE)
        return error;
    error = make_way(n, flags);
    eddy_directory_leave(n->domain, &n->held);
    return error;
}

static int name_region(struct eddy_region *r, struct eddy_region_flink *n)
{
    char file[64];
    eddy_kind_file(&region_kind, n->id, file);
    if (asprintf(&r->path, "%s/%s", n->domain->dir, file) < 0) {
        r->path = NULL;
        return eddy_fail(EDDY_ENOMEM, "no memory for a path");
    }
    r->name = &by_flink;
    r->file.path = r->path;
    r->context = n;
    n->domain->handles++;
    return EDDY_OK;
}

static int link_region(struct eddy_region *r, struct eddy_file *file, void *context, uint32_t flags)
{
    struct eddy_region_flink *n = context;
    int error = eddy_directory_enter(n->domain, eddy_flink_lock(n->file), &n->held);
    if (error)
        return error;
    error = announce(n, file, flags);
    if (!error) {
        error = name_region(r, n);
        if (error)
            eddy_kind_remove(&region_kind, eddy_domain_folder(n->domain), n->file, n->id);
    }
    eddy_directory_leave(n->domain, &n->held);
    return error;
}

static int take_create(struct eddy_region_options *o, const struct eddy_region_options *given,
                       size_t size)
{
    int error = eddy_region_take(o, given, size, 0660, EDDY_CLEANUP_OWNER);
    if (!error && o->page_bytes && o->page_bytes != eddy_page_round(1))
        error = eddy_fail(EDDY_EINVAL, "a region with a name has the usual pages; create one with "
                                       "huge pages nameless, or at a path on a hugetlbfs");
    return error;
}

static int prepare(eddy_domain *d, const char *name, struct eddy_region_flink **flink)
{
    if (!d)
        return eddy_fail(EDDY_EINVAL, "a region with a name needs a domain");
    if (eddy_domain_forked(d) || eddy_is_guest())
        return eddy_fail_forked();
    struct eddy_region_flink *n = calloc(1, sizeof *n);
    if (!n)
        return eddy_fail(EDDY_ENOMEM, "no memory for the name of a region");
    n->domain = d;
    int error = eddy_kind_flink(&region_kind, name, n->file);
    if (error)
        free(n);
    else
        *flink = n;
    return error;
}

int eddy_region_create_sized(eddy_domain *d, const char *name,
                             const struct eddy_region_options *options, size_t options_size,
                             eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    struct eddy_region_flink *n = NULL;
    int error = take_create(&o, options, options_size);
    if (!error)
        error = prepare(d, name, &n);
    if (error)
        return error;
    struct eddy_region_options exact = o;
    struct eddy_whose whose = eddy_whose_of(eddy_domain_folder(d));
    exact.mode = o.mode ? o.mode : eddy_whose_mode(&whose);
    struct eddy_region_making m = {eddy_domain_folder(d), n->file, &exact, link_region, n};
    error = check_free(n, o.flags);
    if (!error)
        error = eddy_region_make(&m, region);
    if (error)
        free(n);
    return error;
}

/* --- attaching ------------------------------------------------------------------------------- */

static int attach(struct eddy_region_flink *n, const struct eddy_region_options *o,
                  struct eddy_region **region)
{
    int fd;
    struct stat status;
    struct eddy_region *r = NULL;
    int error = eddy_kind_find(&region_kind, eddy_domain_folder(n->domain), n->file, n->id);
    if (!error)
        error = open_object(n, o->map == EDDY_MAP_READ_WRITE, &fd, &status);
    if (error)
        return error;
    error = status.st_size == 0 ? eddy_region_fail_empty(n->file)
                                : eddy_region_view(fd, (uint64_t)status.st_size, o, n->file, &r);
    if (!r) {
        close(fd);
        return error;
    }
    error = name_region(r, n);
    if (error)
        eddy_region_free(r);
    else
        *region = r;
    return error;
}

int eddy_region_attach_sized(eddy_domain *d, const char *name,
                             const struct eddy_region_options *options, size_t options_size,
                             eddy_region **region)
{
    EDDY_UNCANCELLED;
    struct eddy_region_options o;
    struct eddy_region_flink *n = NULL;
    struct eddy_region *r = NULL;
    int error = eddy_region_take_view(&o, options, options_size);
    if (!error)
        error = prepare(d, name, &n);
    if (error)
        return error;
    error = eddy_directory_enter(d, eddy_flink_lock(n->file), &n->held);
    if (!error) {
        error = attach(n, &o, &r);
        eddy_directory_leave(d, &n->held);
    }
    if (error)
        free(n);
    else
        *region = r;
    return error;
}

/* --- what the dead left, and looking in ------------------------------------------------------ */

/* One that no flink leads to yet may be in the making: its maker owns it already. */
static bool collect(struct eddy_domain *d, const char *flink, const char *id,
                    struct eddy_gc_report *report)
{
    enum use use = use_of(eddy_domain_folder(d), id);
    report->files_refused += use == UNKNOWN;
    if (use == GONE || use == NOBODYS)
        eddy_kind_collect(&region_kind, eddy_domain_folder(d), flink, id, report);
    return false;
}

static int look(const struct eddy_view *v, const char *id, struct eddy_object_report *report)
{
    static const char *const states[] = {"", "owned", "kept", "ownerless", ""};
    struct eddy_object_member owner = {.role = "owner", .state = EDDY_MEMBER_ALIVE};
    enum use use = use_of(v->dir, id);
    if (use == GONE)
        return eddy_fail(EDDY_ENOENT, "the region %s is gone", id);
    if (use == UNKNOWN)
        return EDDY_EACCES; /* and the sentence is there */
    report->state = states[use];
    if (use == OWNED && !eddy_object_add_member(report, &owner))
        return eddy_fail(EDDY_ENOMEM, "no memory to list who owns a region");
    return EDDY_OK;
}

static struct eddy_kind region_kind = {.name = "region",
                                       .suffix = ".region",
                                       .removed = offsetof(struct eddy_gc_report, objects_removed),
                                       .collect = collect,
                                       .tell = eddy_object_tell,
                                       .look = look};

__attribute__((constructor)) static void register_kind(void)
{
    eddy_kind_register(&region_kind);
}
