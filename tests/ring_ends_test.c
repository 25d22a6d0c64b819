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

/* --- finishing ------------------------------------------------------------------------------- */

enum { STREAMS = SANITIZED ? 600 : 1000, ENDINGS = SANITIZED ? 2000 : 1000, MANY = 64 };

static uint64_t published;

static void *publish_until_the_end(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    while (!atomic_load_explicit(&begun, memory_order_relaxed))
        sched_yield();
    for (published = 0;; published++) {
        int error = ring_loan_in_time(pair.producer, &chunk);
        if (error == EDDY_OK)
            error = eddy_ring_publish(pair.producer, &chunk, SLOT);
        if (error) {
            check(error == EDDY_EFINISHED || error == EDDY_ESTALE);
            return NULL;
        }
    }
}

/* As it is, whatever anybody knows of it: the machine of tests/orders/weak.h does not hear. */
static uint64_t as_it_is(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static bool runs(void)
{
    return as_it_is(&pair.producer->header->state) == EDDY_RING_WORD_RUNNING;
}

/* Begins in the midst of publishing, if it can. */
static void *finish_until_it_is_told(void *argument)
{
    (void)argument;
    atomic_store_explicit(&begun, 1, memory_order_relaxed);
    for (int i = 0; i < 10000 && as_it_is(&pair.producer->loan) != LOAN_PUBLISHING; i++)
        eddy_pause();
    while (runs())
        must(eddy_ring_finish(pair.producer));
    return NULL;
}

static uint64_t take_until_the_end(void)
{
    struct eddy_chunk chunk;
    uint64_t heard = 0;
    int error;
    for (; (error = ring_take_in_time(pair.consumer, &chunk)) == EDDY_OK; heard++)
        must(eddy_ring_release(pair.consumer, &chunk));
    must_fail(error, EDDY_EFINISHED);
    return heard;
}

/* Who publishes just then leaves word that all is over; who finishes once more finds it, and may be
 * the first to tell a consumer, which has seen nothing of the stream, that it has ended. */
static void who_finishes_again_cuts_nothing_off(void **state)
{
    (void)state;
    for (int round = 0; round < ENDINGS; round++) {
        pair = ring_pair_open_inside(MANY, SLOT);
        pair.consumer->crash_first = true; /* looks for the end first */
        atomic_store(&begun, 0);
        pthread_t publisher = thread_start(publish_until_the_end, NULL);
        pthread_t finisher = thread_start(finish_until_it_is_told, NULL);
        while (runs())
            sched_yield();
        uint64_t heard = take_until_the_end();
        thread_join(publisher);
        thread_join(finisher);
        same(heard, published);
        ring_pair_close_inside(&pair);
    }
}

static void *look_until_the_end(void *argument)
{
    struct eddy_ring_info info;
    (void)argument;
    do
        info = ring_info(pair.consumer);
    while (info.state == EDDY_RING_RUNNING);
    same(info.published, SLOTS);
    return NULL;
}

static void an_end_that_is_seen_counts_all(void **state)
{
    (void)state;
    for (int round = 0; round < STREAMS; round++) {
        pair = ring_pair_open_inside(SLOTS, SLOT);
        pthread_t thread = thread_start(look_until_the_end, NULL);
        for (uint64_t number = 0; number < SLOTS; number++)
            ring_publish(pair.producer, SLOT, number);
        must(eddy_ring_finish(pair.producer));
        thread_join(thread);
        ring_pair_close_inside(&pair);
    }
}

/* --- the other side has gone ------------------------------------------------------------------ */

/* It has not waited, so that it has the news from who has. */
static void *take_when_it_has_gone(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    while (as_it_is(&pair.consumer->watch.gone) == 0)
        sched_yield();
    must(eddy_ring_take(pair.consumer, EDDY_POLL, &chunk));
    must(eddy_ring_release(pair.consumer, &chunk));
    return NULL;
}

static void a_chunk_comes_before_the_news_that_its_producer_has_gone(void **state)
{
    (void)state;
    for (int round = 0; round < STREAMS; round++) {
        pair = ring_pair_open(SLOTS, SLOT);
        pair.consumer->crash_first = true; /* looks at the producer first */
        pthread_t thread = thread_start(take_when_it_has_gone, NULL);
        ring_publish(pair.producer, SLOT, 0);
        must(eddy_ring_close(pair.producer));
        must(eddy_ring_peer_watch(pair.consumer));
        thread_join(thread);
        must(eddy_ring_close(pair.consumer));
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
    while (eddy_ring_crash(pair.consumer, &crash) == EDDY_EAGAIN)
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

/* The second producer, after one that has gone. */
static void *come_and_crash(void *argument)
{
    eddy_ring *producer = ring_attach("ring", EDDY_RING_PRODUCER);
    (void)argument;
    must(eddy_ring_report_crash(producer, &crashed));
    must(eddy_ring_close(producer));
    return NULL;
}

/* That the first has gone is no news of the second, which only is about to say what happened. */
static void a_report_is_not_over_because_another_has_gone(void **state)
{
    (void)state;
    for (int round = 0; round < CRASHES; round++) {
        struct eddy_chunk chunk;
        struct eddy_crash crash;
        pair = ring_pair_open(SLOTS, SLOT);
        pair.consumer->crash_first = true;
        must(eddy_ring_close(pair.producer));
        must_fail(eddy_ring_take(pair.consumer, EDDY_POLL, &chunk), EDDY_EPEERGONE);
        pthread_t thread = thread_start(come_and_crash, NULL);
        while (as_it_is(&pair.consumer->header->state) == EDDY_RING_WORD_RUNNING)
            sched_yield();
        while (ring_take_in_time(pair.consumer, &chunk) != EDDY_ECRASHED)
            ;
        must(eddy_ring_crash(pair.consumer, &crash));
        same_crash(&crash);
        thread_join(thread);
        must(eddy_ring_close(pair.consumer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_step_is_missed_by_who_falls_asleep),
        WORLD_TEST(a_producer_that_falls_asleep_hears_of_the_end),
        WORLD_TEST(who_finishes_again_cuts_nothing_off),
        WORLD_TEST(an_end_that_is_seen_counts_all),
        WORLD_TEST(a_chunk_comes_before_the_news_that_its_producer_has_gone),
        WORLD_TEST(a_crash_that_meets_falling_asleep_is_told_whole),
        WORLD_TEST(a_report_is_not_over_because_another_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
