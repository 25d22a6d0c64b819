/* ring_test.c - what a ring does with its chunks, in one process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_pair.h"

#include "support/child.h"

enum { SIZE = 200 };

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

static void dying_process(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring = ring_attach("two", EDDY_RING_PRODUCER);
    ring_publish(ring, SIZE, 0);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void a_waiting_consumer_hears_of_the_producers_death(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("two", EDDY_RING_CONSUMER, 3, SIZE);
    struct child child = child_start(dying_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    ring_take_release(ring, 0);
    must_fail(eddy_ring_take(ring, eddy_deadline(10 * MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    check(eddy_ring_peer_alive(ring));
    child_kill(&child);
    must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    check(!eddy_ring_peer_alive(ring));
    must(eddy_ring_close(ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(chunks_come_in_order_and_whole),
        WORLD_TEST(two_processes_stream_until_it_is_finished),
        WORLD_TEST(a_waiting_consumer_hears_of_the_producers_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
