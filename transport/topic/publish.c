/* From a loan to a sample.  spec/protocols.md, "Publishing"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/sized.h"
#include "discovery/reap.h"
#include "transport/topic/gate.h"
#include "transport/topic/own.h"

#include <string.h>

#define TRIES_PUBLISH (1u << 20) /* each is lost to another's sample, unless somebody scribbles */
#define AHEAD_LINES   8u
/* Of larger slots none is claimed ahead: memory is dearer than a swap. */
#define AHEAD_BYTES (1u << 20)

static inline bool lets_pass(const struct eddy_writer *w, const struct eddy_log *log, uint64_t n)
{
    const struct eddy_segment *s = w->segment;
    if (!eddy_gate_lets_pass(s, log, n))
        return false;
    /* Those who wait in line come first, as long as there is not room for all. */
    return __builtin_expect(eddy_writer_has_turn(w, EDDY_ROOM_GATE), 1) ||
           eddy_gate_lets_pass(s, log, n + eddy_load_relaxed(&s->control->waiting[EDDY_ROOM_GATE]));
}

static bool gate_is_open(struct eddy_writer *w, void *unused)
{
    (void)unused;
    uint64_t n;
    if (eddy_logs_end(w->segment, &n))
        return true; /* the next try says why */
    w->log = eddy_logs_mapped(w->segment);
    if (n > eddy_log_last_sn(w->log))
        return true; /* nothing to wait for: the next try finds that out */
    return (eddy_writer_recompute(w) && lets_pass(w, w->log, n)) || eddy_writer_passes_own(w, n);
}

/* Passes the gate for n, which is closed as it seems, or waits for it. */
static __attribute__((noinline)) int pass_gate(struct eddy_writer *w, uint64_t n, uint64_t deadline)
{
    if (n > eddy_log_last_sn(w->log))
        return eddy_fail(EDDY_ELIMIT,
                         "the topic has used up its sequence numbers; close it everywhere once");
    if (gate_is_open(w, NULL))
        return EDDY_OK;
    eddy_publish_wake(w); /* whoever makes room may sleep for what is published already */
    return eddy_writer_wait_for_room(w, EDDY_ROOM_GATE, deadline, gate_is_open, NULL);
}

/* NULL: it cannot be mapped. */
static const struct eddy_log *log_in_use(struct eddy_writer *w)
{
    if (__builtin_expect(eddy_logs_is_used(w->segment, w->log), 1))
        return w->log;
    const struct eddy_log *log = eddy_logs_follow(w->segment);
    if (log) {
        w->log = log;
        w->lag_size = UINT64_MAX; /* how far behind readers may be: anew */
    }
    return log;
}

static void be_patient(struct eddy_writer *w, uint64_t n)
{
    /* Relaxed: a hint, which is only ever too low. */
    if (w->patience_ns &&
        __builtin_expect(n >= eddy_load_relaxed(&w->segment->control->untaken_deep) + w->lag, 0))
        eddy_writer_be_patient(w, n);
}

/* Gives the slot the next number.  Lock-free: a failed swap means that another writer's sample went
 * in. */
static inline int enter_log(struct eddy_writer *w, struct eddy_slot *slot, uint32_t id,
                            uint64_t deadline, uint64_t *sn)
{
    struct eddy_segment *s = w->segment;
    int error = EDDY_OK;
    for (uint32_t tries = 0; !error && tries < TRIES_PUBLISH; tries++) {
        uint64_t n = eddy_logs_next(s); /* the entry decides */
        const struct eddy_log *log = log_in_use(w);
        if (!log)
            return EDDY_ENOMEM;
        uint64_t entry = eddy_log_entry(log, n);
        enum eddy_entry_age age = eddy_entry_age(log, entry, n);
        if (age == EDDY_ENTRY_PRESENT) {
            eddy_log_help(log, n);
            continue;
        }
        if (age == EDDY_ENTRY_NEWER) {
            error = eddy_logs_mend(s, log, n, entry);
            continue;
        }
        EDDY_POINT("publish:entry-read");
        be_patient(w, n);
        if (__builtin_expect(!lets_pass(w, log, n), 0))
            error = pass_gate(w, n, deadline);
        if (error)
            return error;
        EDDY_POINT("publish:gate-passed");
        /* [number]: who looks for what was here before sees what let it go. */
        eddy_store_release(&slot->sn, n);
        EDDY_POINT("publish:before-swap");
        if (eddy_log_publish(log, n, entry, id)) {
            *sn = n;
            return EDDY_OK;
        }
    }
    if (error)
        return error;
    return eddy_fail(
        EDDY_ESEGMENT,
        "topic \"%.*s\" cannot be published on: its shared memory is being scribbled on",
        EDDY_SEGMENT_LABEL(w->segment));
}

static void let_go(struct eddy_writer *w, uint32_t id)
{
    struct eddy_place oldest;
    if (eddy_slot_find(w->segment, id, &oldest) == EDDY_OK)
        eddy_store_release(&oldest.slot->keeper, 0u); /* [let go] */
    EDDY_POINT("publish:let-go");
}

/* Keeps the sample just published for late readers, and lets the one go that is too many. */
static void keep_sample(struct eddy_writer *w, struct eddy_kind_kept *kind, struct eddy_slot *slot,
                        uint32_t id)
{
    uint32_t gone;
    /* [keep]: its number is the one in the log, and none that was tried in vain. */
    eddy_store_release(&slot->keeper, w->me);
    EDDY_POINT("publish:kept");
    if (eddy_keep_add(&w->keep, kind, id, &gone))
        let_go(w, gone);
    eddy_store_relaxed(&w->seat->kept, w->keep.total); /* statistics */
}

/* The sample just published ends its key: nothing of it is kept any more. */
static void end_key(struct eddy_writer *w, struct eddy_kind_kept *kind)
{
    uint32_t gone;
    while (eddy_keep_drop(&w->keep, kind, &gone))
        let_go(w, gone);
    eddy_keep_end(&w->keep, kind);
    eddy_store_relaxed(&w->seat->kept, w->keep.total); /* statistics */
}

/* What becomes of the sample just published in its writer's history.  kind: NULL if there is none. */
static void settle_history(struct eddy_writer *w, struct eddy_kind_kept *kind, bool ends,
                           struct eddy_slot *slot, uint32_t id)
{
    if (!kind)
        return;
    kind->published++;
    if (ends)
        end_key(w, kind);
    else
        keep_sample(w, kind, slot, id);
}

/* kind: NULL if nothing is kept. */
static void describe(const struct eddy_writer *w, struct eddy_slot *slot, uint64_t size,
                     const struct eddy_kind_kept *kind, bool ends, bool keyed)
{
    uint32_t retain = (ends ? 0 : w->keep.depth) | (keyed ? EDDY_RETAIN_KEYED : 0);
    /* Relaxed: seen by others only after [publish]. */
    eddy_store_relaxed(&slot->size, size);
    eddy_store_relaxed(&slot->writer, (uint16_t)(w->me - 1));
    eddy_store_relaxed(&slot->flags, w->tag);
    eddy_store_relaxed(&slot->source, w->source);
    eddy_store_relaxed(&slot->retain, (uint16_t)retain);
    eddy_store_relaxed(&slot->count, kind ? kind->published : 0);
}

/* What goes with the sample lies in front of the user header. */
static int write_with(struct eddy_writer *w, const struct eddy_place *p,
                      const struct eddy_publication *what, uint32_t with)
{
    /* Both ours; checked all the same. */
    uint64_t offset = eddy_load_relaxed(&p->slot->data_offset);
    uint64_t header = eddy_header_room(eddy_slot_header(p->slot));
    uint8_t *payload = eddy_writer_payload(w, p);
    if (!payload || offset > p->extent->capacity || header + eddy_with_room(with) > offset)
        return eddy_fail(EDDY_ESEGMENT, "a slot was scribbled on while it was on loan");
    uint8_t *front = payload + offset - header;
    uint64_t time = with & EDDY_WITH_TIME && !what->time ? eddy_now() : what->time;
    if (with & EDDY_WITH_KEY)
        memcpy(front -= EDDY_KEY_BYTES, what->key, EDDY_KEY_BYTES);
    if (with & EDDY_WITH_WORD)
        memcpy(front -= sizeof what->word, &what->word, sizeof what->word);
    if (with & EDDY_WITH_TIME)
        memcpy(front - sizeof time, &time, sizeof time);
    return EDDY_OK;
}

void eddy_publish_count(struct eddy_writer *w, uint64_t samples, uint64_t bytes)
{
    /* Relaxed: statistics, and only we write them. */
    eddy_store_relaxed(&w->seat->published, w->published += samples);
    eddy_store_relaxed(&w->seat->bytes, w->bytes += bytes);
}

/* Claims the next slot and brings its first lines here while nobody waits for us. */
static void claim_ahead(struct eddy_writer *w, uint64_t capacity)
{
    if (capacity > AHEAD_BYTES || w->has_spare || !eddy_writer_has_turn(w, EDDY_ROOM_SLOT))
        return;
    w->has_spare = eddy_writer_claim_quickly(w, capacity, &w->spare);
    const uint8_t *payload = w->has_spare ? eddy_writer_payload(w, &w->spare) : NULL;
    for (uint64_t at = 0; payload && at < capacity && at < AHEAD_LINES * EDDY_LINE; at += EDDY_LINE)
        eddy_prefetch_write(payload + at);
}

int eddy_publication_take(const struct eddy_publication *given, size_t size,
                          struct eddy_publication *what)
{
    int error = EDDY_SIZED(eddy_publication, *what, given, size);
    if (!error && ((what->flags & ~EDDY_PUBLISH_ENDS_KEY) || what->reserved))
        error = eddy_fail(EDDY_EINVAL, "unknown flags %#x of a publication, or `reserved` is set",
                          what->flags);
    return error;
}

/* Finds the loan, and checks what is to be published of it. */
static inline int check_publication(struct eddy_writer *w, const struct eddy_loan *loan,
                                    size_t size, struct eddy_place *p)
{
    int error = eddy_writer_find_loan(w, loan, p);
    if (error)
        return error;
    uint64_t offset = eddy_load_relaxed(&p->slot->data_offset); /* ours; checked all the same */
    if (size > loan->size || size > p->extent->capacity || offset > p->extent->capacity - size)
        return eddy_fail(EDDY_ETOOBIG, "publishing %zu bytes of a loan of %zu", size, loan->size);
    return EDDY_OK;
}

/* Whether and under what to keep it is settled before anybody can see it. */
static int prepare_history(struct eddy_writer *w, const struct eddy_publication *what,
                           struct eddy_kind_kept **kind)
{
    *kind = eddy_keep_prepare(&w->keep, what->key);
    if (!*kind)
        return eddy_fail(EDDY_ENOMEM, "no memory for the history of one more key");
    return EDDY_OK;
}

/* Inline, and so is what follows: in one place with the rest when one is published. */
static inline int prepare(struct eddy_writer *w, const struct eddy_loan *loan, size_t size,
                          const struct eddy_publication *what, struct eddy_publishing *one)
{
    struct eddy_place *p = &one->place;
    one->kind = NULL;
    int error = check_publication(w, loan, size, p);
    if (error)
        return error;
    uint32_t with = eddy_with_of(eddy_load_relaxed(&p->slot->header_size)); /* ours */
    if (w->keep.depth)
        error = prepare_history(w, what, &one->kind);
    if (!error && __builtin_expect(with != 0, 0))
        error = write_with(w, p, what, with);
    if (error)
        return error;
    one->id = loan->slot;
    one->size = size;
    one->ends = w->keep.keyed && (what->flags & EDDY_PUBLISH_ENDS_KEY);
    one->source = eddy_load_relaxed(&p->slot->source); /* ours */
    describe(w, p->slot, size, one->kind, one->ends, with & EDDY_WITH_KEY);
    if (w->patience_ns)
        eddy_writer_expect_lag(w, p->extent->capacity);
    return EDDY_OK;
}

int eddy_publish_prepare(struct eddy_writer *w, const struct eddy_loan *loan, size_t size,
                         const struct eddy_publication *what, struct eddy_publishing *one)
{
    return prepare(w, loan, size, what, one);
}

static inline void refuse(struct eddy_writer *w, const struct eddy_publishing *one)
{
    if (w->in_line)
        eddy_writer_leave_line(w);
    EDDY_POINT("publish:refused");
    eddy_store_relaxed(&one->place.slot->sn, 0u);              /* ours; seen by way of [give up] */
    eddy_store_relaxed(&one->place.slot->source, one->source); /* see eddy_slot_discard */
}

void eddy_publish_refuse(struct eddy_writer *w, const struct eddy_publishing *one)
{
    refuse(w, one);
}

static inline int number(struct eddy_writer *w, const struct eddy_publishing *one,
                         uint64_t deadline, uint64_t *sn)
{
    int error = enter_log(w, one->place.slot, one->id, deadline, sn);
    if (error)
        refuse(w, one);
    return error;
}

int eddy_publish_number(struct eddy_writer *w, const struct eddy_publishing *one, uint64_t deadline,
                        uint64_t *sn)
{
    return number(w, one, deadline, sn);
}

static inline void give_up(struct eddy_writer *w, const struct eddy_publishing *one)
{
    settle_history(w, one->kind, one->ends, one->place.slot, one->id);
    eddy_slot_give_up(one->place.slot);
    EDDY_POINT("publish:given-up");
}

void eddy_publish_give_up(struct eddy_writer *w, const struct eddy_publishing *one)
{
    give_up(w, one);
}

void eddy_publish_wake(struct eddy_writer *w)
{
    if (!w->quiet)
        return;
    w->quiet = false;
    eddy_wake_topic(w->segment, w->registry);
}

/* Inline, as a plain sample needs little of it. */
static inline int publish(struct eddy_writer *w, struct eddy_loan *loan, size_t size,
                          const struct eddy_publication *what, uint64_t deadline)
{
    struct eddy_publishing one;
    uint64_t sn = 0;
    int error = prepare(w, loan, size, what, &one);
    if (error)
        return error;
    struct eddy_robust *own = eddy_orphans_begin(&w->registry->orphans);
    error = number(w, &one, deadline, &sn);
    if (error) {
        eddy_orphans_end(own);
        return error;
    }
    w->last_sn = sn;
    EDDY_POINT("publish:swapped");
    eddy_log_help(w->log, sn); /* first: what is let go next leads to it */
    EDDY_POINT("publish:helped");
    if (__builtin_expect(w->in_line, 0))
        eddy_writer_leave_line(w);
    give_up(w, &one);
    eddy_wake_topic(w->segment, w->registry);
    eddy_orphans_end(own);
    eddy_publish_count(w, 1, size);
    eddy_writer_remember(w, loan->slot);
    claim_ahead(w, one.place.extent->capacity);
    return EDDY_OK;
}

int eddy_writer_publish_with_sized(eddy_writer *w, struct eddy_loan *loan, size_t size,
                                   const struct eddy_publication *publication,
                                   size_t publication_size, uint64_t deadline)
{
    struct eddy_publication what;
    int error = eddy_publication_take(publication, publication_size, &what);
    return error ? error : publish(w, loan, size, &what, deadline);
}

int eddy_writer_publish(eddy_writer *w, struct eddy_loan *loan, size_t size, uint64_t deadline)
{
    static const struct eddy_publication plain;
    return publish(w, loan, size, &plain, deadline);
}

int eddy_writer_write(eddy_writer *w, const void *data, size_t size, uint64_t deadline)
{
    struct eddy_loan loan;
    int error = eddy_writer_loan(w, size, deadline, &loan);
    if (error)
        return error;
    if (size)
        memcpy(loan.data, data, size);
    error = eddy_writer_publish(w, &loan, size, deadline);
    if (error)
        eddy_writer_discard(w, &loan);
    return error;
}

static int sum_pieces(const struct iovec *pieces, size_t count, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!pieces[i].iov_base && pieces[i].iov_len)
            return eddy_fail(EDDY_EINVAL, "piece %zu of %zu is nowhere", i + 1, count);
        if (__builtin_add_overflow(*size, pieces[i].iov_len, size))
            return eddy_fail(EDDY_ETOOBIG, "%zu pieces are more than memory can hold", count);
    }
    return EDDY_OK;
}

int eddy_writer_write_pieces(eddy_writer *w, const struct iovec *pieces, size_t count,
                             uint64_t deadline)
{
    struct eddy_loan loan;
    size_t size;
    int error = sum_pieces(pieces, count, &size);
    if (!error)
        error = eddy_writer_loan(w, size, deadline, &loan);
    if (error)
        return error;
    uint8_t *at = loan.data;
    for (size_t i = 0; i < count; at += pieces[i++].iov_len)
        if (pieces[i].iov_len)
            memcpy(at, pieces[i].iov_base, pieces[i].iov_len);
    error = eddy_writer_publish(w, &loan, size, deadline);
    if (error)
        eddy_writer_discard(w, &loan);
    return error;
}
