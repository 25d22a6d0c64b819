/* Members of a slots segment: entering, leaving, and taking back what the dead held.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/wait/futex.h"
#include "transport/slots/slots.h"

/* --- what a member leaves behind ------------------------------------------------------------- */

static bool is_void_member(const struct eddy_slots *s, uint64_t member_plus_1)
{
    return member_plus_1 - 1 < EDDY_SLOTS_MEMBERS &&
           eddy_seat_is_void(&s->members[member_plus_1 - 1]);
}

/* A newer entry: it was never published, or another has finished it before that entry came in; then
 * the state is another by now. */
static bool is_committed(const struct eddy_slots *s, uint32_t slot, uint64_t sn)
{
    uint64_t entry = eddy_log_entry(&s->log, sn);
    return eddy_entry_age(&s->log, entry, sn) == EDDY_ENTRY_PRESENT &&
           eddy_entry_slot(entry) == slot;
}

bool eddy_slots_take_back(struct eddy_slots *s, uint32_t slot)
{
    struct eddy_slots_line *line = &s->lines[slot];
    /* from [loan]: a living owner is seen to have its seat. */
    uint64_t state = eddy_load_acquire(&line->state);
    if (!is_void_member(s, state & EDDY_SLOTS_OWNER))
        return false;
    EDDY_POINT("slots-reap:loan-seen");
    /* from [sample]: if the slot is another's by now, so says the state below. */
    uint64_t sn = eddy_load_acquire(&line->sn);
    bool live = eddy_slots_is_live(sn);
    bool said = !live || !(state & EDDY_SLOTS_COMMITTING) || is_committed(s, slot, sn);
    uint64_t done = state & ~(EDDY_SLOTS_OWNER | EDDY_SLOTS_COMMITTING);
    EDDY_POINT("slots-reap:resolved");
    if (!eddy_cas_seq(&line->state, &state, said ? done : done | EDDY_SLOTS_UNSAID))
        return false; /* another was faster */
    if (!live || !said)
        eddy_store_relaxed(&s->header->empty, slot + 1); /* a hint */
    return true;
}

void eddy_slots_member_leave(struct eddy_slots *s, uint32_t member)
{
    eddy_or_release(&s->members[member], EDDY_OWNER_REAPING); /* [void] */
    EDDY_POINT("slots-leave:member-marked");
    for (uint32_t i = 0; i < s->slot_count; i++)
        /* Relaxed: who is gone has nothing that we do not know of. */
        if ((eddy_load_relaxed(&s->lines[i].state) & EDDY_SLOTS_OWNER) == member + 1u)
            eddy_slots_take_back(s, i);
    EDDY_POINT("slots-leave:loans");
    eddy_bell_ring(&s->header->room_bell);
    eddy_bell_ring(&s->header->new_bell); /* it may have committed and died before it rang */
    EDDY_POINT("slots-leave:member-rung");
    /* Last: a reaper that dies before is followed by another. */
    eddy_store_release(&s->members[member], 0u); /* [member] */
}

void eddy_slots_clear_pins(struct eddy_slots *s, uint32_t reader)
{
    uint64_t bit = eddy_slots_bit(reader);
    for (uint32_t i = 0; i < s->slot_count; i++) {
        _Atomic uint64_t *word = eddy_slots_pin_word(s, i, reader / 64);
        if (eddy_load_relaxed(word) & bit) /* the bit is the reader's, and that is us now */
            eddy_and_seq(word, ~bit);      /* [unpin] */
    }
}

void eddy_slots_reader_leave(struct eddy_slots *s, uint32_t reader)
{
    uint64_t bit = eddy_slots_bit(reader);
    eddy_or_seq(&s->header->gone[reader / 64], bit); /* seq: the bell comes below */
    EDDY_POINT("slots-leave:gone");
    eddy_slots_clear_pins(s, reader);
    EDDY_POINT("slots-leave:unpinned");
    eddy_and_release(&s->header->joined[reader / 64], ~bit); /* [unjoined]: no pins any more */
    EDDY_POINT("slots-leave:not-joined");
    eddy_bell_ring(&s->header->room_bell);
    EDDY_POINT("slots-leave:reader-rung");
    eddy_store_release(&s->readers[reader], 0u); /* [member], last, as above */
}

/* --- reaping --------------------------------------------------------------------------------- */

/* By its word: the member or reader that has a seat, or reaps it.  0: nobody does. */
static bool is_alive(const struct eddy_slots *s, uint64_t owner)
{
    uint64_t id = owner & ~EDDY_OWNER_REAPING;
    return id != 0 && eddy_domain_knows_alive(s->domain, id);
}

/* Void from now on, and the caller's or (0) nobody's.  False: another was faster. */
static bool take_over(_Atomic uint64_t *owner, uint64_t seen, uint64_t reaper)
{
    /* [owner]: that we live can be seen by whoever sees our id.  [void] */
    return eddy_cas_release(owner, &seen, reaper | EDDY_OWNER_REAPING);
}

/* Members come before readers. */
static _Atomic uint64_t *seat_word(const struct eddy_slots *s, uint32_t i)
{
    return i < EDDY_SLOTS_MEMBERS ? &s->members[i] : &s->readers[i - EDDY_SLOTS_MEMBERS];
}

struct eddy_slots_census eddy_slots_reap(struct eddy_slots *s)
{
    struct eddy_slots_census sum = {0};
    for (uint32_t i = 0; i < EDDY_SLOTS_MEMBERS + s->reader_limit; i++) {
        bool is_reader = i >= EDDY_SLOTS_MEMBERS;
        uint32_t at = is_reader ? i - EDDY_SLOTS_MEMBERS : i;
        _Atomic uint64_t *owner = seat_word(s, i);
        uint64_t seen = eddy_load_acquire(owner); /* from [owner]: who has entered, lives */
        if (seen == 0)
            continue;
        if (is_alive(s, seen)) {
            sum.alive += !is_reader;
            continue;
        }
        sum.reaped++;
        if (!take_over(owner, seen, s->domain->id))
            continue;
        EDDY_POINT("slots-reap:taken-over");
        eddy_bell_ring(&s->header->room_bell); /* what it held is had from now on */
        if (is_reader)
            eddy_slots_reader_leave(s, at);
        else
            eddy_slots_member_leave(s, at);
        eddy_log(EDDY_LOG_INFO, "reaped %s %u of a dead participant on slots segment %s",
                 is_reader ? "reader" : "member", at, s->id);
    }
    return sum;
}

bool eddy_slots_mark_next(struct eddy_slots *s, const uint64_t *active)
{
    uint32_t turn = eddy_add_relaxed(&s->asked, 1u), at; /* whoever's turn it is */
    if (!eddy_slots_in_the_way(s, active, turn, &at))
        return false;
    uint64_t seen = eddy_load_acquire(seat_word(s, at)); /* from [owner] */
    if (seen == 0 || (seen & EDDY_OWNER_REAPING) || is_alive(s, seen) ||
        !take_over(seat_word(s, at), seen, 0))
        return false;
    EDDY_POINT("slots-reap:marked");
    eddy_bell_ring(&s->header->room_bell); /* what it held is had from now on */
    return true;
}

struct eddy_slots_census eddy_slots_count(const struct eddy_slots *s)
{
    struct eddy_slots_census sum = {0};
    for (uint32_t i = 0; i < EDDY_SLOTS_MEMBERS; i++) {
        uint64_t seen = eddy_load_acquire(&s->members[i]); /* from [owner], as above */
        bool alive = seen && is_alive(s, seen);
        sum.alive += alive;
        sum.reaped += seen && !alive;
    }
    return sum;
}

/* --- entering -------------------------------------------------------------------------------- */

static bool enter(struct eddy_slots *s)
{
    for (uint32_t i = 0; i < EDDY_SLOTS_MEMBERS; i++) {
        uint64_t nobody = 0;
        if (eddy_load_relaxed(&s->members[i]) == 0 && /* a guess; the swap decides */
            /* from [member]: nobody looks for loans of its last holder any more; [owner] */
            eddy_cas_acq_rel(&s->members[i], &nobody, s->domain->id)) {
            s->member = i;
            return true;
        }
    }
    return false;
}

int eddy_slots_member_enter(struct eddy_slots *s)
{
    if (enter(s) || (eddy_slots_reap(s).reaped && enter(s)))
        return EDDY_OK;
    return eddy_fail(EDDY_ELIMIT, "%u handles are attached to %s, which is all it can have",
                     EDDY_SLOTS_MEMBERS, s->id);
}
