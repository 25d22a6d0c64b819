/* Borrowing a slot and giving it back.  spec/protocols.md, "Claiming"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/segment/room.h"
#include "allocator/sized.h"
#include "transport/topic/with.h"
#include "transport/topic/writer.h"

#define BROUGHT_MOST 32u /* slots whose lines are asked for at once */

struct shape {
    uint64_t offset, need;
    uint32_t with;
};

/* Where data goes in a slot whose payload is 64-aligned (page-aligned for the first), and what that
 * takes. */
static inline int shape_loan(const struct eddy_writer *w, const struct eddy_loan_options *o,
                             struct shape *shape)
{
    shape->with = w->with | o->with;
    uint64_t front = eddy_header_room(o->header_size);
    if (__builtin_expect(shape->with != 0, 0))
        front += eddy_with_room(shape->with);
    uint64_t align = o->alignment ? o->alignment : front ? 8 : EDDY_LINE;
    uint64_t header_align = o->header_alignment ? o->header_alignment : 8;
    if ((align & (align - 1)) || align > 1u << 31 || (header_align & (header_align - 1)) ||
        (o->header_size && header_align > (align > 8 ? align : 8)))
        return eddy_fail(EDDY_EINVAL,
                         "alignment %zu or header alignment %zu is no power of two, or too large",
                         o->alignment, o->header_alignment);
    if (__builtin_expect(o->with != 0, 0) && !eddy_writer_can_with(w, o->with))
        return eddy_fail(EDDY_EINVAL,
                         "what goes with a sample: 0x%x is unknown, or a key that the "
                         "history would go by",
                         o->with);
    if (o->size > UINT64_MAX / 4 || o->header_size > EDDY_HEADER_MAX)
        return eddy_fail(EDDY_ETOOBIG, "a sample of %zu bytes with a header of %zu", o->size,
                         o->header_size);
    if (align < 8)
        align = 8;
    shape->offset = (front + align - 1) & ~(align - 1);
    /* Slots are aligned to a line; what is more must be made room for. */
    shape->need = shape->offset + o->size + (align > EDDY_LINE ? align - EDDY_LINE : 0);
    return EDDY_OK;
}

int eddy_writer_need(const struct eddy_writer *w, const struct eddy_loan_options *o, uint64_t *need)
{
    struct shape shape = {0};
    int error = shape_loan(w, o, &shape);
    *need = shape.need;
    return error;
}

static inline int fill_loan(struct eddy_writer *w, const struct eddy_place *p,
                            const struct eddy_loan_options *o, const struct shape *shape,
                            struct eddy_loan *loan)
{
    uint8_t *payload = eddy_writer_payload(w, p);
    if (!payload) {
        eddy_slot_discard(w->segment, p);
        return EDDY_ENOMEM;
    }
    uint64_t offset = shape->offset;
    uint64_t align = o->alignment;
    if (align > EDDY_LINE)
        offset += (uint64_t) - (uintptr_t)(payload + offset) & (align - 1);
    /* Relaxed: seen by others only after [publish]. */
    eddy_store_relaxed(&p->slot->data_offset, (uint32_t)offset);
    eddy_store_relaxed(&p->slot->header_size,
                       (uint32_t)o->header_size | shape->with << EDDY_HEADER_WITH);
    loan->data = payload + offset;
    loan->size = o->size;
    loan->header = o->header_size ? payload + offset - eddy_header_room(o->header_size) : NULL;
    loan->header_size = o->header_size;
    loan->slot = eddy_place_id(p);
    loan->ticket = eddy_load_relaxed(&p->slot->ticket) ^ w->mark; /* the owner's alone */
    return EDDY_OK;
}

static inline bool take_spare(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    if (!w->has_spare)
        return false;
    w->has_spare = false;
    if (eddy_extent_suits(w->spare.extent, need)) {
        *p = w->spare;
        return true;
    }
    eddy_writer_remember(w, eddy_place_id(&w->spare));
    eddy_slot_give_up(w->spare.slot);
    return false;
}

/* Inline, as a plain loan needs little of it. */
static inline int lend(struct eddy_writer *w, const struct eddy_loan_options *options,
                       uint64_t deadline, struct eddy_loan *loan)
{
    struct shape shape = {0};
    struct eddy_place place = {0};
    if (__builtin_expect(w->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    int error = shape_loan(w, options, &shape);
    if (error)
        return error;
    if (!take_spare(w, shape.need, &place)) {
        eddy_writer_recall(w);
        error = eddy_writer_claim(w, shape.need, deadline, &place);
        if (error)
            return error;
    }
    return fill_loan(w, &place, options, &shape, loan);
}

int eddy_writer_loan_with_sized(eddy_writer *w, const struct eddy_loan_options *options,
                                size_t options_size, uint64_t deadline, struct eddy_loan *loan)
{
    struct eddy_loan_options o;
    int error = EDDY_SIZED(eddy_loan_options, o, options, options_size);
    return error ? error : lend(w, &o, deadline, loan);
}

/* Slots that are likely to be claimed next, with what is to be written there: all of them at once
 * rather than one after the other. */
static void bring_recent(struct eddy_writer *w, size_t count)
{
    for (uint32_t i = 0; i < count && i < w->recent_count && i < BROUGHT_MOST; i++) {
        struct eddy_place p;
        if (eddy_slot_find(w->segment, w->recent[(w->recent_first + i) % EDDY_RECENT], &p))
            continue;
        const uint8_t *payload = eddy_writer_payload(w, &p);
        eddy_prefetch_write(p.slot);
        if (payload)
            eddy_prefetch_write(payload);
    }
}

/* One more without waiting. */
static int claim_more(struct eddy_writer *w, uint64_t need, struct eddy_place *p)
{
    if (!eddy_writer_has_turn(w, EDDY_ROOM_SLOT))
        return EDDY_ELIMIT; /* not said: there are some */
    return eddy_writer_claim_quickly(w, need, p) ? EDDY_OK : eddy_writer_grow(w, need, p);
}

int eddy_writer_loan_many(eddy_writer *w, size_t size, struct eddy_loan *loans, size_t max,
                          uint64_t deadline, size_t *count)
{
    const struct eddy_loan_options options = {.size = size};
    struct shape shape = {0};
    size_t n = 0;
    if (__builtin_expect(w->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    int error = max == 0 ? eddy_fail(EDDY_EINVAL, "eddy_writer_loan_many: no room for a loan")
                         : shape_loan(w, &options, &shape);
    if (error)
        return error;
    eddy_writer_recall(w);
    bring_recent(w, max);
    while (n < max && !error) {
        struct eddy_place place = {0};
        if (!take_spare(w, shape.need, &place))
            error = n == 0 ? eddy_writer_claim(w, shape.need, deadline, &place)
                           : claim_more(w, shape.need, &place);
        if (!error)
            error = fill_loan(w, &place, &options, &shape, &loans[n]);
        n += !error;
    }
    if (n > 0)
        *count = n;
    return n > 0 ? EDDY_OK : error;
}

int eddy_writer_loan(eddy_writer *w, size_t size, uint64_t deadline, struct eddy_loan *loan)
{
    return lend(w, &(struct eddy_loan_options){.size = size}, deadline, loan);
}

int eddy_writer_discard(eddy_writer *w, struct eddy_loan *loan)
{
    struct eddy_place p = {0}; /* gcc 14 does not see that it is set unless there is an error */
    int error = eddy_writer_find_loan(w, loan, &p);
    if (error)
        return error;
    eddy_slot_discard(w->segment, &p);
    /* Relaxed: a hint to the writer's own thread, which looks at the slot itself; of two, the last. */
    eddy_store_relaxed(&w->discarded, loan->slot + 1);
    EDDY_POINT("discard:given-up");
    eddy_room_hint(w->segment->control, loan->slot);
    eddy_room_tell(w->segment->control);
    return EDDY_OK;
}
