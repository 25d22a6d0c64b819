/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"

bool eddy_slot_held_in_columns(struct eddy_segment *s, const struct eddy_place *p, uint64_t columns)
{
    struct eddy_extent *x = p->extent; /* not read again after each acquire */
    /* Not of those where nobody sits.  acquire, from [empty]: what they read is read.  seq: who comes
     * now says so there, then pins, then looks at sn, which we have cleared. */
    columns &= eddy_load_seq(&s->control->reader_groups);
    bool held = false;
    uint32_t index = p->index;
    for (columns &= ~1ull; columns && !held; columns &= columns - 1) {
        uint32_t c = (uint32_t)__builtin_ctzll(columns);
        _Atomic uint64_t *column = eddy_extent_column(s, x, c, false);
        /* A column that cannot be looked at may hold: the slot is not to be had. */
        held = !column || eddy_load_seq(&column[index]) != 0;
    }
    return held;
}

int eddy_slot_find_again(struct eddy_segment *s, uint32_t id, struct eddy_place *p)
{
    struct eddy_extent *e;
    uint32_t x = id >> EDDY_INDEX_BITS & (EDDY_EXTENTS_MAX - 1), i = id & (EDDY_EXTENT_SLOTS - 1);
    int error = eddy_extent_now(s, x, &e);
    if (error)
        return error;
    if (i >= e->count)
        return EDDY_ESEGMENT;
    *p = (struct eddy_place){&e->first[i], e, x, i};
    return EDDY_OK;
}

typedef bool visit_slot(struct eddy_segment *, const struct eddy_place *, uint32_t, void *);

/* False: the visitor wants no more. */
static bool visit_extent(struct eddy_segment *s, struct eddy_place *p, visit_slot *visit,
                         void *context)
{
    struct eddy_slot *first = p->slot;
    uint32_t count = p->extent->count;
    for (uint32_t i = 0; i < count; i++) {
        p->slot = first + i;
        p->index = i;
        if (!visit(s, p, eddy_slot_id(p->extent_index, i), context))
            return false;
    }
    return true;
}

int eddy_slots_each(struct eddy_segment *s, visit_slot *visit, void *context)
{
    uint32_t extents = eddy_extent_count(s);
    int error = EDDY_OK;
    for (uint32_t x = 0; x < extents; x++) {
        struct eddy_place p;
        int failed = eddy_slot_first(s, x, &p);
        if (failed)
            error = failed;
        else if (!visit_extent(s, &p, visit, context))
            return error;
    }
    return error;
}

/* Slots with memory: who leaves in good order has none without. */
static void visit_committed(struct eddy_segment *s, const struct eddy_place *extent,
                            visit_slot *visit, void *context)
{
    const struct eddy_extent *x = extent->extent;
    uint32_t size = x->block_slots, blocks = x->count / size;
    for (uint32_t b = eddy_block_committed_from(x, 0); b < blocks;
         b = eddy_block_committed_from(x, b + 1))
        for (uint32_t i = b * size; i < (b + 1) * size; i++) {
            struct eddy_place p = {extent->slot + i, extent->extent, extent->extent_index, i};
            (void)visit(s, &p, eddy_slot_id(p.extent_index, i), context);
        }
}

/* Of the extents that are mapped here alone. */
static void visit_mapped(struct eddy_segment *s, visit_slot *visit, void *context)
{
    for (uint32_t x = 0; x < EDDY_EXTENTS_MAX; x++) {
        struct eddy_extent *e = eddy_extent_known(s, x); /* what it has there is in no other */
        if (e)
            visit_committed(s, &(struct eddy_place){e->first, e, x, 0}, visit, context);
    }
}

/* Going through all slots for one seat. */
struct walk {
    uint32_t seat;
    int error; /* of the last column that cannot be looked at */
};

/* NULL: it has no bit here, or that cannot be looked at. */
static _Atomic uint64_t *word_of(struct eddy_segment *s, const struct eddy_place *p,
                                 struct walk *walk)
{
    if (walk->seat < 64)
        return &p->slot->mask;
    /* Relaxed: set by this seat, if it ever pinned here. */
    if (!(eddy_load_relaxed(&p->extent->header->columns) >> walk->seat / 64 & 1))
        return NULL;
    _Atomic uint64_t *column = eddy_extent_column(s, p->extent, walk->seat / 64, false);
    walk->error = column ? walk->error : EDDY_ENOMEM;
    return column ? &column[p->index] : NULL;
}

static bool unpin_one(struct eddy_segment *s, const struct eddy_place *p, uint32_t id,
                      void *context)
{
    (void)id;
    struct walk *walk = context;
    uint64_t bit = eddy_seat_bit(walk->seat);
    _Atomic uint64_t *word = word_of(s, p, walk);
    if (word && eddy_load_relaxed(word) & bit) /* only this seat sets its bit, and it is ours now */
        eddy_and_seq(word, ~bit);              /* [unpin]; seq, as the bell comes next */
    EDDY_POINT("leave:bit-cleared");
    return true;
}

int eddy_slots_unpin_all(struct eddy_segment *s, uint32_t seat)
{
    struct walk walk = {.seat = seat};
    int error = eddy_slots_each(s, unpin_one, &walk);
    return error ? error : walk.error;
}

void eddy_slots_unpin_own(struct eddy_segment *s, uint32_t seat)
{
    struct walk walk = {.seat = seat};
    visit_mapped(s, unpin_one, &walk);
}

static bool release_one(struct eddy_segment *s, const struct eddy_place *p, uint32_t id,
                        void *context)
{
    (void)id;
    uint32_t me = *(uint32_t *)context + 1, keeper = me;
    if (eddy_slot_owner(p->slot) == me)
        eddy_slot_take_back(s, p);
    EDDY_POINT("leave:loan-back");
    /* Relaxed: only this seat says so, and it is ours now; but who claims the slot past us may say
     * something else since. */
    if (eddy_load_relaxed(&p->slot->keeper) == me)
        eddy_cas_release(&p->slot->keeper, &keeper, 0u); /* [let go] */
    return true;
}

int eddy_slots_release_all(struct eddy_segment *s, uint32_t seat)
{
    return eddy_slots_each(s, release_one, &seat);
}

void eddy_slots_release_own(struct eddy_segment *s, uint32_t seat)
{
    visit_mapped(s, release_one, &seat);
}
