/* Readers that want nothing of their own participant, and do not hold its writers up.
 *
 * The cursor of such a reader is moved over its participant's samples by whoever comes first: the
 * reader, or a writer of that participant that finds no room.     spec/protocols.md, "Not one's own"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/own.h"

#include "transport/topic/gate.h"

/* The cursor was on sn when this began: what it says is true if it is there still. */
static bool is_of(struct eddy_segment *s, uint64_t sn, uint64_t source)
{
    struct eddy_place p;
    uint64_t entry;
    enum eddy_entry_age age;
    if (eddy_logs_find(s, sn, &entry, &age) || age != EDDY_ENTRY_PRESENT ||
        eddy_slot_find(s, eddy_entry_slot(entry), &p))
        return false;
    /* Relaxed, all: from [publish], by way of the entry.  Another number: as find_sample in take.c. */
    if (eddy_load_relaxed(&p.slot->sn) != sn &&
        (eddy_slot_find_again(s, eddy_entry_slot(entry), &p) ||
         eddy_load_relaxed(&p.slot->sn) != sn))
        return false;
    return eddy_load_relaxed(&p.slot->source) == source;
}

uint64_t eddy_own_pass(struct eddy_segment *s, struct eddy_reader_seat *seat, uint64_t source)
{
    /* Relaxed: the swap decides, and the entry is looked up anew. */
    uint64_t cursor = eddy_load_relaxed(&seat->cursor);
    uint64_t tries = 2 * eddy_logs_length(s);
    while (tries-- && cursor >= s->first_sn && is_of(s, cursor, source)) {
        EDDY_POINT("own:seen");
        /* [cursor]: what was looked at below it has been. */
        if (eddy_cas_release(&seat->cursor, &cursor, cursor + 1))
            cursor++;
    }
    return cursor;
}

/* --- the reader ------------------------------------------------------------------------------- */

/* Pins to look, as the sample may go at any time. */
static void pass_best_effort(struct eddy_reader *r)
{
    struct eddy_place p;
    uint64_t entry;
    enum eddy_entry_age age;
    for (uint64_t tries = eddy_logs_length(r->segment); tries; tries--) {
        if (eddy_reader_look_up(r, r->next, &entry, &age) || age != EDDY_ENTRY_PRESENT ||
            eddy_slot_find(r->segment, eddy_entry_slot(entry), &p) ||
            eddy_reader_pin(r, &p, r->next))
            return;
        bool own = eddy_load_relaxed(&p.slot->source) == r->domain->id; /* under the pin */
        eddy_reader_unpin(r, &p);
        if (!own)
            return;
        r->next++;
    }
}

void eddy_reader_pass_own(struct eddy_reader *r)
{
    if (!r->reliable) {
        pass_best_effort(r);
        return;
    }
    uint64_t cursor = eddy_own_pass(r->segment, r->seat, r->domain->id);
    r->next = cursor >= r->segment->first_sn ? cursor : r->next; /* else it has stopped */
}

bool eddy_reader_was_passed(const struct eddy_reader *r)
{
    return r->not_own && r->reliable && eddy_load_relaxed(&r->seat->cursor) != r->next;
}

uint64_t eddy_reader_newest_of_others(struct eddy_reader *r, uint64_t end)
{
    uint64_t sn = end;
    while (sn > r->next && is_of(r->segment, sn - 1, r->domain->id))
        sn--;
    /* If a writer has moved the cursor there meanwhile, what was seen may be something else; and all
     * that was there was ours. */
    return sn > r->next && eddy_load_relaxed(&r->seat->cursor) < sn ? sn - 1 : end;
}

void eddy_reader_drop_own_past(struct eddy_reader *r)
{
    struct eddy_place p;
    size_t kept = 0;
    for (size_t i = 0; i < r->past_count; i++) {
        if (eddy_slot_find(r->segment, r->past[i].slot, &p) == EDDY_OK &&
            eddy_load_relaxed(&p.slot->source) == r->domain->id) /* under its pin */
            eddy_reader_unpin(r, &p);
        else
            r->past[kept++] = r->past[i];
    }
    r->past_count = kept;
}

/* --- the writer ------------------------------------------------------------------------------- */

/* Relaxed, all: a seat that changes hands just now, or a reader that has been let go of meanwhile, has
 * a cursor of its own, which the swap finds. */
static bool is_passed_by(const struct eddy_writer *w, const struct eddy_reader_seat *r)
{
    return (eddy_load_relaxed(&r->flags) & EDDY_SEAT_NOT_OWN) &&
           eddy_load_relaxed(&r->owner) == w->source;
}

bool eddy_writer_recompute(struct eddy_writer *w)
{
    struct eddy_seats seats = eddy_seats_of_readers(w->segment);
    if (__builtin_expect(eddy_load_relaxed(&w->topic->not_own) > 0, 0)) /* of our own handles */
        for (uint32_t i; eddy_seats_next(&seats, &i);)
            if (is_passed_by(w, &w->segment->readers[i]))
                (void)eddy_own_pass(w->segment, &w->segment->readers[i], w->source);
    return eddy_gate_recompute(w->segment);
}

/* As far as this reader goes. */
static bool lets_pass(const struct eddy_writer *w, const struct eddy_reader_seat *r, uint64_t n)
{
    uint64_t cursor = eddy_load_seq(&r->cursor); /* as the gate: who joins must be seen */
    if (cursor == EDDY_CURSOR_ABSENT || eddy_seat_is_void(&r->owner) || eddy_is_let_go(r) ||
        is_passed_by(w, r))
        return true;
    /* The depth was set before the cursor. */
    return cursor != EDDY_CURSOR_JOINING && n < cursor + eddy_load_relaxed(&r->depth);
}

bool eddy_writer_passes_own(const struct eddy_writer *w, uint64_t n)
{
    struct eddy_seats seats = eddy_seats_of_readers(w->segment);
    if (__builtin_expect(eddy_load_relaxed(&w->topic->not_own) == 0, 1) || /* as above */
        !eddy_writer_has_turn(w, EDDY_ROOM_GATE) || n > eddy_log_last_sn(w->log) ||
        /* acquire, from [gate]: as eddy_gate_lets_pass. */
        n > eddy_load_acquire(&w->segment->control->min_cursor) + w->log->mask)
        return false;
    for (uint32_t i; eddy_seats_next(&seats, &i);)
        if (!lets_pass(w, &w->segment->readers[i], n))
            return false;
    return true;
}
