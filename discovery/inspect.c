/* Looking at a domain from outside.  spec/topics.md, "Looking in"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/inspect.h>

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/segment/extent.h"
#include "allocator/segment/logs.h"
#include "discovery/directory.h"
#include "discovery/domain.h"
#include "discovery/flink.h"
#include "discovery/kind.h"
#include "discovery/reap.h"
#include "discovery/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct eddy_snapshot {
    struct eddy_topic_report *topics;
    struct eddy_object_report *objects;
    size_t count, room, object_count, object_room;
};

/* --- members --------------------------------------------------------------------------------- */

static void name_member(const struct eddy_view *v, uint64_t owner, struct eddy_member_info *m)
{
    struct eddy_object_member seen = {0};
    eddy_view_name(v, owner & ~EDDY_OWNER_REAPING, &seen);
    m->state = owner & EDDY_OWNER_REAPING ? EDDY_MEMBER_LEAVING : seen.state;
    m->pid = seen.pid;
    memcpy(m->name, seen.name, sizeof m->name);
}

static bool is_reliable(uint32_t seat_flags)
{
    uint32_t asked = seat_flags & EDDY_SEAT_NOTED ? EDDY_SEAT_NOTED_RELIABLE : EDDY_SEAT_RELIABLE;
    return seat_flags & asked;
}

/* All loads below are relaxed: a picture of what moves. */
static void fill_reader(const struct eddy_segment *s, uint32_t seat, struct eddy_member_info *m)
{
    const struct eddy_reader_seat *r = &s->readers[seat];
    const struct eddy_reader_rest *rest = &s->reader_rests[seat];
    uint64_t position = eddy_load_relaxed(&r->position), end = eddy_logs_seen(s);
    m->samples = eddy_load_relaxed(&r->taken);
    m->held = eddy_load_relaxed(&r->held);
    m->lost = eddy_load_relaxed(&r->lost);
    m->behind = position && position < end ? end - position : 0;
    m->depth = eddy_load_relaxed(&r->depth);
    m->shallow = eddy_load_relaxed(&r->flags) & EDDY_SEAT_SHALLOW;
    m->reliable = is_reliable(eddy_load_relaxed(&r->flags));
    m->waiting = eddy_load_relaxed(&rest->waiting);
    m->given_up = eddy_load_relaxed(&rest->given_up);
    m->let_go = eddy_load_relaxed(&r->let_go) != 0;
    m->let_go_count = eddy_load_relaxed(&rest->let_go_count);
}

static void fill_writer(const struct eddy_segment *s, uint32_t seat, struct eddy_member_info *m)
{
    const struct eddy_writer_seat *w = &s->writers[seat];
    m->is_writer = true;
    m->samples = eddy_load_relaxed(&w->published);
    m->bytes = eddy_load_relaxed(&w->bytes);
    m->held = eddy_load_relaxed(&w->kept);
    m->depth = eddy_load_relaxed(&w->history);
    m->reliable = is_reliable(eddy_load_relaxed(&w->flags));
}

static void add_member(const struct eddy_view *v, struct eddy_segment *s, bool is_writer,
                       uint32_t seat, struct eddy_topic_report *t)
{
    struct eddy_member_info *m = (struct eddy_member_info *)(uintptr_t)&t->members[t->member_count];
    /* from [holder]: who has the seat is in the registry. */
    uint64_t owner =
        eddy_load_acquire(is_writer ? &s->writers[seat].owner : &s->readers[seat].owner);
    if (!owner)
        return;
    m->seat = seat;
    m->participant = owner & ~EDDY_OWNER_REAPING;
    name_member(v, owner, m);
    if (is_writer)
        fill_writer(s, seat, m);
    else
        fill_reader(s, seat, m);
    t->member_count++;
}

static void fill_members(const struct eddy_view *v, struct eddy_segment *s,
                         struct eddy_topic_report *t)
{
    struct eddy_seats writers = eddy_seats_of_writers(s), readers = eddy_seats_of_readers(s);
    uint32_t seat, groups = (uint32_t)__builtin_popcountll(writers.groups) +
                            (uint32_t)__builtin_popcountll(readers.groups);
    t->members = calloc(64u * groups + 1u, sizeof *t->members);
    if (!t->members)
        return;
    while (eddy_seats_next(&writers, &seat))
        add_member(v, s, true, seat, t);
    while (eddy_seats_next(&readers, &seat))
        add_member(v, s, false, seat, t);
}

/* --- topics ---------------------------------------------------------------------------------- */

static char *join_path(const char *dir, const char *file)
{
    size_t bytes = strlen(dir) + strlen(file) + 2;
    char *path = malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s/%s", dir, file);
    return path;
}

static void fill_report(const struct eddy_view *v, const char *file, const struct eddy_flink *f,
                        int flink_error, struct eddy_topic_report *t)
{
    struct eddy_segment *s;
    t->flink = join_path(v->path, file);
    t->error = flink_error;
    if (!t->error)
        t->error = eddy_segment_attach(v->dir, f->segment, EDDY_USE_LOOK, &s);
    if (!t->error) {
        t->name = strdup(f->topic);
        t->type = strdup(f->type);
        t->scope = strdup(f->scope);
        eddy_directory_stats(v->dir, s, &t->stats);
        fill_members(v, s, t);
        eddy_segment_detach(s);
    } else {
        t->message = strdup(eddy_last_error());
    }
}

static void free_report(const struct eddy_topic_report *t)
{
    const void *parts[] = {t->name, t->type, t->scope, t->flink, t->members, t->message};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        free((void *)(uintptr_t)parts[i]);
}

/* Room for one more in a list. */
static void *more(void *list, size_t count, size_t *room, size_t bytes)
{
    if (count < *room)
        return list;
    size_t wanted = *room ? 2 * *room : 32;
    void *longer = realloc(list, wanted * bytes);
    *room = longer ? wanted : *room;
    return longer;
}

static bool add_topic(const struct eddy_view *v, struct eddy_snapshot *snap, const char *file,
                      const struct eddy_flink *f, int error)
{
    struct eddy_topic_report *list =
        more(snap->topics, snap->count, &snap->room, sizeof *snap->topics);
    if (!list)
        return false;
    snap->topics = list;
    struct eddy_topic_report *t = &snap->topics[snap->count];
    memset(t, 0, sizeof *t);
    fill_report(v, file, f, error, t);
    if (t->error == EDDY_ENOENT) /* it went while we looked */
        free_report(t);
    else
        snap->count++;
    return true;
}

/* --- other things that flinks lead to -------------------------------------------------------- */

/* "x.ring.flink" of kind ring is x; others lose their ending alone. */
static char *object_name(const char *file, const char *kind)
{
    char *name = strdup(file);
    if (!name)
        return NULL;
    name[strlen(name) - strlen(EDDY_FLINK_SUFFIX)] = 0;
    char *dot = strrchr(name, '.');
    if (dot && strcmp(dot + 1, kind) == 0)
        *dot = 0;
    return name;
}

static void free_object(const struct eddy_object_report *o)
{
    const void *parts[] = {o->name, o->flink, o->members, o->message};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        free((void *)(uintptr_t)parts[i]);
}

static void fill_object(const struct eddy_view *v, const char *file, const char *id,
                        const struct eddy_kind *kind, struct eddy_object_report *o)
{
    char object[64];
    struct stat status;
    o->kind = kind->name;
    o->state = "";
    o->name = object_name(file, kind->name);
    o->flink = join_path(v->path, file);
    eddy_kind_file(kind, id, object);
    if (fstatat(v->dir, object, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        o->bytes = (uint64_t)status.st_size;
        o->shared_bytes = (uint64_t)status.st_blocks * 512;
    }
    o->error = kind->look(v, id, o);
    if (o->error)
        o->message = strdup(eddy_last_error());
}

static bool add_object(const struct eddy_view *v, struct eddy_snapshot *snap, const char *file,
                       const struct eddy_flink *f)
{
    const struct eddy_kind *kind = eddy_kind_named(f->kind);
    if (!kind)
        return true; /* of an Eddy that knows more */
    struct eddy_object_report *list =
        more(snap->objects, snap->object_count, &snap->object_room, sizeof *snap->objects);
    if (!list)
        return false;
    snap->objects = list;
    struct eddy_object_report *o = &snap->objects[snap->object_count];
    memset(o, 0, sizeof *o);
    fill_object(v, file, f->segment, kind, o);
    if (o->error == EDDY_ENOENT)
        free_object(o);
    else
        snap->object_count++;
    return true;
}

/* --- the folder ------------------------------------------------------------------------------ */

static bool add_flink(const struct eddy_view *v, struct eddy_snapshot *snap, const char *file)
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    if (!f)
        return false;
    int error = eddy_flink_read_kind(v->dir, file, NULL, f);
    bool enough =
        !error && *f->kind ? add_object(v, snap, file, f) : add_topic(v, snap, file, f, error);
    free(f);
    return enough;
}

static int objects_by_name(const void *a, const void *b)
{
    const struct eddy_object_report *x = a, *y = b;
    return strcmp(x->flink ? x->flink : "", y->flink ? y->flink : "");
}

static int by_name(const void *a, const void *b)
{
    const struct eddy_topic_report *x = a, *y = b;
    return strcmp(x->flink ? x->flink : "", y->flink ? y->flink : "");
}

struct listing {
    const struct eddy_view *view;
    struct eddy_snapshot *snapshot;
    bool enough;
};

static bool list_file(int dir, const char *name, void *context)
{
    struct listing *l = context;
    (void)dir;
    if (eddy_file_kind_of(name) == EDDY_FILE_FLINK)
        l->enough = add_flink(l->view, l->snapshot, name);
    return l->enough;
}

static int list_all(const struct eddy_view *v, struct eddy_snapshot *snap)
{
    struct listing l = {v, snap, true};
    int error = eddy_file_list(v->dir, list_file, &l);
    if (!error && !l.enough)
        error = eddy_fail(EDDY_ENOMEM, "no memory to list what is in %s", v->path);
    if (snap->count)
        qsort(snap->topics, snap->count, sizeof *snap->topics, by_name);
    if (snap->object_count)
        qsort(snap->objects, snap->object_count, sizeof *snap->objects, objects_by_name);
    return error;
}

static int open_view(const char *path, struct eddy_view *v)
{
    v->path = path;
    int error = eddy_folder_open(path, false, &v->dir);
    if (error)
        return error;
    int fd;
    if (eddy_registry_open(v->dir, false, &fd, &v->registry) == EDDY_OK)
        close(fd);
    else
        v->registry = NULL;
    return EDDY_OK;
}

static void close_view(struct eddy_view *v)
{
    if (v->registry)
        eddy_registry_unmap(v->registry);
    close(v->dir);
}

int eddy_snapshot_take(const char *dir, eddy_snapshot **snapshot)
{
    EDDY_UNCANCELLED;
    char path[4096];
    struct eddy_view v = {0};
    int error = dir ? EDDY_OK : eddy_default_dir(path, sizeof path);
    struct eddy_snapshot *snap = error ? NULL : calloc(1, sizeof *snap);
    if (error)
        return error;
    if (!snap)
        return eddy_fail(EDDY_ENOMEM, "no memory for a snapshot");
    error = open_view(dir ? dir : path, &v);
    if (!error) {
        error = list_all(&v, snap);
        close_view(&v);
    }
    if (error && error != EDDY_ENOENT) {
        eddy_snapshot_free(snap);
        return error;
    }
    *snapshot = snap;
    return EDDY_OK;
}

size_t eddy_snapshot_topics(const eddy_snapshot *snapshot)
{
    return snapshot->count;
}

const struct eddy_topic_report *eddy_snapshot_topic(const eddy_snapshot *snapshot, size_t index)
{
    return index < snapshot->count ? &snapshot->topics[index] : NULL;
}

size_t eddy_snapshot_objects(const eddy_snapshot *snapshot)
{
    return snapshot->object_count;
}

const struct eddy_object_report *eddy_snapshot_object(const eddy_snapshot *snapshot, size_t index)
{
    return index < snapshot->object_count ? &snapshot->objects[index] : NULL;
}

void eddy_snapshot_free(eddy_snapshot *snapshot)
{
    for (size_t i = 0; snapshot && i < snapshot->count; i++)
        free_report(&snapshot->topics[i]);
    for (size_t i = 0; snapshot && i < snapshot->object_count; i++)
        free_object(&snapshot->objects[i]);
    if (snapshot) {
        free(snapshot->topics);
        free(snapshot->objects);
    }
    free(snapshot);
}
