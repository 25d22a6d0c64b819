/* interleave_ring_test.c - rings, with one side standing at any point while the other goes to any
 * other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/interleave.h"
#include "support/payload.h"
#include "support/ring_pair.h"

enum { ROUNDS = 5, SLOTS = 2, SIZE = 100 };

static uint64_t published, taken;
static bool ended; /* a producer has come, and has told the end */

static uint64_t soon(void)
{
    return eddy_deadline(MILLISECOND / 20);
}

/* Attaches to a ring that the other side may create only later. */
static eddy_ring *attach(enum eddy_ring_role role)
{
    eddy_ring *ring = NULL;
    int error;
    for (uint64_t deadline = patience();;) {
        error = eddy_ring_attach(NULL, "points", role, NULL, &ring);
        if (error != EDDY_ENOENT)
            break;
        check(eddy_now() < deadline);
    }
    must(error);
    return ring;
}

/* --- a stream -------------------------------------------------------------------------------- */

/* What finds no room for a moment, or nobody any more, is not published. */
static bool publish(eddy_ring *ring)
{
    struct eddy_chunk chunk;
    int error = eddy_ring_loan(ring, soon(), &chunk);
    if (error == EDDY_ETIMEDOUT || error == EDDY_EPEERGONE)
        return false;
    must(error);
    must(eddy_ring_discard(ring, &chunk));
    must(eddy_ring_loan(ring, EDDY_POLL, &chunk));
    size_t size = SIZE - published % 5; /* another than the slot had before */
    payload_fill(chunk.data, size, 1, published);
    must(eddy_ring_publish(ring, &chunk, size));
    published++;
    return true;
}

static void take_and_hold(eddy_ring *ring, struct eddy_chunk *chunk, int *error)
{
    struct payload payload;
    *error = eddy_ring_take(ring, soon(), chunk);
    if (*error)
        return;
    check(!chunk->redelivered && payload_whole(chunk->data, chunk->size, &payload));
    same(chunk->sn, taken + 1);
    same(payload.number, taken);
    same(chunk->size, SIZE - taken % 5);
    taken++;
}

static void release_whole(eddy_ring *ring, struct eddy_chunk *chunk)
{
    struct payload payload;
    check(payload_whole(chunk->data, chunk->size, &payload));
    must(eddy_ring_release(ring, chunk));
}

/* Two at a time, the later released first. */
static int take_two(eddy_ring *ring)
{
    struct eddy_chunk chunks[2];
    int error, none;
    take_and_hold(ring, &chunks[0], &error);
    if (error)
        return error;
    take_and_hold(ring, &chunks[1], &none);
    if (!none)
        release_whole(ring, &chunks[1]);
    release_whole(ring, &chunks[0]);
    return EDDY_OK;
}

static void produce(unsigned who)
{
    (void)who;
    eddy_ring *ring = attach(EDDY_RING_PRODUCER);
    for (int i = 0; i < ROUNDS; i++)
        publish(ring);
    must(eddy_ring_finish(ring));
    ended = true;
    must(eddy_ring_close(ring));
}

static void produce_and_crash(unsigned who)
{
    (void)who;
    eddy_ring *ring = attach(EDDY_RING_PRODUCER);
    publish(ring);
    must(eddy_ring_report_crash(ring, &(struct eddy_crash){.signal = 11, .address = 12345}));
    ended = true;
    must(eddy_ring_close(ring));
}

/* Until the end, or until it has waited in vain a few times: the other may be standing.  An earlier
 * producer may be the one that has gone. */
static int consume_from(eddy_ring *ring)
{
    int error = EDDY_OK;
    for (int vain = 0; vain < 3; vain += error != EDDY_OK) {
        error = take_two(ring);
        check(!error || error == EDDY_ETIMEDOUT || error == EDDY_EFINISHED ||
              error == EDDY_ECRASHED || error == EDDY_EPEERGONE);
        if (error == EDDY_EFINISHED || error == EDDY_ECRASHED)
            break;
    }
    return error;
}

static void consume(unsigned who)
{
    (void)who;
    eddy_ring *ring = attach(EDDY_RING_CONSUMER);
    int end = consume_from(ring);
    struct eddy_crash crash = {0};
    if (end == EDDY_ECRASHED) {
        must(eddy_ring_crash(ring, &crash));
        check(crash.signal == 11 && crash.address == 12345);
    }
    must(eddy_ring_close(ring));
}

/* --- the ring is there before, and full; somebody looks in ------------------------------------ */

static eddy_ring *observer;

static void begin(void)
{
    published = taken = 0;
    ended = false;
}

static void begin_observed(void)
{
    begin();
    observer = ring_create("points", EDDY_RING_OBSERVER, SLOTS, SIZE);
    eddy_ring *earlier = attach(EDDY_RING_PRODUCER);
    while (publish(earlier))
        continue;
    must(eddy_ring_close(earlier));
}

/* The next consumer gets what the other did not take. */
static void end_observed(void)
{
    eddy_ring *ring = attach(EDDY_RING_CONSUMER);
    int error;
    struct eddy_chunk chunk;
    for (;;) {
        take_and_hold(ring, &chunk, &error);
        if (error)
            break;
        release_whole(ring, &chunk);
    }
    check(ended ? error == EDDY_EFINISHED || error == EDDY_ECRASHED : error == EDDY_EPEERGONE);
    same(taken, published);
    same(ring_info(observer).released, published);
    must(eddy_ring_close(ring));
    must(eddy_ring_close(observer));
    world_must_be_empty();
}

static void a_producer_stands(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "the producer first",
                                          .begin = begin_observed,
                                          .lives = {produce, consume},
                                          .end = end_observed,
                                          .share = 0.3});
}

static void a_consumer_stands(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "the consumer first",
                                          .begin = begin_observed,
                                          .lives = {consume, produce},
                                          .end = end_observed,
                                          .share = 0.3});
}

static void a_producer_that_crashes(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "a crash",
                                          .begin = begin_observed,
                                          .lives = {produce_and_crash, consume},
                                          .end = end_observed,
                                          .share = 0.2});
}

/* --- two who want one name, and one who takes it ---------------------------------------------- */

/* Who has begun to ask for the name, and when each had it; 0: it does not know yet. */
static bool wants[2];
static uint64_t turn, had_name[2];

static void begin_with_a_name(void)
{
    turn = had_name[0] = had_name[1] = 0;
    wants[0] = wants[1] = false;
}

/* The name is gone only if the other took it later, which it may not know yet, and left.  Under the
 * name either may find the other's ring, and be its consumer before its maker is. */
static void create(unsigned who)
{
    struct eddy_ring_options options = {
        .slot_bytes = SIZE, .slots = SLOTS, .role = EDDY_RING_PRODUCER, .flags = EDDY_RING_REPLACE};
    eddy_ring *ring, *other;
    wants[who] = true;
    uint64_t began = turn; /* who has the name after that may have taken it after us */
    must(eddy_ring_create(NULL, "points", &options, &ring));
    had_name[who] = ++turn;
    ring_publish(ring, SIZE, 0);
    int error = eddy_ring_attach(NULL, "points", EDDY_RING_CONSUMER, NULL, &other);
    bool later = wants[!who] && (!had_name[!who] || had_name[!who] > began);
    check(!error || (later && error == EDDY_ENOENT) || (wants[!who] && error == EDDY_EBUSY));
    if (!error)
        must(eddy_ring_close(other));
    must(eddy_ring_close(ring));
}

static void two_who_replace_each_other(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "one name",
                                          .begin = begin_with_a_name,
                                          .lives = {create, create},
                                          .end = world_must_be_empty,
                                          .share = 0.2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_producer_stands),
        WORLD_TEST(a_consumer_stands),
        WORLD_TEST(a_producer_that_crashes),
        WORLD_TEST(two_who_replace_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
