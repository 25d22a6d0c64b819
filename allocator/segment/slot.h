/* slot.h - the life of the room for one sample.  (internal)
 *
 *          claim             publish as n
 *   FREE ---------> LOANED ---------------> LIVE n --- claim by anyone, once n is behind the
 *     ^--- discard ---'                      | ^       limit, unpinned and not kept --> LOANED
 *                                            | |
 *                                       pin / unpin (a bit of the mask), keep / let go (keeper)
 *
 *   owner   0, or the writer seat + 1 that has it on loan
 *   sn      0, or what it was (or is about to be) published as
 *   mask    a bit for each reader that holds it beyond its cursor
 *   keeper  0, or the writer seat + 1 that keeps it for late readers
 *
 * Pin against claim: a reader sets its bit, then looks whether sn is still what it came for; a
 * claimer clears sn, then looks at the mask.  One of the two sees the other.
 *
 * Threads: any may call anything at any time; none waits.
 * Crash:   reap gives back what a seat owned, kept or pinned.
 *                                              spec/protocols.md, "Claiming" and "Keeping"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SLOT_H
#define EDDY_SLOT_H

#include "allocator/point.h"
#include "allocator/segment/extent.h"

#include <eddy/errors.h>

/* What a user header takes in front of the data. */
static inline uint64_t eddy_header_room(uint64_t header_size)
{
    return (header_size + 7) / 8 * 8;
}

/* Bytes of the user header.  Relaxed: its owner's, or published before what led here. */
static inline uint64_t eddy_slot_header(const struct eddy_slot *slot)
{
    return eddy_load_relaxed(&slot->header_size) & EDDY_HEADER_MAX;
}

/* A slot in this process's mappings. */
struct eddy_place {
    struct eddy_slot *slot;
    struct eddy_extent *extent;
    uint32_t extent_index, index;
};

/* Sequence numbers from `from` on, before `to`. */
struct eddy_span {
    uint64_t from, to;
};

/* Which samples may go, so that their slots can be claimed: those below `below`, but for those that
 * are spared for readers that were let go of (transport/topic/let_go.h). */
struct eddy_limit {
    uint64_t below;
    const struct eddy_span *spared;
    uint32_t spared_count;
};

static inline bool eddy_limit_allows(const struct eddy_limit *limit, uint64_t sn)
{
    for (uint32_t i = 0; __builtin_expect(i < limit->spared_count, 0); i++)
        if (sn - limit->spared[i].from < limit->spared[i].to - limit->spared[i].from)
            return false;
    return sn < limit->below;
}

static inline uint32_t eddy_slot_id(uint32_t extent, uint32_t index)
{
    return extent << EDDY_INDEX_BITS | index;
}

/* Finds a slot by an id that may be anything.  EDDY_ESEGMENT, or EDDY_ENOMEM if its extent cannot
 * be mapped. */
static inline int eddy_slot_find(struct eddy_segment *s, uint32_t id, struct eddy_place *place)
{
    uint32_t x = id >> EDDY_INDEX_BITS & (EDDY_EXTENTS_MAX - 1), i = id & (EDDY_EXTENT_SLOTS - 1);
    struct eddy_extent *e = &s->extents[x];
    struct eddy_slot *slots = eddy_load_acquire(&e->slots); /* from [mapped] */
    if (__builtin_expect(!slots, 0)) {
        int error = eddy_extent_map(s, x);
        if (error)
            return error;
        slots = eddy_load_relaxed(&e->slots); /* mapped under the lock, which we have had since */
    }
    if (i >= e->count)
        return EDDY_ESEGMENT;
    *place = (struct eddy_place){&slots[i], e, x, i};
    return EDDY_OK;
}

/* True if any reader holds the slot. */
bool eddy_slot_held_in_columns(struct eddy_segment *s, const struct eddy_place *p,
                               uint64_t columns);

static inline bool eddy_slot_held(struct eddy_segment *s, const struct eddy_place *p)
{
    if (eddy_load_seq(&p->slot->mask) != 0)
        return true;
    uint64_t columns = eddy_load_seq(&p->extent->header->columns);
    return columns != 0 && eddy_slot_held_in_columns(s, p, columns);
}

/* LOANED -> FREE or LIVE. */
static inline void eddy_slot_give_up(struct eddy_slot *slot)
{
    eddy_store_release(&slot->owner, 0u); /* [give up] */
}

/* FREE or LIVE (within `limit`, not held, not kept) -> LOANED by `me`.  False: try another. */
static inline bool eddy_slot_claim(struct eddy_segment *s, const struct eddy_place *p, uint32_t me,
                                   const struct eddy_limit *limit)
{
    struct eddy_slot *slot = p->slot;
    uint32_t nobody = 0;
    /* Guesses; the swap and the second look decide.  Relaxed but for the mask, which is looked at
     * after arming the bell by who waits for room, and before the bell by who unpins. */
    if (eddy_load_relaxed(&slot->owner) || eddy_load_relaxed(&slot->keeper) ||
        eddy_load_seq(&slot->mask) || !eddy_limit_allows(limit, eddy_load_relaxed(&slot->sn)))
        return false;
    /* acquire, from [give up]: what the last owner wrote is done. */
    if (!eddy_cas_acquire(&slot->owner, &nobody, me))
        return false;
    EDDY_POINT("claim:owned");
    uint64_t sn = eddy_load_relaxed(&slot->sn); /* the owner's alone, which we are */
    /* acquire, from [let go]: who finds the sample gone sees what has taken its place. */
    bool mine = eddy_limit_allows(limit, sn) && eddy_load_acquire(&slot->keeper) == 0;
    if (mine) {
        eddy_store_seq(&slot->sn, 0); /* [number], as well */
        EDDY_POINT("claim:cleared");
        mine = !eddy_slot_held(s, p); /* seq, from [unpin]: its readers are done */
        EDDY_POINT("claim:looked");
        if (!mine)
            eddy_store_relaxed(&slot->sn, sn); /* who comes to it does so by the log, or owns it */
    }
    if (mine)
        eddy_store_relaxed(&slot->ticket,
                           eddy_load_relaxed(&slot->ticket) + 1); /* the owner's alone */
    EDDY_POINT("claim:decided");
    if (!mine)
        eddy_slot_give_up(slot); /* also for who had it before: this store ends what theirs began */
    return mine;
}

/* The mask word and bit of a reader seat; NULL if its column cannot be mapped. */
static inline _Atomic uint64_t *eddy_slot_mask(struct eddy_segment *s, const struct eddy_place *p,
                                               uint32_t seat)
{
    if (seat < 64)
        return &p->slot->mask;
    _Atomic uint64_t *column = eddy_extent_column(s, p->extent_index, seat / 64, true);
    return column ? &column[p->index] : NULL;
}

/* What a dead owner left: LIVE if it was published, else FREE. */
void eddy_slot_resolve(struct eddy_segment *s, const struct eddy_place *p, uint32_t id);

/* Drops every bit of a reader seat in all slots: for a reader that leaves or is dead. */
void eddy_slots_unpin_all(struct eddy_segment *s, uint32_t seat);

/* Gives back every loan and all history of a writer seat: for a writer that leaves or is dead. */
void eddy_slots_release_all(struct eddy_segment *s, uint32_t seat);

/* Calls visit for every slot of every extent; stops when it returns false.  Extents that cannot be
 * mapped are passed over, and the error of the last of them is returned. */
int eddy_slots_each(struct eddy_segment *s,
                    bool (*visit)(struct eddy_segment *, const struct eddy_place *, uint32_t id,
                                  void *),
                    void *context);

#endif
