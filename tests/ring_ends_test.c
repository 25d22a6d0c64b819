/* ring_ends_test.c - what the memory orders of a ring are for when somebody falls asleep, and when
 * the stream ends: finished, crashed, or because the other side has gone.
 *
 * Nobody spins, so that each step is one that somebody is about to sleep for; and what happens once
 * in the life of a ring happens in many rings.  EDDY_TEST_SEED repeats a run's choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_inside.h"
#include "support/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { SLOTS = 4, SLOT = 64 };

static struct ring_pair pair;
static uint64_t seed;
static atomic_uint begun; /* relaxed throughout: it must not order what the engine should */

/* --- sleeping -------------------------------------------------------------------------------- */

enum { TURNS = SANITIZED ? 2000 : 20000 };

static void *publish_in_turn(void *argument)
{
    uint64_t lots = seed + 1;
    (void)argument;
    for (uint64_t number = 0; number < TURNS; number++) {
        struct eddy_chunk chunk;
        must(ring_loan_in_time(pair.producer, &chunk));
        ring_dawdle(&lots);
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
    pair = ring_pair_open_inside(1, SLOT);
    ring_pair_never_spin(&pair);
    pthread_t producer = thread_start(publish_in_turn, NULL);
    for (uint64_t number = 0; number < TURNS; number++) {
        struct eddy_chunk chunk;
        must(ring_take_in_time(pair.consumer, &chunk));
        ring_dawdle(&lots);
        must(eddy_ring_release(pair.consumer, &chunk));
    }
    thread_join(producer);
    ring_pair_close_inside(&pair);
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
        pair = ring_pair_open_inside(1, SLOT);
        ring_pair_never_spin(&pair);
        atomic_store(&begun, 0);
        ring_publish(pair.producer, SLOT, 0);
        pthread_t thread = thread_start(wait_for_room, NULL);
        while (!atomic_load_explicit(&begun, memory_order_relaxed))
            sched_yield();
        if (round % 4)
            wait_until_armed(&pair.producer->header->room_bell);
        ring_dawdle(&seed);
        must(eddy_ring_finish(pair.producer));
        thread_join(thread);
        ring_pair_close_inside(&pair);
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
    must(eddy_ring_release(pair.consumer, &chunk));
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
        pair = ring_pair_open_inside(SLOTS, SLOT);
        ring_pair_never_spin(&pair);
        atomic_store(&begun, 0);
        pthread_t sleeper = thread_start(hear_of_a_crash, NULL);
        pthread_t looker = thread_start(look_for_a_crash, NULL);
        ring_publish(pair.producer, SLOT, 0);
        while (!atomic_load_explicit(&begun, memory_order_relaxed))
            sched_yield();
        ring_dawdle(&seed);
        must(eddy_ring_report_crash(pair.producer, &crashed));
        thread_join(sleeper);
        thread_join(looker);
        ring_pair_close_inside(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_step_is_missed_by_who_falls_asleep),
        WORLD_TEST(a_producer_that_falls_asleep_hears_of_the_end),
        WORLD_TEST(a_crash_that_meets_falling_asleep_is_told_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
