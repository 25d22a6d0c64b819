/* What seats that are void still say of a slot.  spec/protocols.md, "What the dead held"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/slot.h"

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
    _Atomic uint64_t *column = c ? eddy_extent_column(s, p->extent_index, c, false) : NULL;
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
        uint64_t ones =
            word ? void_ones(s, c, eddy_load_seq(word)) : 0; /* what has come late looks at sn */
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

void eddy_slot_take_back(struct eddy_segment *s, const struct eddy_place *p)
{
    /* acquire, from [loan]: a living owner is seen to have its seat. */
    uint32_t owner = eddy_load_acquire(&p->slot->owner);
    if (!is_void_writer(s, owner & EDDY_SLOT_SEAT))
        return;
    EDDY_POINT("reap:loan-seen");
    /* Relaxed: the owner's alone; if there is another by now, the swap fails. */
    uint64_t sn = eddy_load_relaxed(&p->slot->sn);
    bool empty = is_unpublished(s, sn, eddy_slot_id(p->extent_index, p->index));
    EDDY_POINT("reap:resolved");
    uint32_t free = (owner & ~(EDDY_SLOT_SEAT | EDDY_SLOT_EMPTY)) + EDDY_SLOT_TAKEN;
    eddy_cas_release(&p->slot->owner, &owner, free | (empty ? EDDY_SLOT_EMPTY : 0)); /* [give up] */
}
