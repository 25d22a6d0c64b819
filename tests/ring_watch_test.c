/* ring_watch_test.c - threads that fall asleep while the other side comes or goes.
 *
 * The producer's handle is led to the consumer's mapping, so that ThreadSanitizer sees every access
 * at one address.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_inside.h"
#include "support/thread.h"

enum { SLOT = 64, ROUNDS = SANITIZED ? 150 : 1000, SLEEPERS = 2 };

static struct ring_pair pair;

static void open_pair(void)
{
    pair = ring_pair_open(2, SLOT);
    ring_lead(pair.producer, pair.consumer);
}

static void dawdle(int round)
{
    for (volatile int i = 0; i < round % 50 * 300; i++)
        ;
}

static void *wait_for_its_end(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    must_fail(ring_take_in_time(pair.consumer, &chunk), EDDY_EPEERGONE);
    return NULL;
}

static void leaving_meets_falling_asleep(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[SLEEPERS];
        open_pair();
        for (int i = 0; i < SLEEPERS; i++)
            threads[i] = thread_start(wait_for_its_end, NULL);
        dawdle(round);
        must(eddy_ring_close(pair.producer));
        for (int i = 0; i < SLEEPERS; i++)
            thread_join(threads[i]);
        must(eddy_ring_close(pair.consumer));
    }
}

static void *wait_for_one(void *argument)
{
    struct eddy_chunk chunk;
    (void)argument;
    must(ring_take_in_time(pair.consumer, &chunk));
    must(eddy_ring_release(pair.consumer, &chunk));
    must_fail(ring_take_in_time(pair.consumer, &chunk), EDDY_EPEERGONE);
    return NULL;
}

/* One that leaves at once, with a chunk left behind: the chunk first, then the news. */
static void a_chunk_is_not_lost_on_who_hears_of_the_end(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct eddy_chunk loan;
        open_pair();
        pthread_t thread = thread_start(wait_for_one, NULL);
        dawdle(round);
        must(eddy_ring_loan(pair.producer, EDDY_POLL, &loan));
        must(eddy_ring_publish(pair.producer, &loan, SLOT));
        must(eddy_ring_close(pair.producer));
        thread_join(thread);
        must(eddy_ring_close(pair.consumer));
    }
}

static void *wait_for_anybody(void *consumer)
{
    struct eddy_chunk chunk;
    must_fail(ring_take_in_time(consumer, &chunk), EDDY_EPEERGONE);
    return NULL;
}

static void coming_and_going_meets_falling_asleep(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        eddy_ring *consumer = ring_create("ring", EDDY_RING_CONSUMER, 2, SLOT);
        pthread_t thread = thread_start(wait_for_anybody, consumer);
        dawdle(round);
        must(eddy_ring_close(ring_attach("ring", EDDY_RING_PRODUCER)));
        thread_join(thread);
        must(eddy_ring_close(consumer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(leaving_meets_falling_asleep),
        WORLD_TEST(a_chunk_is_not_lost_on_who_hears_of_the_end),
        WORLD_TEST(coming_and_going_meets_falling_asleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
