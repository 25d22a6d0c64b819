/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/gate.h"

#include "allocator/point.h"
#include "transport/topic/let_go.h"

/* What the best-effort readers have not taken yet begins here. */
struct untaken {
    uint64_t next, length; /* of the log */
    uint64_t entitled;     /* as far back as their depths */
    uint64_t deep;         /* what deep readers would like, as far back as the log goes */
};

/* A reader's position is a hint, which can only be too low: the pin decides whether it gets a
 * sample. */
static void add_untaken(const struct eddy_reader_seat *seat, struct untaken *u)
{
    /* Relaxed: who set the bit that we saw had taken the seat before; who sets it later begins at
     * next_sn as we have read it, or behind. */
    if (eddy_load_relaxed(&seat->owner) == 0)
        return;
    /* seq, for the same reason as the bits: the last holder's depth may be there; if not, neither is its
     * position, from [depth]. */
    uint32_t depth = eddy_load_seq(&seat->depth);
    uint64_t position = eddy_load_relaxed(&seat->position);
    uint64_t reach = u->next > depth ? u->next - depth : 0;
    uint64_t from = position > reach ? position : reach;
    u->entitled = from < u->entitled ? from : u->entitled;
    if (eddy_load_relaxed(&seat->flags) & EDDY_SEAT_DEEP) {
        uint64_t oldest = u->next > u->length ? u->next - u->length : 0;
        from = position > oldest ? position : oldest;
        u->deep = from < u->deep ? from : u->deep;
    }
}

bool eddy_gate_recompute(struct eddy_segment *s)
{
    struct eddy_control *c = s->control;
    /* From [help].  seq, before the cursors: who joins later begins there or behind. */
    uint64_t lowest = eddy_load_seq(&c->next_sn), length = eddy_logs_length(s);
    uint64_t gate = lowest + length;
    EDDY_POINT("gate:next-read");
    struct untaken untaken = {lowest, length, lowest, lowest};
    const struct eddy_reader_seat *readers = s->readers; /* or each acquire has it read again */
    struct eddy_seats seats = eddy_seats_of_readers(s);
    for (uint32_t i; eddy_seats_next(&seats, &i);) {
        const struct eddy_reader_seat *r = &readers[i];
        if (eddy_seat_is_void(&r->owner))
            continue;
        uint64_t cursor = eddy_load_seq(&r->cursor); /* acquire, from [cursor] */
        if (cursor == EDDY_CURSOR_ABSENT) {
            add_untaken(r, &untaken);
            continue;
        }
        if (eddy_is_let_go(r))
            continue;
        if (cursor == EDDY_CURSOR_JOINING)
            return false;
        uint64_t reach = cursor + eddy_load_relaxed(&r->depth); /* set before the cursor */
        lowest = cursor < lowest ? cursor : lowest;
        gate = reach < gate ? reach : gate;
    }
    /* A closed gate is where publish asks whether there are numbers left. */
    uint64_t last = eddy_log_last_sn(eddy_logs_mapped(s));
    gate = gate <= last ? gate : last + 1;
    EDDY_POINT("gate:summed");
    eddy_raise64_release(&c->min_cursor, lowest); /* [gate] */
    EDDY_POINT("gate:cursor-raised");
    /* Relaxed, all three: what they say is true for good, or a hint, and nothing hangs on them but
     * themselves. */
    eddy_raise64_relaxed(&c->untaken, untaken.entitled);
    eddy_raise64_relaxed(&c->untaken_deep, untaken.deep);
    EDDY_POINT("gate:raised");
    eddy_store_relaxed(&c->gate, gate);
    return true;
}
