/* ring_death_test.c - one side of a ring dies, leaves, or comes back; the other side is told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"
#include "support/thread.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 200, SLOTS = 4 };

/* --- actors ---------------------------------------------------------------------------------- */

enum { PUBLISH = 10, TAKE, RELEASE_OLDEST, RELEASE_NEWEST, CLOSE, FINISH, LOAN, EXIT };

/* Does as it is told; says so when it is done. */
static void producing_process(int wire, void *argument)
{
    uint64_t next = *(uint64_t *)argument;
    struct eddy_chunk loan;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    for (wire_say(wire, WIRE_READY);; wire_say(wire, WIRE_DONE)) {
        switch (wire_hear(wire)) {
        case PUBLISH:
            ring_publish(ring, SIZE, next++);
            break;
        case LOAN:
            must(eddy_ring_loan(ring, EDDY_POLL, &loan));
            memset(loan.data, 'x', loan.size);
            break;
        case CLOSE:
            must(eddy_ring_close(ring));
            break;
        case FINISH:
            must(eddy_ring_finish(ring));
            break;
        case EXIT:
            exit(0); /* without closing */
        default:
            return;
        }
    }
}

static void consuming_process(int wire, void *argument)
{
    struct eddy_chunk held[SLOTS];
    unsigned count = 0;
    (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_CONSUMER);
    for (wire_say(wire, WIRE_READY);; wire_say(wire, WIRE_DONE)) {
        switch (wire_hear(wire)) {
        case TAKE:
            must(eddy_ring_take(ring, patience(), &held[count++]));
            break;
        case RELEASE_OLDEST:
            must(eddy_ring_release(ring, &held[0]));
            memmove(&held[0], &held[1], --count * sizeof held[0]);
            break;
        case RELEASE_NEWEST:
            must(eddy_ring_release(ring, &held[--count]));
            break;
        case CLOSE:
            must(eddy_ring_close(ring));
            break;
        default:
            return;
        }
    }
}

static void tell(struct child *child, uint64_t what)
{
    wire_say(child->wire, what);
    wire_expect(child->wire, WIRE_DONE);
}

static struct child start(child_main *run, uint64_t first)
{
    struct child child = child_start(run, &first);
    wire_expect(child.wire, WIRE_READY);
    return child;
}

/* --- a producer that goes -------------------------------------------------------------------- */

static void chunks_come_first_and_then_the_news_of_its_death(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = start(producing_process, 0);
    tell(&child, PUBLISH);
    tell(&child, PUBLISH);
    tell(&child, LOAN);
    child_kill(&child);
    ring_take_release(ring, 0);
    ring_take_release(ring, 1);
    for (int i = 0; i < 3; i++)
        must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_EPEERGONE);
    check(!eddy_ring_peer_alive(ring));
    same(ring_info(ring).state, EDDY_RING_RUNNING);
    must(eddy_ring_close(ring));
}

static void *hear_of_death(void *consumer)
{
    struct eddy_chunk chunk;
    must_fail(eddy_ring_take(consumer, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    return NULL;
}

/* F8 */
static void all_who_sleep_are_woken_when_it_dies(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    pthread_t early = thread_start(hear_of_death, ring); /* before there is anybody */
    struct child child = start(producing_process, 0);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = thread_start(hear_of_death, ring);
    must_fail(eddy_ring_take(ring, eddy_deadline(20 * MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    child_kill(&child);
    thread_join(early);
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    must(eddy_ring_close(ring));
}

static void who_polls_hears_of_it_too(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = start(producing_process, 0);
    must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_ETIMEDOUT);
    child_kill(&child);
    int error;
    for (uint64_t deadline = patience(); eddy_now() < deadline;)
        if ((error = eddy_ring_take(ring, EDDY_POLL, &chunk)) != EDDY_ETIMEDOUT)
            break;
    must_fail(error, EDDY_EPEERGONE);
    must(eddy_ring_close(ring));
}

static void leaving_without_a_word_is_being_gone(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    static const uint64_t ways[] = {CLOSE, EXIT};
    for (int i = 0; i < 2; i++) {
        struct child child = start(producing_process, 0);
        must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_ETIMEDOUT);
        wire_say(child.wire, ways[i]);
        must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
        if (ways[i] == CLOSE)
            wire_expect(child.wire, WIRE_DONE);
        if (ways[i] == CLOSE)
            wire_say(child.wire, WIRE_DONE);
        child_join(&child);
    }
    must(eddy_ring_close(ring));
}

static void one_who_finished_may_go(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = start(producing_process, 0);
    tell(&child, PUBLISH);
    tell(&child, FINISH);
    child_kill(&child);
    ring_take_release(ring, 0);
    must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EFINISHED);
    must(eddy_ring_close(ring));
}

static void a_stopped_one_is_alive(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = start(producing_process, 0);
    child_stop(&child);
    must_fail(eddy_ring_take(ring, eddy_deadline(50 * MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    check(eddy_ring_peer_alive(ring));
    child_continue(&child);
    tell(&child, PUBLISH);
    ring_take_release(ring, 0);
    child_kill(&child);
    must(eddy_ring_close(ring));
}

static void *attach_as_producer(void *ring)
{
    *(eddy_ring **)ring = ring_attach("ring", EDDY_RING_PRODUCER);
    return NULL;
}

static void threaded_process(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring;
    thread_join(thread_start(attach_as_producer, &ring));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    ring_publish(ring, SIZE, 0);
    wire_hear(wire);
}

static void the_end_of_the_thread_that_attached_is_nobodys_death(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(threaded_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    must_fail(eddy_ring_take(ring, eddy_deadline(50 * MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    wire_say(child.wire, WIRE_GO);
    ring_take_release(ring, 0);
    child_kill(&child);
    must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    must(eddy_ring_close(ring));
}

static void forking_process(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    ring_publish(ring, SIZE, 0);
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        wire_say(wire, (uint64_t)getpid());
        for (;;)
            pause();
    }
    pause();
}

/* A child that was forked has copies of the descriptors, and of the mappings. */
static void a_forked_child_does_not_keep_it_alive(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(forking_process, NULL);
    pid_t grandchild = (pid_t)wire_hear(child.wire);
    ring_take_release(ring, 0);
    child_kill(&child);
    must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    check(kill(grandchild, SIGKILL) == 0); /* it was there all the time */
    must(eddy_ring_close(ring));
}

static void namespaced_process(int wire, void *argument)
{
    (void)argument;
    uint64_t first = 0;
    if (unshare(CLONE_NEWPID) != 0) {
        wire_say(wire, 0);
        return;
    }
    struct child child = child_start(producing_process, &first);
    wire_expect(child.wire, WIRE_READY);
    tell(&child, PUBLISH);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    child_kill(&child);
    wire_say(wire, WIRE_DONE);
    wire_hear(wire);
}

static void pid_namespaces_do_not_matter(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(namespaced_process, NULL);
    if (wire_hear(child.wire) != WIRE_READY) {
        must(eddy_ring_close(ring));
        skip(); /* needs the right to make namespaces */
    }
    ring_take_release(ring, 0);
    same((uint64_t)ring_info(ring).producer_pid, 1);
    must_fail(eddy_ring_take(ring, eddy_deadline(20 * MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    wire_say(child.wire, WIRE_GO);
    must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    wire_expect(child.wire, WIRE_DONE);
    child_kill(&child);
    must(eddy_ring_close(ring));
}

static void another_producer_goes_on_where_the_dead_one_stopped(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    for (uint64_t i = 0; i < 20; i++) {
        struct child child = start(producing_process, i);
        tell(&child, PUBLISH);
        tell(&child, LOAN); /* is free again when it dies */
        ring_take_release(ring, i);
        must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_ETIMEDOUT);
        child_kill(&child);
        must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    }
    same(ring_info(ring).published, 20);
    must(eddy_ring_close(ring));
}

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
    must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &loan), EDDY_ETIMEDOUT);
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
        WORLD_TEST(chunks_come_first_and_then_the_news_of_its_death),
        WORLD_TEST(all_who_sleep_are_woken_when_it_dies),
        WORLD_TEST(who_polls_hears_of_it_too),
        WORLD_TEST(leaving_without_a_word_is_being_gone),
        WORLD_TEST(one_who_finished_may_go),
        WORLD_TEST(a_stopped_one_is_alive),
        WORLD_TEST(the_end_of_the_thread_that_attached_is_nobodys_death),
        WORLD_TEST(a_forked_child_does_not_keep_it_alive),
        WORLD_TEST(pid_namespaces_do_not_matter),
        WORLD_TEST(another_producer_goes_on_where_the_dead_one_stopped),
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
