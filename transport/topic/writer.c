/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/writer.h"
#include "transport/topic/watch.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"

#include <stdlib.h>

/* --- opening and closing --------------------------------------------------------------------- */

static int check_options(const struct eddy_writer_options *o)
{
    if (o->history_kind > EDDY_HISTORY_KEY)
        return eddy_fail(EDDY_EINVAL, "unknown kind of history: %d", (int)o->history_kind);
    if (o->history > EDDY_HISTORY_MAX)
        return eddy_fail(EDDY_EINVAL, "a history of %u samples is more than %u", o->history,
                         EDDY_HISTORY_MAX);
    if (o->flags)
        return eddy_fail(EDDY_EINVAL, "unknown flags %#x of a writer", o->flags);
    bool of_writer = o->history_kind == EDDY_HISTORY_WRITER && o->history > 0;
    if ((o->with & ~EDDY_WITH_ALL) || o->reserved || ((o->with & EDDY_WITH_KEY) && of_writer))
        return eddy_fail(
            EDDY_EINVAL,
            "what goes with each sample: 0x%x is unknown, or a key that is not that of "
            "the history",
            o->with);
    return eddy_topic_check_blob(o->blob, o->blob_size);
}

static void take_options(struct eddy_writer *w, const struct eddy_writer_options *o)
{
    w->tag = o->tag;
    w->with = o->with | (o->history_kind == EDDY_HISTORY_KEY ? EDDY_WITH_KEY : 0u);
    w->patience_ns = o->patience_ns;
    w->given_up = UINT64_MAX;
}

static int make_history(struct eddy_writer *w, const struct eddy_writer_options *o)
{
    struct eddy_control *c = w->segment->control;
    if (o->history_kind != EDDY_HISTORY_TOPIC)
        return eddy_keep_open(&w->keep, o->history, o->history_kind == EDDY_HISTORY_KEY);
    uint64_t n = eddy_logs_reach(w->segment, 2 * o->history) / 2;
    /* The topic's window keeps it.  Relaxed: before our samples, and who looks at them looks here
     * afterwards. */
    eddy_raise64_relaxed(&c->window, n);
    eddy_raise64_relaxed(&c->history, n);
    return EDDY_OK;
}

static void fill_seat(struct eddy_writer *w, uint32_t seat, uint32_t history)
{
    w->me = seat + 1;
    w->seat = &w->segment->writers[seat];
    /* Relaxed: for statistics. */
    eddy_store_relaxed(&w->seat->history, history);
    eddy_store_relaxed(&w->seat->flags, EDDY_SEAT_RELIABLE); /* unless it is noted as another */
}

static int open_writer(struct eddy_domain *d, const struct eddy_topic_identity *topic,
                       const struct eddy_writer_options *o, struct eddy_writer *w)
{
    struct eddy_topic_request request = {.name = topic, .role = EDDY_ROLE_WRITER};
    request.wanted.limit_bytes = o->limit_bytes;
    request.wanted.depth = o->history_kind == EDDY_HISTORY_TOPIC ? 2 * o->history : 0;
    uint32_t seat;
    int error = eddy_topic_open(d, &request, &w->topic, &seat);
    if (error)
        return error;
    w->segment = w->topic->segment;
    w->log = eddy_logs_mapped(w->segment);
    w->registry = d->registry;
    w->source = d->id;
    w->domain = d;
    eddy_spin_init(&w->spin, d->spin_ns);
    eddy_spin_init(&w->turn_spin, d->spin_ns);
    w->fork_count = eddy_fork_enter();
    w->mark = eddy_handle_mark();
    fill_seat(w, seat, o->history);
    error = make_history(w, o);
    if (!error)
        error = eddy_topic_arrive(w->topic, EDDY_ROLE_WRITER, seat, o->blob, o->blob_size);
    if (error)
        eddy_topic_close(w->topic, EDDY_ROLE_WRITER, seat);
    return error;
}

int eddy_writer_open_sized(eddy_domain *domain, const struct eddy_topic_identity *topic,
                           size_t topic_size, const struct eddy_writer_options *options,
                           size_t options_size, eddy_writer **writer)
{
    EDDY_UNCANCELLED;
    struct eddy_topic_identity which;
    struct eddy_writer_options o;
    if (!domain || !topic || !writer)
        return eddy_fail(EDDY_EINVAL, "eddy_writer_open: no domain, topic or place for the result");
    int error = EDDY_SIZED(eddy_topic_identity, which, topic, topic_size);
    if (!error)
        error = EDDY_SIZED(eddy_writer_options, o, options, options_size);
    if (!error)
        error = check_options(&o);
    struct eddy_writer *w = error ? NULL : calloc(1, sizeof *w);
    if (error)
        return error;
    if (!w)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a writer");
    take_options(w, &o);
    error = open_writer(domain, &which, &o, w);
    if (error) {
        eddy_keep_close(&w->keep);
        free(w);
        return error;
    }
    *writer = w;
    return EDDY_OK;
}

int eddy_writer_close(eddy_writer *w)
{
    EDDY_UNCANCELLED;
    if (!w)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = w->fork_count != eddy_fork_count;
    int error = forked ? EDDY_OK : eddy_watch_check_none(w->watch, "writer");
    if (!error && w->exporters && !forked)
        error = eddy_fail(EDDY_EBUSY, "an exporter of this writer is open; close it first");
    if (error)
        return error;
    if (w->has_spare && !forked) /* else its memory would go with it */
        eddy_slot_give_up(w->spare.slot);
    eddy_topic_close(w->topic, EDDY_ROLE_WRITER, w->me - 1);
    eddy_keep_close(&w->keep);
    free(w);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

int eddy_writer_watch_sized(eddy_writer *w, const struct eddy_watch_options *options,
                            size_t options_size, eddy_watch **watch)
{
    EDDY_UNCANCELLED;
    if (!w || !watch)
        return eddy_fail(EDDY_EINVAL, "eddy_writer_watch: no writer or no place for the result");
    if (w->fork_count != eddy_fork_count || eddy_is_guest())
        return eddy_fail_forked();
    int error =
        eddy_watch_open(w->topic, EDDY_ROLE_WRITER, w->me - 1, options, options_size, &w->watch);
    if (!error)
        *watch = w->watch;
    return error;
}

/* --- looking --------------------------------------------------------------------------------- */

int eddy_writer_let_go(eddy_writer *w, uint32_t reader, uint64_t participant)
{
    EDDY_UNCANCELLED;
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    return eddy_let_go(w->segment, reader, participant);
}

uint32_t eddy_writer_readers(const eddy_writer *w)
{
    return eddy_topic_count(w->segment, EDDY_ROLE_READER);
}

/* All loads are relaxed: what they say is true for good, or looked at again later. */
static bool is_behind(const struct eddy_writer *w, uint32_t reader)
{
    const struct eddy_reader_seat *seat = &w->segment->readers[reader];
    uint64_t owner = eddy_load_relaxed(&seat->owner);
    return owner != 0 && owner != w->source && !(owner & EDDY_OWNER_REAPING) &&
           eddy_let_go_state(eddy_load_relaxed(&seat->let_go)) != EDDY_LET_GO_DONE &&
           (eddy_load_relaxed(&seat->position) <= w->last_sn ||
            eddy_load_relaxed(&w->segment->reader_rests[reader].waiting) > 0) &&
           eddy_domain_knows_alive(w->domain, owner);
}

uint32_t eddy_writer_awaited(const eddy_writer *w)
{
    struct eddy_seats seats = eddy_seats_of_readers(w->segment);
    uint32_t awaited = 0, i;
    while (w->last_sn && w->fork_count == eddy_fork_count && eddy_seats_next(&seats, &i))
        awaited += is_behind(w, i);
    return awaited;
}

int eddy_writer_type_text(const eddy_writer *w, void *text, size_t room, size_t *size)
{
    EDDY_UNCANCELLED;
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    return eddy_topic_type_text(w->topic, text, room, size);
}

int eddy_writer_stats(const eddy_writer *w, struct eddy_topic_stats *stats)
{
    EDDY_UNCANCELLED;
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    eddy_topic_stats(w->topic, stats);
    return EDDY_OK;
}

const char *eddy_writer_flink(const eddy_writer *w)
{
    return w->topic->flink;
}

int eddy_writer_note_sized(eddy_writer *w, const struct eddy_notes *notes, size_t notes_size)
{
    struct eddy_notes n;
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    int error = eddy_notes_take(notes, notes_size, &n);
    if (error)
        return error;
    /* Relaxed: for people, and only we write them. */
    uint32_t flags = eddy_load_relaxed(&w->seat->flags);
    eddy_store_relaxed(&w->seat->flags, eddy_seat_noted(flags, n.reliability));
    return EDDY_OK;
}
