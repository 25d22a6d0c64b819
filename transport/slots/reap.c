/* Members of a slots segment: entering, leaving, and taking back what the dead held.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/wait/futex.h"
#include "transport/slots/slots.h"

/* --- what a member leaves behind ------------------------------------------------------------- */

/* LIVE if its commit is in the log, or if its sample had not been ended yet; else EMPTY. */
static void resolve(struct eddy_slots *s, uint32_t slot, uint64_t state)
{
    struct eddy_slots_line *line = &s->lines[slot];
    EDDY_POINT("slots-reap:loan-seen");
    /* from [sample]: if the slot is another's by now, so says the state below. */
    uint64_t sn = eddy_load_acquire(&line->sn);
    bool live = eddy_slots_is_live(sn);
    if (live && (state & EDDY_SLOTS_COMMITTING)) {
        uint64_t entry = eddy_log_entry(&s->log, sn);
        live = eddy_entry_age(&s->log, entry, sn) == EDDY_ENTRY_PRESENT &&
               eddy_entry_slot(entry) == slot;
        /* A newer entry: it was never published, or another has finished it before that entry came
         * in, and may have claimed the slot since.  Relaxed: the entry, or sn, tells. */
        if (!live && eddy_load_relaxed(&line->state) != state)
            return;
        if (!live) /* relaxed: by way of [give up slot] */
            eddy_store_relaxed(&line->sn, sn | EDDY_SLOTS_ENDED);
    }
    EDDY_POINT("slots-reap:resolved");
    eddy_slots_finish(line, state);
    if (!live)
        eddy_store_relaxed(&s->header->empty, slot + 1); /* a hint */
}

void eddy_slots_member_leave(struct eddy_slots *s, uint32_t member)
{
    for (uint32_t i = 0; i < s->slot_count; i++) {
        /* Relaxed: who is gone has nothing that we do not know of. */
        uint64_t state = eddy_load_relaxed(&s->lines[i].state);
        if ((state & EDDY_SLOTS_OWNER) == member + 1u)
            resolve(s, i, state);
    }
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
    eddy_and_relaxed(&s->header->joined[reader / 64], ~bit); /* gone says enough */
    EDDY_POINT("slots-leave:not-joined");
    eddy_slots_clear_pins(s, reader);
    EDDY_POINT("slots-leave:unpinned");
    eddy_bell_ring(&s->header->room_bell);
    EDDY_POINT("slots-leave:reader-rung");
    eddy_store_release(&s->readers[reader], 0u); /* [member], last, as above */
}

/* --- reaping --------------------------------------------------------------------------------- */

static bool is_alive(const struct eddy_slots *s, uint64_t owner)
{
    return eddy_domain_knows_alive(s->domain, owner & ~EDDY_OWNER_REAPING);
}

/* The caller's from now on.  False: another reaper was faster. */
static bool take_over(const struct eddy_slots *s, _Atomic uint64_t *owner, uint64_t seen)
{
    /* [owner]: that we live can be seen by whoever sees our id. */
    return eddy_cas_release(owner, &seen, s->domain->id | EDDY_OWNER_REAPING);
}

struct eddy_slots_census eddy_slots_reap(struct eddy_slots *s)
{
    struct eddy_slots_census sum = {0};
    for (uint32_t i = 0; i < EDDY_SLOTS_MEMBERS + s->reader_limit; i++) {
        bool is_reader = i >= EDDY_SLOTS_MEMBERS;
        uint32_t at = is_reader ? i - EDDY_SLOTS_MEMBERS : i;
        _Atomic uint64_t *owner = is_reader ? &s->readers[at] : &s->members[at];
        uint64_t seen = eddy_load_acquire(owner); /* from [owner]: who has entered, lives */
        if (seen == 0)
            continue;
        if (is_alive(s, seen)) {
            sum.alive += !is_reader;
            continue;
        }
        sum.reaped++;
        if (!take_over(s, owner, seen))
            continue;
        EDDY_POINT("slots-reap:taken-over");
        if (is_reader)
            eddy_slots_reader_leave(s, at);
        else
            eddy_slots_member_leave(s, at);
        eddy_log(EDDY_LOG_INFO, "reaped %s %u of a dead participant on slots segment %s",
                 is_reader ? "reader" : "member", at, s->id);
    }
    return sum;
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
