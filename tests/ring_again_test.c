/* ring_again_test.c - what an earlier consumer had completed does not come again, however slow the
 * thread that looks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"
#include "support/thread.h"

#include "allocator/point.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { SIZE = 200 };

void (*eddy_point_hook)(const char *name);

static _Thread_local bool is_slow;
static atomic_bool waits, may_go_on;
static eddy_ring *consumer;

/* The slow thread stops between counting a chunk as given again and looking whether it is done. */
static void stop_before_looking(const char *name)
{
    if (!is_slow || strcmp(name, "ring-take:again") != 0)
        return;
    is_slow = false;
    atomic_store(&waits, true);
    while (!atomic_load(&may_go_on))
        sched_yield();
}

/* Completes the second of two chunks, and dies with the first. */
static void complete_the_second(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_CONSUMER);
    ring_take(ring, 0);
    struct eddy_chunk second = ring_take(ring, 1);
    must(eddy_ring_release(ring, &second));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void *take_slowly(void *argument)
{
    struct eddy_chunk chunk;
    int *told = argument;
    is_slow = true;
    *told = eddy_ring_take(consumer, EDDY_POLL, &chunk);
    return NULL;
}

static void a_chunk_that_was_completed_does_not_come_again(void **state)
{
    (void)state;
    int told = EDDY_OK;
    eddy_ring *producer = ring_create("ring", EDDY_RING_PRODUCER, 2, SIZE);
    ring_publish(producer, SIZE, 0);
    ring_publish(producer, SIZE, 1);
    struct child first = child_start(complete_the_second, NULL);
    wire_expect(first.wire, WIRE_READY);
    child_kill(&first);
    consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    struct eddy_chunk again = ring_take(consumer, 0);
    check(again.redelivered);
    eddy_point_hook = stop_before_looking;
    pthread_t slow = thread_start(take_slowly, &told);
    while (!atomic_load(&waits))
        sched_yield();
    must(eddy_ring_release(consumer, &again)); /* both slots are free now, and go round once */
    for (uint64_t i = 2; i < 4; i++) {
        ring_publish(producer, SIZE, i);
        struct eddy_chunk next = ring_take(consumer, i);
        must(eddy_ring_release(consumer, &next));
    }
    atomic_store(&may_go_on, true);
    thread_join(slow);
    eddy_point_hook = NULL;
    same((uint64_t)told, (uint64_t)EDDY_EAGAIN);
    must(eddy_ring_close(consumer));
    must(eddy_ring_close(producer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_chunk_that_was_completed_does_not_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
