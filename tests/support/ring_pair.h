/* ring_pair.h - a ring in the test's folder, with a producer's and a consumer's handle.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_RING_PAIR_H
#define EDDY_TESTS_RING_PAIR_H

#include "payload.h"
#include "world.h"

#include <eddy/ring.h>
#include <string.h>

/* Two handles as two programs would have them. */
struct ring_pair {
    eddy_ring *producer, *consumer;
};

static inline eddy_ring *ring_create(const char *name, enum eddy_ring_role role, uint32_t slots,
                                     uint64_t slot_bytes)
{
    struct eddy_ring_options options = {.slot_bytes = slot_bytes, .slots = slots, .role = role};
    eddy_ring *ring = NULL;
    must(eddy_ring_create(NULL, name, &options, &ring));
    return ring;
}

static inline eddy_ring *ring_attach(const char *name, enum eddy_ring_role role)
{
    eddy_ring *ring = NULL;
    must(eddy_ring_attach(NULL, name, role, NULL, &ring));
    return ring;
}

static inline struct ring_pair ring_pair_open_at(const char *name, uint32_t slots,
                                                 uint64_t slot_bytes)
{
    struct ring_pair p = {.producer = ring_create(name, EDDY_RING_PRODUCER, slots, slot_bytes)};
    p.consumer = ring_attach(name, EDDY_RING_CONSUMER);
    return p;
}

static inline struct ring_pair ring_pair_open(uint32_t slots, uint64_t slot_bytes)
{
    return ring_pair_open_at("ring", slots, slot_bytes);
}

static inline void ring_pair_close(struct ring_pair *p)
{
    must(eddy_ring_close(p->producer));
    must(eddy_ring_close(p->consumer));
}

/* Loans, fills and publishes; there must be room. */
static inline void ring_publish(eddy_ring *producer, size_t size, uint64_t number)
{
    struct eddy_chunk chunk;
    must(eddy_ring_loan(producer, patience(), &chunk));
    payload_fill(chunk.data, size, 1, number);
    must(eddy_ring_publish(producer, &chunk, size));
}

/* Takes one that must be there and be whole; it is held. */
static inline struct eddy_chunk ring_take(eddy_ring *consumer, uint64_t number)
{
    struct eddy_chunk chunk;
    struct payload payload;
    must(eddy_ring_take(consumer, patience(), &chunk));
    check(payload_whole(chunk.data, chunk.size, &payload));
    same(payload.number, number);
    same(chunk.sn, number + 1);
    return chunk;
}

/* Who finds it only at the deadline, when it looks for the last time, has slept through it. */
#define RING_LOST (4 * SECOND)

static inline int ring_take_in_time(eddy_ring *consumer, struct eddy_chunk *chunk)
{
    uint64_t since = eddy_now();
    int error = eddy_ring_take(consumer, eddy_deadline(RING_LOST + SECOND), chunk);
    check(eddy_now() - since < RING_LOST);
    return error;
}

static inline int ring_loan_in_time(eddy_ring *producer, struct eddy_chunk *chunk)
{
    uint64_t since = eddy_now();
    int error = eddy_ring_loan(producer, eddy_deadline(RING_LOST + SECOND), chunk);
    check(eddy_now() - since < RING_LOST);
    return error;
}

static inline void ring_take_release(eddy_ring *consumer, uint64_t number)
{
    struct eddy_chunk chunk = ring_take(consumer, number);
    must(eddy_ring_release(consumer, &chunk));
}

static inline struct eddy_ring_info ring_info(const eddy_ring *ring)
{
    struct eddy_ring_info info;
    must(eddy_ring_describe(ring, &info));
    return info;
}

#endif
