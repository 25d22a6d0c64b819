/* ring_stress_test.c - a producer thread and several consumer threads at full speed in one process.
 *
 * The consumer's handle is led to the producer's mapping, so that ThreadSanitizer sees every access
 * at one address.  EDDY_TEST_SECONDS makes it longer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_inside.h"
#include "support/thread.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { CONSUMERS = 4, HOLD = 3, SLOT = 256, MOST = 1 << 22 };

static struct ring_pair pair;
static uint64_t chunks;
static _Atomic unsigned char *seen; /* how often a chunk was taken */

static uint64_t how_many(void)
{
    const char *seconds = getenv("EDDY_TEST_SECONDS");
    uint64_t base = SANITIZED ? 20000 : 200000;
    uint64_t wanted = seconds ? strtoull(seconds, NULL, 10) * base : base;
    return wanted < MOST ? wanted : MOST;
}

static void *produce(void *argument)
{
    uint64_t seed = 7;
    (void)argument;
    for (uint64_t i = 0; i < chunks; i++) {
        struct eddy_chunk chunk;
        size_t size =
            sizeof(struct payload) + payload_random(&seed) % (SLOT - sizeof(struct payload) + 1);
        must(eddy_ring_loan(pair.producer, patience(), &chunk));
        if (payload_random(&seed) % 16 == 0) {
            must(eddy_ring_discard(pair.producer, &chunk));
            must(eddy_ring_loan(pair.producer, patience(), &chunk));
        }
        payload_fill(chunk.data, size, 1, i);
        must(eddy_ring_publish(pair.producer, &chunk, size));
    }
    must(eddy_ring_finish(pair.producer));
    return NULL;
}

/* Each chunk is whole and is what its number says, and no other thread gets it. */
static void check_chunk(const struct eddy_chunk *chunk)
{
    struct payload payload;
    check(payload_whole(chunk->data, chunk->size, &payload));
    same(payload.number + 1, chunk->sn);
    check(!chunk->redelivered);
    same(atomic_fetch_add_explicit(&seen[payload.number], 1, memory_order_relaxed), 0);
}

struct held {
    struct eddy_chunk chunks[HOLD];
    unsigned count;
    uint64_t seed;
};

/* What it held has not changed. */
static void release_any(struct held *held)
{
    unsigned which = (unsigned)(payload_random(&held->seed) % held->count);
    struct eddy_chunk *chunk = &held->chunks[which];
    struct payload payload;
    check(payload_whole(chunk->data, chunk->size, &payload));
    same(payload.number + 1, chunk->sn);
    must(eddy_ring_release(pair.consumer, chunk));
    *chunk = held->chunks[--held->count];
}

/* Nobody waits with an old chunk in hand: there may be no room for a new one then. */
static int take(struct held *held, struct eddy_chunk *chunk)
{
    int error = eddy_ring_take(pair.consumer, EDDY_POLL, chunk);
    if (error != EDDY_EAGAIN)
        return error;
    while (held->count)
        release_any(held);
    return eddy_ring_take(pair.consumer, patience(), chunk);
}

/* Holds a few, gives them back in any order. */
static void *consume(void *argument)
{
    struct held held = {.seed = (uint64_t)(uintptr_t)argument + 1};
    struct eddy_chunk chunk;
    uint64_t last = 0;
    int error;
    while ((error = take(&held, &chunk)) == EDDY_OK) {
        check(chunk.sn > last);
        last = chunk.sn;
        check_chunk(&chunk);
        held.chunks[held.count++] = chunk;
        while (held.count && (held.count == HOLD || payload_random(&held.seed) % 2))
            release_any(&held);
    }
    must_fail(error, EDDY_EFINISHED);
    while (held.count)
        release_any(&held);
    return NULL;
}

static void stream(uint32_t slots, unsigned consumers)
{
    pthread_t threads[CONSUMERS];
    chunks = how_many();
    seen = calloc(chunks, sizeof *seen);
    check(seen != NULL);
    pair = ring_pair_open_inside(slots, SLOT);
    pthread_t producer = thread_start(produce, NULL);
    for (uintptr_t i = 0; i < consumers; i++)
        threads[i] = thread_start(consume, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    thread_join(producer);
    for (unsigned i = 0; i < consumers; i++)
        thread_join(threads[i]);
    for (uint64_t i = 0; i < chunks; i++)
        same(seen[i], 1);
    struct eddy_ring_info info = ring_info(pair.consumer);
    same(info.published, chunks);
    same(info.released, chunks);
    same(info.redelivered, 0);
    free((void *)seen);
    ring_pair_close_inside(&pair);
}

static void four_consumers_share_a_stream(void **state)
{
    (void)state;
    stream(CONSUMERS * HOLD + 1, CONSUMERS);
}

/* F4 */
static void no_chunk_is_given_to_two_or_to_nobody(void **state)
{
    (void)state;
    stream(CONSUMERS * HOLD, CONSUMERS);
}

static void *ping(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    while (eddy_ring_take(pair.consumer, patience(), &chunk) == EDDY_OK) {
        check_chunk(&chunk);
        must(eddy_ring_release(pair.consumer, &chunk));
    }
    return NULL;
}

/* Both sides sleep each time, so a wake-up that gets lost hangs it. */
static void one_slot_goes_back_and_forth(void **state)
{
    (void)state;
    chunks = how_many() / 10;
    seen = calloc(chunks, sizeof *seen);
    check(seen != NULL);
    pair = ring_pair_open_inside(1, SLOT);
    pthread_t producer = thread_start(produce, NULL);
    pthread_t consumer = thread_start(ping, NULL);
    thread_join(producer);
    thread_join(consumer);
    same(ring_info(pair.consumer).released, chunks);
    free((void *)seen);
    ring_pair_close_inside(&pair);
}

/* --- several threads on the producer's side -------------------------------------------------- */

enum { PRODUCERS = 3 };

static void *contend(void *argument)
{
    uint64_t author = (uint64_t)(uintptr_t)argument, seed = author + 1;
    struct eddy_chunk chunk;
    for (uint64_t number = 0; number < chunks;) {
        bool waits = payload_random(&seed) % 4 == 0; /* who does not leaves its look to the next */
        int error = eddy_ring_loan(pair.producer, waits ? patience() : EDDY_POLL, &chunk);
        if (error == EDDY_EBUSY || (error == EDDY_EAGAIN && !waits))
            continue;
        must(error);
        if (payload_random(&seed) % 8 == 0) {
            must(eddy_ring_discard(pair.producer, &chunk));
            continue;
        }
        payload_fill(chunk.data, SLOT / 2, author, number++);
        must(eddy_ring_publish(pair.producer, &chunk, SLOT / 2));
    }
    return NULL;
}

static void *follow_all(void *argument)
{
    uint64_t next[PRODUCERS] = {0};
    struct eddy_chunk chunk;
    struct payload payload;
    int error;
    (void)argument;
    while ((error = eddy_ring_take(pair.consumer, patience(), &chunk)) == EDDY_OK) {
        check(payload_whole(chunk.data, chunk.size, &payload));
        same(payload.number, next[payload.author]++);
        must(eddy_ring_release(pair.consumer, &chunk));
    }
    must_fail(error, EDDY_EFINISHED);
    for (int i = 0; i < PRODUCERS; i++)
        same(next[i], chunks);
    return NULL;
}

static void threads_that_produce_take_turns(void **state)
{
    (void)state;
    pthread_t threads[PRODUCERS];
    chunks = how_many() / 10;
    pair = ring_pair_open_inside(5, SLOT);
    pthread_t consumer = thread_start(follow_all, NULL);
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        threads[i] = thread_start(contend, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    for (int i = 0; i < PRODUCERS; i++)
        thread_join(threads[i]);
    must(eddy_ring_finish(pair.producer));
    thread_join(consumer);
    ring_pair_close_inside(&pair);
}

/* One finishes while another publishes: nothing is published after the end. */
static void *publish_until_the_end(void *argument)
{
    uint64_t *number = argument;
    for (;;) {
        struct eddy_chunk chunk;
        int error = eddy_ring_loan(pair.producer, patience(), &chunk);
        if (error == EDDY_OK) {
            payload_fill(chunk.data, SLOT, 1, *number);
            error = eddy_ring_publish(pair.producer, &chunk, SLOT);
        }
        if (error) {
            check(error == EDDY_EFINISHED || error == EDDY_ESTALE);
            return NULL;
        }
        ++*number;
    }
}

static void finishing_meets_publishing(void **state)
{
    (void)state;
    for (int round = 0; round < (SANITIZED ? 200 : 1000); round++) {
        struct eddy_chunk chunk;
        uint64_t number = 0, heard = 0;
        int error;
        pair = ring_pair_open_inside(4, SLOT);
        pthread_t thread = thread_start(publish_until_the_end, &number);
        for (int i = 0; i < round % 10; i++, heard++)
            ring_take_release(pair.consumer, heard);
        must(eddy_ring_finish(pair.producer));
        while ((error = eddy_ring_take(pair.consumer, patience(), &chunk)) == EDDY_OK) {
            heard++;
            must(eddy_ring_release(pair.consumer, &chunk));
        }
        must_fail(error, EDDY_EFINISHED);
        thread_join(thread);
        same(heard, number);
        same(ring_info(pair.consumer).published, number);
        ring_pair_close_inside(&pair);
    }
}

/* --- closing while chunks are out ------------------------------------------------------------ */

static void *release_one(void *argument)
{
    struct eddy_chunk *chunk = argument;
    struct payload payload;
    check(payload_whole(chunk->data, chunk->size, &payload));
    must(eddy_ring_release(pair.consumer, chunk));
    return NULL;
}

static void the_last_of_several_who_release_closes(void **state)
{
    (void)state;
    for (int round = 0; round < (SANITIZED ? 100 : 500); round++) {
        struct eddy_chunk out[CONSUMERS];
        pthread_t threads[CONSUMERS];
        pair = ring_pair_open_inside(CONSUMERS, SLOT);
        for (uint64_t i = 0; i < CONSUMERS; i++) {
            ring_publish(pair.producer, SLOT, i);
            out[i] = ring_take(pair.consumer, i);
        }
        for (int i = 0; i < CONSUMERS; i++)
            threads[i] = thread_start(release_one, &out[i]);
        must(eddy_ring_close(pair.consumer));
        for (int i = 0; i < CONSUMERS; i++)
            thread_join(threads[i]);
        check(!eddy_ring_peer_alive(pair.producer));
        same(ring_info(pair.producer).released, CONSUMERS);
        must(eddy_ring_close(pair.producer));
    }
}

/* --- where each says something, then looks at what the other says ---------------------------- */

/* Two who release neighbours: one of them sees both, and moves `read` over both. */
static void neighbours_that_are_released_at_once_leave_no_gap(void **state)
{
    (void)state;
    uint64_t next = 0;
    pair = ring_pair_open_inside(4, SLOT);
    for (int round = 0; round < (SANITIZED ? 500 : 3000); round++) {
        struct eddy_chunk out[2];
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            ring_publish(pair.producer, SLOT, next + (uint64_t)i);
        for (int i = 0; i < 2; i++)
            out[i] = ring_take(pair.consumer, next++);
        for (int i = 0; i < 2; i++)
            threads[i] = thread_start(release_one, &out[i]);
        for (int i = 0; i < 2; i++)
            thread_join(threads[i]);
        same(ring_info(pair.consumer).released, next);
    }
    ring_pair_close_inside(&pair);
}

static void *fall_asleep(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    must_fail(ring_take_in_time(pair.consumer, &chunk), EDDY_EFINISHED);
    return NULL;
}

/* Two who are about to sleep, and the end of the stream. */
static void the_end_meets_falling_asleep(void **state)
{
    (void)state;
    for (int round = 0; round < (SANITIZED ? 150 : 1000); round++) {
        pthread_t threads[2];
        pair = ring_pair_open_inside(2, SLOT);
        for (int i = 0; i < 2; i++)
            threads[i] = thread_start(fall_asleep, NULL);
        for (volatile int i = 0; i < round % 50 * 200; i++)
            ;
        must(eddy_ring_finish(pair.producer));
        for (int i = 0; i < 2; i++)
            thread_join(threads[i]);
        ring_pair_close_inside(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(four_consumers_share_a_stream),
        WORLD_TEST(no_chunk_is_given_to_two_or_to_nobody),
        WORLD_TEST(one_slot_goes_back_and_forth),
        WORLD_TEST(threads_that_produce_take_turns),
        WORLD_TEST(finishing_meets_publishing),
        WORLD_TEST(the_last_of_several_who_release_closes),
        WORLD_TEST(neighbours_that_are_released_at_once_leave_no_gap),
        WORLD_TEST(the_end_meets_falling_asleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
