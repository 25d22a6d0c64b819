/* orphan_test.c - a writer is killed when it has published, and woken nobody: who sleeps without a
 * deadline wakes all the same, by the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/slots_pair.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/point.h"

#include <eddy/waitset.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROMPT (100 * MILLISECOND)

void (*eddy_point_hook)(const char *name);

static const char *dies_at;
static atomic_int thread, beside; /* the numbers of those that sleep */
static atomic_bool awake;
static eddy_reader *reader;
static eddy_waitset *waitset;
static eddy_slots *slots;

/* --- who is killed --------------------------------------------------------------------------- */

static void die_there(const char *point)
{
    if (strcmp(point, dies_at) == 0)
        kill(getpid(), SIGKILL);
}

static void publish_and_die(int wire, void *unused)
{
    (void)unused;
    eddy_writer *writer = open_writer(open_domain(), "orphan", NULL);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    eddy_point_hook = die_there;
    payload_publish(writer, 64, 1, 0);
    wire_say(wire, WIRE_DONE);
}

static void commit_and_die(int wire, void *unused)
{
    (void)unused;
    struct eddy_slot_loan loan;
    eddy_slots *s = slots_attach("orphan");
    must(eddy_slots_loan(s, NULL, 0, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    eddy_point_hook = die_there;
    must(eddy_slots_publish_copy(s, &loan, "x", 1, NULL));
    wire_say(wire, WIRE_DONE);
}

/* --- who sleeps ------------------------------------------------------------------------------ */

static void wait_for_reader(void)
{
    must(eddy_reader_wait(reader, EDDY_FOREVER));
}

static void wait_for_waitset(void)
{
    void *found;
    size_t count;
    must(eddy_waitset_wait(waitset, EDDY_FOREVER, &found, 1, &count));
    check(found == reader);
}

static void wait_for_slots(void)
{
    must(eddy_slots_wait(slots, 0, EDDY_FOREVER));
}

/* Killed between the sleeper's last look and its sleep. */
static struct child in_between;
static _Thread_local bool is_about_to_sleep;

static void let_it_die(const char *point)
{
    bool hung;
    if (!is_about_to_sleep || strcmp(point, "wait:looked") != 0)
        return;
    is_about_to_sleep = false;
    wire_say(in_between.wire, WIRE_GO);
    int status = child_status(&in_between, PATIENCE_MS, &hung);
    check(!hung && WIFSIGNALED(status)); /* by itself */
}

static void *sleep_in_thread(void *wait)
{
    is_about_to_sleep = eddy_point_hook == let_it_die;
    atomic_store(&thread, gettid());
    ((void (*)(void))(uintptr_t)wait)();
    atomic_store(&awake, true);
    return NULL;
}

/* A thread, in the call that a reader, wait set or slots sleep in. */
static bool sleeps(int number)
{
    char path[64];
    long call = -1;
    snprintf(path, sizeof path, "/proc/%d/syscall", number);
    FILE *file = number ? fopen(path, "re") : NULL;
    bool known = file && fscanf(file, "%ld", &call) == 1;
    if (file)
        fclose(file);
    return known && call == SYS_futex_waitv;
}

static void until_it_sleeps(const atomic_int *number)
{
    for (uint64_t end = patience(); !sleeps(atomic_load(number));) {
        check(eddy_now() < end);
        sched_yield();
    }
}

static void *wait_beside(void *unused)
{
    atomic_store(&beside, gettid());
    wait_for_waitset();
    return unused;
}

/* The longest that it took to wake. */
static uint64_t longest;

static void wakes(child_main *victim, void (*wait)(void))
{
    struct child child = child_start(victim, NULL);
    wire_expect(child.wire, WIRE_READY);
    atomic_store(&thread, 0);
    atomic_store(&awake, false);
    pthread_t sleeper = thread_start(sleep_in_thread, (void *)(uintptr_t)wait);
    until_it_sleeps(&thread);
    wire_say(child.wire, WIRE_GO);
    bool hung;
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung && WIFSIGNALED(status)); /* by itself */
    uint64_t began = eddy_now();
    while (!atomic_load(&awake) && eddy_now() < began + SECOND)
        sched_yield();
    uint64_t took = eddy_now() - began;
    longest = took > longest ? took : longest;
    if (!atomic_load(&awake))
        check_fail(CHECK_HERE("wakes"), "asleep after a death at %s", dies_at);
    thread_join(sleeper);
}

static void does_not_sleep(child_main *victim, void (*wait)(void))
{
    in_between = child_start(victim, NULL);
    wire_expect(in_between.wire, WIRE_READY);
    atomic_store(&awake, false);
    eddy_point_hook = let_it_die;
    pthread_t sleeper = thread_start(sleep_in_thread, (void *)(uintptr_t)wait);
    for (uint64_t end = patience(); !atomic_load(&awake) && eddy_now() < end;)
        sched_yield();
    if (!atomic_load(&awake))
        check_fail(CHECK_HERE("does_not_sleep"), "asleep after a death at %s", dies_at);
    thread_join(sleeper);
    eddy_point_hook = NULL;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void need_waitv(void)
{
    if (syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) == -1 && errno == ENOSYS) {
        print_message("the kernel has no futex_waitv\n");
        skip();
    }
}

static void each_by(void (*way)(child_main *, void (*)(void)), const char *const *points,
                    child_main *victim, void (*wait)(void))
{
    for (; *points; points++) {
        dies_at = *points;
        eddy_domain *domain = open_domain();
        reader = open_reader(domain, "orphan", &(struct eddy_reader_options){.spin_ns = -1});
        must(eddy_waitset_open(domain, &waitset));
        must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader));
        slots = slots_create("orphan", 4, 64, 1);
        way(victim, wait);
        must(eddy_slots_close(slots));
        must(eddy_waitset_close(waitset));
        must(eddy_reader_close(reader));
        must(eddy_domain_close(domain));
    }
}

static void each(const char *const *points, child_main *victim, void (*wait)(void))
{
    longest = 0;
    each_by(wakes, points, victim, wait);
    printf("longest: %.2f ms\n", (double)longest / MILLISECOND);
    check(longest < PROMPT);
}

static const char *const of_topics[] = {"publish:swapped", "publish:helped", "publish:given-up",
                                        NULL};
static const char *const of_waitsets[] = {"publish:swapped", "publish:given-up", "wake:readers",
                                          "wake:told", NULL};
static const char *const of_slots[] = {"slots-commit:swapped", "slots-commit:finished",
                                       "slots-commit:helped", NULL};

static void a_reader_that_sleeps_alone_is_woken(void **state)
{
    (void)state;
    need_waitv();
    each(of_topics, publish_and_die, wait_for_reader);
}

static void a_wait_set_is_woken(void **state)
{
    (void)state;
    need_waitv();
    each(of_waitsets, publish_and_die, wait_for_waitset);
}

/* The kernel wakes one of them. */
static void wait_for_both(void)
{
    atomic_store(&beside, 0);
    pthread_t other = thread_start(wait_beside, NULL);
    until_it_sleeps(&beside);
    wait_for_reader();
    thread_join(other);
}

static void all_who_sleep_are_woken(void **state)
{
    (void)state;
    need_waitv();
    each(of_waitsets, publish_and_die, wait_for_both);
}

/* Begins to sleep first, so the kernel wakes it first. */
static void be_woken_and_die(int wire, void *point)
{
    eddy_domain *domain = open_domain();
    reader = open_reader(domain, "orphan", &(struct eddy_reader_options){.spin_ns = -1});
    dies_at = point;
    eddy_point_hook = die_there;
    wire_say(wire, (uint64_t)gettid());
    wait_for_reader();
}

static void who_is_killed_when_it_was_woken_is_followed_by_another(void **state)
{
    (void)state;
    static const char *const points[] = {"orphans:woken", "orphans:counted"};
    static const char *const given_up[] = {"publish:given-up", NULL};
    need_waitv();
    eddy_domain *domain = open_domain();
    for (int i = 0; i < 2; i++) {
        /* Of the topic, or its writer would begin it anew. */
        eddy_writer *writer = open_writer(domain, "orphan", NULL);
        struct child first = child_start(be_woken_and_die, (void *)(uintptr_t)points[i]);
        atomic_store(&beside, (int)wire_hear(first.wire));
        until_it_sleeps(&beside);
        each(given_up, publish_and_die, wait_for_reader);
        bool hung;
        int status = child_status(&first, PATIENCE_MS, &hung);
        check(!hung && WIFSIGNALED(status));
        must(eddy_writer_close(writer));
    }
    must(eddy_domain_close(domain));
}

static void a_reader_of_slots_is_woken(void **state)
{
    (void)state;
    need_waitv();
    each(of_slots, commit_and_die, wait_for_slots);
}

static void a_reader_that_has_just_looked_does_not_sleep(void **state)
{
    (void)state;
    need_waitv();
    each_by(does_not_sleep, of_topics, publish_and_die, wait_for_reader);
}

static void a_reader_of_slots_that_has_just_looked_does_not_sleep(void **state)
{
    (void)state;
    need_waitv();
    each_by(does_not_sleep, of_slots, commit_and_die, wait_for_slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_reader_that_sleeps_alone_is_woken),
        WORLD_TEST(a_wait_set_is_woken),
        WORLD_TEST(all_who_sleep_are_woken),
        WORLD_TEST(who_is_killed_when_it_was_woken_is_followed_by_another),
        WORLD_TEST(a_reader_of_slots_is_woken),
        WORLD_TEST(a_reader_that_has_just_looked_does_not_sleep),
        WORLD_TEST(a_reader_of_slots_that_has_just_looked_does_not_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
