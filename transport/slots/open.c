/* Creating, attaching and closing slots segments by their flinks.  spec/slots.md, "Life"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"
#include "discovery/directory.h"
#include "transport/slots/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_READERS 64u

/* What create and attach have in common. */
struct request {
    const struct eddy_slots_options *create; /* NULL: attach */
    const uint8_t *type_hash;
    char *dir, *file;
    struct eddy_domain *domain;
};

/* --- the path */

static int split_path(const char *path, struct request *r)
{
    int error = eddy_folder_split(path, &r->dir, &r->file);
    if (error)
        return error;
    size_t length = strlen(r->file), end = strlen(EDDY_FLINK_SUFFIX);
    if (length <= end || strcmp(r->file + length - end, EDDY_FLINK_SUFFIX) != 0 ||
        length >= EDDY_FLINK_NAME_MAX || r->file[0] == '.')
        return eddy_fail(EDDY_EINVAL,
                         "\"%.200s\" cannot be the flink of a slots segment: it must end in "
                         "\"" EDDY_FLINK_SUFFIX
                         "\", not begin with a dot, and have less than %d bytes",
                         path, EDDY_FLINK_NAME_MAX);
    return EDDY_OK;
}

static int check_same_folder(const struct eddy_domain *d, const char *dir)
{
    struct stat theirs, wanted;
    if (fstat(eddy_domain_folder(d), &theirs) != 0 || stat(dir, &wanted) != 0)
        return eddy_fail_errno("cannot look at the folder %s", dir);
    if (theirs.st_ino != wanted.st_ino || theirs.st_dev != wanted.st_dev)
        return eddy_fail(EDDY_EINVAL,
                         "the flink lies in %s, the domain in %s; give a path in the domain's "
                         "folder, or no domain",
                         dir, d->dir);
    return EDDY_OK;
}

/* Looks at the flink before anything is opened or created in its folder. */
static int check_flink(const struct request *r)
{
    int fd;
    char id[EDDY_NONCE_TEXT];
    int error = eddy_folder_open(r->dir, false, &fd);
    if (error)
        return error;
    error = eddy_kind_find(&eddy_slots_kind, fd, r->file, id);
    close(fd);
    return error;
}

/* --- with the flink's lock */

static bool wants_other_type(const struct request *r, const struct eddy_slots *s)
{
    static const uint8_t any[16];
    return r->type_hash && memcmp(r->type_hash, any, 16) && memcmp(s->type_hash, any, 16) &&
           memcmp(r->type_hash, s->type_hash, 16);
}

static int attach_living(const struct request *r, struct eddy_slots *s)
{
    if (wants_other_type(r, s))
        return eddy_fail(EDDY_ETYPE,
                         "the slots of %s have another type; rebuild the programs with "
                         "one definition",
                         r->file);
    EDDY_POINT("slots-attach:found");
    return eddy_slots_member_enter(s);
}

/* EDDY_ENOENT: there is none; what the dead left is removed. */
static int find(const struct request *r, struct eddy_slots **slots)
{
    struct eddy_slots *s = NULL;
    char id[EDDY_NONCE_TEXT];
    int dir = eddy_domain_folder(r->domain),
        error = eddy_kind_find(&eddy_slots_kind, dir, r->file, id);
    if (error)
        return error;
    error = eddy_slots_object_attach(r->domain, id, EDDY_USE_SHARE, &s);
    if (error && error != EDDY_ENOENT)
        return error;
    if (!error && eddy_slots_count(s).alive) {
        *slots = s;
        return EDDY_OK;
    }
    eddy_kind_remove(&eddy_slots_kind, dir, r->file, id);
    if (s)
        eddy_slots_object_detach(s);
    return eddy_fail(EDDY_ENOENT, "everybody who used %s is dead", r->file);
}

static int create(const struct request *r, struct eddy_slots **slots)
{
    struct eddy_slots *s;
    int error = eddy_slots_object_create(r->domain, r->create, &s);
    if (error)
        return error;
    EDDY_POINT("slots-create:before-announce");
    error = eddy_kind_announce(&eddy_slots_kind, eddy_domain_folder(r->domain), r->file, s->id);
    if (!error) {
        *slots = s; /* with seat 0, which it was given when it was made */
        return EDDY_OK;
    }
    eddy_kind_remove(&eddy_slots_kind, eddy_domain_folder(r->domain), NULL, s->id);
    eddy_slots_object_detach(s);
    return error;
}

static int open_locked(const struct request *r, struct eddy_slots **slots)
{
    int error = find(r, slots);
    if (r->create && error == EDDY_ENOENT)
        return create(r, slots);
    if (error)
        return error;
    error = r->create ? eddy_fail(EDDY_EEXIST,
                                  "%s/%s is in use by somebody alive; attach to it, "
                                  "or give another path",
                                  r->dir, r->file)
                      : attach_living(r, *slots);
    if (error)
        eddy_slots_object_detach(*slots);
    return error;
}

static int lock_and_open(const struct request *r, struct eddy_slots **slots)
{
    struct eddy_domain *d = r->domain;
    struct eddy_name held;
    int error = eddy_directory_enter(d, eddy_flink_lock(r->file), &held);
    if (error)
        return error;
    error = open_locked(r, slots);
    d->handles += !error;
    eddy_directory_leave(d, &held);
    if (!error) /* not with the name: others need not wait for it */
        (void)eddy_slots_reap(*slots);
    return error;
}

/* --- the handle */

static char *join_path(const char *dir, const char *file, const char *suffix)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s%s", dir, file, suffix) < 0 ? NULL : path;
}

static int name_handle(const struct request *r, struct eddy_slots *s)
{
    s->file = strdup(r->file);
    s->flink = join_path(r->domain->dir, r->file, "");
    s->object = join_path(r->domain->dir, s->id, EDDY_SLOTS_SUFFIX);
    return s->file && s->flink && s->object ? EDDY_OK
                                            : eddy_fail(EDDY_ENOMEM, "no memory for a path");
}

/* The last to leave removes the names.  What a blocked lock leaves is for gc or the next user. */
static void leave(struct eddy_slots *s, const char *file)
{
    struct eddy_domain *d = s->domain;
    struct eddy_name held;
    for (uint32_t r = 0; r < s->reader_limit; r++)
        if (eddy_load_relaxed(&s->mine[r / 64]) & eddy_slots_bit(r)) /* the handle's own */
            eddy_slots_reader_leave(s, r);
    eddy_slots_member_leave(s, s->member);
    EDDY_POINT("slots-close:left");
    if (eddy_directory_enter(d, eddy_flink_lock(file), &held) == EDDY_OK) {
        if (eddy_slots_count(s).alive == 0)
            eddy_kind_remove(&eddy_slots_kind, eddy_domain_folder(d), file, s->id);
        eddy_directory_leave(d, &held);
    }
    pthread_mutex_lock(&d->lock);
    d->handles--;
    pthread_mutex_unlock(&d->lock);
}

static int open_in_domain(const struct request *r, eddy_slots **slots)
{
    struct eddy_slots *s = NULL;
    int error = lock_and_open(r, &s);
    if (error)
        return error;
    error = name_handle(r, s);
    if (error) {
        leave(s, r->file);
        eddy_slots_object_detach(s);
        return error;
    }
    *slots = s;
    return EDDY_OK;
}

static int open_slots(struct request *r, const char *path, eddy_slots **slots)
{
    struct eddy_domain *given = r->domain;
    struct eddy_domain_options options = {0};
    int error = split_path(path, r);
    if (!error && given)
        error = eddy_domain_forked(given) || eddy_is_guest() ? eddy_fail_forked()
                                                             : check_same_folder(given, r->dir);
    if (!error && !r->create)
        error = check_flink(r);
    options.dir = r->dir;
    if (!error && !given)
        error = eddy_domain_open(&options, &r->domain);
    if (!error) {
        error = open_in_domain(r, slots);
        if (!error)
            (*slots)->owns_domain = !given;
        else if (!given)
            eddy_domain_close(r->domain);
    }
    free(r->dir);
    free(r->file);
    return error;
}

static int check_options(const struct eddy_slots_options *o)
{
    if (o->slot_count == 0)
        return eddy_fail(EDDY_EINVAL, "a slots segment needs at least one slot");
    if (o->slot_count > EDDY_SLOTS_MAX || o->slot_capacity > EDDY_SLOTS_CAPACITY_MAX ||
        o->readers > EDDY_SLOTS_READERS_MAX)
        return eddy_fail(EDDY_ETOOBIG,
                         "%llu slots of %llu bytes for %u readers; a segment has at most %u, of "
                         "%u, for %u",
                         (unsigned long long)o->slot_count, (unsigned long long)o->slot_capacity,
                         o->readers, EDDY_SLOTS_MAX, EDDY_SLOTS_CAPACITY_MAX,
                         EDDY_SLOTS_READERS_MAX);
    if (o->flags)
        return eddy_fail(EDDY_EINVAL, "unknown flags %#x", o->flags);
    return EDDY_OK;
}

int eddy_slots_create_sized(eddy_domain *domain, const char *flink_path,
                            const struct eddy_slots_options *options, size_t options_size,
                            eddy_slots **slots)
{
    EDDY_UNCANCELLED;
    struct eddy_slots_options o;
    if (!flink_path || !*flink_path || !options || !slots)
        return eddy_fail(EDDY_EINVAL,
                         "eddy_slots_create: no path, options or place for the result");
    int error = EDDY_SIZED(eddy_slots_options, o, options, options_size);
    if (!error)
        error = check_options(&o);
    if (error)
        return error;
    o.readers = o.readers ? o.readers : DEFAULT_READERS;
    return open_slots(&(struct request){.create = &o, .domain = domain}, flink_path, slots);
}

int eddy_slots_attach(eddy_domain *domain, const char *flink_path, const uint8_t *type_hash,
                      eddy_slots **slots)
{
    EDDY_UNCANCELLED;
    if (!flink_path || !*flink_path || !slots)
        return eddy_fail(EDDY_EINVAL, "eddy_slots_attach: no path or place for the result");
    return open_slots(&(struct request){.type_hash = type_hash, .domain = domain}, flink_path,
                      slots);
}

int eddy_slots_close(eddy_slots *s)
{
    EDDY_UNCANCELLED;
    if (!s)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = eddy_slots_forked(s);
    struct eddy_domain *own = s->owns_domain ? s->domain : NULL;
    if (!forked)
        leave(s, s->file);
    eddy_slots_object_detach(s);
    if (own)
        eddy_domain_close(own);
    return forked ? eddy_fail_forked() : EDDY_OK;
}
