/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/slot.h"

bool eddy_slot_held_in_columns(struct eddy_segment *s, const struct eddy_place *p, uint64_t columns)
{
    /* Not of those where nobody sits.  acquire, from [empty]: what they read is read.  seq: who comes
     * now says so there, then pins, then looks at sn, which we have cleared. */
    columns &= eddy_load_seq(&s->control->reader_groups);
    for (; columns; columns &= columns - 1) {
        uint32_t c = (uint32_t)__builtin_ctzll(columns);
        _Atomic uint64_t *column =
            c ? eddy_extent_column(s, p->extent_index, c, false) : &p->slot->mask;
        /* A column that cannot be looked at may hold: the slot is not to be had. */
        if (!column || eddy_load_seq(c ? &column[p->index] : column) != 0)
            return true;
    }
    return false;
}

void eddy_slot_resolve(struct eddy_segment *s, const struct eddy_place *p, uint32_t id)
{
    uint64_t sn = eddy_load_relaxed(&p->slot->sn); /* the owner's alone, which we are by now */
    if (sn != 0) {
        uint64_t entry = eddy_log_entry(&s->log, sn);
        enum eddy_entry_age age = eddy_entry_age(&s->log, entry, sn);
        bool published = age == EDDY_ENTRY_PRESENT && eddy_entry_slot(entry) == id;
        /* A newer lap hides whether it was published, and nobody can come to it by the log any
         * more. */
        if (!published && age != EDDY_ENTRY_NEWER)
            eddy_store_relaxed(&p->slot->sn, 0); /* seen by way of [give up] */
    }
    EDDY_POINT("reap:resolved");
    eddy_slot_give_up(p->slot);
}

int eddy_slots_each(struct eddy_segment *s,
                    bool (*visit)(struct eddy_segment *, const struct eddy_place *, uint32_t,
                                  void *),
                    void *context)
{
    uint32_t extents = eddy_extent_count(s);
    int error = EDDY_OK;
    for (uint32_t x = 0; x < extents; x++) {
        struct eddy_place p;
        int failed = eddy_slot_find(s, eddy_slot_id(x, 0), &p);
        if (failed) {
            error = failed;
            continue;
        }
        uint32_t count = p.extent->count;
        struct eddy_slot *first = p.slot;
        for (uint32_t i = 0; i < count; i++) {
            p.slot = first + i;
            p.index = i;
            if (!visit(s, &p, eddy_slot_id(x, i), context))
                return error;
        }
    }
    return error;
}

static bool unpin_one(struct eddy_segment *s, const struct eddy_place *p, uint32_t id,
                      void *context)
{
    (void)id;
    uint32_t seat = *(uint32_t *)context;
    uint64_t bit = eddy_seat_bit(seat);
    _Atomic uint64_t *word = &p->slot->mask;
    if (seat >= 64) {
        /* Relaxed: set by this seat, if it ever pinned here. */
        bool exists = eddy_load_relaxed(&p->extent->header->columns) >> seat / 64 & 1;
        _Atomic uint64_t *column =
            exists ? eddy_extent_column(s, p->extent_index, seat / 64, false) : NULL;
        if (!column)
            return true;
        word = &column[p->index];
    }
    if (eddy_load_relaxed(word) & bit) /* only this seat sets its bit, and it is ours now */
        eddy_and_seq(word, ~bit);      /* [unpin]; seq, as the bell comes next */
    EDDY_POINT("leave:bit-cleared");
    return true;
}

void eddy_slots_unpin_all(struct eddy_segment *s, uint32_t seat)
{
    eddy_slots_each(s, unpin_one, &seat);
}

static bool release_one(struct eddy_segment *s, const struct eddy_place *p, uint32_t id,
                        void *context)
{
    uint32_t me = *(uint32_t *)context + 1;
    /* Relaxed, both: only this seat says so, and it is ours now. */
    if (eddy_load_relaxed(&p->slot->owner) == me)
        eddy_slot_resolve(s, p, id);
    EDDY_POINT("leave:loan-back");
    if (eddy_load_relaxed(&p->slot->keeper) == me)
        eddy_store_release(&p->slot->keeper, 0u); /* [let go] */
    return true;
}

void eddy_slots_release_all(struct eddy_segment *s, uint32_t seat)
{
    eddy_slots_each(s, release_one, &seat);
}
