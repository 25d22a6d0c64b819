/* ring_restart_test.c - a consumer dies and another one comes; both die and somebody clears away.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_actor.h"

/* --- a consumer that goes -------------------------------------------------------------------- */

static void who_waits_for_room_hears_of_the_consumers_death(void **state)
{
    (void)state;
    struct eddy_chunk loan;
    eddy_ring *ring = ring_create("ring", EDDY_RING_PRODUCER, 2, SIZE);
    struct child child = start(consuming_process, 0);
    ring_publish(ring, SIZE, 0);
    tell(&child, TAKE);
    child_kill(&child);
    ring_publish(ring, SIZE, 1); /* there is room */
    must_fail(eddy_ring_loan(ring, EDDY_FOREVER, &loan), EDDY_EPEERGONE);
    must_fail(eddy_ring_loan(ring, EDDY_POLL, &loan), EDDY_EPEERGONE);
    child = start(consuming_process, 0);
    must_fail(eddy_ring_loan(ring, eddy_deadline(10 * MILLISECOND), &loan), EDDY_ETIMEDOUT);
    tell(&child, TAKE);
    tell(&child, RELEASE_OLDEST);
    ring_publish(ring, SIZE, 2);
    child_kill(&child);
    must_fail(eddy_ring_loan(ring, EDDY_FOREVER, &loan), EDDY_EPEERGONE);
    must(eddy_ring_close(ring));
}

static struct eddy_chunk take_redelivered(eddy_ring *ring, uint64_t number, bool redelivered)
{
    struct eddy_chunk chunk = ring_take(ring, number);
    check(chunk.redelivered == redelivered);
    return chunk;
}

/* F2, F3: exactly what the dead one had in work comes again, then all the rest, then the end. */
static void what_was_in_work_comes_again_and_nothing_else(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_PRODUCER, SLOTS, SIZE);
    struct child child = start(consuming_process, 0);
    for (uint64_t i = 0; i < 4; i++)
        ring_publish(ring, SIZE, i);
    for (int i = 0; i < 3; i++)
        tell(&child, TAKE);       /* 0, 1, 2 */
    tell(&child, RELEASE_NEWEST); /* 2: not the oldest, so it is no room yet */
    child_kill(&child);
    same(ring_info(ring).released, 0);
    eddy_ring *next = ring_attach("ring", EDDY_RING_CONSUMER);
    struct eddy_chunk first = take_redelivered(next, 0, true);
    must(eddy_ring_release(next, &first));
    ring_publish(ring, SIZE, 4);
    must(eddy_ring_finish(ring));
    chunk = take_redelivered(next, 1, true);
    must(eddy_ring_release(next, &chunk));
    for (uint64_t i = 3; i < 5; i++) {
        chunk = take_redelivered(next, i, false);
        must(eddy_ring_release(next, &chunk));
    }
    must_fail(eddy_ring_take(next, EDDY_POLL, &chunk), EDDY_EFINISHED);
    struct eddy_ring_info info = ring_info(next);
    same(info.redelivered, 2);
    same(info.released, 5);
    must(eddy_ring_close(next));
    must(eddy_ring_close(ring));
}

static void it_comes_again_as_often_as_somebody_dies_with_it(void **state)
{
    (void)state;
    eddy_ring *ring = ring_create("ring", EDDY_RING_PRODUCER, SLOTS, SIZE);
    for (uint64_t i = 0; i < SLOTS; i++)
        ring_publish(ring, SIZE, i);
    for (int i = 0; i < 5; i++) {
        struct child child = start(consuming_process, 0);
        tell(&child, TAKE);
        tell(&child, TAKE);
        child_kill(&child);
    }
    eddy_ring *next = ring_attach("ring", EDDY_RING_CONSUMER);
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct eddy_chunk chunk = take_redelivered(next, i, i < 2);
        must(eddy_ring_release(next, &chunk));
    }
    same(ring_info(next).redelivered, 10);
    must(eddy_ring_close(next));
    must(eddy_ring_close(ring));
}

/* F2: nobody but a new consumer may bring chunks back. */
static void nobody_elses_coming_brings_chunks_back(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    struct eddy_chunk held[2], loan;
    for (uint64_t i = 0; i < 4; i++)
        ring_publish(p.producer, SIZE, i);
    for (uint64_t i = 0; i < 2; i++)
        held[i] = ring_take(p.consumer, i);
    eddy_ring *observer = ring_attach("ring", EDDY_RING_OBSERVER);
    must(eddy_ring_close(p.producer));
    p.producer = ring_attach("ring", EDDY_RING_PRODUCER);
    for (uint64_t i = 2; i < 4; i++)
        ring_take_release(p.consumer, i);
    must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &loan), EDDY_EAGAIN);
    must(eddy_ring_release(p.consumer, &held[0]));
    must(eddy_ring_release(p.consumer, &held[1]));
    for (uint64_t i = 4; i < 40; i++) {
        ring_publish(p.producer, SIZE, i);
        ring_take_release(p.consumer, i);
    }
    same(ring_info(p.consumer).redelivered, 0);
    must(eddy_ring_close(observer));
    ring_pair_close(&p);
}

/* --- both ------------------------------------------------------------------------------------ */

static void hosting_process(int wire, void *argument)
{
    (void)argument;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    ring_publish(p.producer, SIZE, 0);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void kill_a_host(void)
{
    struct child child = child_start(hosting_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
}

/* F7 */
static void what_the_dead_left_goes_with_the_next_who_comes(void **state)
{
    (void)state;
    struct eddy_gc_report report;
    eddy_ring *ring;
    eddy_domain *domain = open_domain(); /* so that nobody sweeps because he is alone */
    kill_a_host();
    same(world_files(), 3);
    must_fail(eddy_ring_attach(domain, "ring", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ENOENT);
    same(world_files(), 1);
    kill_a_host();
    ring = ring_create("ring", EDDY_RING_CONSUMER, 1, SIZE);
    same(ring_info(ring).slots, 1);
    same(world_files(), 3);
    must(eddy_ring_close(ring));
    kill_a_host();
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 1);
    same(world_files(), 1);
    must(eddy_domain_close(domain));
    kill_a_host();
    must(eddy_domain_close(open_domain())); /* alone */
    world_must_be_empty();
}

/* Also if somebody else takes part in the domain, so that nobody sweeps. */
static void the_last_takes_the_names_along_when_it_exits_without_closing(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = start(producing_process, 0);
    tell(&child, PUBLISH);
    must(eddy_ring_close(ring));
    same(world_files(), 3);
    wire_say(child.wire, EXIT);
    child_join(&child);
    same(world_files(), 1);
    must(eddy_domain_close(domain));
}

static void gc_leaves_alone_what_anybody_uses(void **state)
{
    (void)state;
    struct eddy_gc_report report;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 0);
    must(eddy_ring_close(p.producer));
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 0);
    eddy_ring *observer = ring_attach("ring", EDDY_RING_OBSERVER);
    must(eddy_ring_close(p.consumer));
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 0);
    must(eddy_ring_close(observer));
    world_must_be_empty();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_waits_for_room_hears_of_the_consumers_death),
        WORLD_TEST(what_was_in_work_comes_again_and_nothing_else),
        WORLD_TEST(it_comes_again_as_often_as_somebody_dies_with_it),
        WORLD_TEST(nobody_elses_coming_brings_chunks_back),
        WORLD_TEST(what_the_dead_left_goes_with_the_next_who_comes),
        WORLD_TEST(the_last_takes_the_names_along_when_it_exits_without_closing),
        WORLD_TEST(gc_leaves_alone_what_anybody_uses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
