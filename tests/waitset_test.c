/* waitset_test.c - one thread waits for many readers and events.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

enum { MANY = 100 };

static eddy_domain *domain;
static eddy_waitset *waitset;
static eddy_reader *readers[MANY];
static eddy_writer *writers[MANY];
static char tags[MANY]; /* their addresses are the contexts */

static void open_topics(size_t count, uint32_t mode)
{
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic %zu", i);
        readers[i] = open_reader(domain, name, NULL);
        writers[i] = open_writer(domain, name, NULL);
        must(eddy_waitset_attach_reader(waitset, readers[i], mode, &tags[i]));
    }
}

static void close_topics(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_writer_close(writers[i]));
    }
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
}

static void nothing_is_ready(void)
{
    void *found[4];
    size_t count;
    must_fail(eddy_waitset_wait(waitset, EDDY_POLL, found, 4, &count), EDDY_EAGAIN);
}

/* Exactly this one is reported. */
static void only_is_ready(void *context)
{
    void *found[4] = {0};
    size_t count = 0;
    must(eddy_waitset_wait(waitset, patience(), found, 4, &count));
    same(count, 1);
    check(found[0] == context);
}

static void the_reader_with_a_sample_is_reported(void **state)
{
    (void)state;
    open_topics(MANY, EDDY_WAIT_LEVEL);
    nothing_is_ready();
    for (size_t round = 0; round < 300; round++) {
        size_t which = round * 37 % MANY;
        payload_publish(writers[which], 64, 1, round);
        only_is_ready(&tags[which]);
        same(payload_take(readers[which]).number, round);
    }
    nothing_is_ready();
    close_topics(MANY);
}

static void a_level_is_reported_until_all_is_taken(void **state)
{
    (void)state;
    open_topics(2, EDDY_WAIT_LEVEL);
    payload_publish(writers[0], 64, 1, 1);
    payload_publish(writers[0], 64, 1, 2);
    only_is_ready(&tags[0]);
    only_is_ready(&tags[0]);
    payload_take(readers[0]);
    only_is_ready(&tags[0]);
    payload_take(readers[0]);
    nothing_is_ready();
    close_topics(2);
}

static void an_edge_is_reported_once_for_what_is_new(void **state)
{
    (void)state;
    open_topics(2, EDDY_WAIT_EDGE);
    payload_publish(writers[0], 64, 1, 1);
    payload_publish(writers[0], 64, 1, 2);
    only_is_ready(&tags[0]);
    nothing_is_ready();
    payload_publish(writers[0], 64, 1, 3);
    only_is_ready(&tags[0]);
    nothing_is_ready();
    close_topics(2);
}

static void what_was_there_before_the_attach_is_reported(void **state)
{
    (void)state;
    static const uint32_t modes[] = {EDDY_WAIT_LEVEL, EDDY_WAIT_EDGE};
    for (size_t i = 0; i < 2; i++) {
        open_topics(0, modes[i]);
        readers[0] = open_reader(domain, "early", NULL);
        writers[0] = open_writer(domain, "early", NULL);
        payload_publish(writers[0], 64, 1, 1);
        must(eddy_waitset_attach_reader(waitset, readers[0], modes[i], &tags[0]));
        only_is_ready(&tags[0]);
        close_topics(1);
    }
}

/* Ten are ready, three fit: after four waits each has been reported. */
static void those_left_over_come_next_time(void **state)
{
    (void)state;
    static const uint32_t modes[] = {EDDY_WAIT_LEVEL, EDDY_WAIT_EDGE};
    for (size_t mode = 0; mode < 2; mode++) {
        bool seen[10] = {0};
        open_topics(10, modes[mode]);
        for (size_t i = 0; i < 10; i++)
            payload_publish(writers[i], 64, 1, i);
        for (int wait = 0; wait < 4; wait++) {
            void *found[3];
            size_t count = 0;
            must(eddy_waitset_wait(waitset, EDDY_POLL, found, 3, &count));
            check(count >= 1 && count <= 3);
            for (size_t i = 0; i < count; i++)
                seen[(char *)found[i] - tags] = true;
        }
        for (size_t i = 0; i < 10; i++)
            check(seen[i]);
        close_topics(10);
    }
}

static void a_deadline_is_kept(void **state)
{
    (void)state;
    open_topics(2, EDDY_WAIT_LEVEL);
    void *found[1];
    size_t count;
    uint64_t deadline = eddy_deadline(30 * MILLISECOND);
    must_fail(eddy_waitset_wait(waitset, deadline, found, 1, &count), EDDY_ETIMEDOUT);
    check(eddy_now() >= deadline);
    check(eddy_now() < deadline + 5 * SECOND);
    close_topics(2);
}

static void a_detached_reader_is_not_reported(void **state)
{
    (void)state;
    open_topics(2, EDDY_WAIT_LEVEL);
    must(eddy_waitset_detach_reader(waitset, readers[0]));
    must_fail(eddy_waitset_detach_reader(waitset, readers[0]), EDDY_ENOENT);
    payload_publish(writers[0], 64, 1, 1);
    nothing_is_ready();
    must(eddy_waitset_attach_reader(waitset, readers[0], EDDY_WAIT_LEVEL, &tags[7]));
    only_is_ready(&tags[7]);
    close_topics(2);
}

static void a_reader_is_on_one_wait_set_at_a_time(void **state)
{
    (void)state;
    open_topics(1, EDDY_WAIT_LEVEL);
    eddy_waitset *second;
    must(eddy_waitset_open(domain, &second));
    must_fail(eddy_waitset_attach_reader(second, readers[0], EDDY_WAIT_LEVEL, NULL), EDDY_EBUSY);
    must_fail(eddy_waitset_attach_reader(waitset, readers[0], EDDY_WAIT_LEVEL, NULL), EDDY_EBUSY);
    must_fail(eddy_waitset_detach_reader(second, readers[0]), EDDY_ENOENT);
    must(eddy_waitset_close(second));
    payload_publish(writers[0], 64, 1, 1);
    only_is_ready(&tags[0]);
    close_topics(1);
}

static void closing_a_reader_detaches_it(void **state)
{
    (void)state;
    open_topics(2, EDDY_WAIT_LEVEL);
    payload_publish(writers[0], 64, 1, 1);
    must(eddy_reader_close(readers[0]));
    nothing_is_ready();
    readers[0] = open_reader(domain, "topic 0", NULL);
    payload_publish(writers[1], 64, 1, 1);
    only_is_ready(&tags[1]);
    close_topics(2);
}

static void events_are_reported_by_level_and_by_edge(void **state)
{
    (void)state;
    eddy_event *level, *edge;
    open_topics(2, EDDY_WAIT_LEVEL);
    must(eddy_event_open(&level));
    must(eddy_event_open(&edge));
    must(eddy_waitset_attach_event(waitset, level, EDDY_WAIT_LEVEL, &tags[10]));
    must(eddy_waitset_attach_event(waitset, edge, EDDY_WAIT_EDGE, &tags[11]));
    must_fail(eddy_waitset_attach_event(waitset, edge, EDDY_WAIT_EDGE, NULL), EDDY_EBUSY);
    nothing_is_ready();
    check(!eddy_event_triggered(level));
    eddy_event_trigger(level);
    check(eddy_event_triggered(level));
    only_is_ready(&tags[10]);
    only_is_ready(&tags[10]);
    eddy_event_reset(level);
    check(!eddy_event_triggered(level));
    nothing_is_ready();
    eddy_event_trigger(edge);
    only_is_ready(&tags[11]);
    nothing_is_ready();
    eddy_event_trigger(edge);
    only_is_ready(&tags[11]);
    must(eddy_waitset_detach_event(waitset, level));
    must_fail(eddy_waitset_detach_event(waitset, level), EDDY_ENOENT);
    eddy_event_trigger(level);
    nothing_is_ready();
    must(eddy_event_close(level));
    must(eddy_event_close(edge));
    close_topics(2);
}

static eddy_event *from_handler;

static void trigger_on_signal(int signal_number)
{
    (void)signal_number;
    eddy_event_trigger(from_handler);
}

static void a_signal_handler_may_trigger(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = trigger_on_signal}, before;
    struct itimerval soon = {.it_value = {.tv_usec = 2000}};
    open_topics(1, EDDY_WAIT_LEVEL);
    must(eddy_event_open(&from_handler));
    must(eddy_waitset_attach_event(waitset, from_handler, EDDY_WAIT_EDGE, &tags[5]));
    check(sigaction(SIGALRM, &action, &before) == 0);
    for (int round = 0; round < 30; round++) {
        check(setitimer(ITIMER_REAL, &soon, NULL) == 0);
        only_is_ready(&tags[5]);
    }
    check(sigaction(SIGALRM, &before, NULL) == 0);
    must(eddy_event_close(from_handler));
    close_topics(1);
}

static void answering_process(int wire, void *argument)
{
    (void)argument;
    eddy_domain *mine = open_domain();
    eddy_waitset *set;
    eddy_reader *asked[10];
    must(eddy_waitset_open(mine, &set));
    for (size_t i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic %zu", i);
        asked[i] = open_reader(mine, name, &(struct eddy_reader_options){.spin_ns = -1});
        must(eddy_waitset_attach_reader(set, asked[i], EDDY_WAIT_LEVEL, &asked[i]));
    }
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < 1000; i++) {
        void *found = NULL;
        size_t count = 0;
        must(eddy_waitset_wait(set, patience(), &found, 1, &count));
        same(payload_take(*(eddy_reader **)found).number, i);
        wire_say(wire, i);
    }
    for (size_t i = 0; i < 10; i++)
        must(eddy_reader_close(asked[i]));
    must(eddy_waitset_close(set));
    must(eddy_domain_close(mine));
}

static void a_wait_set_is_woken_by_another_process(void **state)
{
    (void)state;
    struct child child = child_start(answering_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    open_topics(10, EDDY_WAIT_LEVEL);
    for (uint64_t i = 0; i < 1000; i++) {
        payload_publish(writers[i % 10], 64, 1, i);
        wire_expect(child.wire, i);
        same(payload_take(readers[i % 10]).number, i);
    }
    child_join(&child);
    close_topics(10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_reader_with_a_sample_is_reported),
        WORLD_TEST(a_level_is_reported_until_all_is_taken),
        WORLD_TEST(an_edge_is_reported_once_for_what_is_new),
        WORLD_TEST(what_was_there_before_the_attach_is_reported),
        WORLD_TEST(those_left_over_come_next_time),
        WORLD_TEST(a_deadline_is_kept),
        WORLD_TEST(a_detached_reader_is_not_reported),
        WORLD_TEST(a_reader_is_on_one_wait_set_at_a_time),
        WORLD_TEST(closing_a_reader_detaches_it),
        WORLD_TEST(events_are_reported_by_level_and_by_edge),
        WORLD_TEST(a_signal_handler_may_trigger),
        WORLD_TEST(a_wait_set_is_woken_by_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
