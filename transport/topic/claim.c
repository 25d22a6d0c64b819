/* How a writer comes by a slot.  spec/protocols.md, "Claiming"
 *
 * In this order: the oldest of the slots that it published lately, a few from the table of all
 * slots, the same again after recomputing the limit; then it grows; at the topic's limit it looks
 * at every slot, has the dead reaped, and waits for room.  Each step looks at a bounded number of
 * slots.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "discovery/reap.h"
#include "transport/topic/gate.h"
#include "transport/topic/own.h"

/* What each is worth: spec/protocols.md, "Claiming". */
#define TRIES_NEAR 4u
#define TRIES_FAR  1024u
#define WARM_BYTES 16384u /* from here on warm memory is worth a look at all cursors */

static struct eddy_limit limit_for(struct eddy_writer *w, uint64_t need)
{
    uint64_t below = eddy_claim_limit(w->segment, need);
    return eddy_limit_make(w->segment, &w->spared, below);
}

/* There is nothing better. */
static struct eddy_limit hard_limit(struct eddy_writer *w)
{
    struct eddy_limit limit = eddy_limit_make(w->segment, &w->spared, eddy_hard_limit(w->segment));
    limit.past_the_dead = true;
    return limit;
}

/* Memory that lies unused behind a sample: as long as half of the topic's is free. */
static bool may_waste(struct eddy_writer *w, uint64_t bytes)
{
    uint64_t used, limit = eddy_segment_limit(w->segment);
    w->wasted += bytes;
    if (w->wasted > limit / 64) {
        w->wasted = 0;
        w->thrifty = eddy_blocks_bytes(w->segment, &used) || used > limit / 2;
    }
    return !w->thrifty;
}

static inline bool suits(struct eddy_writer *w, const struct eddy_extent *x, uint64_t need)
{
    return eddy_extent_suits(x, need) &&
           (x->capacity <= EDDY_SUITS_ALL || x->capacity - need <= need / 16 ||
            x->capacity <= eddy_extent_fits(need) || may_waste(w, x->capacity - need));
}

static inline bool try_slot(struct eddy_writer *w, uint32_t id, uint64_t need,
                            const struct eddy_limit *limit, bool any_size, struct eddy_place *p)
{
    return eddy_slot_find(w->segment, id, p) == EDDY_OK &&
           (any_size ? p->extent->capacity >= need : suits(w, p->extent, need)) &&
           eddy_slot_claim(w->segment, p, w->me, limit);
}

/* Inline, and so is what it calls: mostly the first is claimed, and nothing else is done. */
static inline __attribute__((always_inline)) bool claim_recent(struct eddy_writer *w, uint64_t need,
                                                               const struct eddy_limit *limit,
                                                               struct eddy_place *p)
{
    uint32_t tries = w->recent_count < TRIES_NEAR ? w->recent_count : TRIES_NEAR;
    for (uint32_t i = 0; i < tries; i++) {
        uint32_t *at = &w->recent[(w->recent_first + i) % EDDY_RECENT];
        if (try_slot(w, *at, need, limit, false, p)) {
            *at = w->recent[w->recent_first % EDDY_RECENT];
            w->recent_first++;
            w->recent_count--;
            return true;
        }
    }
    return false;
}

/* The slot after this one in its extent: those of a block in an order that no prefetcher foresees, then
 * the next block that has memory.  False: that was the last. */
static bool next_in_extent(const struct eddy_place *p, uint32_t *index)
{
    const struct eddy_extent *x = p->extent;
    uint32_t block = p->index / x->block_slots, first = block * x->block_slots;
    if (eddy_block_committed_from(x, block) == block) {
        uint32_t next = (p->index - first + x->stride) % x->block_slots;
        if (next != 0) {
            *index = first + next;
            return true;
        }
        block++;
    }
    *index = eddy_block_committed_from(x, block) * x->block_slots;
    return *index < x->count;
}

/* The slot after `id` in the table.  An extent whose slots are too small or far too large is passed
 * over. */
static uint32_t next_slot(struct eddy_segment *s, uint32_t id, uint64_t need, bool any_size)
{
    struct eddy_place p;
    uint32_t x = id >> EDDY_INDEX_BITS, index;
    if (eddy_slot_find(s, id, &p) == EDDY_OK && (any_size || eddy_extent_suits(p.extent, need)) &&
        next_in_extent(&p, &index))
        return eddy_slot_id(x, index);
    x = (x + 1) % EDDY_EXTENTS_MAX;
    /* Relaxed: opened by its name when it is mapped. */
    if (eddy_load_relaxed(&s->control->extents[x]) == 0)
        return 0;
    (void)eddy_extent_now(s, x, &p.extent); /* slots of one that is at rest cannot be had */
    return eddy_slot_id(x, 0);
}

static bool claim_table(struct eddy_writer *w, uint64_t need, const struct eddy_limit *limit,
                        uint32_t tries, bool any_size, struct eddy_place *p)
{
    if (eddy_load_relaxed(&w->segment->control->extents[0]) == 0) /* as above */
        return false;
    while (tries--) {
        uint32_t id = w->scan;
        w->scan = next_slot(w->segment, id, need, any_size);
        if (try_slot(w, id, need, limit, any_size, p))
            return true;
    }
    return false;
}

static bool claim_behind(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    const struct eddy_limit limit = limit_for(w, need);
    return claim_recent(w, need, &limit, p) || claim_table(w, need, &limit, TRIES_NEAR, false, p);
}

static void forget_recent(struct eddy_writer *w, uint32_t i)
{
    for (; i + 1 < w->recent_count; i++)
        w->recent[(w->recent_first + i) % EDDY_RECENT] =
            w->recent[(w->recent_first + i + 1) % EDDY_RECENT];
    w->recent_count--;
}

/* The slot published last that is free again: for large samples, whose memory is dear to touch for
 * the first time and to bring back into the caches. */
static bool claim_warm(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    eddy_writer_recompute(w);
    const struct eddy_limit limit = limit_for(w, need);
    uint32_t last = w->recent_count < TRIES_NEAR ? 0 : w->recent_count - TRIES_NEAR;
    for (uint32_t i = w->recent_count; i-- > last;) {
        if (try_slot(w, w->recent[(w->recent_first + i) % EDDY_RECENT], need, &limit, false, p)) {
            forget_recent(w, i);
            return true;
        }
    }
    return false;
}

bool eddy_writer_claim_quickly(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    if (need >= WARM_BYTES && claim_warm(w, need, p))
        return true;
    if (claim_behind(w, need, p))
        return true;
    uint64_t before = eddy_claim_limit(w->segment, need); /* only to see whether it moves */
    return eddy_writer_recompute(w) && eddy_claim_limit(w->segment, need) != before &&
           claim_behind(w, need, p);
}

/* How many tries go once round all slots that have memory.  An extent without, or that cannot be
 * mapped, takes one. */
static uint32_t all_slots(struct eddy_segment *s)
{
    uint32_t tries = 0, extents = eddy_extent_count(s);
    for (uint32_t i = 0; i < extents; i++) {
        struct eddy_place p;
        tries += 1;
        if (eddy_slot_first(s, i, &p) == EDDY_OK)
            tries += eddy_extent_committed(p.extent);
    }
    return tries;
}

/* All slots, of any size that fits: the last look before waiting. */
static bool claim_any(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    eddy_writer_recompute(w);
    const struct eddy_limit limit = hard_limit(w);
    return claim_table(w, need, &limit, all_slots(w->segment), true, p);
}

/* Memory of free slots of other sizes becomes a slot of ours.  limit: which samples may go for it. */
static int trim_and_grow(struct eddy_writer *w, uint64_t need, struct eddy_limit limit,
                         struct eddy_place *p)
{
    int error = EDDY_ELIMIT;
    /* A slot's memory, and its extent's. */
    while (error == EDDY_ELIMIT || error == EDDY_ENOMEM) {
        if (eddy_blocks_trim(w->segment, w->me, &limit, eddy_extent_least(need), need) == 0)
            return error;
        error = eddy_slot_grow(w->segment, need, w->me, p);
    }
    return error;
}

/* By whatever way there is. */
static int claim_somehow(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    if (claim_any(w, need, p))
        return EDDY_OK;
    int why = eddy_slot_grow(w->segment, need, w->me, p);
    int error = why ? trim_and_grow(w, need, hard_limit(w), p) : EDDY_OK;
    return error == EDDY_ELIMIT ? why : error;
}

/* Who waits is told when to look again, or does so now and then. */
static bool claim_unless_in_vain(struct eddy_writer *w, uint64_t need, bool waits,
                                 struct eddy_place *p)
{
    struct eddy_vain look;
    if (waits)
        return claim_somehow(w, need, p) == EDDY_OK;
    if (eddy_writer_looked_in_vain(w, need))
        return false;
    eddy_vain_begin(w, need, &look);
    int error = claim_somehow(w, need, p);
    if (error == EDDY_ELIMIT)
        eddy_vain_end(w, &look);
    return error == EDDY_OK;
}

static bool claim_past_the_dead(struct eddy_writer *w, uint64_t need, bool waits,
                                struct eddy_place *p)
{
    return claim_unless_in_vain(w, need, waits, p) ||
           (eddy_writer_look_for_the_dead(w, waits) && claim_unless_in_vain(w, need, waits, p));
}

struct want {
    uint64_t need;
    bool waits;
    struct eddy_place *place;
};

/* Another waits in turn for a slot such as we would take.  Relaxed: only the order hangs on it. */
static bool is_anothers_turn(const struct eddy_writer *w, uint64_t need)
{
    uint64_t most = need > EDDY_SUITS_ALL / 4 ? 4 * need : EDDY_SUITS_ALL;
    return !eddy_writer_has_turn(w, EDDY_ROOM_SLOT) &&
           eddy_load_relaxed(&w->segment->control->turn_need) <= most;
}

static bool has_slot(struct eddy_writer *w, void *context)
{
    struct want *want = context;
    if (is_anothers_turn(w, want->need))
        return false;
    if (!eddy_writer_has_turn(w, EDDY_ROOM_SLOT)) /* who has it needs a larger one */
        return claim_behind(w, want->need, want->place);
    eddy_store_relaxed(&w->segment->control->turn_need, want->need); /* as above */
    return claim_unless_in_vain(w, want->need, want->waits, want->place);
}

/* All is on loan to this writer, or kept for late readers: waiting does not help. */
static int claim_alone(struct eddy_writer *w, uint64_t need, bool waits, struct eddy_place *p)
{
    if (claim_past_the_dead(w, need, waits, p))
        return EDDY_OK;
    return eddy_fail(EDDY_ELIMIT,
                     "topic \"%.*s\" is at its limit, and nobody else is on it who could let go of "
                     "anything",
                     EDDY_SEGMENT_LABEL(w->segment));
}

static int wait_for_slot(struct eddy_writer *w, uint64_t need, uint64_t deadline,
                         struct eddy_place *p)
{
    struct want want = {need, deadline != EDDY_POLL, p};
    if (eddy_topic_count(w->segment, EDDY_ROLE_READER) == 0 &&
        eddy_topic_count(w->segment, EDDY_ROLE_WRITER) <= 1)
        return claim_alone(w, need, want.waits, p);
    int error = eddy_writer_wait_for_room(w, EDDY_ROOM_SLOT, deadline, has_slot, &want);
    if (w->in_line)
        eddy_writer_leave_line(w);
    return error;
}

/* Before growing, which costs far more: many slots ahead, where the oldest samples lie, lest the
 * topic grow while most of it is free; then as many of the newest extent, which is the largest.
 * Each writer begins somewhere else there, or many of them meet each other's slots and all grow. */
static bool claim_far(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    const struct eddy_limit limit = limit_for(w, need);
    uint32_t extents = eddy_extent_count(w->segment);
    if (extents == 0)
        return false;
    if (claim_table(w, need, &limit, TRIES_FAR, false, p))
        return true;
    uint64_t newest = eddy_load_relaxed(&w->segment->control->extents[extents - 1]); /* set once */
    uint32_t slots = eddy_descriptor_slots(newest);
    w->scan = eddy_slot_id(extents - 1, slots ? w->me * 61 % slots : 0);
    return claim_table(w, need, &limit, TRIES_FAR, false, p);
}

int eddy_writer_grow(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    int why = eddy_slot_grow(w->segment, need, w->me, p);
    if (why != EDDY_ELIMIT && why != EDDY_ENOMEM)
        return why;
    int error = trim_and_grow(w, need, limit_for(w, need), p);
    return error == EDDY_ELIMIT ? why : error;
}

/* Without looking at all of them. */
static bool claim_told(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    uint32_t slot;
    if (!eddy_writer_was_told(w, &slot))
        return false;
    const struct eddy_limit limit = limit_for(w, need);
    return try_slot(w, slot, need, &limit, true, p);
}

int eddy_writer_claim(struct eddy_writer *w, uint64_t need, uint64_t deadline, struct eddy_place *p)
{
    if (__builtin_expect(is_anothers_turn(w, need), 0))
        return wait_for_slot(w, need, deadline, p);
    if (eddy_writer_claim_quickly(w, need, p))
        return EDDY_OK;
    if (deadline == EDDY_POLL && eddy_writer_looked_in_vain(w, need))
        return wait_for_slot(w, need, deadline, p);
    if (claim_told(w, need, p) || claim_far(w, need, p))
        return EDDY_OK;
    int error = eddy_writer_grow(w, need, p);
    if (error == EDDY_ELIMIT)
        return wait_for_slot(w, need, deadline, p);
    if (error == EDDY_ENOMEM && claim_past_the_dead(w, need, deadline != EDDY_POLL, p))
        return EDDY_OK;
    if (!error)
        w->scan = eddy_place_id(p); /* what else came with it lies there */
    return error;
}
