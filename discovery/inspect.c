/* Looking at a domain from outside.  spec/topics.md, "Looking in"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <eddy/inspect.h>

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "discovery/kind.h"
#include "discovery/snapshot.h"
#include "discovery/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- for each kind --------------------------------------------------------------------------- */

char *eddy_path_join(const char *dir, const char *file)
{
    size_t bytes = strlen(dir) + strlen(file) + 2;
    char *path = malloc(bytes);
    if (path)
        snprintf(path, bytes, "%s/%s", dir, file);
    return path;
}

void *eddy_list_more(void *list, size_t count, size_t *room, size_t bytes)
{
    if (count < *room)
        return list;
    size_t wanted = *room ? 2 * *room : 32;
    void *longer = realloc(list, wanted * bytes);
    *room = longer ? wanted : *room;
    return longer;
}

/* --- what is no topic ------------------------------------------------------------------------ */

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

static void fill_object(const struct eddy_view *v, const struct eddy_found *found,
                        struct eddy_object_report *o)
{
    const struct eddy_kind *kind = eddy_kind_named(found->flink->kind);
    char object[64];
    struct stat status;
    o->kind = kind->name;
    o->state = "";
    o->name = object_name(found->file, kind->name);
    o->flink = eddy_path_join(v->path, found->file);
    eddy_kind_file(kind, found->flink->segment, object);
    if (fstatat(v->dir, object, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        o->bytes = (uint64_t)status.st_size;
        o->shared_bytes = (uint64_t)status.st_blocks * 512;
    }
    o->error = kind->look(v, found->flink->segment, o);
    if (o->error)
        o->message = strdup(eddy_last_error());
}

bool eddy_object_tell(const struct eddy_view *v, const struct eddy_found *found,
                      struct eddy_snapshot *snap)
{
    struct eddy_object_report *list = eddy_list_more(snap->objects, snap->object_count,
                                                     &snap->object_room, sizeof *snap->objects);
    if (!list)
        return false;
    snap->objects = list;
    struct eddy_object_report *o = &snap->objects[snap->object_count];
    memset(o, 0, sizeof *o);
    fill_object(v, found, o);
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
    struct eddy_found found = {.file = file, .flink = f};
    found.error = eddy_flink_read_kind(v->dir, file, NULL, f);
    const struct eddy_kind *kind = found.error ? &eddy_topic_kind : eddy_kind_named(f->kind);
    bool enough = !kind || kind->tell(v, &found, snap); /* !kind: of an Eddy that knows more */
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
        eddy_topic_report_free(&snapshot->topics[i]);
    for (size_t i = 0; snapshot && i < snapshot->object_count; i++)
        free_object(&snapshot->objects[i]);
    if (snapshot) {
        free(snapshot->topics);
        free(snapshot->objects);
    }
    free(snapshot);
}
