/* ring_death_test.c - a producer dies, leaves or is stopped, and the consumer is told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_actor.h"
#include "support/thread.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

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
    must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_EAGAIN);
    child_kill(&child);
    int error = EDDY_EAGAIN;
    for (uint64_t deadline = patience(); eddy_now() < deadline;)
        if ((error = eddy_ring_take(ring, EDDY_POLL, &chunk)) != EDDY_EAGAIN)
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
        must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_EAGAIN);
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

static void changing_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    ring_publish(ring, SIZE, 0);
    execl("/bin/sleep", "sleep", "600", (char *)NULL);
    check_fail(CHECK_HERE("execl"), "there is no /bin/sleep");
}

static void who_becomes_another_program_is_gone(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(changing_process, NULL);
    ring_take_release(ring, 0);
    must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    check(kill(child.pid, 0) == 0);
    child_kill(&child);
    must(eddy_ring_close(ring));
}

static void namespaced_process(int wire, void *argument)
{
    (void)argument;
    uint64_t first = 0;
    check(unshare(CLONE_NEWPID) == 0);
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
    need_pid_namespaces();
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(namespaced_process, NULL);
    wire_expect(child.wire, WIRE_READY);
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
        must_fail(eddy_ring_take(ring, EDDY_POLL, &chunk), EDDY_EAGAIN);
        child_kill(&child);
        must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_EPEERGONE);
    }
    same(ring_info(ring).published, 20);
    must(eddy_ring_close(ring));
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
        WORLD_TEST(who_becomes_another_program_is_gone),
        WORLD_TEST(pid_namespaces_do_not_matter),
        WORLD_TEST(another_producer_goes_on_where_the_dead_one_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
