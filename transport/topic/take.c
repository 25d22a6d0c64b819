/* Taking and waiting: a reader's data path.  spec/protocols.md, "Reading" and "Keeping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/topic/own.h"
#include "transport/topic/sample.h"

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

/* --- taking ---------------------------------------------------------------------------------- */

void eddy_reader_count(struct eddy_reader *r, uint32_t taken)
{
    /* Relaxed: statistics, and only we write them, but for releases of a shared reader. */
    eddy_store_relaxed(&r->seat->taken, r->taken += taken);
    if (__builtin_expect(r->shared, 0))
        eddy_add_relaxed(&r->seat->held, taken);
    else
        eddy_store_relaxed(&r->seat->held, r->held += taken);
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
        error = eddy_sample_fill(r, &p, past->sn, out);
    if (!error)
        eddy_reader_count(r, 1);
    return error;
}

int eddy_reader_look_up(struct eddy_reader *r, uint64_t sn, uint64_t *entry,
                        enum eddy_entry_age *age)
{
    *entry = eddy_log_entry(r->log, sn);
    *age = eddy_entry_age(r->log, *entry, sn);
    if (__builtin_expect(*age != EDDY_ENTRY_NEWER || !eddy_entry_is_mark(*entry), 1))
        return EDDY_OK;
    int error = eddy_logs_find(r->segment, sn, entry, age);
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
static int find_sample(struct eddy_reader *r, uint64_t sn, uint64_t entry, struct eddy_place *p)
{
    uint32_t id = eddy_entry_slot(entry);
    int error = eddy_slot_find(r->segment, id, p);
    if (!error)
        eddy_place_bring(p);
    /* Relaxed: by way of the entry it is sn, or what came later. */
    if (__builtin_expect(error || eddy_load_relaxed(&p->slot->sn) != sn, 0))
        error = eddy_slot_find_again(r->segment, id, p);
    return error ? fail_entry(r, entry, error) : EDDY_OK;
}

/* A reader that pins: the cursor protects the sample until it has its bit. */
static int keep_next(struct eddy_reader *r, const struct eddy_place *p)
{
    int error = eddy_reader_pin(r, p, r->next);
    if (error == EDDY_EBUSY && !eddy_reader_was_passed(r))
        return fail_log(r, EDDY_ESEGMENT);
    if (error)
        return error;
    EDDY_POINT("take:kept");
    r->next++;
    eddy_reader_move_cursor(r);
    return EDDY_OK;
}

int eddy_reader_nothing(struct eddy_reader *r)
{
    if (r->told != r->next)
        eddy_reader_tell_of_room(r);
    return EDDY_EAGAIN;
}

static inline int take_reliable(struct eddy_reader *r, struct eddy_sample *out)
{
    struct eddy_place p;
    uint64_t entry;
    enum eddy_entry_age age;
    int error = r->under ? eddy_under_pin(r) : EDDY_OK;
    if (!error)
        error = eddy_reader_look_up(r, r->next, &entry, &age);
    if (error)
        return error;
    /* Before anything of the sample is used.  seq, after the entry: who lets go of us says so here,
     * then looks how far the log goes. */
    if (__builtin_expect(eddy_load_seq(&r->seat->let_go) != 0, 0)) {
        error = eddy_reader_come_back(r);
        if (error)
            return error;
    }
    if (age == EDDY_ENTRY_OLDER)
        return eddy_reader_nothing(r);
    EDDY_POINT("take:found");
    if (age == EDDY_ENTRY_NEWER)
        return fail_log(r, EDDY_ESEGMENT);
    error = find_sample(r, r->next, entry, &p);
    if (error)
        return error;
    if (__builtin_expect(eddy_load_relaxed(&p.slot->sn) != r->next, 0)) /* as there */
        return fail_log(r, EDDY_ESEGMENT);
    error = eddy_sample_fill(r, &p, r->next, out);
    if (!error && r->pinning)
        error = eddy_reader_is_own(r, out->source) ? EDDY_EBUSY : keep_next(r, &p);
    else if (!error)
        eddy_under_add(r, out);
    if (!error)
        eddy_reader_count(r, 1);
    return error;
}

/* Bounded: a reader that others lap all the time comes back later. */
static int take_of_others(struct eddy_reader *r, struct eddy_sample *out)
{
    for (uint64_t tries = eddy_logs_length(r->segment); tries; tries--) {
        eddy_reader_pass_own(r);
        int error = take_reliable(r, out);
        if (error != EDDY_EBUSY && !(error && error != EDDY_ELETGO && eddy_reader_was_passed(r)))
            return error;
    }
    return EDDY_EAGAIN;
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

/* One attempt at a number.  EDDY_EBUSY: it is gone. */
static int try_number(struct eddy_reader *r, uint64_t sn, uint64_t end, struct eddy_sample *out)
{
    struct eddy_place p;
    uint64_t entry;
    enum eddy_entry_age age;
    int error = eddy_reader_look_up(r, sn, &entry, &age);
    if (error || (age == EDDY_ENTRY_OLDER && sn >= end))
        return error ? error : EDDY_EAGAIN;
    EDDY_POINT("take:seen");
    if (age == EDDY_ENTRY_OLDER) /* gone before the log was made longer */
        return EDDY_EBUSY;
    error = find_sample(r, sn, entry, &p);
    if (error)
        return error;
    /* A cheap look before the pin, which costs two swaps.  Relaxed: by way of the entry it is
     * sn or what came later, and the pin decides. */
    bool gone = age == EDDY_ENTRY_NEWER || eddy_load_relaxed(&p.slot->sn) != sn;
    error = gone ? EDDY_EBUSY : eddy_reader_pin(r, &p, sn);
    if (error)
        return error;
    error = eddy_sample_fill(r, &p, sn, out);
    if (error)
        eddy_reader_unpin(r, &p);
    return error;
}

/* The sample is pinned, and not wanted: it is as if it had not been there. */
static bool drop_own(struct eddy_reader *r, const struct eddy_sample *sample)
{
    struct eddy_place p;
    if (!eddy_reader_is_own(r, sample->source))
        return false;
    if (eddy_slot_find(r->segment, sample->slot, &p) == EDDY_OK) /* just done */
        eddy_reader_unpin(r, &p);
    return true;
}

/* One attempt at `next`.  EDDY_EBUSY: it was lost meanwhile, or is not wanted; try the one after. */
static int try_next(struct eddy_reader *r, struct eddy_sample *out)
{
    uint64_t end;
    int error = find_end(r, &end);
    if (error)
        return error;
    uint64_t oldest = oldest_wanted(r, end);
    if (oldest > r->next)
        eddy_reader_lose(r, oldest);
    error = try_number(r, r->next, end, out);
    if (error == EDDY_EBUSY)
        eddy_reader_lose(r, r->next + 1 + pass_over(r, end));
    if (error)
        return error;
    r->next++;
    if (drop_own(r, out))
        return EDDY_EBUSY;
    eddy_reader_count(r, 1);
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

int eddy_reader_say_let_go(struct eddy_reader *r)
{
    r->owes = false;
    return eddy_fail(EDDY_ELETGO, "writers of topic \"%.*s\" have let go of this reader",
                     EDDY_SEGMENT_LABEL(r->segment));
}

int eddy_reader_take(eddy_reader *r, struct eddy_sample *sample)
{
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (__builtin_expect(r->owes, 0))
        return eddy_reader_say_let_go(r);
    if (__builtin_expect(r->past_next < r->past_count, 0))
        return take_past(r, sample);
    if (!r->reliable)
        return take_best_effort(r, sample);
    return __builtin_expect(r->not_own, 0) ? take_of_others(r, sample) : take_reliable(r, sample);
}

/* What comes next is there, and wanted. */
static bool has_next(struct eddy_reader *r)
{
    if (__builtin_expect(r->not_own, 0))
        eddy_reader_pass_own(r);
    return r->found = eddy_reader_has(r, r->next);
}

/* --- the newest ------------------------------------------------------------------------------ */

/* Jumps over what is older than the newest that is there; nothing of it is looked at. */
static int latest_reliable(struct eddy_reader *r, struct eddy_sample *out)
{
    uint64_t end;
    int error = r->under ? eddy_under_pin(r) : EDDY_OK;
    if (!error)
        error = eddy_logs_end(r->segment, &end);
    if (error)
        return error;
    r->log = eddy_logs_mapped(r->segment);
    if (__builtin_expect(r->not_own, 0)) {
        eddy_reader_pass_own(r);
        end = eddy_reader_newest_of_others(r, end) + 1;
    }
    /* seq: as in taking one, which says what was lost. */
    if (end > r->next + 1 && eddy_load_seq(&r->seat->let_go) == 0) {
        r->next = end - 1;
        eddy_reader_move_cursor(r);
        EDDY_POINT("take:jumped");
    }
    return __builtin_expect(r->not_own, 0) ? take_of_others(r, out) : take_reliable(r, out);
}

/* The newest that is not gone: mostly the first that is tried. */
static int latest_best_effort(struct eddy_reader *r, struct eddy_sample *out)
{
    uint64_t end, gone = 0;
    int error = eddy_logs_end(r->segment, &end);
    if (error)
        return error;
    r->log = eddy_logs_mapped(r->segment);
    uint64_t oldest = oldest_wanted(r, end), sn = end;
    if (oldest > r->next)
        eddy_reader_lose(r, oldest);
    error = EDDY_EAGAIN;
    while (sn > r->next && (error == EDDY_EAGAIN || error == EDDY_EBUSY)) {
        error = try_number(r, --sn, end, out);
        gone += error == EDDY_EBUSY && sn >= r->born;
        if (!error && drop_own(r, out))
            error = EDDY_EAGAIN;
    }
    if (error && error != EDDY_EBUSY && error != EDDY_EAGAIN)
        return error;
    r->next = end > r->next ? end : r->next;
    eddy_store_relaxed(&r->seat->lost, r->lost += gone); /* statistics */
    if (error)
        return EDDY_EAGAIN;
    eddy_reader_count(r, 1);
    return EDDY_OK;
}

int eddy_reader_take_latest(eddy_reader *r, struct eddy_sample *sample)
{
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (__builtin_expect(r->owes, 0))
        return eddy_reader_say_let_go(r);
    if (r->past_next < r->past_count) { /* history is older than all that the log has for us */
        bool newer = has_next(r);
        eddy_reader_drop_past(r, newer ? r->past_count : r->past_count - 1);
        if (!newer)
            return take_past(r, sample);
    }
    return r->reliable ? latest_reliable(r, sample) : latest_best_effort(r, sample);
}

/* --- waiting --------------------------------------------------------------------------------- */

bool eddy_reader_ready(eddy_reader *r)
{
    if (r->fork_count != eddy_fork_count)
        return false;
    return r->past_next < r->past_count || has_next(r);
}

struct next {
    struct eddy_reader *reader;
    struct eddy_entry_seen seen;
};

static int look_for_next(void *what)
{
    struct next *next = what;
    return has_next(next->reader) ? EDDY_OK : EDDY_EAGAIN;
}

static void note_entry(void *what, bool begins)
{
    struct next *next = what;
    if (begins)
        next->seen = eddy_logs_look(next->reader->segment, next->reader->next);
}

/* Who takes groups leaves the log to the writers that publish them, but for a look before it sleeps. */
static bool is_published(const void *what)
{
    const struct next *next = what;
    return eddy_logs_next(next->reader->segment) > next->reader->next;
}

int eddy_reader_wait(eddy_reader *r, uint64_t deadline)
{
    struct next next = {.reader = r};
    const struct eddy_awaited kind = {.look = look_for_next,
                                      .hint = r->groups ? is_published : NULL,
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
