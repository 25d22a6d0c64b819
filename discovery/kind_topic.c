/* Topics, among the other things that flinks lead to.  spec/topics.md, "Looking in" and "Garbage"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/atomic.h"
#include "allocator/error.h"
#include "allocator/segment/endpoint.h"
#include "allocator/segment/extent.h"
#include "allocator/segment/logs.h"
#include "discovery/directory.h"
#include "discovery/kind.h"
#include "discovery/reap.h"
#include "discovery/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what the dead left ---------------------------------------------------------------------- */

/* With a flink it is looked at under the lock of its name. */
static bool collect_named(struct eddy_domain *d, const char *flink, struct eddy_segment *s,
                          struct eddy_gc_report *report)
{
    uint64_t bytes = eddy_segment_bytes(eddy_domain_folder(d), s->id, EDDY_SEATS_MAX);
    report->members_reaped += eddy_count_members(d, s).reaped;
    uint32_t removed = eddy_directory_close(d, flink, s);
    report->topics_removed += removed > 0;
    report->files_removed += removed;
    report->bytes_freed += removed ? bytes : 0;
    return removed == 0;
}

/* A segment to which no flink leads, and whose maker is gone, is nobody's.  The flink is looked for
 * last, as its maker sets it while it lives. */
static void collect_orphan(struct eddy_domain *d, struct eddy_segment *s,
                           struct eddy_gc_report *report)
{
    int dir = eddy_domain_folder(d);
    if (eddy_count_members(d, s).alive || eddy_domain_knows_alive(d, s->control->creator) ||
        eddy_flink_leads_to(dir, s->id))
        return;
    report->bytes_freed += eddy_segment_bytes(dir, s->id, EDDY_SEATS_MAX);
    report->files_removed += eddy_segment_remove(dir, s->id, EDDY_SEATS_MAX);
}

static bool collect(struct eddy_domain *d, const char *flink, const char *id,
                    struct eddy_gc_report *report)
{
    struct eddy_segment *s;
    bool lives = false;
    int error = eddy_segment_attach(eddy_domain_folder(d), id, EDDY_USE_SHARE, &s);
    if (error == EDDY_ENOENT && flink) { /* it leads nowhere */
        eddy_flink_withdraw(eddy_domain_folder(d), flink, id);
        report->files_removed++;
        report->topics_removed++;
    }
    report->files_refused += error && error != EDDY_ENOENT && flink;
    if (error)
        return false;
    if (flink)
        lives = collect_named(d, flink, s, report);
    else
        collect_orphan(d, s, report);
    eddy_segment_detach(s);
    return lives;
}

static void reap(struct eddy_domain *d, const char *id)
{
    struct eddy_segment *s;
    if (eddy_segment_attach(eddy_domain_folder(d), id, EDDY_USE_SHARE, &s) != EDDY_OK)
        return; /* it went meanwhile */
    (void)eddy_reap_topic(d, s);
    eddy_segment_detach(s);
}

static uint32_t count_dead(int dir, const char *id)
{
    struct eddy_segment *s;
    uint32_t taken = 0;
    if (eddy_segment_attach(dir, id, EDDY_USE_LOOK, &s) != EDDY_OK)
        return 0;
    /* Relaxed: who is dead has dropped its lock, and we have looked at all locks. */
    for (uint32_t i = 0; i < eddy_seats_bound(&s->control->reader_high); i++)
        taken += eddy_load_relaxed(&s->readers[i].owner) != 0;
    for (uint32_t i = 0; i < eddy_seats_bound(&s->control->writer_high); i++)
        taken += eddy_load_relaxed(&s->writers[i].owner) != 0;
    eddy_segment_detach(s);
    return taken;
}

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

/* What it says of itself; without memory for that, nothing. */
static void fill_blob(struct eddy_endpoint_file *file, uint64_t presence,
                      struct eddy_member_info *m)
{
    struct eddy_presence_seen p = eddy_presence_read(presence);
    m->holder = p.holder;
    void *blob = p.state == EDDY_THERE && p.blob_size ? malloc(EDDY_BLOB_BYTES) : NULL;
    if (!blob)
        return;
    if (eddy_endpoint_blob(file, m->is_writer, m->seat, presence, blob) != EDDY_OK) {
        free(blob);
        return;
    }
    m->blob = blob;
    m->blob_size = p.blob_size;
}

static void add_member(const struct eddy_view *v, struct eddy_endpoint_file *file, bool is_writer,
                       uint32_t seat, struct eddy_topic_report *t)
{
    const struct eddy_segment *s = file->segment;
    struct eddy_member_info *m = (struct eddy_member_info *)(uintptr_t)&t->members[t->member_count];
    uint64_t presence, owner;
    bool settled = eddy_endpoint_look(s, is_writer, seat, &presence, &owner);
    if (!owner)
        return;
    m->seat = seat;
    m->participant = owner & ~EDDY_OWNER_REAPING;
    name_member(v, owner, m);
    if (is_writer)
        fill_writer(s, seat, m);
    else
        fill_reader(s, seat, m);
    if (settled)
        fill_blob(file, presence, m);
    t->member_count++;
}

static void fill_members(const struct eddy_view *v, struct eddy_endpoint_file *file,
                         struct eddy_topic_report *t)
{
    const struct eddy_segment *s = file->segment;
    struct eddy_seats writers = eddy_seats_of_writers(s), readers = eddy_seats_of_readers(s);
    uint32_t seat, groups = (uint32_t)__builtin_popcountll(writers.groups) +
                            (uint32_t)__builtin_popcountll(readers.groups);
    t->members = calloc(64u * groups + 1u, sizeof *t->members);
    if (!t->members)
        return;
    while (eddy_seats_next(&writers, &seat))
        add_member(v, file, true, seat, t);
    while (eddy_seats_next(&readers, &seat))
        add_member(v, file, false, seat, t);
}

static void fill_type_text(struct eddy_endpoint_file *file, struct eddy_topic_report *t)
{
    uint32_t size = eddy_type_text_size(file->segment);
    char *text = size ? malloc(size + 1) : NULL;
    if (!text)
        return;
    if (eddy_type_text_read(file, text, size) != EDDY_OK) {
        free(text);
        return;
    }
    text[size] = 0;
    t->type_text = text;
    t->type_text_size = size;
}

/* --- a topic --------------------------------------------------------------------------------- */

static void fill_report(const struct eddy_view *v, const struct eddy_found *f,
                        struct eddy_topic_report *t)
{
    struct eddy_segment *s;
    t->flink = eddy_path_join(v->path, f->file);
    t->error = f->error;
    if (!t->error)
        t->error = eddy_segment_attach(v->dir, f->flink->segment, EDDY_USE_LOOK, &s);
    if (t->error) {
        t->message = strdup(eddy_last_error());
        return;
    }
    t->name = strdup(f->flink->topic);
    t->type = strdup(f->flink->type);
    t->scope = strdup(f->flink->scope);
    eddy_directory_stats(v->dir, s, &t->stats);
    struct eddy_endpoint_file described = {s, -1};
    fill_type_text(&described, t);
    fill_members(v, &described, t);
    eddy_endpoint_file_close(&described);
    eddy_segment_detach(s);
}

void eddy_topic_report_free(const struct eddy_topic_report *t)
{
    const void *parts[] = {t->name,    t->type,    t->scope,    t->flink,
                           t->members, t->message, t->type_text};
    for (size_t i = 0; i < t->member_count; i++)
        free((void *)(uintptr_t)t->members[i].blob);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        free((void *)(uintptr_t)parts[i]);
}

static bool tell(const struct eddy_view *v, const struct eddy_found *found,
                 struct eddy_snapshot *snap)
{
    struct eddy_topic_report *list =
        eddy_list_more(snap->topics, snap->count, &snap->room, sizeof *snap->topics);
    if (!list)
        return false;
    snap->topics = list;
    struct eddy_topic_report *t = &snap->topics[snap->count];
    memset(t, 0, sizeof *t);
    fill_report(v, found, t);
    if (t->error == EDDY_ENOENT) /* it went while we looked */
        eddy_topic_report_free(t);
    else
        snap->count++;
    return true;
}

struct eddy_kind eddy_topic_kind = {.name = "",
                                    .suffix = EDDY_SEGMENT_SUFFIX,
                                    .magic = EDDY_MAGIC_CONTROL,
                                    .part = eddy_segment_part,
                                    .removed = offsetof(struct eddy_gc_report, topics_removed),
                                    .collect = collect,
                                    .reap = reap,
                                    .count_dead = count_dead,
                                    .tell = tell};
