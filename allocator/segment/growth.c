/* What to add when a topic grows: how large its slots are, and how many.  spec/topics.md, "Memory"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/file.h"
#include "allocator/segment/extent.h"

#define BLOCK_BYTES 65536u /* of small slots: what gets memory at a time */
#define FINE_FROM   16384u /* of larger slots the size is met more closely */

/* `steps` capacities an octave. */
static uint64_t round_to(uint64_t need, uint32_t steps)
{
    if (need <= (uint64_t)steps * EDDY_LINE)
        return need <= EDDY_LINE ? EDDY_LINE : (need + EDDY_LINE - 1) / EDDY_LINE * EDDY_LINE;
    uint64_t step = 1ull << (63 - __builtin_clzll(need - 1) - __builtin_ctz(steps));
    return (need + step - 1) / step * step;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Whole pages, and 64 KiB at least. */
static uint32_t slots_of_block(uint64_t capacity)
{
    uint64_t page = eddy_page_round(1), unit = page / common_divisor(page, capacity);
    uint64_t least = (BLOCK_BYTES + capacity - 1) / capacity;
    return (uint32_t)((least + unit - 1) / unit * unit);
}

struct eddy_extent_shape eddy_extent_shape(uint64_t descriptor)
{
    struct eddy_extent_shape x = {.capacity = eddy_descriptor_capacity(descriptor),
                                  .slots = eddy_descriptor_slots(descriptor)};
    uint32_t most = slots_of_block(x.capacity);
    x.block_slots = x.slots < most ? x.slots : most;
    x.blocks = (x.slots + x.block_slots - 1) / x.block_slots;
    x.block_bytes = eddy_page_round(x.capacity * x.block_slots);
    uint64_t words = (x.blocks + 63u) / 64 * sizeof(struct eddy_blocks);
    x.slots_at =
        sizeof(struct eddy_extent_header) + (words + EDDY_LINE - 1) / EDDY_LINE * EDDY_LINE;
    x.head_bytes = eddy_page_round(x.slots_at + x.slots * sizeof(struct eddy_slot));
    x.payload_bytes = eddy_page_round(x.capacity * x.slots);
    return x;
}

static uint64_t least_bytes(uint64_t capacity)
{
    struct eddy_extent_shape one = eddy_extent_shape(eddy_extent_descriptor(capacity, 1));
    return one.head_bytes + one.payload_bytes;
}

uint64_t eddy_extent_least(uint64_t need)
{
    return least_bytes(need < FINE_FROM ? round_to(need, 4) : eddy_page_round(need));
}

/* What there is of the topic. */
struct have {
    uint32_t extents, slots; /* of the wanted capacity */
    bool smaller;            /* slots that are nearly large enough: sizes creep up */
};

static struct have look(const struct eddy_segment *s, uint64_t need, uint64_t capacity)
{
    struct have have = {.extents = eddy_extent_count(s)};
    for (uint32_t i = 0; i < have.extents; i++) {
        /* Relaxed: a hint, read after the count. */
        uint64_t d = eddy_load_relaxed(&s->control->extents[i]), has = eddy_descriptor_capacity(d);
        if (has == capacity)
            have.slots += eddy_descriptor_slots(d);
        have.smaller = have.smaller || (has < need && has >= need / 4 * 3);
    }
    return have;
}

uint64_t eddy_extent_fits(uint64_t need)
{
    return round_to(need, need < FINE_FROM ? 4 : 16);
}

/* Four capacities an octave waste at most a quarter, and sizes that creep up need few extents.  For
 * large samples that do not creep, or where a quarter of the memory is in use or all numbers are taken,
 * it is sixteen, so that no more than 6 % of a topic's limit lies unused behind them; and at the limit
 * what is needed, in whole pages. */
static uint64_t choose_capacity(const struct eddy_segment *s, uint64_t need, uint64_t room)
{
    uint64_t coarse = round_to(need, 4), fine = eddy_extent_fits(need);
    struct have have = look(s, need, 0);
    bool few =
        have.smaller && have.extents < EDDY_EXTENTS_MAX && room > eddy_segment_limit(s) / 4 * 3;
    uint64_t capacity = few ? coarse : fine;
    if (least_bytes(capacity) > room && need >= FINE_FROM)
        capacity = least_bytes(fine) <= room ? fine : eddy_page_round(need);
    return capacity;
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* Whole blocks; or, of a part of one, whole pages of slots with what goes before them. */
static uint32_t whole(uint64_t count, uint32_t block)
{
    if (block && count > block)
        return (uint32_t)(count / block * block);
    return (uint32_t)(count >= 62 ? (count + 2) / 64 * 64 - 2 : count);
}

/* Begins with 16 KiB of slots (at least 4; of large ones 2 or 1), then doubles.  That costs no more
 * than a line for each slot, as memory comes when it is needed, and a few of the 256 extents lead to
 * any limit. */
static uint32_t slots_to_add(const struct eddy_segment *s, uint64_t capacity, struct have found)
{
    /* Where one has to go for it, it is for as many as there can be. */
    uint64_t all = eddy_segment_limit(s) / capacity, have = found.slots;
    if (found.extents == EDDY_EXTENTS_MAX && have < all)
        have = all;
    uint32_t few = capacity >= (32u << 20) ? 1 : capacity > (4u << 20) ? 2 : 4;
    uint64_t first = clamp(65536 / capacity, few, 254);
    return whole(clamp(have, first, EDDY_EXTENT_SLOTS - 2), slots_of_block(capacity));
}

uint64_t eddy_extent_plan(const struct eddy_segment *s, uint64_t need, uint64_t room)
{
    uint64_t capacity = choose_capacity(s, need, room);
    uint32_t count = slots_to_add(s, capacity, look(s, need, capacity));
    for (;; count = whole(count / 2, slots_of_block(capacity))) {
        uint64_t d = eddy_extent_descriptor(capacity, count);
        struct eddy_extent_shape x = eddy_extent_shape(d);
        uint64_t bytes = x.head_bytes + (x.blocks > 1 ? x.block_bytes : x.payload_bytes);
        if (bytes <= room && (count == 1 || x.payload_bytes <= eddy_segment_limit(s)))
            return d;
        if (count <= 1)
            return 0;
    }
}
