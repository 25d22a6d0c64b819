/* points_test.c - kill -9, or a long stop, at every named point of the engine.
 *
 * The list of points is read from the sources when the build is configured: a new point is tested
 * from its birth, and one that no actor reaches fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/actor.h"
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include "points_list.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS = sizeof points / sizeof *points };

void (*eddy_point_hook)(const char *name);

/* --- the actor: does everything once, and is struck at one point */

enum blow { KILL, STOP };

static struct {
    const char *point;
    unsigned countdown;
    enum blow blow;
} plan;

static void strike(const char *name)
{
    if (strcmp(name, plan.point) == 0 && plan.countdown > 0 && --plan.countdown == 0)
        kill(getpid(), plan.blow == KILL ? SIGKILL : SIGSTOP);
}

static void actor_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    actor_kill_a_victim();
    eddy_point_hook = strike;
    actor_act(plan.blow == KILL);
}

/* --- the witness: sees everything that anybody publishes */

struct witness {
    struct pair pair;
    uint64_t sn, next[3], published;
};

static struct witness witness_open(void)
{
    struct eddy_reader_options options = {.limit_bytes = ACTOR_LIMIT, .depth = 500};
    struct witness witness = {.pair.domain = open_domain()};
    witness.pair.reader = open_reader(witness.pair.domain, "points", &options);
    struct eddy_writer_options impatient = actor_writing;
    impatient.max_wait_ns = MILLISECOND;
    witness.pair.writer = open_writer(witness.pair.domain, "points", &impatient);
    return witness;
}

static void watch(struct witness *witness)
{
    struct eddy_sample sample;
    int error;
    while ((error = eddy_reader_take(witness->pair.reader, &sample)) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        check(witness->sn == 0 || sample.sn == witness->sn + 1);
        witness->sn = sample.sn;
        check(payload.author < 3);
        same(payload.number, witness->next[payload.author]++);
        must(eddy_reader_release(witness->pair.reader, &sample));
    }
    must_fail(error, EDDY_ENODATA);
}

/* True if it ended; false if it was stopped. */
static bool watch_until_struck(struct witness *witness, struct child *child)
{
    uint64_t deadline = patience();
    for (;;) {
        siginfo_t news = {0};
        watch(witness);
        check(waitid(P_PID, (id_t)child->pid, &news, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0);
        if (news.si_pid == child->pid)
            return news.si_code != CLD_STOPPED;
        if (eddy_now() > deadline)
            check_fail(CHECK_HERE("watch_until_struck"), "hung at %s", plan.point);
        int error = eddy_reader_wait(witness->pair.reader, eddy_deadline(MILLISECOND));
        check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
    }
}

static void insist(int error, const char *call)
{
    if (error != EDDY_OK)
        check_fail(CHECK_HERE("insist"), "%s gives %s after a blow at %s", call,
                   eddy_error_name(error), plan.point);
}

static void publish_as_witness(struct witness *witness, int count)
{
    for (int i = 0; i < count; i++) {
        struct eddy_loan loan;
        insist(eddy_writer_loan(witness->pair.writer, 300, &loan), "loan");
        payload_fill(loan.data, 300, 2, witness->published++);
        insist(eddy_writer_publish(witness->pair.writer, &loan, 300), "publish");
        watch(witness);
    }
    same(witness->next[2], witness->published);
}

static void newcomers_are_served(struct witness *witness)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "points", NULL);
    publish_as_witness(witness, 3);
    for (int i = 0; i < 3; i++)
        same(payload_take(reader).author, 2);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void nobody_else_is_left(struct witness *witness)
{
    struct eddy_topic_stats stats;
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_writer_stats(witness->pair.writer, &stats));
    same(stats.writers, 1);
    same(stats.readers, 1);
}

static bool was_killed(struct child *child)
{
    bool hung;
    int status = child_status(child, PATIENCE_MS, &hung);
    if (hung || (WIFEXITED(status) && WEXITSTATUS(status) != 0) ||
        (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
        check_fail(CHECK_HERE("was_killed"), "the actor failed (%#x) with a blow at %s", status,
                   plan.point);
    return WIFSIGNALED(status);
}

/* True if the actor came to the point so often. */
static bool kill_at(struct witness *witness, const char *point, unsigned time)
{
    plan.point = point;
    plan.countdown = time;
    plan.blow = KILL;
    witness->next[1] = 0;
    struct child child = child_start(actor_process, NULL);
    check(watch_until_struck(witness, &child));
    bool killed = was_killed(&child);
    watch(witness);
    publish_as_witness(witness, 20);
    newcomers_are_served(witness);
    nobody_else_is_left(witness);
    return killed;
}

/* Not points that belong to interfaces which have tests of their own.  EDDY_TEST_POINT: this one.
 */
static bool is_wanted(const char *point)
{
    const char *only = getenv("EDDY_TEST_POINT");
    if (only)
        return strcmp(point, only) == 0;
    static const char *const others[] = {"slots-", "kind-", "ring-", "region-"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(point, others[i], strlen(others[i])) == 0)
            return false;
    return true;
}

static void killed_at_any_point_nobody_else_notices(void **state)
{
    (void)state;
    static const unsigned times[] = {1, 2, 3, 10, 100};
    struct witness witness = witness_open();
    unsigned missed = 0;
    for (size_t i = 0; i < POINTS; i++) {
        for (size_t time = 0; time < sizeof times / sizeof *times && is_wanted(points[i]); time++) {
            bool reached = kill_at(&witness, points[i], times[time]);
            if (time == 0 && !reached) {
                fprintf(stderr, "no actor comes to %s\n", points[i]);
                missed++;
            }
            if (!reached)
                break;
        }
    }
    pair_close(&witness.pair);
    same(missed, 0);
}

/* Who stops while it reaps a dead reader's seat, or takes over its place in the registry, keeps the
 * reader's cursor in the way: publishing may time out until it goes on.  Nothing else may. */
static bool may_hold_up(const char *point)
{
    return strcmp(point, "reap:taken-over") == 0 || strcmp(point, "join:locked") == 0;
}

enum { HELD = 1000 };

/* Samples that a best-effort reader took while the actor was stopped, also such as it was just
 * about to claim. */
struct hoard {
    eddy_reader *reader;
    size_t count;
    struct eddy_sample samples[HELD];
    struct payload were[HELD];
};

static void take_all_there_is(struct hoard *hoard)
{
    while (hoard->count < HELD) {
        struct eddy_sample *sample = &hoard->samples[hoard->count];
        int error = eddy_reader_take(hoard->reader, sample);
        if (error == EDDY_ENODATA)
            return;
        must(error);
        hoard->were[hoard->count++] = payload_of(sample);
    }
}

static void all_are_still_whole(struct hoard *hoard)
{
    for (size_t i = 0; i < hoard->count; i++) {
        struct payload is = {0};
        if (!payload_whole(hoard->samples[i].data, hoard->samples[i].size, &is) ||
            is.sum != hoard->were[i].sum)
            check_fail(CHECK_HERE("all_are_still_whole"), "sample %llu changed after a stop at %s",
                       (unsigned long long)hoard->samples[i].sn, plan.point);
        must(eddy_reader_release(hoard->reader, &hoard->samples[i]));
    }
    must(eddy_reader_close(hoard->reader));
}

/* 2,500: long enough for the log to go round more than once; a swap that slept must not succeed. */
static void while_it_is_stopped(struct witness *witness, struct child *child, struct hoard *hoard)
{
    check(waitpid(child->pid, NULL, WUNTRACED) == child->pid);
    take_all_there_is(hoard);
    if (!may_hold_up(plan.point))
        publish_as_witness(witness, 2500);
    child_continue(child);
    check(watch_until_struck(witness, child));
}

static void stop_at(struct witness *witness, const char *point, unsigned time)
{
    static struct hoard hoard;
    plan.point = point;
    plan.countdown = time;
    plan.blow = STOP;
    witness->next[1] = 0;
    struct eddy_reader_options deep = {.reliability = EDDY_BEST_EFFORT, .flags = EDDY_READER_DEEP};
    hoard.reader = open_reader(witness->pair.domain, "points", &deep);
    hoard.count = 0;
    publish_as_witness(witness, 300);
    struct child child = child_start(actor_process, NULL);
    if (!watch_until_struck(witness, &child))
        while_it_is_stopped(witness, &child, &hoard);
    check(!was_killed(&child));
    publish_as_witness(witness, 20);
    same(witness->next[1], ACTOR_ROUNDS);
    all_are_still_whole(&hoard);
    nobody_else_is_left(witness);
}

static void stopped_at_any_point_nothing_is_lost(void **state)
{
    (void)state;
    static const unsigned times[] = {1, 5, 20, 60, 130};
    struct witness witness = witness_open();
    for (size_t i = 0; i < POINTS; i++)
        for (size_t time = 0; time < sizeof times / sizeof *times && is_wanted(points[i]); time++)
            stop_at(&witness, points[i], times[time]);
    pair_close(&witness.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_nobody_else_notices),
        WORLD_TEST(stopped_at_any_point_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
