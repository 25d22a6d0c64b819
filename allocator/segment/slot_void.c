/* What seats that are void still say of a slot.  spec/protocols.md, "What the dead held"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"

#include "allocator/segment/logs.h"

/* --- pins ------------------------------------------------------------------------------------ */

/* The columns in which somebody may sit, the slot's own mask among them. */
static uint64_t columns_of(struct eddy_segment *s, const struct eddy_place *p)
{
    /* seq, and from [empty], as in eddy_slot_held. */
    uint64_t columns = eddy_load_seq(&p->extent->header->columns) & ~1ull;
    return 1u | (columns ? columns & eddy_load_seq(&s->control->reader_groups) : 0);
}

static _Atomic uint64_t *word_of(struct eddy_segment *s, const struct eddy_place *p, uint32_t c)
{
    _Atomic uint64_t *column = c ? eddy_extent_column(s, p->extent, c, false) : NULL;
    return c == 0 ? &p->slot->mask : column ? &column[p->index] : NULL;
}

/* Those of the pins whose readers' seats are void. */
static uint64_t void_ones(const struct eddy_segment *s, uint32_t c, uint64_t pins)
{
    uint64_t ones = 0;
    for (uint64_t left = pins; left; left &= left - 1)
        if (eddy_seat_is_void(&s->readers[c * 64 + (uint32_t)__builtin_ctzll(left)].owner))
            ones |= left & -left;
    return ones;
}

bool eddy_slot_held_by_living(struct eddy_segment *s, const struct eddy_place *p)
{
    for (uint64_t columns = columns_of(s, p); columns; columns &= columns - 1) {
        uint32_t c = (uint32_t)__builtin_ctzll(columns);
        _Atomic uint64_t *word = word_of(s, p, c);
        uint64_t pins = word ? eddy_load_seq(word) : 0;
        /* A column that cannot be looked at may hold. */
        if (!word || (pins && void_ones(s, c, pins) != pins))
            return true;
    }
    return false;
}

/* --- keepers --------------------------------------------------------------------------------- */

static bool is_void_writer(const struct eddy_segment *s, uint32_t seat_plus_1)
{
    return seat_plus_1 - 1 < EDDY_SEATS_MAX &&
           eddy_seat_is_void(&s->writers[seat_plus_1 - 1].owner);
}

bool eddy_slot_keeper_is_void(const struct eddy_segment *s, uint32_t keeper)
{
    return keeper == 0 || is_void_writer(s, keeper);
}

void eddy_slot_forget_void(struct eddy_segment *s, const struct eddy_place *p)
{
    uint32_t keeper = eddy_load_relaxed(&p->slot->keeper); /* looked at before */
    for (uint64_t columns = columns_of(s, p); columns; columns &= columns - 1) {
        uint32_t c = (uint32_t)__builtin_ctzll(columns);
        _Atomic uint64_t *word = word_of(s, p, c);
        /* Relaxed: what is seen too late is left to who reaps; what has come late looks at sn. */
        uint64_t ones = word ? void_ones(s, c, eddy_load_relaxed(word)) : 0;
        if (ones)
            eddy_and_relaxed(word, ~ones); /* nobody reads under them */
    }
    EDDY_POINT("claim:unpinned");
    if (keeper && is_void_writer(s, keeper))
        eddy_cas_release(&p->slot->keeper, &keeper, 0u); /* [let go] */
}

/* --- loans ----------------------------------------------------------------------------------- */

/* True if a slot's sn is one that it was never published as.  A newer lap hides whether it was, as
 * does a log that cannot be mapped; nobody can come to it by the log any more, or if it was not. */
static bool is_unpublished(struct eddy_segment *s, uint64_t sn, uint32_t id)
{
    uint64_t entry;
    enum eddy_entry_age age;
    if (sn == 0 || eddy_logs_find(s, sn, &entry, &age))
        return false;
    return age == EDDY_ENTRY_OLDER || (age == EDDY_ENTRY_PRESENT && eddy_entry_slot(entry) != id);
}

/* Swaps a dead owner for nobody, or ABSENT.  False: it has been done already. */
static bool swap_owner(struct eddy_slot *slot, uint32_t owner, uint32_t with)
{
    uint32_t next = eddy_slot_count_on(owner);
    return eddy_cas_release(&slot->owner, &owner, next | with); /* [give up], [absent] */
}

/* The first slot of a block is a dead one's, who may have been making the block ready or giving up its
 * memory.  If one of its other slots is there, all memory is, and those that are ABSENT become free: false.
 * Else all are ABSENT (true), and so is the first, whatever there is of memory. */
static bool is_abandoned(const struct eddy_place *first, uint32_t owner)
{
    const struct eddy_extent *x = first->extent;
    bool there = eddy_block_is_reserved(x, first->index / x->block_slots);
    for (uint32_t i = 1; i < x->block_slots && !there; i++)
        /* Relaxed: what the dead did is known, and the swap of the first decides. */
        there = eddy_slot_owner(&first->slot[i]) != EDDY_SLOT_ABSENT;
    for (uint32_t i = 1; i < x->block_slots && there; i++) {
        /* acquire, from [absent]: if the memory has gone since, the first slot is seen to have changed. */
        uint32_t seen = eddy_load_acquire(&first->slot[i].owner);
        EDDY_POINT("reap:absent-seen");
        if ((seen & EDDY_SLOT_SEAT) != EDDY_SLOT_ABSENT)
            continue;
        if (eddy_load_relaxed(&first->slot->owner) != owner) /* behind the acquire */
            break;
        swap_owner(&first->slot[i], seen, 0); /* counts, so that nobody does it again later */
        EDDY_POINT("reap:spread");
    }
    return !there;
}

void eddy_slot_take_back(struct eddy_segment *s, const struct eddy_place *p)
{
    /* acquire, from [loan]: a living owner is seen to have its seat. */
    uint32_t owner = eddy_load_acquire(&p->slot->owner);
    EDDY_POINT("reap:owner-seen");
    if (!is_void_writer(s, owner & EDDY_SLOT_SEAT))
        return;
    EDDY_POINT("reap:loan-seen");
    /* Relaxed: the owner's alone; if there is another by now, the swap fails. */
    uint64_t sn = eddy_load_relaxed(&p->slot->sn);
    bool empty = is_unpublished(s, sn, eddy_slot_id(p->extent_index, p->index));
    EDDY_POINT("reap:resolved");
    /* What was published had its memory. */
    bool first = p->index % p->extent->block_slots == 0;
    bool absent = first && (empty || sn == 0) && is_abandoned(p, owner);
    swap_owner(p->slot, owner, absent ? EDDY_SLOT_ABSENT : empty ? EDDY_SLOT_EMPTY : 0);
}
