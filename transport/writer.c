/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/writer.h"

#include "allocator/error.h"
#include "transport/gate.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_WAIT_NS 100000000u
#define HISTORY_MAX     65535u
#define TRIES_PUBLISH   (1u << 20) /* each is lost to another's sample, unless somebody scribbles */
#define AHEAD_LINES     8u
#define AHEAD_BYTES                                                                                \
    (1u << 20) /* of larger slots none is claimed ahead: memory is dearer than a swap */

/* --- opening and closing --------------------------------------------------------------------- */

static int check_options(const struct eddy_writer_options *o)
{
    if (o->reliability > EDDY_BEST_EFFORT || o->history_kind > EDDY_HISTORY_TOPIC)
        return eddy_fail(EDDY_EINVAL, "unknown reliability %d or history kind %d",
                         (int)o->reliability, (int)o->history_kind);
    if (o->history > HISTORY_MAX)
        return eddy_fail(EDDY_EINVAL, "a history of %u samples is more than %u", o->history,
                         HISTORY_MAX);
    return EDDY_OK;
}

static void take_options(struct eddy_writer *w, const struct eddy_writer_options *o)
{
    w->reliable = o->reliability == EDDY_RELIABLE;
    w->max_wait_ns = o->max_wait_ns ? o->max_wait_ns : DEFAULT_WAIT_NS;
    w->flags = o->flags;
    w->history_kind = o->history_kind;
    w->history = o->history;
}

static int make_history(struct eddy_writer *w)
{
    struct eddy_control *c = w->segment->control;
    if (w->history_kind == EDDY_HISTORY_TOPIC) {
        uint64_t n =
            w->history < w->segment->log_length / 2 ? w->history : w->segment->log_length / 2;
        eddy_raise64(&c->window, n); /* [window] */
        eddy_raise64(&c->history, n);
        w->history = 0; /* the topic's window keeps it */
    }
    if (w->history && !(w->kept = calloc(w->history, sizeof *w->kept)))
        return eddy_fail(EDDY_ENOMEM, "no memory for a history of %u samples", w->history);
    return EDDY_OK;
}

static void fill_seat(struct eddy_writer *w, uint32_t seat)
{
    w->me = seat + 1;
    w->seat = &w->segment->writers[seat];
    /* Relaxed: for statistics. */
    eddy_store_relaxed(&w->seat->history, w->history);
    eddy_store_relaxed(&w->seat->flags, w->reliable ? EDDY_SEAT_RELIABLE : 0u);
}

static int open_writer(struct eddy_domain *d, const struct eddy_topic_name *topic,
                       const struct eddy_writer_options *o, struct eddy_writer *w)
{
    struct eddy_wanted wanted = {.limit_bytes = o->limit_bytes,
                                 .depth =
                                     o->history_kind == EDDY_HISTORY_TOPIC ? 2 * o->history : 0};
    uint32_t seat;
    int error = eddy_topic_open(d, topic, NULL, &wanted, EDDY_ROLE_WRITER, &w->topic, &seat);
    if (error)
        return error;
    w->segment = w->topic->segment;
    w->registry = d->registry;
    w->source = d->id;
    w->fork_count = eddy_fork_count;
    fill_seat(w, seat);
    error = make_history(w);
    if (error)
        eddy_topic_close(w->topic, EDDY_ROLE_WRITER, seat);
    return error;
}

int eddy_writer_open(eddy_domain *domain, const struct eddy_topic_name *topic,
                     const struct eddy_writer_options *options, eddy_writer **writer)
{
    static const struct eddy_writer_options none;
    const struct eddy_writer_options *o = options ? options : &none;
    if (!domain || !topic || !writer)
        return eddy_fail(EDDY_EINVAL, "eddy_writer_open: no domain, topic or place for the result");
    int error = check_options(o);
    struct eddy_writer *w = error ? NULL : calloc(1, sizeof *w);
    if (error)
        return error;
    if (!w)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a writer");
    take_options(w, o);
    error = open_writer(domain, topic, o, w);
    if (error) {
        free(w->kept);
        free(w);
        return error;
    }
    *writer = w;
    return EDDY_OK;
}

int eddy_writer_close(eddy_writer *w)
{
    if (!w)
        return EDDY_OK;
    bool forked = w->fork_count != eddy_fork_count;
    eddy_topic_close(w->topic, EDDY_ROLE_WRITER, w->me - 1);
    free(w->kept);
    free(w);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

/* --- loans ----------------------------------------------------------------------------------- */

struct shape {
    uint64_t offset, need;
};

/* Where data goes in a slot whose payload is 64-aligned (page-aligned for the first), and what that
 * takes. */
static int shape_loan(const struct eddy_loan_options *o, struct shape *shape)
{
    uint64_t align = o->alignment ? o->alignment : o->header_size ? 8 : EDDY_LINE;
    uint64_t header_align = o->header_alignment ? o->header_alignment : 8;
    if ((align & (align - 1)) || align > 1u << 31 || (header_align & (header_align - 1)) ||
        (o->header_size && header_align > (align > 8 ? align : 8)))
        return eddy_fail(EDDY_EINVAL,
                         "alignment %zu or header alignment %zu is no power of two, or too large",
                         o->alignment, o->header_alignment);
    if (o->size > UINT64_MAX / 4 || o->header_size > UINT32_MAX / 4)
        return eddy_fail(EDDY_ETOOBIG, "a sample of %zu bytes with a header of %zu", o->size,
                         o->header_size);
    if (align < 8)
        align = 8;
    shape->offset = (o->header_size + align - 1) & ~(align - 1);
    /* Slots are aligned to a line; what is more must be made room for. */
    shape->need = shape->offset + o->size + (align > EDDY_LINE ? align - EDDY_LINE : 0);
    return EDDY_OK;
}

static uint64_t header_room(uint64_t header_size)
{
    return (header_size + 7) / 8 * 8;
}

static uint8_t *payload_of(struct eddy_writer *w, const struct eddy_place *p)
{
    uint8_t *base = eddy_load_acquire(&p->extent->writable); /* from [mapped] */
    if (__builtin_expect(!base, 0))
        base = eddy_extent_writable(w->segment, p->extent_index);
    return base ? base + p->extent->capacity * p->index : NULL;
}

static int fill_loan(struct eddy_writer *w, const struct eddy_place *p,
                     const struct eddy_loan_options *o, const struct shape *shape,
                     struct eddy_loan *loan)
{
    uint8_t *payload = payload_of(w, p);
    if (!payload) {
        eddy_slot_give_up(p->slot);
        return EDDY_ENOMEM;
    }
    uint64_t offset = shape->offset;
    uint64_t align = o->alignment;
    if (align > EDDY_LINE)
        offset += (uint64_t) - (uintptr_t)(payload + offset) & (align - 1);
    /* Relaxed: seen by others only after [publish]. */
    eddy_store_relaxed(&p->slot->data_offset, (uint32_t)offset);
    eddy_store_relaxed(&p->slot->header_size, (uint32_t)o->header_size);
    loan->data = payload + offset;
    loan->size = o->size;
    loan->header = o->header_size ? payload + offset - header_room(o->header_size) : NULL;
    loan->header_size = o->header_size;
    loan->slot = eddy_place_id(p);
    loan->ticket = eddy_load_relaxed(&p->slot->ticket); /* the owner's alone */
    return EDDY_OK;
}

static bool take_spare(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    if (!w->has_spare)
        return false;
    w->has_spare = false;
    uint64_t capacity = w->spare.extent->capacity;
    if (capacity >= need && (capacity <= 4096 || capacity / 4 <= need)) {
        *p = w->spare;
        return true;
    }
    eddy_writer_remember(w, eddy_place_id(&w->spare));
    eddy_slot_give_up(w->spare.slot);
    return false;
}

int eddy_writer_loan_with(eddy_writer *w, const struct eddy_loan_options *options,
                          struct eddy_loan *loan)
{
    struct shape shape = {0};
    struct eddy_place place = {0};
    if (__builtin_expect(w->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    int error = shape_loan(options, &shape);
    if (error)
        return error;
    if (!take_spare(w, shape.need, &place)) {
        error = eddy_writer_claim(w, shape.need, &place);
        if (error)
            return error;
    }
    return fill_loan(w, &place, options, &shape, loan);
}

int eddy_writer_loan(eddy_writer *w, size_t size, struct eddy_loan *loan)
{
    return eddy_writer_loan_with(w, &(struct eddy_loan_options){.size = size}, loan);
}

/* The slot of a loan, if it is one and still ours. */
static int find_loan(struct eddy_writer *w, const struct eddy_loan *loan, struct eddy_place *p)
{
    if (__builtin_expect(w->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    int error = eddy_slot_find(w->segment, loan->slot, p);
    if (error)
        return eddy_fail(EDDY_ESTALE, "this is no loan of this writer");
    /* Relaxed: only the owner writes them, and that is us or the answer is no. */
    if (eddy_load_relaxed(&p->slot->owner) != w->me ||
        eddy_load_relaxed(&p->slot->ticket) != loan->ticket)
        return eddy_fail(EDDY_ESTALE,
                         "this loan was published or discarded already, or is another writer's");
    return EDDY_OK;
}

int eddy_writer_discard(eddy_writer *w, struct eddy_loan *loan)
{
    struct eddy_place p;
    int error = find_loan(w, loan, &p);
    if (error)
        return error;
    eddy_writer_remember(w, loan->slot);
    eddy_slot_give_up(p.slot);
    eddy_bell_ring(&w->segment->control->room_bell);
    return EDDY_OK;
}

/* --- publishing ------------------------------------------------------------------------------ */

static bool gate_is_open(struct eddy_writer *w)
{
    struct eddy_control *c = w->segment->control;
    uint64_t n = eddy_log_end(&w->segment->log);
    if (eddy_gate_recompute(w->segment) && n < eddy_load_seq(&c->gate))
        return true;
    return false;
}

/* Passes the gate for n, or waits for it. */
static int pass_gate(struct eddy_writer *w, uint64_t n)
{
    struct eddy_control *c = w->segment->control;
    /* acquire, from [gate] */
    if (__builtin_expect(n < eddy_load_acquire(&c->gate) &&
                             n < eddy_load_acquire(&c->min_cursor) + w->segment->log_length,
                         1))
        return EDDY_OK;
    if (n > eddy_log_last_sn(&w->segment->log))
        return eddy_fail(EDDY_ELIMIT,
                         "the topic has used up its sequence numbers; close it everywhere once");
    if (gate_is_open(w))
        return EDDY_OK;
    return eddy_writer_wait_for_room(w, w->reliable ? eddy_deadline(w->max_wait_ns) : EDDY_POLL,
                                     gate_is_open);
}

/* Gives the slot the next number.  Lock-free: a failed swap means that another writer's sample went
 * in. */
static int enter_log(struct eddy_writer *w, struct eddy_slot *slot, uint32_t id, uint64_t *sn)
{
    struct eddy_log *log = &w->segment->log;
    for (uint32_t tries = 0; tries < TRIES_PUBLISH; tries++) {
        uint64_t n = eddy_load_seq(log->next_sn);
        uint64_t entry = eddy_log_entry(log, n);
        enum eddy_entry_age age = eddy_entry_age(log, entry, n);
        if (age == EDDY_ENTRY_PRESENT) {
            eddy_log_help(log, n);
            continue;
        }
        if (age == EDDY_ENTRY_NEWER) {
            eddy_log_mend(log, n, entry);
            continue;
        }
        int error = pass_gate(w, n);
        if (error)
            return error;
        eddy_store_release(&slot->sn, n); /* read by way of the entry, or by reap */
        EDDY_POINT("publish:before-swap");
        if (eddy_log_publish(log, n, entry, id)) {
            *sn = n;
            return EDDY_OK;
        }
    }
    return eddy_fail(
        EDDY_ESEGMENT,
        "topic \"%.*s\" cannot be published on: its shared memory is being scribbled on",
        EDDY_SEGMENT_LABEL(w->segment));
}

/* Keeps the sample just published for late readers, and lets the one go that is too many. */
static void keep_history(struct eddy_writer *w, struct eddy_slot *slot, uint32_t id)
{
    struct eddy_place oldest;
    eddy_store_release(&slot->keeper, w->me);
    EDDY_POINT("publish:kept");
    if (w->kept_count == w->history) {
        if (eddy_slot_find(w->segment, w->kept[w->kept_first], &oldest) == EDDY_OK)
            eddy_store_release(&oldest.slot->keeper, 0u); /* [let go] */
        w->kept[w->kept_first] = id;
        w->kept_first = (w->kept_first + 1) % w->history;
        return;
    }
    w->kept[(w->kept_first + w->kept_count++) % w->history] = id;
    eddy_store_relaxed(&w->seat->kept, w->kept_count); /* statistics */
}

static void describe(const struct eddy_writer *w, struct eddy_slot *slot, uint64_t size)
{
    /* Relaxed: seen by others only after [publish]. */
    eddy_store_relaxed(&slot->size, size);
    eddy_store_relaxed(&slot->writer, (uint16_t)(w->me - 1));
    eddy_store_relaxed(&slot->flags, w->flags);
    eddy_store_relaxed(&slot->source, w->source);
    eddy_store_relaxed(&slot->retain, (uint16_t)w->history);
    eddy_store_relaxed(&slot->count, (uint32_t)w->published);
}

static void count(struct eddy_writer *w, uint64_t size)
{
    /* Relaxed: statistics, and only we write them. */
    eddy_store_relaxed(&w->seat->published, ++w->published);
    eddy_store_relaxed(&w->seat->bytes, w->bytes += size);
}

/* Claims the next slot and brings its first lines here while nobody waits for us. */
static void claim_ahead(struct eddy_writer *w, uint64_t capacity)
{
    if (capacity > AHEAD_BYTES || w->has_spare)
        return;
    w->has_spare = eddy_writer_claim_quickly(w, capacity, &w->spare);
    const uint8_t *payload = w->has_spare ? payload_of(w, &w->spare) : NULL;
    for (uint64_t at = 0; payload && at < capacity && at < AHEAD_LINES * EDDY_LINE; at += EDDY_LINE)
        eddy_prefetch_write(payload + at);
}

int eddy_writer_publish(eddy_writer *w, struct eddy_loan *loan, size_t size)
{
    struct eddy_place p = {0};
    uint64_t sn;
    int error = find_loan(w, loan, &p);
    if (error)
        return error;
    uint64_t offset = eddy_load_relaxed(&p.slot->data_offset); /* ours; checked all the same */
    if (size > loan->size || size > p.extent->capacity || offset > p.extent->capacity - size)
        return eddy_fail(EDDY_ETOOBIG, "publishing %zu bytes of a loan of %zu", size, loan->size);
    describe(w, p.slot, size);
    error = enter_log(w, p.slot, loan->slot, &sn);
    if (error) {
        eddy_store_seq(&p.slot->sn, 0u);
        return error;
    }
    EDDY_POINT("publish:swapped");
    if (w->history)
        keep_history(w, p.slot, loan->slot);
    eddy_slot_give_up(p.slot);
    EDDY_POINT("publish:given-up");
    eddy_log_help(&w->segment->log, sn);
    EDDY_POINT("publish:helped");
    eddy_topic_wake(w->segment->control, w->registry);
    count(w, size);
    eddy_writer_remember(w, loan->slot);
    claim_ahead(w, p.extent->capacity);
    return EDDY_OK;
}

int eddy_writer_write(eddy_writer *w, const void *data, size_t size)
{
    struct eddy_loan loan;
    int error = eddy_writer_loan(w, size, &loan);
    if (error)
        return error;
    if (size)
        memcpy(loan.data, data, size);
    error = eddy_writer_publish(w, &loan, size);
    if (error)
        eddy_writer_discard(w, &loan);
    return error;
}

/* --- looking --------------------------------------------------------------------------------- */

uint32_t eddy_writer_readers(const eddy_writer *w)
{
    return eddy_topic_count(w->segment, EDDY_ROLE_READER);
}

int eddy_writer_stats(const eddy_writer *w, struct eddy_topic_stats *stats)
{
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    eddy_topic_stats(w->topic, stats);
    return EDDY_OK;
}

const char *eddy_writer_flink(const eddy_writer *w)
{
    return w->topic->flink;
}
