/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/gate.h"
#include "transport/topic/own.h"
#include "transport/topic/watch.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/segment/room.h"
#include "allocator/sized.h"

#include <eddy/waitset.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_RELIABLE    64u
#define DEPTH_BEST_EFFORT 8u

/* --- opening --------------------------------------------------------------------------------- */

static void take_options(struct eddy_reader *r, const struct eddy_reader_options *o)
{
    r->reliable = o->reliability == EDDY_RELIABLE;
    r->deep = o->flags & EDDY_READER_BEYOND_DEPTH;
    r->shared = o->flags & EDDY_READER_SHARED;
    r->not_own = o->flags & EDDY_READER_NOT_OWN;
    r->pinning = r->reliable && (r->shared || r->not_own);
    r->depth = o->depth ? o->depth : r->reliable ? DEPTH_RELIABLE : DEPTH_BEST_EFFORT;
}

/* Begins with what is published from now on.  spec/protocols.md, "Joining" */
static uint64_t join(struct eddy_reader *r, uint32_t recent, uint64_t hold_up_ns)
{
    struct eddy_control *c = r->segment->control;
    /* Relaxed: read after the depth. */
    eddy_store_relaxed(&r->seat->flags, (r->reliable ? EDDY_SEAT_RELIABLE : 0u) |
                                            (r->deep ? EDDY_SEAT_DEEP : 0u) |
                                            (r->shallow ? EDDY_SEAT_SHALLOW : 0u) |
                                            (r->not_own && r->reliable ? EDDY_SEAT_NOT_OWN : 0u));
    eddy_store_relaxed(&r->rest->hold_up_ns, r->reliable ? hold_up_ns : 0); /* as above */
    /* [depth]: what the seat's last holder left is not there any more.  seq, as what says that we
     * join must be, best-effort. */
    eddy_store_seq(&r->seat->depth, r->depth);
    if (r->reliable)
        eddy_store_seq(&r->seat->cursor, EDDY_CURSOR_JOINING);
    EDDY_POINT("join:marked");
    uint64_t next = eddy_load_seq(&c->next_sn); /* from [help]; seq, after what says that we join */
    if (next < r->segment->first_sn)
        next = r->segment->first_sn;
    EDDY_POINT("join:read");
    uint64_t before = r->reliable ? 0 : next - r->segment->first_sn;
    r->next = next - (recent < before ? recent : before);
    r->born = next;
    eddy_store_relaxed(&r->seat->position, r->next); /* statistics; best-effort: see the gate */
    EDDY_POINT("join:positioned");
    if (r->reliable) {
        eddy_store_seq(&r->seat->cursor, next); /* [cursor]; seq, as the bell comes next */
        EDDY_POINT("join:joined");
        (void)eddy_gate_recompute(r->segment); /* from now on it is no wider than our depth */
        eddy_room_tell(c);                     /* a writer may have waited for us to join */
    }
    return next;
}

static int arrive(const struct eddy_reader *r, const struct eddy_reader_options *o)
{
    int error = eddy_topic_arrive(r->topic, EDDY_ROLE_READER, r->seat_id, o->blob, o->blob_size);
    if (error && r->not_own)
        eddy_sub_relaxed(&r->topic->not_own, 1u);
    return error;
}

static int open_reader(struct eddy_domain *d, const struct eddy_topic_identity *name,
                       const char *file, const struct eddy_reader_options *o, struct eddy_reader *r)
{
    static const uint8_t any[16];
    struct eddy_topic_request request = {.name = name, .file = file, .role = EDDY_ROLE_READER};
    request.wanted =
        (struct eddy_wanted){.limit_bytes = o->limit_bytes, .depth = r->depth, .type_hash = any};
    int error = eddy_topic_open(d, &request, &r->topic, &r->seat_id);
    if (error)
        return error;
    r->domain = d;
    eddy_spin_init(&r->spin, o->spin_ns ? o->spin_ns : d->spin_ns);
    r->segment = r->topic->segment;
    r->seat = &r->segment->readers[r->seat_id];
    r->rest = &r->segment->reader_rests[r->seat_id];
    r->fork_count = eddy_fork_enter();
    r->mark = eddy_handle_mark();
    uint32_t depth = eddy_logs_reach(r->segment, r->depth);
    r->shallow = depth < r->depth;
    r->depth = depth;
    /* Now, as taking makes nothing. */
    if (r->seat_id >= 64)
        error = eddy_columns_make(r->segment, r->seat_id / 64);
    uint64_t next = error ? 0 : join(r, o->recent, o->hold_up_ns);
    r->log = &eddy_log_elsewhere;
    if (o->history && !error)
        error = eddy_reader_gather_past(r, next, o->history);
    if (!error && r->not_own) {
        eddy_reader_drop_own_past(r);
        eddy_add_relaxed(&r->topic->not_own, 1u); /* writers look soon enough */
    }
    if (!error)
        error = arrive(r, o);
    if (error)
        eddy_topic_close(r->topic, EDDY_ROLE_READER, r->seat_id);
    return error;
}

static int new_reader(struct eddy_domain *d, const struct eddy_topic_identity *name,
                      const char *file, const struct eddy_reader_options *o,
                      struct eddy_reader **reader)
{
    if (o->reliability > EDDY_BEST_EFFORT)
        return eddy_fail(EDDY_EINVAL, "unknown reliability %d", (int)o->reliability);
    const uint32_t known = EDDY_READER_BEYOND_DEPTH | EDDY_READER_SHARED | EDDY_READER_NOT_OWN;
    if ((o->flags & ~known) || o->reserved)
        return eddy_fail(EDDY_EINVAL, "unknown flags %#x of a reader, or `reserved` is set",
                         o->flags);
    int error = eddy_topic_check_blob(o->blob, o->blob_size);
    struct eddy_reader *r = error ? NULL : calloc(1, sizeof *r);
    if (error)
        return error;
    if (!r)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a reader");
    take_options(r, o);
    error = open_reader(d, name, file, o, r);
    if (error) {
        free(r->past);
        free(r);
        return error;
    }
    *reader = r;
    return EDDY_OK;
}

int eddy_reader_open_sized(eddy_domain *domain, const struct eddy_topic_identity *topic,
                           size_t topic_size, const struct eddy_reader_options *options,
                           size_t options_size, eddy_reader **reader)
{
    EDDY_UNCANCELLED;
    struct eddy_topic_identity which;
    struct eddy_reader_options o;
    if (!domain || !topic || !reader)
        return eddy_fail(EDDY_EINVAL, "eddy_reader_open: no domain, topic or place for the result");
    int error = EDDY_SIZED(eddy_topic_identity, which, topic, topic_size);
    if (!error)
        error = EDDY_SIZED(eddy_reader_options, o, options, options_size);
    return error ? error : new_reader(domain, &which, NULL, &o, reader);
}

/* --- attaching by a path --------------------------------------------------------------------- */

/* Looks at the flink before anything is opened or created in its folder. */
static int check_path(const char *dir, const char *file)
{
    int fd;
    int error = eddy_folder_open(dir, false, &fd);
    if (error)
        return error;
    struct eddy_flink *flink = calloc(1, sizeof *flink);
    error = flink ? eddy_flink_read(fd, file, flink)
                  : eddy_fail(EDDY_ENOMEM, "no memory to read a flink");
    free(flink);
    close(fd);
    return error;
}

static int attach_in(eddy_domain *domain, const char *dir, const char *file,
                     const struct eddy_reader_options *options, eddy_reader **reader)
{
    eddy_domain *own = NULL;
    int error = check_path(dir, file);
    if (!error && !domain)
        error = eddy_domain_open(&(struct eddy_domain_options){.dir = dir}, &own);
    if (error)
        return error;
    error = new_reader(domain ? domain : own, NULL, file, options, reader);
    if (error)
        eddy_domain_close(own);
    else
        (*reader)->owns_domain = own != NULL;
    return error;
}

int eddy_reader_attach_sized(eddy_domain *domain, const char *flink_path,
                             const struct eddy_reader_options *options, size_t options_size,
                             eddy_reader **reader)
{
    EDDY_UNCANCELLED;
    struct eddy_reader_options o;
    char *dir, *file;
    if (!flink_path || !*flink_path || !reader)
        return eddy_fail(EDDY_EINVAL, "eddy_reader_attach: no path or no place for the result");
    int error = EDDY_SIZED(eddy_reader_options, o, options, options_size);
    if (!error)
        error = eddy_folder_split(flink_path, &dir, &file);
    if (error)
        return error;
    error = attach_in(domain, dir, file, &o, reader);
    free(dir);
    free(file);
    return error;
}

/* --- closing --------------------------------------------------------------------------------- */

int eddy_reader_close(eddy_reader *r)
{
    EDDY_UNCANCELLED;
    if (!r)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = r->fork_count != eddy_fork_count;
    int error = forked ? EDDY_OK : eddy_watch_check_none(r->watch, "reader");
    if (error)
        return error;
    if (r->waitset && !forked)
        eddy_waitset_detach_reader(r->waitset, r);
    if (r->not_own)
        eddy_sub_relaxed(&r->topic->not_own, 1u);
    eddy_topic_close(r->topic, EDDY_ROLE_READER, r->seat_id);
    if (r->owns_domain)
        eddy_domain_close(r->domain);
    free(r->past);
    free(r);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

int eddy_reader_watch_sized(eddy_reader *r, const struct eddy_watch_options *options,
                            size_t options_size, eddy_watch **watch)
{
    EDDY_UNCANCELLED;
    if (!r || !watch)
        return eddy_fail(EDDY_EINVAL, "eddy_reader_watch: no reader or no place for the result");
    if (r->fork_count != eddy_fork_count || eddy_is_guest())
        return eddy_fail_forked();
    int error =
        eddy_watch_open(r->topic, EDDY_ROLE_READER, r->seat_id, options, options_size, &r->watch);
    if (!error)
        *watch = r->watch;
    return error;
}

/* --- looking --------------------------------------------------------------------------------- */

uint64_t eddy_reader_lost(const eddy_reader *r)
{
    return r->lost;
}

bool eddy_reader_knows_writer(const eddy_reader *r, const struct eddy_sample *sample)
{
    uint64_t sn = sample->sn + r->segment->first_sn - 1;
    return r->fork_count == eddy_fork_count &&
           eddy_writer_has_seat(r->segment, sample->writer, sample->source, sn) &&
           eddy_domain_knows_alive(r->domain, sample->source);
}

uint32_t eddy_reader_depth(const eddy_reader *r)
{
    return r->depth;
}

uint64_t eddy_reader_participant(const eddy_reader *r)
{
    return r->domain->id;
}

int eddy_reader_stats(const eddy_reader *r, struct eddy_topic_stats *stats)
{
    EDDY_UNCANCELLED;
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    eddy_topic_stats(r->topic, stats);
    return EDDY_OK;
}

const char *eddy_reader_flink(const eddy_reader *r)
{
    return r->topic->flink;
}

int eddy_reader_type_text(const eddy_reader *r, void *text, size_t room, size_t *size)
{
    EDDY_UNCANCELLED;
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    return eddy_topic_type_text(r->topic, text, room, size);
}

int eddy_reader_note_sized(eddy_reader *r, const struct eddy_notes *notes, size_t notes_size)
{
    struct eddy_notes n;
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    int error = eddy_notes_take(notes, notes_size, &n);
    if (error)
        return error;
    /* Relaxed, all: for people, and only we write them. */
    uint32_t flags = eddy_load_relaxed(&r->seat->flags);
    eddy_store_relaxed(&r->seat->flags, eddy_seat_noted(flags, n.reliability));
    eddy_store_relaxed(&r->rest->waiting, n.waiting);
    eddy_store_relaxed(&r->rest->given_up, n.given_up);
    return EDDY_OK;
}
