/* Taking, releasing and waiting: a reader's data path.  spec/protocols.md, "Reading" and "Keeping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/wait/fence.h"
#include "transport/topic/reader.h"

/* --- pins ------------------------------------------------------------------------------------ */

int eddy_reader_pin(struct eddy_reader *r, const struct eddy_place *p, uint64_t sn)
{
    _Atomic uint64_t *word = eddy_slot_mask(r->segment, p, r->seat_id);
    if (!word)
        return EDDY_ENOMEM;
    EDDY_POINT("take:before-pin");
    eddy_or_seq(word, eddy_seat_bit(r->seat_id));
    EDDY_POINT("take:pinned");
    if (eddy_load_seq(&p->slot->sn) == sn)
        return EDDY_OK;
    EDDY_POINT("take:missed");
    eddy_and_relaxed(word, ~eddy_seat_bit(r->seat_id)); /* nothing was read under it */
    return EDDY_EBUSY;
}

void eddy_reader_unpin(struct eddy_reader *r, const struct eddy_place *p)
{
    _Atomic uint64_t *word = eddy_slot_mask(r->segment, p, r->seat_id);
    if (word)
        /* seq, as the bell comes next */
        eddy_and_seq(word, ~eddy_seat_bit(r->seat_id)); /* [unpin] */
    EDDY_POINT("release:unpinned");
    eddy_bell_ring(&r->segment->control->room_bell);
}

/* --- the cursor of a reliable reader --------------------------------------------------------- */

/* Of each sample, writers that wait would be woken in vain all the time: of many at once, or when
 * there is nothing more to take.  No fence between the cursor's store and this look: a waiting writer
 * looks again within ROOM_NAP, whatever it is told. */
static void tell_of_room(struct eddy_reader *r)
{
    r->told = r->next;
    if (__builtin_expect(eddy_load_relaxed(&r->segment->control->room_bell) & 1u, 0))
        eddy_bell_ring(&r->segment->control->room_bell);
}

/* Moves the gate: everything below `next` may be reused, but for what is pinned. */
static void move_cursor(struct eddy_reader *r)
{
    r->under_cursor = false;
    eddy_store_release(&r->seat->cursor, r->next); /* [cursor] */
    eddy_fence_light();                            /* before the next look at `let_go` */
    EDDY_POINT("release:cursor-moved");
    if (r->next - r->told >= r->depth / 4)
        tell_of_room(r);
}

/* The sample under the cursor is still held while the next is taken: a pin takes the cursor's
 * place. */
static int pin_under_cursor(struct eddy_reader *r)
{
    struct eddy_place p;
    uint64_t sn = r->next - 1;
    /* Not from the log: writers that have let go of us may have gone round it. */
    int error = eddy_slot_find(r->segment, r->cursor_slot, &p);
    if (!error)
        error = eddy_reader_pin(r, &p, sn);
    if (error == EDDY_ENOMEM)
        return error;
    if (error)
        return eddy_fail(EDDY_ESEGMENT, "sample %llu cannot be kept: its slot was scribbled on",
                         (unsigned long long)sn);
    EDDY_POINT("keep:pinned");
    move_cursor(r);
    return EDDY_OK;
}

/* --- taking ---------------------------------------------------------------------------------- */

/* The slot's line says where in the payload the data begins, but that is nearly always near its
 * beginning: both lines come at once rather than one after the other. */
static void bring(const struct eddy_place *p)
{
    const uint8_t *payload = p->extent->payload + p->extent->capacity * p->index;
    __builtin_prefetch(payload);
    __builtin_prefetch(p->slot);
}

static int fill_sample(struct eddy_reader *r, const struct eddy_place *p, uint32_t id, uint64_t sn,
                       struct eddy_sample *out)
{
    const struct eddy_slot *s = p->slot;
    /* Relaxed: published before the entry that led here, and constant while we hold the slot. */
    uint64_t size = eddy_load_relaxed(&s->size), capacity = p->extent->capacity;
    uint64_t offset = eddy_load_relaxed(&s->data_offset), header = eddy_slot_header(s);
    uint64_t header_room = eddy_header_room(header);
    if (offset > capacity || size > capacity - offset || header_room > offset)
        return eddy_fail(EDDY_ESEGMENT,
                         "sample %llu says that it reaches beyond its slot: the shared memory was "
                         "scribbled on",
                         (unsigned long long)(sn - r->segment->first_sn + 1));
    const uint8_t *payload = p->extent->payload + capacity * p->index;
    out->data = payload + offset;
    out->size = size;
    out->header = header ? payload + offset - header_room : NULL;
    out->header_size = header;
    out->sn = sn - r->segment->first_sn + 1;
    out->source = eddy_load_relaxed(&s->source);
    out->writer = eddy_load_relaxed(&s->writer);
    out->tag = eddy_load_relaxed(&s->flags);
    out->slot = id;
    out->ticket = eddy_load_relaxed(&s->ticket) ^ r->mark;
    return EDDY_OK;
}

static void count_taken(struct eddy_reader *r)
{
    /* Relaxed: statistics, and only we write them. */
    r->held++;
    eddy_store_relaxed(&r->seat->taken, ++r->taken);
    eddy_store_relaxed(&r->seat->held, r->held);
    eddy_store_relaxed(&r->seat->position, r->next);
}

void eddy_reader_lose(struct eddy_reader *r, uint64_t until)
{
    uint64_t from = r->next > r->born ? r->next : r->born;
    r->lost += until > from ? until - from : 0;
    r->next = until;
    eddy_store_relaxed(&r->seat->lost, r->lost); /* statistics */
}

static int take_past(struct eddy_reader *r, struct eddy_sample *out)
{
    struct eddy_past *past = &r->past[r->past_next++];
    struct eddy_place p;
    int error = eddy_slot_find(r->segment, past->slot, &p);
    if (!error)
        error = fill_sample(r, &p, past->slot, past->sn, out);
    if (!error)
        count_taken(r);
    return error;
}

/* The entry of the next number: in a longer log, where the reader's has ended. */
static int look_up(struct eddy_reader *r, uint64_t *entry, enum eddy_entry_age *age)
{
    *entry = eddy_log_entry(r->log, r->next);
    *age = eddy_entry_age(r->log, *entry, r->next);
    if (__builtin_expect(*age != EDDY_ENTRY_NEWER || !eddy_entry_is_mark(*entry), 1))
        return EDDY_OK;
    int error = eddy_logs_find(r->segment, r->next, entry, age);
    r->log = eddy_logs_mapped(r->segment);
    return error;
}

static int fail_log(const struct eddy_reader *r, int error)
{
    return eddy_fail(error, "the log of topic \"%.*s\" leads to no slot: it was scribbled on",
                     EDDY_SEGMENT_LABEL(r->segment));
}

/* A slot was not found.  Of an extent that could not be mapped it has been said why. */
static int fail_entry(const struct eddy_reader *r, uint64_t entry, int error)
{
    uint32_t extent = eddy_entry_slot(entry) >> EDDY_INDEX_BITS & (EDDY_EXTENTS_MAX - 1);
    bool mapped = eddy_extent_known(r->segment, extent); /* we have just looked */
    return mapped ? fail_log(r, error) : error;
}

/* The slot that an entry names.  It may have been looked for in an extent that does not have its number
 * any more: then another number stands there. */
static int find_sample(struct eddy_reader *r, uint64_t entry, struct eddy_place *p)
{
    uint32_t id = eddy_entry_slot(entry);
    int error = eddy_slot_find(r->segment, id, p);
    if (!error)
        bring(p);
    /* Relaxed: by way of the entry it is r->next, or what came later. */
    if (__builtin_expect(error || eddy_load_relaxed(&p->slot->sn) != r->next, 0))
        error = eddy_slot_find_again(r->segment, id, p);
    return error ? fail_entry(r, entry, error) : EDDY_OK;
}

static int take_reliable(struct eddy_reader *r, struct eddy_sample *out)
{
    struct eddy_place p;
    uint64_t entry;
    enum eddy_entry_age age;
    int error = r->under_cursor ? pin_under_cursor(r) : EDDY_OK;
    if (!error)
        error = look_up(r, &entry, &age);
    if (error)
        return error;
    /* Before anything of the sample is used.  seq, after the entry: who lets go of us says so here,
     * then looks how far the log goes. */
    if (__builtin_expect(eddy_load_seq(&r->seat->let_go) != 0, 0)) {
        error = eddy_reader_come_back(r);
        if (error)
            return error;
    }
    if (age == EDDY_ENTRY_OLDER) {
        if (r->told != r->next)
            tell_of_room(r);
        return EDDY_EAGAIN;
    }
    EDDY_POINT("take:found");
    if (age == EDDY_ENTRY_NEWER)
        return fail_log(r, EDDY_ESEGMENT);
    error = find_sample(r, entry, &p);
    if (error)
        return error;
    if (__builtin_expect(eddy_load_relaxed(&p.slot->sn) != r->next, 0)) /* as there */
        return fail_log(r, EDDY_ESEGMENT);
    error = fill_sample(r, &p, eddy_entry_slot(entry), r->next, out);
    if (error)
        return error;
    r->next++;
    r->under_cursor = true;
    r->cursor_slot = out->slot;
    r->cursor_mark = out->ticket;
    count_taken(r);
    return EDDY_OK;
}

/* Where the log ends, and that log in force: to jump ahead in.  An older end wants more. */
static int find_end(struct eddy_reader *r, uint64_t *end)
{
    *end = eddy_logs_next(r->segment);
    if (__builtin_expect(eddy_logs_is_used(r->segment, r->log), 1))
        return EDDY_OK;
    const struct eddy_log *log = eddy_logs_follow(r->segment);
    r->log = log ? log : r->log;
    return log ? EDDY_OK : EDDY_ENOMEM;
}

/* The oldest number that a best-effort reader still wants. */
static uint64_t oldest_wanted(const struct eddy_reader *r, uint64_t end)
{
    uint64_t reach = r->deep ? r->log->mask : r->depth;
    return end > reach ? end - reach : 0;
}

/* A deep reader that finds a sample gone is at the far end of what is still there, where the next
 * ones are going, too: it moves half of the way to what its depth assures it of. */
static uint64_t pass_over(const struct eddy_reader *r, uint64_t end)
{
    return end > r->next + r->depth ? (end - r->depth - r->next) / 2 : 0;
}

/* One attempt at `next`.  EDDY_EBUSY: it was lost meanwhile, try the one after. */
static int try_next(struct eddy_reader *r, struct eddy_sample *out)
{
    struct eddy_place p;
    uint64_t end, entry;
    enum eddy_entry_age age;
    int error = find_end(r, &end);
    if (error)
        return error;
    uint64_t oldest = oldest_wanted(r, end);
    if (oldest > r->next)
        eddy_reader_lose(r, oldest);
    error = look_up(r, &entry, &age);
    if (error || (age == EDDY_ENTRY_OLDER && r->next >= end))
        return error ? error : EDDY_EAGAIN;
    EDDY_POINT("take:seen");
    if (age == EDDY_ENTRY_OLDER) { /* gone before the log was made longer */
        eddy_reader_lose(r, r->next + 1 + pass_over(r, end));
        return EDDY_EBUSY;
    }
    error = find_sample(r, entry, &p);
    if (error)
        return error;
    /* A cheap look before the pin, which costs two swaps.  Relaxed: by way of the entry it is
     * r->next or what came later, and the pin decides. */
    bool gone = age == EDDY_ENTRY_NEWER || eddy_load_relaxed(&p.slot->sn) != r->next;
    error = gone ? EDDY_EBUSY : eddy_reader_pin(r, &p, r->next);
    if (error == EDDY_EBUSY)
        eddy_reader_lose(r, r->next + 1 + pass_over(r, end));
    if (error)
        return error;
    error = fill_sample(r, &p, eddy_entry_slot(entry), r->next, out);
    if (error) {
        eddy_reader_unpin(r, &p);
        return error;
    }
    r->next++;
    count_taken(r);
    return EDDY_OK;
}

static int take_best_effort(struct eddy_reader *r, struct eddy_sample *out)
{
    /* Bounded: a reader that writers lap twice while it looks comes back later. */
    for (uint64_t tries = 2 * eddy_logs_length(r->segment); tries; tries--) {
        int error = try_next(r, out);
        if (error != EDDY_EBUSY)
            return error;
    }
    return EDDY_EAGAIN;
}

int eddy_reader_take(eddy_reader *r, struct eddy_sample *sample)
{
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (__builtin_expect(r->past_next < r->past_count, 0))
        return take_past(r, sample);
    return r->reliable ? take_reliable(r, sample) : take_best_effort(r, sample);
}

int eddy_reader_take_latest(eddy_reader *r, struct eddy_sample *sample)
{
    struct eddy_sample next;
    int error = eddy_reader_take(r, sample);
    if (error)
        return error;
    /* Bounded: a reader that cannot keep up with its writers is content with this one. */
    for (uint64_t tries = eddy_logs_length(r->segment); tries; tries--) {
        error = eddy_reader_take(r, &next);
        if (error && error != EDDY_ELETGO)
            break;
        eddy_reader_release(r, sample);
        if (error)
            return error; /* to be told once */
        *sample = next;
    }
    return EDDY_OK;
}

static bool is_under_cursor(const struct eddy_reader *r, const struct eddy_sample *sample)
{
    return r->under_cursor && sample->sn + r->segment->first_sn == r->next &&
           sample->slot == r->cursor_slot && sample->ticket == r->cursor_mark;
}

int eddy_reader_release(eddy_reader *r, struct eddy_sample *sample)
{
    struct eddy_place p;
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (is_under_cursor(r, sample)) {
        move_cursor(r);
    } else {
        int error = eddy_slot_find(r->segment, sample->slot, &p);
        _Atomic uint64_t *word = error ? NULL : eddy_slot_mask(r->segment, &p, r->seat_id);
        /* Relaxed: only we set and clear our bit, and the ticket rests while it is set. */
        if (!word || !(eddy_load_relaxed(word) & eddy_seat_bit(r->seat_id)) ||
            (eddy_load_relaxed(&p.slot->ticket) ^ r->mark) != sample->ticket)
            return eddy_fail(EDDY_ESTALE,
                             "this sample was released already, or is another reader's");
        eddy_reader_unpin(r, &p);
    }
    eddy_store_relaxed(&r->seat->held, --r->held); /* statistics */
    return EDDY_OK;
}

/* What was gathered from before its time and not taken is let go. */
static void drop_past(struct eddy_reader *r)
{
    struct eddy_place p;
    for (; r->past_next < r->past_count; r->past_next++)
        if (eddy_slot_find(r->segment, r->past[r->past_next].slot, &p) == EDDY_OK)
            eddy_reader_unpin(r, &p);
}

int eddy_reader_stop(eddy_reader *r)
{
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    int error = r->under_cursor ? pin_under_cursor(r) : EDDY_OK;
    if (error)
        return error;
    drop_past(r);
    /* Never published, so nothing is there to take; and nothing is waited for below it. */
    r->next = r->told = eddy_log_last_sn(eddy_logs_mapped(r->segment));
    eddy_store_relaxed(&r->seat->position, r->next); /* a hint to writers; statistics */
    EDDY_POINT("stop:positioned");
    if (r->reliable)
        eddy_store_release(&r->seat->cursor, EDDY_CURSOR_ABSENT); /* [cursor] */
    EDDY_POINT("stop:absent");
    eddy_bell_ring(&r->segment->control->room_bell); /* a writer may wait for us */
    return EDDY_OK;
}

/* --- waiting --------------------------------------------------------------------------------- */

bool eddy_reader_ready(eddy_reader *r)
{
    if (r->fork_count != eddy_fork_count)
        return false;
    return r->past_next < r->past_count || eddy_reader_has(r, r->next);
}

struct next {
    const struct eddy_reader *reader;
    struct eddy_entry_seen seen;
};

static int look_for_next(void *what)
{
    const struct next *next = what;
    return eddy_reader_has(next->reader, next->reader->next) ? EDDY_OK : EDDY_EAGAIN;
}

static void note_entry(void *what, bool begins)
{
    struct next *next = what;
    if (begins)
        next->seen = eddy_logs_look(next->reader->segment, next->reader->next);
}

int eddy_reader_wait(eddy_reader *r, uint64_t deadline)
{
    struct next next = {.reader = r};
    const struct eddy_awaited kind = {.look = look_for_next,
                                      .sleeps = note_entry,
                                      .pauses = 1,
                                      .orphans = &r->domain->registry->orphans,
                                      .seen = &next.seen};
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (r->past_next < r->past_count)
        return EDDY_OK;
    return eddy_wait(&r->spin, &kind, &next, &r->segment->control->readers_bell, deadline);
}
