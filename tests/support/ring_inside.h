/* ring_inside.h - a ring in the test's folder, seen from inside, with one mapping for both sides.
 *
 * One word is one word then: ThreadSanitizer and the machine of tests/orders/weak.h see every
 * access at one address.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_RING_INSIDE_H
#define EDDY_TESTS_RING_INSIDE_H

#include "ring_pair.h"

#include "transport/ring/ring.h"

/* Leads a handle to another's mapping, which has to stay as long. */
static inline void ring_lead(eddy_ring *ring, const eddy_ring *to)
{
    ring->header = to->header;
    ring->lengths = to->lengths;
    ring->done = to->done;
    ring->payload = to->payload;
}

/* The mapping is the producer's: close it last. */
static inline struct ring_pair ring_pair_open_inside(uint32_t slots, uint64_t slot_bytes)
{
    struct ring_pair p = ring_pair_open(slots, slot_bytes);
    ring_lead(p.consumer, p.producer);
    return p;
}

static inline void ring_pair_close_inside(struct ring_pair *p)
{
    must(eddy_ring_close(p->consumer));
    must(eddy_ring_close(p->producer));
}

/* Who waits goes to sleep at once. */
static inline void ring_pair_never_spin(struct ring_pair *p)
{
    p->producer->spin.may = p->consumer->spin.may = false;
}

/* A while that differs from time to time. */
static inline void ring_dawdle(uint64_t *lots)
{
    for (volatile uint64_t left = payload_random(lots) % 400; left > 0; left--)
        ;
}

#endif
