/* idle_test.c - who waits costs nothing: no thread, no wake-up, no processor time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/usage.h"
#include "support/world.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static unsigned threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    check(tasks != NULL);
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static uint64_t cpu_ns(const struct rusage *usage)
{
    return ((uint64_t)usage->ru_utime.tv_sec + (uint64_t)usage->ru_stime.tv_sec) * SECOND +
           ((uint64_t)usage->ru_utime.tv_usec + (uint64_t)usage->ru_stime.tv_usec) * 1000;
}

static void open_all(struct pair *pair, eddy_waitset **waitset)
{
    *pair = pair_open(NULL, NULL);
    must(eddy_waitset_open(pair->domain, waitset));
    must(eddy_waitset_attach_reader(*waitset, pair->reader, EDDY_WAIT_LEVEL, NULL));
}

static void close_all(struct pair *pair, eddy_waitset *waitset)
{
    must(eddy_waitset_close(waitset));
    pair_close(pair);
}

static void there_is_no_thread_but_the_callers(void **state)
{
    (void)state;
    struct pair pair;
    eddy_waitset *waitset;
    unsigned before = threads();
    open_all(&pair, &waitset);
    same(threads(), before);
    payload_publish(pair.writer, 64, 1, 1);
    payload_take(pair.reader);
    same(threads(), before);
    close_all(&pair, waitset);
}

/* Half a second asleep: one sleep, no more than a few ms of processor time. */
static void waits_cheaply(eddy_waitset *waitset, eddy_reader *reader)
{
    void *found;
    size_t count;
    struct rusage before, after;
    uint64_t deadline = eddy_deadline(SECOND / 2);
    check(getrusage(RUSAGE_SELF, &before) == 0);
    if (waitset)
        must_fail(eddy_waitset_wait(waitset, deadline, &found, 1, &count), EDDY_ETIMEDOUT);
    else
        must_fail(eddy_reader_wait(reader, deadline), EDDY_ETIMEDOUT);
    check(getrusage(RUSAGE_SELF, &after) == 0);
    check(cpu_ns(&after) - cpu_ns(&before) < 10 * MILLISECOND);
    check(after.ru_nvcsw - before.ru_nvcsw <= 5);
}

static void a_wait_sleeps_until_its_deadline(void **state)
{
    (void)state;
    struct pair pair;
    eddy_waitset *waitset;
    open_all(&pair, &waitset);
    waits_cheaply(waitset, NULL);
    must(eddy_waitset_detach_reader(waitset, pair.reader));
    waits_cheaply(NULL, pair.reader);
    close_all(&pair, waitset);
}

static void waiting_process(int wire, void *argument)
{
    (void)argument;
    struct pair pair;
    eddy_waitset *waitset;
    void *found;
    size_t count;
    open_all(&pair, &waitset);
    wire_say(wire, WIRE_READY);
    must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
    same(payload_take(pair.reader).number, 1);
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO);
    close_all(&pair, waitset);
}

/* Traffic on other topics of the domain must not wake the sleeper. */
static void a_sleeper_is_not_woken_by_what_is_not_for_it(void **state)
{
    (void)state;
    unsigned long ticks[2], switches[2] = {0};
    struct child child = child_start(waiting_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    usage_until_asleep(child.pid);
    eddy_domain *domain = open_domain();
    eddy_writer *elsewhere = open_writer(domain, "elsewhere", NULL);
    usage_of_process(child.pid, &ticks[0], &switches[0]);
    for (uint64_t i = 0; i < 20000; i++)
        payload_publish(elsewhere, 64, 1, i);
    usage_of_process(child.pid, &ticks[1], &switches[1]);
    same(switches[1], switches[0]);
    check(ticks[1] - ticks[0] <= 1);
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    payload_publish(writer, 64, 1, 1);
    wire_expect(child.wire, WIRE_DONE);
    must(eddy_writer_close(writer));
    must(eddy_writer_close(elsewhere));
    must(eddy_domain_close(domain));
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

#define CROWD 100u

static void *wait_for_one(void *waitset)
{
    void *found;
    size_t count;
    must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
    return NULL;
}

/* All threads of this process but this one, which is the first, are asleep: how often they went to
 * sleep so far. */
static unsigned long sleeps_of_others(void)
{
    unsigned long all = 0;
    DIR *tasks = opendir("/proc/self/task");
    check(tasks != NULL);
    for (struct dirent *entry; (entry = readdir(tasks));) {
        unsigned long ticks, switches = 0;
        int thread = atoi(entry->d_name);
        if (thread > 0 && thread != getpid()) {
            usage_until_asleep(thread);
            usage_of_process(thread, &ticks, &switches);
            all += switches;
        }
    }
    closedir(tasks);
    return all;
}

/* Each in a wait set of its own, for a second. */
static void a_hundred_that_wait_are_never_woken(void **state)
{
    (void)state;
    eddy_reader *readers[CROWD];
    eddy_waitset *waitsets[CROWD];
    pthread_t waiting[CROWD];
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "crowd", NULL);
    for (unsigned i = 0; i < CROWD; i++) {
        readers[i] = open_reader(domain, "crowd", NULL);
        must(eddy_waitset_open(domain, &waitsets[i]));
        must(eddy_waitset_attach_reader(waitsets[i], readers[i], EDDY_WAIT_LEVEL, NULL));
        check(pthread_create(&waiting[i], NULL, wait_for_one, waitsets[i]) == 0);
    }
    unsigned long before = sleeps_of_others();
    sleep(1);
    same(sleeps_of_others(), before);
    payload_publish(writer, 64, 1, 1);
    for (unsigned i = 0; i < CROWD; i++) {
        check(pthread_join(waiting[i], NULL) == 0);
        must(eddy_waitset_close(waitsets[i]));
        must(eddy_reader_close(readers[i]));
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* What it waits for never comes, as it would not if the writer shared the CPU. */
static void spinner_on_one_cpu(int wire, void *argument)
{
    (void)wire, (void)argument;
    cpu_set_t one;
    struct rusage before, after;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0);
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.spin_ns = 0});
    check(getrusage(RUSAGE_SELF, &before) == 0);
    for (int i = 0; i < 100; i++)
        must_fail(eddy_reader_wait(pair.reader, eddy_deadline(2 * MILLISECOND)), EDDY_ETIMEDOUT);
    check(getrusage(RUSAGE_SELF, &after) == 0);
    check(cpu_ns(&after) - cpu_ns(&before) < 20 * MILLISECOND);
    pair_close(&pair);
}

static void on_one_processor_a_wait_hardly_spins(void **state)
{
    (void)state;
    struct child child = child_start(spinner_on_one_cpu, NULL);
    child_join(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(there_is_no_thread_but_the_callers),
        WORLD_TEST(a_wait_sleeps_until_its_deadline),
        WORLD_TEST(a_sleeper_is_not_woken_by_what_is_not_for_it),
        WORLD_TEST(a_hundred_that_wait_are_never_woken),
        WORLD_TEST(on_one_processor_a_wait_hardly_spins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
