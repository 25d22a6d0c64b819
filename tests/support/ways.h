/* ways.h - the ways in which two that wait for each other can do so.
 *
 *   ends: one is the first.  open (the first before the other) -> say(i), hear(i) -> close
 *
 * What waits is told by EDDY_SPIN how to.  A wait that ends just because its deadline has come, with
 * a last look, has slept through what it waited for: the test fails.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_WAYS_H
#define EDDY_TESTS_WAYS_H

#include "payload.h"
#include "ring_pair.h"
#include "slots_pair.h"
#include "world.h"

#define WAY_LOST (4 * SECOND)

struct end {
    bool first;
    eddy_domain *domain;
    eddy_reader *reader;
    eddy_writer *writer;
    eddy_waitset *waitset;
    eddy_slots *slots_in, *slots_out;
    eddy_ring *ring_in, *ring_out;
};

struct way {
    const char *name;
    void (*open)(struct end *end);
    void (*say)(struct end *end, uint64_t number);
    void (*hear)(struct end *end, uint64_t number);
    void (*close)(struct end *end);
    bool one_way; /* the first says, and waits for room; the other hears */
};

static inline uint64_t way_deadline(void)
{
    return eddy_deadline(WAY_LOST + SECOND);
}

/* --- topics ---------------------------------------------------------------------------------- */

static inline void way_topics_open(struct end *e)
{
    e->domain = open_domain();
    e->reader = open_reader(e->domain, e->first ? "pong" : "ping",
                            &(struct eddy_reader_options){.depth = 1});
    e->writer = open_writer(e->domain, e->first ? "ping" : "pong", NULL);
}

static inline void way_topics_say(struct end *e, uint64_t number)
{
    uint64_t since = eddy_now();
    payload_publish(e->writer, 64, e->first, number);
    check(eddy_now() - since < WAY_LOST);
}

static inline void way_topics_hear(struct end *e, uint64_t number)
{
    uint64_t since = eddy_now();
    must(eddy_reader_wait(e->reader, way_deadline()));
    check(eddy_now() - since < WAY_LOST);
    same(payload_take(e->reader).number, number);
}

static inline void way_topics_close(struct end *e)
{
    must(eddy_writer_close(e->writer));
    must(eddy_reader_close(e->reader));
    must(eddy_domain_close(e->domain));
}

static const struct way way_reader = {"reader",        way_topics_open,  way_topics_say,
                                      way_topics_hear, way_topics_close, false};
static const struct way way_room = {"room of a topic", way_topics_open,  way_topics_say,
                                    way_topics_hear,   way_topics_close, true};

/* --- a wait set ------------------------------------------------------------------------------ */

static inline void way_waitset_open(struct end *e)
{
    way_topics_open(e);
    must(eddy_waitset_open(e->domain, &e->waitset));
    must(eddy_waitset_attach_reader(e->waitset, e->reader, EDDY_WAIT_LEVEL, NULL));
}

static inline void way_waitset_hear(struct end *e, uint64_t number)
{
    void *found;
    size_t count;
    uint64_t since = eddy_now();
    must(eddy_waitset_wait(e->waitset, way_deadline(), &found, 1, &count));
    check(eddy_now() - since < WAY_LOST);
    same(payload_take(e->reader).number, number);
}

static inline void way_waitset_close(struct end *e)
{
    must(eddy_waitset_close(e->waitset));
    way_topics_close(e);
}

static const struct way way_waitset = {"wait set",       way_waitset_open,  way_topics_say,
                                       way_waitset_hear, way_waitset_close, false};

/* --- slots: one of them, so that who reserves waits until it was read ------------------------- */

static inline void way_slots_open(struct end *e)
{
    if (e->first) {
        e->slots_out = slots_create("ping", 1, 64, 1);
        e->slots_in = slots_create("pong", 1, 64, 1);
    } else {
        e->slots_in = slots_attach("ping");
        e->slots_out = slots_attach("pong");
    }
    must(eddy_slots_join(e->slots_in, 0, NULL));
}

static inline void way_slots_say(struct end *e, uint64_t number)
{
    struct eddy_slot_loan loan;
    uint64_t since = eddy_now();
    static const uint64_t reader_0 = 1;
    must(eddy_slots_loan(e->slots_out, &reader_0, 1, way_deadline(), &loan));
    check(eddy_now() - since < WAY_LOST);
    must(eddy_slots_publish_copy(e->slots_out, &loan, &number, sizeof number, NULL));
}

static inline void way_slots_hear(struct end *e, uint64_t number)
{
    struct eddy_slot_sample sample;
    uint64_t since = eddy_now();
    must(eddy_slots_take(e->slots_in, 0, way_deadline(), &sample));
    check(eddy_now() - since < WAY_LOST);
    check(sample.size == sizeof number && memcmp(sample.data, &number, sizeof number) == 0);
    must(eddy_slots_release(e->slots_in, &sample));
}

static inline void way_slots_close(struct end *e)
{
    must(eddy_slots_close(e->slots_in));
    must(eddy_slots_close(e->slots_out));
}

static const struct way way_slots = {"slots",        way_slots_open,  way_slots_say,
                                     way_slots_hear, way_slots_close, false};
static const struct way way_slots_room = {"room of slots", way_slots_open,  way_slots_say,
                                          way_slots_hear,  way_slots_close, true};

/* --- rings of one slot ----------------------------------------------------------------------- */

static inline void way_ring_open(struct end *e)
{
    if (e->first) {
        e->ring_out = ring_create("ping", EDDY_RING_PRODUCER, 1, 64);
        e->ring_in = ring_create("pong", EDDY_RING_CONSUMER, 1, 64);
    } else {
        e->ring_in = ring_attach("ping", EDDY_RING_CONSUMER);
        e->ring_out = ring_attach("pong", EDDY_RING_PRODUCER);
    }
}

static inline void way_ring_say(struct end *e, uint64_t number)
{
    struct eddy_chunk chunk;
    must(ring_loan_in_time(e->ring_out, &chunk));
    payload_fill(chunk.data, 64, e->first, number);
    must(eddy_ring_publish(e->ring_out, &chunk, 64));
}

static inline void way_ring_hear(struct end *e, uint64_t number)
{
    struct eddy_chunk chunk;
    struct payload payload;
    must(ring_take_in_time(e->ring_in, &chunk));
    check(payload_whole(chunk.data, chunk.size, &payload));
    same(payload.number, number);
    must(eddy_ring_release(e->ring_in, &chunk));
}

static inline void way_ring_close(struct end *e)
{
    must(eddy_ring_close(e->ring_in));
    must(eddy_ring_close(e->ring_out));
}

static const struct way way_ring = {"ring",        way_ring_open,  way_ring_say,
                                    way_ring_hear, way_ring_close, false};
static const struct way way_ring_room = {"room of a ring", way_ring_open,  way_ring_say,
                                         way_ring_hear,    way_ring_close, true};

#endif
