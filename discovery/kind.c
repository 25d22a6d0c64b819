/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/kind.h"

#include "allocator/atomic.h"
#include "allocator/error.h"
#include "allocator/point.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct eddy_kind *kinds = &eddy_topic_kind;

void eddy_kind_register(struct eddy_kind *kind)
{
    kind->next = kinds;
    kinds = kind;
}

const struct eddy_kind *eddy_kind_named(const char *name)
{
    const struct eddy_kind *k = kinds;
    while (k && strcmp(k->name, name) != 0)
        k = k->next;
    return k;
}

static bool has_file(const struct eddy_kind *k, const char *file, uint64_t *magic)
{
    *magic = k->magic;
    return strcmp(k->suffix, file + EDDY_NONCE_TEXT - 1) == 0 || (k->part && k->part(file, magic));
}

const struct eddy_kind *eddy_kind_of_file(const char *file, uint64_t *magic)
{
    const struct eddy_kind *k = kinds;
    if (strspn(file, "0123456789abcdef") != EDDY_NONCE_TEXT - 1)
        return NULL;
    while (k && !has_file(k, file, magic))
        k = k->next;
    return k;
}

/* --- one file -------------------------------------------------------------------------------- */

void eddy_kind_file(const struct eddy_kind *kind, const char *id, char file[64])
{
    snprintf(file, 64, "%.32s%s", id, kind->suffix);
}

int eddy_kind_find(const struct eddy_kind *kind, int dir, const char *flink,
                   char id[EDDY_NONCE_TEXT])
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    if (!f)
        return eddy_fail(EDDY_ENOMEM, "no memory to read a flink");
    int error = eddy_flink_read_kind(dir, flink, kind->name, f);
    if (!error)
        memcpy(id, f->segment, EDDY_NONCE_TEXT);
    free(f);
    return error;
}

uint64_t eddy_kind_bytes(const struct eddy_kind *kind, int dir, const char *id)
{
    char file[64];
    struct stat status;
    eddy_kind_file(kind, id, file);
    bool there = fstatat(dir, file, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return there ? (uint64_t)status.st_blocks * 512 : 0;
}

int eddy_kind_announce(const struct eddy_kind *kind, int dir, const char *flink, const char *id)
{
    struct eddy_flink *f = calloc(1, sizeof *f);
    if (!f)
        return eddy_fail(EDDY_ENOMEM, "no memory to announce a %s", kind->name);
    snprintf(f->kind, sizeof f->kind, "%s", kind->name);
    snprintf(f->segment, sizeof f->segment, "%.32s", id);
    int error = eddy_flink_announce(dir, flink, f);
    free(f);
    return error;
}

bool eddy_kind_remove(const struct eddy_kind *kind, int dir, const char *flink, const char *id)
{
    char file[64];
    if (flink)
        eddy_flink_withdraw(dir, flink, id);
    EDDY_POINT("kind-remove:withdrawn");
    eddy_kind_file(kind, id, file);
    return unlinkat(dir, file, 0) == 0;
}

void eddy_kind_collect(const struct eddy_kind *kind, int dir, const char *flink, const char *id,
                       struct eddy_gc_report *report)
{
    if (!flink && eddy_flink_leads_to(dir, id))
        return; /* then it is looked at under the lock of its name: somebody may be joining */
    uint64_t bytes = eddy_kind_bytes(kind, dir, id);
    report->bytes_freed += bytes;
    *eddy_kind_removed(kind, report) += flink != NULL;
    report->files_removed += eddy_kind_remove(kind, dir, flink, id);
    report->files_removed += flink != NULL;
}

/* --- reports --------------------------------------------------------------------------------- */

bool eddy_object_add_member(struct eddy_object_report *r, const struct eddy_object_member *member)
{
    struct eddy_object_member *list =
        realloc((void *)(uintptr_t)r->members, (r->member_count + 1) * sizeof *list);
    if (!list)
        return false;
    list[r->member_count++] = *member;
    r->members = list;
    return true;
}

void eddy_view_name(const struct eddy_view *v, uint64_t id, struct eddy_object_member *m)
{
    uint32_t seat = EDDY_SEAT_OF_ID(id);
    m->state = EDDY_MEMBER_DEAD;
    if (!v->registry || seat >= EDDY_PARTICIPANTS_MAX)
        return;
    const struct eddy_participant *p = &v->registry->participants[seat];
    if (eddy_participant_alive(v->dir, id))
        m->state = EDDY_MEMBER_ALIVE;
    eddy_participant_name(p, id, &m->pid, m->name);
}

/* --- names ----------------------------------------------------------------------------------- */

int eddy_kind_flink(const struct eddy_kind *kind, const char *name, char file[EDDY_KIND_FLINK_ROOM])
{
    const char *plain;
    int error = eddy_name_check(name, kind->name, &plain);
    if (error)
        return error;
    snprintf(file, EDDY_KIND_FLINK_ROOM, "%s.%s" EDDY_FLINK_SUFFIX, plain, kind->name);
    return EDDY_OK;
}
