/* attach_threads_test.c - a wait set while other threads attach, detach, trigger and publish.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>

enum { ROUNDS = SANITIZED ? 300 : 2000 };

static eddy_domain *domain;
static eddy_waitset *waitset;
static atomic_uint reported;

/* Waits for one thing after the other and counts; NULL as context ends it. */
static void *waiting_thread(void *argument)
{
    (void)argument;
    for (;;) {
        void *found = NULL;
        size_t count = 0;
        must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
        if (!found)
            return NULL;
        eddy_event_reset(found);
        atomic_fetch_add(&reported, 1);
    }
}

static void until_reported(unsigned count)
{
    uint64_t deadline = patience();
    while (atomic_load(&reported) < count)
        check(eddy_now() < deadline);
}

static eddy_event *open_waiting(pthread_t *thread)
{
    eddy_event *end;
    atomic_store(&reported, 0);
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_event_open(&end));
    must(eddy_waitset_attach_event(waitset, end, EDDY_WAIT_LEVEL, NULL));
    *thread = thread_start(waiting_thread, NULL);
    return end;
}

static void close_waiting(pthread_t thread, eddy_event *end)
{
    eddy_event_trigger(end);
    thread_join(thread);
    must(eddy_event_close(end));
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
}

static void triggers_of_another_thread_wake_the_wait(void **state)
{
    (void)state;
    pthread_t thread;
    eddy_event *end = open_waiting(&thread), *event;
    must(eddy_event_open(&event));
    must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_EDGE, event));
    for (unsigned i = 1; i <= ROUNDS; i++) {
        eddy_event_trigger(event);
        until_reported(i);
    }
    must(eddy_event_close(event));
    close_waiting(thread, end);
}

static void an_attach_of_something_ready_wakes_the_wait(void **state)
{
    (void)state;
    pthread_t thread;
    eddy_event *end = open_waiting(&thread);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        eddy_event *event;
        must(eddy_event_open(&event));
        eddy_event_trigger(event);
        must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_EDGE, event));
        until_reported(i);
        must(eddy_waitset_detach_event(waitset, event));
        must(eddy_event_close(event));
    }
    close_waiting(thread, end);
}

/* After the detach the wait must not report the event any more: it is freed at once. */
static void a_detach_returns_when_it_is_no_longer_reported(void **state)
{
    (void)state;
    pthread_t thread;
    eddy_event *end = open_waiting(&thread), *steady;
    must(eddy_event_open(&steady));
    must(eddy_waitset_attach_event(waitset, steady, EDDY_WAIT_EDGE, steady));
    for (unsigned i = 1; i <= ROUNDS; i++) {
        eddy_event *event;
        must(eddy_event_open(&event));
        must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_LEVEL, steady));
        eddy_event_trigger(steady);
        must(eddy_waitset_detach_event(waitset, event));
        must(eddy_event_close(event));
    }
    must(eddy_event_close(steady));
    close_waiting(thread, end);
}

static void *publishing_thread(void *writer)
{
    for (uint64_t i = 0; i < ROUNDS; i++)
        payload_publish(writer, 64, 1, i);
    return NULL;
}

/* Readers come and go on the wait set while a thread publishes to them; none misses a sample. */
static void readers_move_on_and_off_while_samples_come(void **state)
{
    (void)state;
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    eddy_reader *reader = open_reader(domain, "moving", NULL);
    eddy_writer *writer = open_writer(domain, "moving", NULL);
    pthread_t thread = thread_start(publishing_thread, writer);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        void *found = NULL;
        size_t count = 0;
        must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_EDGE, reader));
        must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
        check(found == reader);
        same(payload_take(reader).number, i);
        must(eddy_waitset_detach_reader(waitset, reader));
    }
    thread_join(thread);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(triggers_of_another_thread_wake_the_wait),
        WORLD_TEST(an_attach_of_something_ready_wakes_the_wait),
        WORLD_TEST(a_detach_returns_when_it_is_no_longer_reported),
        WORLD_TEST(readers_move_on_and_off_while_samples_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
