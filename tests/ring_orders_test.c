/* ring_orders_test.c - what the memory orders of a ring are for.
 *
 * Few slots, held for a moment, released in any order: a slot is written again at once, so what the
 * engine does not order meets.  Each slot has a shadow (support/shadow.h).  ring_ends_test.c has
 * what the orders are for when somebody sleeps or the stream ends.  EDDY_TEST_SEED repeats a run's
 * choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_inside.h"
#include "support/shadow.h"
#include "support/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { SLOTS = 4, SLOT = 64, THREADS = 3, EACH = SANITIZED ? 8000 : 60000 };

static struct ring_pair pair;
static uint64_t shadows[SLOTS], seed;

static uint64_t *shadow_of(const void *data)
{
    size_t offset = (size_t)((const uint8_t *)data - pair.producer->payload);
    return &shadows[offset / SLOT];
}

/* Of another length than what the slot had before. */
static size_t size_of(uint64_t number)
{
    return 8 + number % 11;
}

static bool rarely(uint64_t *lots)
{
    return payload_random(lots) % 16 == 0;
}

/* --- a stream -------------------------------------------------------------------------------- */

static void publish_one(uint64_t number)
{
    struct eddy_chunk chunk;
    must(ring_loan_in_time(pair.producer, &chunk));
    shadow_write(shadow_of(chunk.data), number);
    must(eddy_ring_publish(pair.producer, &chunk, size_of(number)));
}

static void *publish_all(void *argument)
{
    (void)argument;
    for (uint64_t number = 0; number < EACH; number++)
        publish_one(number);
    must(eddy_ring_finish(pair.producer));
    return NULL;
}

static void look(const struct eddy_chunk *chunk)
{
    same(chunk->size, size_of(chunk->sn - 1));
    same(shadow_read(shadow_of(chunk->data)), chunk->sn - 1);
}

static void release(const struct eddy_chunk *chunk)
{
    look(chunk);
    must(eddy_ring_release(pair.consumer, chunk));
}

/* One or two at a time, the later released first.  Nobody waits with one in hand. */
static void *take_all(void *argument)
{
    uint64_t lots = seed + (uint64_t)(uintptr_t)argument;
    struct eddy_chunk first, second;
    int error;
    while ((error = ring_take_in_time(pair.consumer, &first)) == EDDY_OK) {
        look(&first);
        bool two = payload_random(&lots) % 2 &&
                   eddy_ring_take(pair.consumer, EDDY_POLL, &second) == EDDY_OK;
        if (rarely(&lots))
            sched_yield();
        if (two)
            release(&second);
        release(&first);
    }
    must_fail(error, EDDY_EFINISHED);
    return NULL;
}

static void stream(uint32_t slots)
{
    pthread_t threads[THREADS];
    seed = payload_seed();
    pair = ring_pair_open_inside(slots, SLOT);
    pthread_t producer = thread_start(publish_all, NULL);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(take_all, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    thread_join(producer);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    same(ring_info(pair.producer).released, EACH);
    ring_pair_close_inside(&pair);
}

static void a_chunk_is_its_holders_until_it_is_released(void **state)
{
    (void)state;
    stream(SLOTS);
}

/* A slot goes round while somebody is about to release its neighbour: one who then looks at what is
 * out of date finds no mark, and all sleep before a ring that is free. */
static void no_room_is_lost_where_there_is_little(void **state)
{
    (void)state;
    stream(2);
}

/* --- loans ----------------------------------------------------------------------------------- */

enum { LOANS = SANITIZED ? 4000 : 30000 };

/* Some of them are given back, after they were written to. */
static void *loan_often(void *argument)
{
    uint64_t lots = seed + (uint64_t)(uintptr_t)argument;
    struct eddy_chunk chunk;
    for (uint64_t number = 0; number < LOANS; number++) {
        int error = eddy_ring_loan(pair.producer, EDDY_POLL, &chunk);
        if (error) {
            check(error == EDDY_EBUSY);
            continue;
        }
        shadow_write(shadow_of(chunk.data), number);
        must(eddy_ring_discard(pair.producer, &chunk));
        if (rarely(&lots))
            sched_yield();
    }
    return NULL;
}

static void a_loan_that_is_discarded_is_the_next_ones(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    seed = payload_seed();
    pair = ring_pair_open_inside(1, SLOT);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(loan_often, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    ring_pair_close_inside(&pair);
}

/* --- neighbours ------------------------------------------------------------------------------ */

enum { ROUNDS = SANITIZED ? 3000 : 20000 };

static struct eddy_chunk out[THREADS];
static atomic_uint begun; /* relaxed throughout: it must not order what the engine should */
static pthread_mutex_t over = PTHREAD_MUTEX_INITIALIZER;
static unsigned finished;

static void finish_one(void)
{
    pthread_mutex_lock(&over);
    finished++;
    pthread_mutex_unlock(&over);
}

static bool all_finished(unsigned threads)
{
    pthread_mutex_lock(&over);
    bool all = finished == threads;
    pthread_mutex_unlock(&over);
    return all;
}

/* Round by round: each releases one of the chunks that lie side by side. */
static void *release_mine(void *argument)
{
    uintptr_t me = (uintptr_t)argument;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        while (atomic_load_explicit(&begun, memory_order_relaxed) < round)
            sched_yield();
        all_finished(0); /* what came before the round is known */
        release(&out[(me + round) % THREADS]);
        finish_one();
    }
    return NULL;
}

static void play_round(unsigned round)
{
    uint64_t next = (uint64_t)(round - 1) * THREADS;
    for (uint64_t i = 0; i < THREADS; i++)
        publish_one(next + i);
    for (int i = 0; i < THREADS; i++)
        must(eddy_ring_take(pair.consumer, EDDY_POLL, &out[i]));
    pthread_mutex_lock(&over);
    finished = 0;
    pthread_mutex_unlock(&over);
    atomic_store_explicit(&begun, round, memory_order_relaxed);
    while (!all_finished(THREADS))
        sched_yield();
    same(ring_info(pair.consumer).released, next + THREADS);
}

/* However they meet, one of them goes over all: no room is lost, not even until the next one. */
static void neighbours_released_at_once_leave_no_gap(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    pair = ring_pair_open_inside(SLOTS, SLOT);
    atomic_store(&begun, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(release_mine, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    for (unsigned round = 1; round <= ROUNDS; round++)
        play_round(round);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    ring_pair_close_inside(&pair);
}

/* --- a handler, and rings that go ------------------------------------------------------------- */

enum { VISITS = SANITIZED ? 400 : 1500, WATCHED = 2 };

static atomic_uint raised; /* relaxed, as `begun` */

static void note(int number)
{
    (void)number;
}

/* Signals that kill nobody: after the report it is handled by who was there before. */
static void *raise_often(void *argument)
{
    (void)argument;
    while (!atomic_load_explicit(&begun, memory_order_relaxed)) {
        check(raise(SIGFPE) == 0);
        atomic_fetch_add_explicit(&raised, 1, memory_order_relaxed);
        sched_yield();
    }
    return NULL;
}

/* A handler that is about something now has ended after this. */
static void let_handlers_end(void)
{
    unsigned seen = atomic_load_explicit(&raised, memory_order_relaxed);
    while (atomic_load_explicit(&raised, memory_order_relaxed) == seen)
        sched_yield();
}

/* As if there had been no report: so there is none of one who does not look at the ring. */
static void make_it_run(const eddy_ring *ring)
{
    eddy_store_relaxed(&ring->header->state, (uint64_t)EDDY_RING_WORD_RUNNING);
}

static void leave_the_handlers(eddy_ring *ring)
{
    must(eddy_ring_unwatch_crashes(ring));
    make_it_run(ring);
    let_handlers_end();
    same(eddy_load_relaxed(&ring->header->state), EDDY_RING_WORD_RUNNING);
}

/* The handler looks at a list of rings while they come into it and leave it, the first and others:
 * who has left may go away at once, so no handler touches it any more. */
static void no_ring_goes_away_under_a_handler(void **state)
{
    struct sigaction before, mine = {.sa_handler = note};
    eddy_ring *rings[WATCHED];
    (void)state;
    seed = payload_seed();
    check(sigaction(SIGFPE, &mine, &before) == 0);
    for (int i = 0; i < WATCHED; i++)
        rings[i] = ring_create(i ? "b" : "a", EDDY_RING_PRODUCER, SLOTS, SLOT);
    atomic_store(&begun, 0);
    pthread_t thread = thread_start(raise_often, NULL);
    for (int round = 0; round < VISITS; round++) {
        for (int i = 0; i < WATCHED; i++)
            must(eddy_ring_watch_crashes(rings[(i + round / 2) % 2]));
        if (round % 8 >= 4)
            ring_dawdle(&seed);
        leave_the_handlers(rings[round % 2]);
        leave_the_handlers(rings[!(round % 2)]);
    }
    atomic_store_explicit(&begun, 1, memory_order_relaxed);
    thread_join(thread);
    for (int i = 0; i < WATCHED; i++)
        must(eddy_ring_close(rings[i]));
    check(sigaction(SIGFPE, &before, NULL) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_chunk_is_its_holders_until_it_is_released),
        WORLD_TEST(no_room_is_lost_where_there_is_little),
        WORLD_TEST(a_loan_that_is_discarded_is_the_next_ones),
        WORLD_TEST(neighbours_released_at_once_leave_no_gap),
        WORLD_TEST(no_ring_goes_away_under_a_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
