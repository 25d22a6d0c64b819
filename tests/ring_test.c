/* ring_test.c - what a ring does with its chunks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"
#include "support/thread.h"

enum { SIZE = 200 };

/* --- streams --------------------------------------------------------------------------------- */

static void chunks_come_in_order_and_whole(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(4, SIZE);
    for (uint64_t i = 0; i < 100; i++) {
        ring_publish(p.producer, SIZE - i, i);
        struct eddy_chunk chunk = ring_take(p.consumer, i);
        same(chunk.size, SIZE - i);
        check(!chunk.redelivered);
        must(eddy_ring_release(p.consumer, &chunk));
    }
    ring_pair_close(&p);
    world_must_be_empty();
}

static void producing_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_ring *ring = ring_attach("/two", EDDY_RING_PRODUCER);
    for (uint64_t i = 0; i < 1000; i++)
        ring_publish(ring, SIZE, i);
    must(eddy_ring_finish(ring));
    must(eddy_ring_close(ring));
}

/* "/two" and "two" are one name. */
static void two_processes_stream_until_it_is_finished(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("two", EDDY_RING_CONSUMER, 3, SIZE);
    struct child child = child_start(producing_process, NULL);
    for (uint64_t i = 0; i < 1000; i++)
        ring_take_release(ring, i);
    must_fail(eddy_ring_take(ring, patience(), &chunk), EDDY_EFINISHED);
    must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_EFINISHED);
    child_join(&child);
    must(eddy_ring_close(ring));
}

static void a_chunk_may_be_empty(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(2, SIZE);
    struct eddy_chunk chunk;
    must(eddy_ring_loan(p.producer, EDDY_POLL, &chunk));
    must(eddy_ring_publish(p.producer, &chunk, 0));
    must(eddy_ring_take(p.consumer, EDDY_POLL, &chunk));
    same(chunk.size, 0);
    must(eddy_ring_release(p.consumer, &chunk));
    ring_pair_close(&p);
}

static void chunks_are_released_in_any_order_and_room_comes_as_a_run(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(4, SIZE);
    struct eddy_chunk held[4], loan;
    for (uint64_t i = 0; i < 4; i++)
        ring_publish(p.producer, SIZE, i);
    for (uint64_t i = 0; i < 4; i++)
        held[i] = ring_take(p.consumer, i);
    static const int order[] = {2, 1, 3};
    for (int i = 0; i < 3; i++) {
        must(eddy_ring_release(p.consumer, &held[order[i]]));
        same(ring_info(p.consumer).released, 0);
        must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &loan), EDDY_EAGAIN);
    }
    must(eddy_ring_release(p.consumer, &held[0]));
    same(ring_info(p.consumer).released, 4);
    for (uint64_t i = 4; i < 8; i++)
        ring_publish(p.producer, SIZE, i);
    must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &loan), EDDY_EAGAIN);
    ring_pair_close(&p);
}

static void a_chunk_is_released_once(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(2, SIZE);
    struct eddy_chunk never = {.position = UINT64_MAX};
    ring_publish(p.producer, SIZE, 0);
    struct eddy_chunk chunk = ring_take(p.consumer, 0);
    must(eddy_ring_release(p.consumer, &chunk));
    must_fail(eddy_ring_release(p.consumer, &chunk), EDDY_ESTALE);
    must_fail(eddy_ring_release(p.consumer, &never), EDDY_ESTALE);
    ring_publish(p.producer, SIZE, 1);
    ring_publish(p.producer, SIZE, 2);
    struct eddy_chunk next = ring_take(p.consumer, 1), same_slot = ring_take(p.consumer, 2);
    must_fail(eddy_ring_release(p.consumer, &chunk), EDDY_ESTALE);
    must(eddy_ring_release(p.consumer, &same_slot));
    must(eddy_ring_release(p.consumer, &next));
    ring_pair_close(&p);
}

/* Two rings that are at the same position, with the same ticket. */
static void chunks_and_loans_of_another_ring_are_refused(void **state)
{
    (void)state;
    struct ring_pair one = ring_pair_open_at("one", 4, SIZE),
                     two = ring_pair_open_at("two", 4, SIZE);
    struct eddy_chunk of_one, of_two;
    must(eddy_ring_loan(one.producer, EDDY_POLL, &of_one));
    must(eddy_ring_loan(two.producer, EDDY_POLL, &of_two));
    must_fail(eddy_ring_publish(two.producer, &of_one, SIZE), EDDY_ESTALE);
    must_fail(eddy_ring_discard(one.producer, &of_two), EDDY_ESTALE);
    must(eddy_ring_publish(one.producer, &of_one, SIZE));
    must(eddy_ring_publish(two.producer, &of_two, SIZE));
    must(eddy_ring_take(one.consumer, EDDY_POLL, &of_one));
    must(eddy_ring_take(two.consumer, EDDY_POLL, &of_two));
    must_fail(eddy_ring_release(one.consumer, &of_two), EDDY_ESTALE);
    must_fail(eddy_ring_release(two.consumer, &of_one), EDDY_ESTALE);
    must(eddy_ring_release(one.consumer, &of_one));
    must(eddy_ring_release(two.consumer, &of_two));
    ring_pair_close(&two);
    ring_pair_close(&one);
}

/* --- loans ----------------------------------------------------------------------------------- */

static void a_loan_is_published_or_discarded_once(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(4, SIZE);
    struct eddy_chunk loan, again;
    must(eddy_ring_loan(p.producer, EDDY_POLL, &loan));
    must(eddy_ring_discard(p.producer, &loan));
    must_fail(eddy_ring_discard(p.producer, &loan), EDDY_ESTALE);
    must_fail(eddy_ring_publish(p.producer, &loan, 1), EDDY_ESTALE);
    must(eddy_ring_loan(p.producer, EDDY_POLL, &again));
    check(again.data == loan.data); /* the same room, but another loan */
    must_fail(eddy_ring_publish(p.producer, &loan, 1), EDDY_ESTALE);
    payload_fill(again.data, SIZE, 1, 0);
    must(eddy_ring_publish(p.producer, &again, SIZE));
    must_fail(eddy_ring_publish(p.producer, &again, SIZE), EDDY_ESTALE);
    ring_take_release(p.consumer, 0);
    must_fail(eddy_ring_take(p.consumer, EDDY_POLL, &loan), EDDY_EAGAIN);
    ring_pair_close(&p);
}

static void a_chunk_that_is_too_long_is_refused_and_the_loan_goes_on(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(2, SIZE);
    struct eddy_chunk loan;
    must(eddy_ring_loan(p.producer, EDDY_POLL, &loan));
    same(loan.size, 256);
    must_fail(eddy_ring_publish(p.producer, &loan, loan.size + 1), EDDY_ETOOBIG);
    says("256");
    payload_fill(loan.data, loan.size, 1, 0);
    must(eddy_ring_publish(p.producer, &loan, loan.size));
    ring_take_release(p.consumer, 0);
    ring_pair_close(&p);
}

static void nobody_gets_room_that_is_not_there(void **state)
{
    (void)state;
    struct eddy_chunk loan;
    eddy_ring *producer = ring_create("ring", EDDY_RING_PRODUCER, 2, SIZE);
    ring_publish(producer, SIZE, 0);
    ring_publish(producer, SIZE, 1);
    uint64_t deadline = eddy_deadline(20 * MILLISECOND);
    must_fail(eddy_ring_loan(producer, EDDY_POLL, &loan), EDDY_EAGAIN);
    must_fail(eddy_ring_loan(producer, deadline, &loan), EDDY_ETIMEDOUT); /* none was ever there */
    check(eddy_now() >= deadline);
    eddy_ring *consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    must_fail(eddy_ring_loan(producer, EDDY_POLL, &loan), EDDY_EAGAIN);
    ring_take_release(consumer, 0);
    ring_publish(producer, SIZE, 2);
    must(eddy_ring_close(consumer));
    must(eddy_ring_close(producer));
}

/* --- the end --------------------------------------------------------------------------------- */

static void finishing_is_final(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(4, SIZE);
    struct eddy_chunk loan, chunk;
    ring_publish(p.producer, SIZE, 0);
    must(eddy_ring_loan(p.producer, EDDY_POLL, &loan));
    must(eddy_ring_finish(p.producer));
    must(eddy_ring_finish(p.producer));
    must_fail(eddy_ring_publish(p.producer, &loan, SIZE), EDDY_ESTALE);
    must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &loan), EDDY_EFINISHED);
    ring_take_release(p.consumer, 0);
    for (int i = 0; i < 3; i++)
        must_fail(eddy_ring_take(p.consumer, EDDY_FOREVER, &chunk), EDDY_EFINISHED);
    same(ring_info(p.consumer).state, EDDY_RING_FINISHED);
    must(eddy_ring_close(p.producer));
    eddy_ring *late;
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, NULL, &late), EDDY_EFINISHED);
    must_fail(eddy_ring_take(p.consumer, EDDY_FOREVER, &chunk), EDDY_EFINISHED);
    must(eddy_ring_close(p.consumer));
}

static void *take_until_finished(void *consumer)
{
    struct eddy_chunk chunk;
    must_fail(eddy_ring_take(consumer, patience(), &chunk), EDDY_EFINISHED);
    return NULL;
}

static void everybody_who_waits_hears_of_the_end(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(2, SIZE);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = thread_start(take_until_finished, p.consumer);
    must(eddy_ring_finish(p.producer));
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    ring_pair_close(&p);
}

static void *wait_for_room(void *producer)
{
    struct eddy_chunk loan;
    int error;
    do /* the other one may be asking, too */
        error = eddy_ring_loan(producer, patience(), &loan);
    while (error == EDDY_EBUSY);
    must_fail(error, EDDY_EFINISHED);
    return NULL;
}

static void who_waits_for_room_hears_that_another_thread_finished(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(1, SIZE);
    struct eddy_chunk loan;
    ring_publish(p.producer, SIZE, 0);
    pthread_t thread = thread_start(wait_for_room, p.producer);
    while (eddy_ring_loan(p.producer, EDDY_POLL, &loan) != EDDY_EBUSY)
        ;
    must(eddy_ring_finish(p.producer));
    thread_join(thread);
    ring_pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(chunks_come_in_order_and_whole),
        WORLD_TEST(two_processes_stream_until_it_is_finished),
        WORLD_TEST(a_chunk_may_be_empty),
        WORLD_TEST(chunks_are_released_in_any_order_and_room_comes_as_a_run),
        WORLD_TEST(a_chunk_is_released_once),
        WORLD_TEST(chunks_and_loans_of_another_ring_are_refused),
        WORLD_TEST(a_loan_is_published_or_discarded_once),
        WORLD_TEST(a_chunk_that_is_too_long_is_refused_and_the_loan_goes_on),
        WORLD_TEST(nobody_gets_room_that_is_not_there),
        WORLD_TEST(finishing_is_final),
        WORLD_TEST(everybody_who_waits_hears_of_the_end),
        WORLD_TEST(who_waits_for_room_hears_that_another_thread_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
