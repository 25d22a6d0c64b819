/* ring_orders_test.c - what the memory orders of a ring are for.
 *
 * Few slots, held for a moment, released in any order: a slot is written again at once, so what the
 * engine does not order meets.  Each slot has a shadow (support/shadow.h).  Both handles are led to
 * the producer's mapping, so that one word is one word.  EDDY_TEST_SEED repeats a run's choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_pair.h"
#include "support/shadow.h"
#include "support/thread.h"

#include "transport/ring/ring.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { SLOTS = 4, SLOT = 64, THREADS = 3, EACH = SANITIZED ? 8000 : 60000 };

static struct ring_pair pair;
static uint64_t shadows[SLOTS], seed;

static void open_pair(uint32_t slots)
{
    pair = ring_pair_open(slots, SLOT);
    pair.consumer->header = pair.producer->header;
    pair.consumer->lengths = pair.producer->lengths;
    pair.consumer->done = pair.producer->done;
    pair.consumer->payload = pair.producer->payload;
}

/* The mapping goes with the producer. */
static void close_pair(void)
{
    must(eddy_ring_close(pair.consumer));
    must(eddy_ring_close(pair.producer));
}

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
    open_pair(slots);
    pthread_t producer = thread_start(publish_all, NULL);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(take_all, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    thread_join(producer);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    same(ring_info(pair.producer).released, EACH);
    close_pair();
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

/* However they meet, one of them goes over all: no room is lost, not even until the next release. */
static void neighbours_released_at_once_leave_no_gap(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    open_pair(SLOTS);
    atomic_store(&begun, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(release_mine, (void *)i); /* NOLINT(performance-no-int-to-ptr) */
    for (unsigned round = 1; round <= ROUNDS; round++)
        play_round(round);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    close_pair();
}

/* --- sleeping -------------------------------------------------------------------------------- */

enum { TURNS = SANITIZED ? 2000 : 20000 };

static void never_spin(void)
{
    pair.producer->spin.may = pair.consumer->spin.may = false;
}

static void dawdle(uint64_t *lots)
{
    for (volatile uint64_t left = payload_random(lots) % 400; left > 0; left--)
        ;
}

static void *publish_in_turn(void *argument)
{
    uint64_t lots = seed + 1;
    (void)argument;
    for (uint64_t number = 0; number < TURNS; number++) {
        struct eddy_chunk chunk;
        must(ring_loan_in_time(pair.producer, &chunk));
        dawdle(&lots);
        must(eddy_ring_publish(pair.producer, &chunk, SLOT));
    }
    return NULL;
}

/* One slot, and nobody spins: each step of the one is what the other is about to sleep for. */
static void no_step_is_missed_by_who_falls_asleep(void **state)
{
    (void)state;
    seed = payload_seed();
    uint64_t lots = seed + 2;
    open_pair(1);
    never_spin();
    pthread_t producer = thread_start(publish_in_turn, NULL);
    for (uint64_t number = 0; number < TURNS; number++) {
        struct eddy_chunk chunk;
        must(ring_take_in_time(pair.consumer, &chunk));
        dawdle(&lots);
        must(eddy_ring_release(pair.consumer, &chunk));
    }
    thread_join(producer);
    close_pair();
}

enum { ENDS = SANITIZED ? 600 : 2000 };

static void *wait_for_room(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    atomic_store_explicit(&begun, 1, memory_order_relaxed);
    must_fail(ring_loan_in_time(pair.producer, &chunk), EDDY_EFINISHED);
    return NULL;
}

/* It is about to sleep, and looks once more. */
static void wait_until_armed(const _Atomic uint32_t *bell)
{
    while (!(eddy_load_relaxed(bell) & 1))
        ;
}

static void a_producer_that_falls_asleep_hears_of_the_end(void **state)
{
    (void)state;
    seed = payload_seed();
    for (int round = 0; round < ENDS; round++) {
        open_pair(1);
        never_spin();
        atomic_store(&begun, 0);
        publish_one(0);
        pthread_t thread = thread_start(wait_for_room, NULL);
        while (!atomic_load_explicit(&begun, memory_order_relaxed))
            sched_yield();
        if (round % 4)
            wait_until_armed(&pair.producer->header->room_bell);
        dawdle(&seed);
        must(eddy_ring_finish(pair.producer));
        thread_join(thread);
        close_pair();
    }
}

/* --- crashes --------------------------------------------------------------------------------- */

enum { CRASHES = SANITIZED ? 600 : 2000 };

static const struct eddy_crash crashed = {
    .signal = SIGBUS, .address = 4711, .operation = EDDY_CRASH_WRITE};

static void same_crash(const struct eddy_crash *crash)
{
    same(crash->signal, crashed.signal);
    same(crash->address, crashed.address);
    same(crash->operation, crashed.operation);
}

static void *hear_of_a_crash(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    must(ring_take_in_time(pair.consumer, &chunk));
    release(&chunk);
    atomic_store_explicit(&begun, 1, memory_order_relaxed);
    must_fail(ring_take_in_time(pair.consumer, &chunk), EDDY_ECRASHED);
    return NULL;
}

static void *look_for_a_crash(void *argument)
{
    struct eddy_crash crash = {0};
    (void)argument;
    while (eddy_ring_crash(pair.consumer, &crash) == EDDY_ENODATA)
        sched_yield();
    same_crash(&crash);
    return NULL;
}

static void a_crash_that_meets_falling_asleep_is_told_whole(void **state)
{
    (void)state;
    seed = payload_seed();
    for (int round = 0; round < CRASHES; round++) {
        open_pair(SLOTS);
        never_spin();
        atomic_store(&begun, 0);
        pthread_t sleeper = thread_start(hear_of_a_crash, NULL);
        pthread_t looker = thread_start(look_for_a_crash, NULL);
        publish_one(0);
        while (!atomic_load_explicit(&begun, memory_order_relaxed))
            sched_yield();
        dawdle(&seed);
        must(eddy_ring_report_crash(pair.producer, &crashed));
        thread_join(sleeper);
        thread_join(looker);
        close_pair();
    }
}

/* --- a handler, and rings that go ------------------------------------------------------------- */

enum { VISITS = SANITIZED ? 1000 : 1500 };

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
        sched_yield();
    }
    return NULL;
}

/* The handler looks at a list of rings while they come into it and leave it, the first and others. */
static void no_ring_goes_away_under_a_handler(void **state)
{
    struct sigaction before, mine = {.sa_handler = note};
    (void)state;
    check(sigaction(SIGFPE, &mine, &before) == 0);
    atomic_store(&begun, 0);
    pthread_t thread = thread_start(raise_often, NULL);
    for (int round = 0; round < VISITS; round++) {
        eddy_ring *rings[2];
        for (int i = 0; i < 2; i++) {
            rings[i] = ring_create(i ? "b" : "a", EDDY_RING_PRODUCER, SLOTS, SLOT);
            must(eddy_ring_watch_crashes(rings[i]));
        }
        must(eddy_ring_close(rings[round % 2]));
        must(eddy_ring_close(rings[!(round % 2)]));
    }
    atomic_store_explicit(&begun, 1, memory_order_relaxed);
    thread_join(thread);
    check(sigaction(SIGFPE, &before, NULL) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_chunk_is_its_holders_until_it_is_released),
        WORLD_TEST(no_room_is_lost_where_there_is_little),
        WORLD_TEST(neighbours_released_at_once_leave_no_gap),
        WORLD_TEST(no_step_is_missed_by_who_falls_asleep),
        WORLD_TEST(a_producer_that_falls_asleep_hears_of_the_end),
        WORLD_TEST(a_crash_that_meets_falling_asleep_is_told_whole),
        WORLD_TEST(no_ring_goes_away_under_a_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
