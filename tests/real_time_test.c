/* real_time_test.c - a thread that goes away with something waits for another that is just using
 * it, and that gets the processor only when the first one sleeps: both are on one CPU, and the one
 * that waits has the higher real-time priority.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/hook.h"
#include "support/ring_pair.h"
#include "support/thread.h"
#include "support/world.h"

#include <eddy/waitset.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

enum { FIRST = 50, LAST = 1, HANGS_MS = 5000 };

/* What one thread uses and the other takes away. */
struct affair {
    const char *point; /* at which it is in use */
    void (*prepare)(void);
    void (*use)(void);
    void (*take_away)(void);
    void (*end)(void);
};
static const struct affair *affair;
static sem_t in_use;

static void at(const char *point)
{
    if (strcmp(point, affair->point) == 0)
        check(sem_post(&in_use) == 0);
}

static pthread_t start_with(int priority, void *(*run)(void *))
{
    pthread_t thread;
    pthread_attr_t attributes;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    check(pthread_attr_init(&attributes) == 0);
    check(pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED) == 0);
    check(pthread_attr_setschedpolicy(&attributes, SCHED_FIFO) == 0);
    check(pthread_attr_setschedparam(&attributes,
                                     &(struct sched_param){.sched_priority = priority}) == 0);
    check(pthread_create(&thread, &attributes, run, NULL) == 0);
    pthread_attr_destroy(&attributes);
    return thread;
}

static void *use(void *unused)
{
    affair->use();
    return unused;
}

static void *take_away(void *unused)
{
    check(sem_wait(&in_use) == 0);
    affair->take_away();
    return unused;
}

static void both(int wire, void *which)
{
    cpu_set_t one;
    (void)wire;
    affair = which;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0);
    check(sem_init(&in_use, 0, 0) == 0);
    affair->prepare();
    hook_begin(at);
    pthread_t first = start_with(FIRST, take_away), last = start_with(LAST, use);
    thread_join(first);
    thread_join(last);
    hook_end();
    affair->end();
}

static void must_end(const struct affair *which)
{
    bool hung = false;
    need_fifo();
    check(hook_is_called);
    struct child child = child_start(both, (void *)which);
    int status = child_status(&child, HANGS_MS, &hung);
    check(!hung);
    same(status, 0);
}

/* --- a wait set, while an event that is on it is triggered ------------------------------------- */

static eddy_domain *domain;
static eddy_waitset *waitset;
static eddy_event *event;

static void open_waitset(void)
{
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_event_open(&event));
    must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_LEVEL, NULL));
}

static void trigger(void)
{
    eddy_event_trigger(event);
}

static void detach(void)
{
    must(eddy_waitset_detach_event(waitset, event));
}

static void close_waitset(void)
{
    must(eddy_event_close(event));
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
}

static void an_event_is_detached_from_under_who_triggers_it(void **state)
{
    (void)state;
    static const struct affair which = {"event:found", open_waitset, trigger, detach,
                                        close_waitset};
    must_end(&which);
}

/* --- a ring, while a crash is reported to it --------------------------------------------------- */

static struct ring_pair rings;

static void go_on(int number)
{
    (void)number;
}

static void open_ring(void)
{
    check(signal(SIGFPE, go_on) != SIG_ERR);
    rings = ring_pair_open(2, 64);
    must(eddy_ring_watch_crashes(rings.producer));
}

static void crash(void)
{
    check(raise(SIGFPE) == 0);
}

static void unwatch(void)
{
    must(eddy_ring_unwatch_crashes(rings.producer));
}

static void close_ring(void)
{
    ring_pair_close(&rings);
}

static void a_ring_is_taken_from_under_a_signal_handler(void **state)
{
    (void)state;
    static const struct affair which = {"ring-crash:reporting", open_ring, crash, unwatch,
                                        close_ring};
    must_end(&which);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_event_is_detached_from_under_who_triggers_it),
        WORLD_TEST(a_ring_is_taken_from_under_a_signal_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
