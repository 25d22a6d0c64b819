/* Borrowing a slot and giving it back.  spec/protocols.md, "Claiming"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/sized.h"
#include "transport/topic/writer.h"

struct shape {
    uint64_t offset, need;
};

/* Where data goes in a slot whose payload is 64-aligned (page-aligned for the first), and what that
 * takes. */
static inline int shape_loan(const struct eddy_writer *w, const struct eddy_loan_options *o,
                             struct shape *shape)
{
    uint64_t front = eddy_header_room(o->header_size) + (w->keep.keyed ? EDDY_KEY_BYTES : 0);
    uint64_t align = o->alignment ? o->alignment : front ? 8 : EDDY_LINE;
    uint64_t header_align = o->header_alignment ? o->header_alignment : 8;
    if ((align & (align - 1)) || align > 1u << 31 || (header_align & (header_align - 1)) ||
        (o->header_size && header_align > (align > 8 ? align : 8)))
        return eddy_fail(EDDY_EINVAL,
                         "alignment %zu or header alignment %zu is no power of two, or too large",
                         o->alignment, o->header_alignment);
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
    eddy_store_relaxed(&p->slot->header_size, (uint32_t)o->header_size);
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
    eddy_writer_remember(w, loan->slot);
    eddy_slot_discard(w->segment, &p);
    EDDY_POINT("discard:given-up");
    eddy_bell_ring(&w->segment->control->room_bell);
    return EDDY_OK;
}
