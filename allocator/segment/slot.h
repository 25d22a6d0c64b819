/* slot.h - the life of the room for one sample.  (internal)
 *
 *          claim             publish as n
 *   FREE ---------> LOANED ---------------> LIVE n --- claim by anyone, once n is behind the
 *     ^--- discard ---'                      | ^       limit, unpinned and not kept --> LOANED
 *                                            | |
 *                                       pin / unpin (a bit of the mask), keep / let go (keeper)
 *   ABSENT: without memory, until its block gets some (block.h) --> LOANED
 *
 *   owner   0, or the writer seat + 1 that has it on loan, or EDDY_SLOT_ABSENT (and more: EDDY_SLOT_EMPTY,
 *           ...TAKEN)
 *   sn      0, or what it was (or is about to be) published as
 *   mask    a bit for each reader that holds it beyond its cursor
 *   keeper  0, or the writer seat + 1 that keeps it for late readers
 *
 * Pin against claim: a reader sets its bit, then looks whether sn is still what it came for; a
 * claimer clears sn, then looks at the mask.  One of the two sees the other.
 *
 * Threads: any may call anything at any time; none waits.
 * Crash:   what a seat owned, kept or pinned counts for nothing as soon as the seat is void: a
 *          claimer that finds nothing better takes it; reap gives back the rest.
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
    bool past_the_dead; /* there is nothing better: what only the dead hold goes, too */
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

/* Not mapped yet, or another has the number since.  The one that is known here will do: if that is at
 * rest, its slot does not have what is wanted. */
static inline int eddy_slot_extent(struct eddy_segment *s, uint32_t x, struct eddy_extent **e)
{
    *e = eddy_extent_known(s, x);
    return *e ? EDDY_OK : eddy_extent_map(s, x, e);
}

/* Finds a slot by an id that may be anything.  EDDY_ESEGMENT, or EDDY_ENOMEM if its extent cannot
 * be mapped. */
static inline int eddy_slot_find(struct eddy_segment *s, uint32_t id, struct eddy_place *place)
{
    uint32_t x = id >> EDDY_INDEX_BITS & (EDDY_EXTENTS_MAX - 1), i = id & (EDDY_EXTENT_SLOTS - 1);
    struct eddy_extent *e = &s->extents[x];
    struct eddy_slot *slots = eddy_load_acquire(&e->slots); /* from [mapped] */
    if (__builtin_expect(!slots, 0)) {
        int error = eddy_slot_extent(s, x, &e);
        if (error)
            return error;
        slots = e->first;
    }
    if (i >= e->count)
        return EDDY_ESEGMENT;
    *place = (struct eddy_place){&slots[i], e, x, i};
    return EDDY_OK;
}

/* The first slot of extent x, as it is now, not as it was known here: for those who go through all. */
static inline int eddy_slot_first(struct eddy_segment *s, uint32_t x, struct eddy_place *place)
{
    struct eddy_extent *e;
    int error = eddy_extent_now(s, x, &e);
    if (!error)
        *place = (struct eddy_place){e->first, e, x, 0};
    return error;
}

/* The same in the extent that has the number now, for who did not find what an entry of the log names:
 * it may have looked in one that is at rest. */
int eddy_slot_find_again(struct eddy_segment *s, uint32_t id, struct eddy_place *place);

/* The seat + 1 of the writer that has a slot on loan; 0: nobody. */
static inline uint32_t eddy_slot_owner(const struct eddy_slot *slot)
{
    return eddy_load_relaxed(&slot->owner) & EDDY_SLOT_SEAT; /* only the owner puts it there */
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

/* --- what the dead held: slot_void.c */

/* True if any reader whose seat is not void holds the slot. */
bool eddy_slot_held_by_living(struct eddy_segment *s, const struct eddy_place *p);
/* True if `keeper` is nobody, or a writer whose seat is void. */
bool eddy_slot_keeper_is_void(const struct eddy_segment *s, uint32_t keeper);
/* Takes the slot back from a writer whose seat is void: LIVE if it was published, else FREE. */
void eddy_slot_take_back(struct eddy_segment *s, const struct eddy_place *p);
/* Wipes out who is void; the caller owns the slot, whose sn is 0. */
void eddy_slot_forget_void(struct eddy_segment *s, const struct eddy_place *p);

/* --- claiming */

/* What `owner` says of nobody, after this loan: none that was seen before comes again. */
static inline uint32_t eddy_slot_count_on(uint32_t owner)
{
    return (owner & ~(EDDY_SLOT_SEAT | EDDY_SLOT_EMPTY)) + EDDY_SLOT_TAKEN;
}

/* LOANED -> FREE or LIVE. */
static inline void eddy_slot_give_up(struct eddy_slot *slot)
{
    uint32_t next = eddy_slot_count_on(eddy_load_relaxed(&slot->owner));
    eddy_store_release(&slot->owner, next); /* [give up] */
}

/* LOANED -> ABSENT, for who has the first slot of its block, or is about to know that the memory goes. */
static inline void eddy_slot_withdraw(struct eddy_slot *slot)
{
    uint32_t next = eddy_slot_count_on(eddy_load_relaxed(&slot->owner));
    eddy_store_release(&slot->owner, next | EDDY_SLOT_ABSENT); /* [absent] */
}

/* A guess: worth a try.  Relaxed but for the mask, which is looked at after arming the bell by who
 * waits for room, and before the bell by who unpins. */
static inline bool eddy_slot_may_go(struct eddy_segment *s, const struct eddy_place *p,
                                    uint32_t owner, const struct eddy_limit *limit)
{
    const struct eddy_slot *slot = p->slot;
    if ((owner & EDDY_SLOT_SEAT) ||
        (!(owner & EDDY_SLOT_EMPTY) && !eddy_limit_allows(limit, eddy_load_relaxed(&slot->sn))))
        return false;
    if (__builtin_expect(!limit->past_the_dead, 1))
        return eddy_load_relaxed(&slot->keeper) == 0 && eddy_load_seq(&slot->mask) == 0;
    return eddy_slot_keeper_is_void(s, eddy_load_relaxed(&slot->keeper)) &&
           !eddy_slot_held_by_living(s, p);
}

/* The slot is ours.  False: somebody keeps or holds its sample, which then is as it was. */
static inline bool eddy_slot_end_sample(struct eddy_segment *s, const struct eddy_place *p,
                                        const struct eddy_limit *limit)
{
    struct eddy_slot *slot = p->slot;
    bool past_the_dead = limit->past_the_dead;
    uint64_t sn = eddy_load_relaxed(&slot->sn); /* the owner's alone, which we are */
    /* acquire, from [let go]: who finds the sample gone sees what has taken its place. */
    uint32_t keeper = eddy_load_acquire(&slot->keeper);
    if (!eddy_limit_allows(limit, sn) ||
        (keeper != 0 && !(past_the_dead && eddy_slot_keeper_is_void(s, keeper))))
        return false;
    eddy_store_seq(&slot->sn, 0); /* [number], as well */
    EDDY_POINT("claim:cleared");
    /* seq, from [unpin]: its readers are done. */
    bool held = past_the_dead ? eddy_slot_held_by_living(s, p) : eddy_slot_held(s, p);
    EDDY_POINT("claim:looked");
    if (held)
        eddy_store_relaxed(&slot->sn, sn); /* who comes to it does so by the log, or owns it */
    else if (past_the_dead)
        eddy_slot_forget_void(s, p);
    return !held;
}

/* FREE or LIVE (within `limit`, not held, not kept) -> LOANED by `me`.  False: try another. */
static inline bool eddy_slot_claim(struct eddy_segment *s, const struct eddy_place *p, uint32_t me,
                                   const struct eddy_limit *limit)
{
    struct eddy_slot *slot = p->slot;
    if (limit->past_the_dead && eddy_slot_owner(slot) != 0)
        eddy_slot_take_back(s, p);
    uint32_t was = eddy_load_relaxed(&slot->owner); /* a guess; the swap decides */
    if (!eddy_slot_may_go(s, p, was, limit))
        return false;
    /* acquire, from [give up]: what the last owner wrote is done.  [loan]: that we have our seat. */
    if (!eddy_cas_acq_rel(&slot->owner, &was, (was & ~EDDY_SLOT_EMPTY) | me))
        return false;
    EDDY_POINT("claim:owned");
    if (was & EDDY_SLOT_EMPTY)
        eddy_store_relaxed(&slot->sn, 0); /* the owner's alone; seen by way of [give up] */
    bool mine = eddy_slot_end_sample(s, p, limit);
    if (mine) /* [claimed]; it is the owner's alone */
        eddy_store_release(&slot->ticket, eddy_load_relaxed(&slot->ticket) + 1);
    EDDY_POINT("claim:decided");
    if (!mine)
        eddy_slot_give_up(slot); /* also for who had it before: this store ends what theirs began */
    return mine;
}

/* The mask word of a reader seat; NULL if its column, which was made when it joined or with the slot's
 * memory, cannot be mapped. */
static inline _Atomic uint64_t *eddy_slot_mask(struct eddy_segment *s, const struct eddy_place *p,
                                               uint32_t seat)
{
    if (seat < 64)
        return &p->slot->mask;
    _Atomic uint64_t *column = eddy_extent_column(s, p->extent, seat / 64, false);
    return column ? &column[p->index] : NULL;
}

/* Drops every bit of a reader seat in all slots: for a reader that leaves or is dead.  Else
 * EDDY_ENOMEM, ...: there are slots that cannot be looked at here, and so are not done. */
int eddy_slots_unpin_all(struct eddy_segment *s, uint32_t seat);

/* Gives back every loan and all history of a writer seat, which is void.  Likewise. */
int eddy_slots_release_all(struct eddy_segment *s, uint32_t seat);

/* The same of a seat that this process has had: it has pinned, kept or had on loan nothing of what it
 * has not mapped. */
void eddy_slots_unpin_own(struct eddy_segment *s, uint32_t seat);
void eddy_slots_release_own(struct eddy_segment *s, uint32_t seat);

/* Calls visit for every slot of every extent; stops when it returns false.  Extents that cannot be
 * mapped are passed over, and the error of the last of them is returned. */
int eddy_slots_each(struct eddy_segment *s,
                    bool (*visit)(struct eddy_segment *, const struct eddy_place *, uint32_t id,
                                  void *),
                    void *context);

#endif
