/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/file.h"
#include "allocator/segment/room.h"

#include <unistd.h>

#define ROUNDS 1000 /* of adding and being too late */

/* --- what there is --------------------------------------------------------------------------- */

static uint32_t blocks_of(const struct eddy_extent *x)
{
    return x->count / x->block_slots; /* checked when it was mapped */
}

static uint64_t bytes_of_block(const struct eddy_extent *x)
{
    return eddy_page_round(x->capacity * x->block_slots);
}

static uint64_t bit_of(uint32_t block)
{
    return 1ull << (block & 63);
}

/* The first block from `block` on whose bit is `set`, or the number of blocks. */
static uint32_t block_from(const struct eddy_extent *x, uint32_t block, bool set)
{
    uint32_t blocks = blocks_of(x);
    for (; block < blocks; block = (block | 63u) + 1) {
        /* Relaxed: a hint, the slots' owners decide. */
        uint64_t word = eddy_load_relaxed(&x->blocks[block / 64].committed);
        uint64_t left = (set ? word : ~word) >> (block & 63);
        if (left == 0)
            continue;
        block += (uint32_t)__builtin_ctzll(left);
        return block < blocks ? block : blocks;
    }
    return blocks;
}

uint32_t eddy_block_committed_from(const struct eddy_extent *x, uint32_t block)
{
    return block_from(x, block, true);
}

/* As they are counted by who has just set a bit: seq, so that of two who take the last memory one sees
 * the other. */
static uint32_t count_committed(const struct eddy_extent *x)
{
    uint32_t count = 0, words = (blocks_of(x) + 63) / 64;
    for (uint32_t i = 0; i < words; i++)
        count += (uint32_t)__builtin_popcountll(eddy_load_seq(&x->blocks[i].committed));
    return count < blocks_of(x) ? count : blocks_of(x);
}

uint32_t eddy_extent_committed(const struct eddy_extent *x)
{
    return count_committed(x) * x->block_slots;
}

static uint64_t head_bytes(const struct eddy_extent *x)
{
    return eddy_extent_shape(eddy_extent_descriptor(x->capacity, x->count)).head_bytes;
}

int eddy_blocks_bytes(struct eddy_segment *s, uint64_t *bytes)
{
    uint32_t extents = eddy_extent_count(s);
    *bytes = 0;
    for (uint32_t i = 0; i < extents; i++) {
        struct eddy_place p;
        int error = eddy_slot_first(s, i, &p);
        if (error == EDDY_ESEGMENT)
            continue; /* damaged: nobody uses it */
        if (error)
            return error;
        *bytes += head_bytes(p.extent) + count_committed(p.extent) * bytes_of_block(p.extent);
    }
    return EDDY_OK;
}

/* The place of another slot of the same extent. */
static struct eddy_place place_in(const struct eddy_place *p, uint32_t index)
{
    return (struct eddy_place){&p->extent->first[index], p->extent, p->extent_index, index};
}

/* --- giving and taking memory ---------------------------------------------------------------- */

/* False: it keeps what it had. */
static bool punch(struct eddy_segment *s, const struct eddy_place *first)
{
    EDDY_UNCANCELLED;
    const struct eddy_extent *x = first->extent;
    int fd = eddy_extent_open(s, x);
    if (fd < 0)
        return false;
    bool done = eddy_file_punch(fd, head_bytes(x) + first->index * x->capacity, bytes_of_block(x));
    close(fd);
    return done;
}

static int back(struct eddy_segment *s, const struct eddy_place *first)
{
    EDDY_UNCANCELLED;
    const struct eddy_extent *x = first->extent;
    int fd = eddy_extent_open(s, x);
    if (fd < 0)
        return EDDY_ENOMEM;
    int error = eddy_file_reserve(fd, head_bytes(x) + first->index * x->capacity, bytes_of_block(x),
                                  "samples");
    close(fd);
    return error;
}

static struct eddy_blocks *word_of(const struct eddy_place *first)
{
    return &first->extent->blocks[first->index / first->extent->block_slots / 64];
}

static uint64_t mark_of(const struct eddy_place *p)
{
    return bit_of(p->index / p->extent->block_slots);
}

/* The first slot is ours, and the others are ABSENT: so is the first afterwards.  A block whose memory
 * cannot be taken stays counted, until somebody uses it or can. */
static uint64_t withdraw(struct eddy_segment *s, const struct eddy_place *first)
{
    bool gone = punch(s, first);
    EDDY_POINT("block:punched");
    if (gone)
        eddy_and_relaxed(&word_of(first)->committed, ~mark_of(first)); /* by then it is so */
    EDDY_POINT("block:unmarked");
    eddy_slot_withdraw(first->slot); /* [absent]: what was read in these slots is read */
    return gone ? bytes_of_block(first->extent) : 0;
}

/* EDDY_ELIMIT, EDDY_ENOMEM: the first slot is ABSENT again. */
static int commit(struct eddy_segment *s, const struct eddy_place *first)
{
    uint64_t bytes = 0;
    eddy_or_seq(&word_of(first)->committed, mark_of(first)); /* seq: see count_committed */
    EDDY_POINT("block:marked");
    int error = eddy_blocks_bytes(s, &bytes);
    if (!error && bytes > eddy_segment_limit(s))
        error = eddy_extent_fail_limit(s, bytes - bytes_of_block(first->extent));
    if (!error)
        error = eddy_extent_columns_make(s, first->extent);
    if (!error)
        error = back(s, first);
    EDDY_POINT("block:backed");
    if (error)
        withdraw(s, first);
    return error;
}

static void populate(struct eddy_segment *s, const struct eddy_place *first)
{
    struct eddy_extent *x = first->extent;
    uint8_t *at = eddy_load_acquire(&x->writable); /* from [mapped] */
    if (!at)
        at = eddy_extent_writable(s, x);
    if (at)
        eddy_file_populate(at + first->index * x->capacity, bytes_of_block(x), true);
}

/* Slots that nobody has used yet: ours is the first, the others are anybody's. */
static void open_block(const struct eddy_place *first)
{
    for (uint32_t i = 1; i < first->extent->block_slots; i++) {
        eddy_slot_give_up(first->slot + i);
        EDDY_POINT("block:spread");
    }
    /* Relaxed: the owner's alone.  Never published: see eddy_slot_discard. */
    eddy_store_relaxed(&first->slot->source, 0u);
    /* [claimed], after [absent] */
    eddy_store_release(&first->slot->ticket, eddy_load_relaxed(&first->slot->ticket) + 1);
}

/* ABSENT -> ours.  False: it was not, any more; or it is held: its owner died while it claimed the
 * slot, before it had looked at the mask; or its extent is closed.  What only the dead hold goes: they may
 * have been killed before they saw that there is nothing to hold. */
static bool take_block(struct eddy_segment *s, const struct eddy_place *first, uint32_t me)
{
    uint32_t was = eddy_load_relaxed(&first->slot->owner); /* a guess, the swap decides */
    /* acquire, from [absent]: who read here is done.  [loan]: that we have our seat.  seq, before the
     * look whether it is closed. */
    if ((was & EDDY_SLOT_SEAT) != EDDY_SLOT_ABSENT ||
        !eddy_cas_seq(&first->slot->owner, &was, (was & ~EDDY_SLOT_SEAT) | me))
        return false;
    EDDY_POINT("block:taken");
    eddy_store_seq(&first->slot->sn, 0); /* as any claimer; seq, before the mask */
    if (eddy_extent_is_open(s, first->extent) && !eddy_slot_held_by_living(s, first)) {
        eddy_slot_forget_void(s, first);
        return true;
    }
    eddy_slot_withdraw(first->slot); /* [absent], handed on */
    return false;
}

/* ABSENT -> on loan to `me`.  EDDY_EAGAIN: it cannot be taken. */
static int commit_block(struct eddy_segment *s, const struct eddy_place *first, uint32_t me)
{
    if (!take_block(s, first, me))
        return EDDY_EAGAIN;
    int error = commit(s, first);
    if (error)
        return error;
    populate(s, first);
    open_block(first);
    return EDDY_OK;
}

/* --- growing --------------------------------------------------------------------------------- */

static int commit_in(struct eddy_segment *s, uint32_t me, struct eddy_place *p)
{
    const struct eddy_extent *e = p->extent;
    uint32_t blocks = blocks_of(e);
    for (uint32_t b = block_from(e, 0, false); b < blocks; b = block_from(e, b + 1, false)) {
        *p = place_in(p, b * e->block_slots);
        int error = commit_block(s, p, me);
        if (error != EDDY_EAGAIN)
            return error;
    }
    return EDDY_EAGAIN;
}

/* Slots of `need` to `most` bytes.  EDDY_EAGAIN: all of them have memory. */
static int commit_any(struct eddy_segment *s, uint64_t need, uint64_t most, uint32_t me,
                      struct eddy_place *p)
{
    uint32_t extents = eddy_extent_count(s);
    for (uint32_t x = 0; x < extents; x++) {
        int error = eddy_slot_first(s, x, p);
        if (error && error != EDDY_ESEGMENT)
            return error; /* who can map no more must not add what it could not use */
        if (error || p->extent->capacity < need || p->extent->capacity > most)
            continue;
        error = commit_in(s, me, p);
        if (error != EDDY_EAGAIN)
            return error;
    }
    return EDDY_EAGAIN;
}

static int room_left(struct eddy_segment *s, uint64_t *room)
{
    uint64_t used, limit = eddy_segment_limit(s);
    int error = eddy_blocks_bytes(s, &used);
    *room = !error && used < limit ? limit - used : 0;
    return error;
}

/* EDDY_ESEGMENT: what was added last cannot be read, and the next would fare no better. */
static int check_newest(struct eddy_segment *s)
{
    struct eddy_place p;
    uint32_t extents = eddy_extent_count(s); /* 0: somebody has wiped them out */
    bool is_damaged = extents > 0 && eddy_slot_first(s, extents - 1, &p) == EDDY_ESEGMENT;
    return is_damaged ? EDDY_ESEGMENT : EDDY_EAGAIN;
}

/* In slots of the size that an extent is added with, if there is no other.  EDDY_EAGAIN: others were
 * faster. */
static int commit_fitting(struct eddy_segment *s, uint64_t need, uint32_t me, struct eddy_place *p)
{
    uint64_t room;
    int error = room_left(s, &room);
    if (error)
        return error;
    uint64_t plan = eddy_extent_plan(s, need, room), fits = eddy_extent_fits(need);
    uint64_t most = plan ? eddy_descriptor_capacity(plan) : 0;
    most = most > fits ? most : fits;
    error = commit_any(s, need, most, me, p);
    if (error != EDDY_EAGAIN)
        return error;
    error = eddy_extent_add(s, need, room);
    if (!error)
        error = commit_any(s, need, most, me, p);
    return error == EDDY_EAGAIN ? check_newest(s) : error;
}

int eddy_slot_grow(struct eddy_segment *s, uint64_t need, uint32_t me, struct eddy_place *p)
{
    if (eddy_extent_least(need) > eddy_segment_limit(s))
        return eddy_fail(
            EDDY_ETOOBIG,
            "%llu bytes are more than the limit of topic \"%.*s\", %llu; raise limit_bytes "
            "or EDDY_MAX_BYTES where the topic is created",
            (unsigned long long)need, EDDY_SEGMENT_LABEL(s),
            (unsigned long long)eddy_segment_limit(s));
    int error = EDDY_EAGAIN;
    /* Others may take what we add, or exchange it again: each round they got something. */
    for (int round = 0; error == EDDY_EAGAIN && round < ROUNDS; round++)
        error = commit_fitting(s, need, me, p);
    /* No other number: what is too large by far will do. */
    if (error == EDDY_EAGAIN || (error == EDDY_ELIMIT && eddy_extent_count(s) == EDDY_EXTENTS_MAX))
        error = commit_any(s, need, UINT64_MAX, me, p) == EDDY_OK ? EDDY_OK : EDDY_ELIMIT;
    return error;
}

/* --- trimming -------------------------------------------------------------------------------- */

/* A guess, before samples are given up for it. */
static bool seems_free(struct eddy_segment *s, const struct eddy_place *first,
                       const struct eddy_limit *limit)
{
    for (uint32_t i = 0; i < first->extent->block_slots; i++) {
        struct eddy_place p = place_in(first, first->index + i);
        if (!eddy_slot_may_go(s, &p, eddy_load_relaxed(&p.slot->owner), limit)) /* a guess */
            return false;
    }
    return true;
}

static uint32_t claim_slots(struct eddy_segment *s, const struct eddy_place *first, uint32_t me,
                            const struct eddy_limit *limit)
{
    uint32_t n = 0;
    while (n < first->extent->block_slots) {
        struct eddy_place p = place_in(first, first->index + n);
        if (!eddy_slot_claim(s, &p, me, limit))
            break;
        n++;
    }
    return n;
}

static bool claim_block(struct eddy_segment *s, const struct eddy_place *first, uint32_t me,
                        const struct eddy_limit *limit)
{
    uint32_t slots = first->extent->block_slots, n = claim_slots(s, first, me, limit);
    EDDY_POINT("trim:claimed");
    /* Relaxed: who reserved it had a slot of it, which we have got since. */
    if (n == slots && !eddy_block_is_reserved(first->extent, first->index / slots)) {
        while (--n > 0) {
            eddy_slot_withdraw(first->slot + n);
            EDDY_POINT("trim:withdrawn");
        }
        return true;
    }
    while (n-- > 0)
        eddy_slot_give_up(first->slot + n);
    return false;
}

/* No limit: only memory that nobody can use, as its slots are ABSENT: who reaped could not take it. */
static uint64_t trim_block(struct eddy_segment *s, const struct eddy_place *first, uint32_t me,
                           const struct eddy_limit *limit)
{
    if (eddy_slot_owner(first->slot) == EDDY_SLOT_ABSENT) /* a guess, as there */
        return take_block(s, first, me) ? withdraw(s, first) : 0;
    if (!limit || !seems_free(s, first, limit) || !claim_block(s, first, me, limit))
        return 0;
    return withdraw(s, first);
}

static uint64_t trim_extent(struct eddy_segment *s, const struct eddy_place *p, uint32_t me,
                            const struct eddy_limit *limit, uint64_t bytes)
{
    const struct eddy_extent *e = p->extent;
    uint64_t gone = 0;
    for (uint32_t b = 0; gone < bytes; b++) {
        b = eddy_block_committed_from(e, b);
        if (b == blocks_of(e))
            break;
        struct eddy_place first = place_in(p, b * e->block_slots);
        if (!eddy_block_is_reserved(e, b))
            gone += trim_block(s, &first, me, limit);
    }
    return gone;
}

uint64_t eddy_blocks_trim(struct eddy_segment *s, uint32_t me, const struct eddy_limit *limit,
                          uint64_t bytes, uint64_t but_for)
{
    uint64_t gone = 0;
    for (uint32_t x = eddy_extent_count(s); x-- > 0 && gone < bytes;) {
        struct eddy_place p;
        if (eddy_slot_first(s, x, &p) != EDDY_OK)
            continue;
        bool spared = but_for && p.extent->capacity >= but_for &&
                      p.extent->capacity <= eddy_extent_fits(but_for);
        gone += trim_extent(s, &p, me, spared ? NULL : limit, bytes - gone);
    }
    return gone;
}

/* --- loans that come back, and those of the dead ---------------------------------------------- */

void eddy_slot_discard(struct eddy_segment *s, const struct eddy_place *p)
{
    /* Relaxed, both: ours. */
    bool fresh = eddy_load_relaxed(&p->slot->source) == 0 && eddy_load_relaxed(&p->slot->sn) == 0;
    if (fresh && p->extent->block_slots == 1 && !eddy_block_is_reserved(p->extent, p->index))
        withdraw(s, p);
    else
        eddy_slot_give_up(p->slot);
}

void eddy_blocks_tidy(struct eddy_segment *s, uint32_t me)
{
    if (eddy_blocks_trim(s, me, NULL, UINT64_MAX, 0) > 0)
        eddy_room_tell(s->control);
}

void eddy_slots_discard_own(struct eddy_segment *s, uint32_t seat)
{
    for (uint32_t x = 0; x < EDDY_EXTENTS_MAX; x++) {
        struct eddy_extent *e =
            eddy_extent_known(s, x); /* it has nothing in what it never mapped */
        if (!e || e->block_slots > 1)
            continue; /* of small slots the memory is not for one alone */
        for (uint32_t i = eddy_block_committed_from(e, 0); i < e->count;
             i = eddy_block_committed_from(e, i + 1)) {
            struct eddy_place p = {&e->first[i], e, x, i};
            if (eddy_slot_owner(p.slot) == seat + 1 &&
                eddy_load_relaxed(&p.slot->sn) == 0) /* ours */
                eddy_slot_discard(s, &p);
        }
    }
}

bool eddy_block_is_reserved(const struct eddy_extent *x, uint32_t block)
{
    return eddy_load_relaxed(&x->blocks[block / 64].reserved) & bit_of(block); /* see its callers */
}

void eddy_block_reserve(const struct eddy_place *p)
{
    /* Relaxed: who takes memory away owns all slots of the block, ours among them. */
    eddy_or_relaxed(&word_of(p)->reserved, mark_of(p));
    EDDY_POINT("block:reserved");
}
