/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/line.h"

#include "allocator/point.h"
#include "allocator/wait/futex.h"

/* --- who waits ----------------------------------------------------------------------------------- */

struct search {
    uint32_t after;       /* a seat + 1 */
    uint32_t first, next; /* of all, and behind `after`; seats + 1, 0: none */
    uint32_t count;
};

static bool search_group(const struct eddy_segment *s, enum eddy_room what, uint32_t group,
                         struct search *search)
{
    bool any = false;
    /* Relaxed: who waits has had its bit since long before. */
    for (uint64_t bits = eddy_load_relaxed(&s->control->writer_bits[group]); bits;
         bits &= bits - 1) {
        uint32_t seat = group * 64 + (uint32_t)__builtin_ctzll(bits);
        /* seq: we have said where the turn is, or go on to say so; who comes says that it waits, then
         * looks where the turn is. */
        if (eddy_load_seq(&s->writers[seat].waits) != what + 1 ||
            eddy_seat_is_void(&s->writers[seat].owner))
            continue;
        any = true;
        search->count++;
        search->first = search->first ? search->first : seat + 1;
        if (seat >= search->after && !search->next)
            search->next = seat + 1;
    }
    return any;
}

/* Who waits, from a seat on and round; bits of groups where nobody does go.  One that goes too much
 * comes again when its waiter looks the next time. */
static struct search search_line(struct eddy_segment *s, enum eddy_room what, uint32_t after)
{
    struct search search = {.after = after};
    _Atomic uint64_t *groups = &s->control->waiting_groups[what];
    for (uint64_t left = eddy_load_seq(groups); left; left &= left - 1) {
        uint32_t group = (uint32_t)__builtin_ctzll(left);
        if (search_group(s, what, group, &search))
            continue;
        eddy_and_seq(groups, ~(1ull << group));
        EDDY_POINT("line:group-empty");
        if (search_group(s, what, group, &search)) /* it came in between */
            eddy_or_seq(groups, 1ull << group);
    }
    search.next = search.next ? search.next : search.first;
    return search;
}

/* --- the turn ------------------------------------------------------------------------------------ */

static void ring_turn(struct eddy_segment *s, uint32_t turn)
{
    if (turn - 1 < EDDY_SEATS_MAX)
        eddy_bell_ring(&s->writers[turn - 1].bell);
}

/* From one to the next, as long as that one waits: it may just be leaving. */
static void pass_on(struct eddy_segment *s, enum eddy_room what, uint32_t turn)
{
    struct eddy_control *c = s->control;
    for (uint32_t tries = 0; tries < EDDY_SEATS_MAX; tries++) {
        struct search search = search_line(s, what, turn);
        eddy_store_relaxed(&c->waiting[what], search.count); /* a hint */
        EDDY_POINT("line:searched");
        if (turn == 0 && search.next == 0)
            return;
        if (!eddy_cas_seq(&c->turn[what], &turn, search.next))
            return; /* somebody else has done so */
        EDDY_POINT("line:turn-moved");
        turn = search.next;
        ring_turn(s, turn);
        if (turn && eddy_load_seq(&s->writers[turn - 1].waits) == what + 1)
            return;
    }
}

bool eddy_line_enter(struct eddy_segment *s, enum eddy_room what, uint32_t seat)
{
    struct eddy_control *c = s->control;
    uint32_t turn = 0;
    /* seq, all: then we look where the turn is. */
    if (eddy_load_relaxed(&s->writers[seat].waits) != what + 1) { /* ours, unless passed over */
        eddy_add_relaxed(&c->waiting[what], 1u);                  /* a hint */
        eddy_store_seq(&s->writers[seat].waits, what + 1u);
    }
    if (!(eddy_load_seq(&c->waiting_groups[what]) >> seat / 64 & 1))
        eddy_or_seq(&c->waiting_groups[what], 1ull << seat / 64);
    EDDY_POINT("line:entered");
    return eddy_cas_seq(&c->turn[what], &turn, seat + 1) || turn == seat + 1;
}

void eddy_line_leave(struct eddy_segment *s, uint32_t seat)
{
    struct eddy_control *c = s->control;
    /* seq: who gives us the turn looks here afterwards. */
    uint32_t waited = eddy_swap_seq(&s->writers[seat].waits, 0u);
    EDDY_POINT("line:left");
    for (uint32_t what = 0; what < EDDY_LINES; what++) {
        if (eddy_load_seq(&c->turn[what]) == seat + 1)
            pass_on(s, (enum eddy_room)what, seat + 1);
        else if (waited == what + 1)
            eddy_add_relaxed(&c->waiting[what], UINT32_MAX); /* one less; a hint */
    }
}

void eddy_line_pass_over(struct eddy_segment *s, enum eddy_room what, uint32_t turn)
{
    uint32_t waits = what + 1;
    if (eddy_load_relaxed(&s->control->turn[what]) != turn) /* a guess; the swap decides */
        return;
    if (turn - 1 < EDDY_SEATS_MAX && turn - 1 < eddy_seats_bound(&s->control->writer_high))
        eddy_cas_seq(&s->writers[turn - 1].waits, &waits, 0u);
    EDDY_POINT("line:passed-over");
    pass_on(s, what, turn);
}
