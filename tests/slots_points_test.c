/* slots_points_test.c - kill -9, or a stop, at every named point of the slots.
 *
 * The list of points is read from the sources when the build is configured: a new point is tested
 * from its birth, and one that no actor reaches fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/slots_pair.h"

#include "points_list.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS = sizeof points / sizeof *points, SLOTS = 8, SIZE = 100 };

static const uint64_t nobody[] = {0};

void (*eddy_point_hook)(const char *name);

/* --- the actor: does everything, and is struck at one point ---------------------------------- */

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

/* Leaves a dead member's loan and a dead reader's hold for the actor to reap. */
static void victim(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_attach("points");
    struct eddy_slots_loan loan;
    struct eddy_slots_sample sample;
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &sample.reader));
    int error = eddy_slots_take(slots, sample.reader, EDDY_POLL, &sample);
    check(error == EDDY_OK || error == EDDY_ENODATA);
    must(eddy_slots_reserve(slots, nobody, 1, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void kill_a_victim(void)
{
    struct child child = child_start(victim, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
}

static void write_one(eddy_slots *slots, uint64_t number)
{
    struct eddy_slots_loan loan;
    must(eddy_slots_reserve(slots, nobody, 1, EDDY_POLL, &loan));
    must(eddy_slots_discard(slots, &loan));
    must(eddy_slots_reserve(slots, nobody, 1, EDDY_POLL, &loan));
    payload_fill(loan.data, SIZE, 1, number);
    must(eddy_slots_commit_in_place(slots, &loan, SIZE, NULL));
}

static void take_one(eddy_slots *slots, uint32_t reader)
{
    struct eddy_slots_sample sample;
    if (eddy_slots_take(slots, reader, EDDY_POLL, &sample) == EDDY_OK)
        must(eddy_slots_release(slots, &sample));
}

static void copy_one(eddy_slots *slots, uint32_t reader)
{
    struct eddy_slots_sample sample;
    char copy[SIZE];
    if (eddy_slots_next_unread(slots, reader, &sample) == EDDY_OK &&
        eddy_slots_read(slots, &sample, copy, sizeof copy) == EDDY_OK)
        (void)eddy_slots_mark_read(slots, &sample); /* it may be overwritten by now */
}

/* Waits in vain, for a sample and for room. */
static void wait_in_vain(void)
{
    eddy_slots *slots = slots_create("actor", 1, 8, 0);
    struct eddy_slots_loan loan;
    uint64_t soon = eddy_deadline(MILLISECOND / 4);
    must_fail(eddy_slots_wait(slots, 0, soon), EDDY_ETIMEDOUT);
    must(eddy_slots_reserve(slots, nobody, 1, EDDY_POLL, &loan));
    must_fail(eddy_slots_reserve(slots, nobody, 1, soon, &loan), EDDY_ETIMEDOUT);
    must(eddy_slots_close(slots));
}

static void actor_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    uint32_t reader;
    kill_a_victim();
    eddy_point_hook = strike;
    eddy_slots *slots = slots_attach("points");
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &reader));
    wait_in_vain();
    for (uint64_t i = 0; i < 60; i++) {
        write_one(slots, i);
        (i % 2 ? take_one : copy_one)(slots, reader);
    }
    must(eddy_slots_leave(slots, reader));
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &reader));
    struct eddy_slots_loan loan; /* left to close */
    must(eddy_slots_reserve(slots, nobody, 1, EDDY_POLL, &loan));
    must(eddy_slots_close(slots));
}

/* --- the witness ----------------------------------------------------------------------------- */

struct witness {
    eddy_domain *domain; /* so that nobody is ever alone in the folder */
    eddy_slots *slots;
    uint64_t sn, next[3];
};

/* What it reads is whole, and in order. */
static void watch(struct witness *w)
{
    struct eddy_slots_sample sample;
    int error;
    while ((error = eddy_slots_take(w->slots, 0, EDDY_POLL, &sample)) == EDDY_OK) {
        struct payload payload;
        check(payload_whole(sample.data, sample.size, &payload));
        check(sample.sn > w->sn && payload.author < 3);
        check(payload.number >= w->next[payload.author]);
        w->sn = sample.sn;
        w->next[payload.author] = payload.number + 1;
        must(eddy_slots_release(w->slots, &sample));
    }
    must_fail(error, EDDY_ENODATA);
}

static void insist(int error, const char *call)
{
    if (error != EDDY_OK)
        check_fail(CHECK_HERE("insist"), "%s gives %s (%s) after a blow at %s", call,
                   eddy_error_name(error), eddy_last_error(), plan.point);
}

/* Publishes, gated by everybody who lives, and misses none of its own. */
static void publish_as_witness(struct witness *w, const uint64_t *active, int count)
{
    for (int i = 0; i < count; i++) {
        struct eddy_slots_loan loan;
        uint64_t number = w->next[2], sn;
        insist(eddy_slots_reserve(w->slots, active, active ? 1 : 0, EDDY_POLL, &loan), "reserve");
        payload_fill(loan.data, SIZE, 2, number);
        insist(eddy_slots_commit_in_place(w->slots, &loan, SIZE, &sn), "commit");
        watch(w);
        if (w->next[2] != number + 1 || (active == NULL && w->sn != sn))
            check_fail(CHECK_HERE("publish_as_witness"), "a sample is missing after a blow at %s",
                       plan.point);
    }
}

static void no_slot_is_lost(struct witness *w)
{
    struct eddy_slots_loan loans[SLOTS];
    struct eddy_slots_report report;
    for (int i = 0; i < SLOTS; i++)
        insist(eddy_slots_reserve(w->slots, NULL, 0, EDDY_POLL, &loans[i]), "reserving all");
    for (int i = 0; i < SLOTS; i++)
        must(eddy_slots_discard(w->slots, &loans[i]));
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_slots_stats(w->slots, &report));
    same(report.attached, 1);
    same(report.readers, 1);
    eddy_slots *again = slots_create("actor", 2, 64, 0); /* whatever the actor left of it */
    must(eddy_slots_close(again));
    same(world_files(), 3);
}

/* True if it was struck; the actor has stopped or ended then. */
static bool watch_until_struck(struct witness *w, struct child *child)
{
    for (uint64_t deadline = patience();;) {
        siginfo_t news = {0};
        watch(w);
        check(waitid(P_PID, (id_t)child->pid, &news, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0);
        if (news.si_pid == child->pid)
            return news.si_code == CLD_STOPPED || news.si_code == CLD_KILLED;
        if (eddy_now() > deadline)
            check_fail(CHECK_HERE("watch_until_struck"), "hung at %s", plan.point);
    }
}

static bool strike_at(struct witness *w, const char *point, unsigned time, enum blow blow)
{
    plan.point = point;
    plan.countdown = time;
    plan.blow = blow;
    w->next[1] = 0;
    struct child child = child_start(actor_process, NULL);
    bool struck = watch_until_struck(w, &child), hung;
    if (struck && blow == STOP) {
        publish_as_witness(w, nobody, 3 * SLOTS); /* it may hold slots, but nobody up */
        kill(child.pid, SIGKILL);
    }
    int status = child_status(&child, PATIENCE_MS, &hung);
    if (hung || (WIFEXITED(status) && WEXITSTATUS(status) != 0) ||
        (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
        check_fail(CHECK_HERE("strike_at"), "the actor failed (%#x) with a blow at %s", status,
                   point);
    watch(w); /* what it still committed, or the witness itself would gate */
    publish_as_witness(w, NULL, 3 * SLOTS);
    no_slot_is_lost(w);
    return struck;
}

static bool is_wanted(const char *point)
{
    const char *only = getenv("EDDY_TEST_POINT");
    return only ? strcmp(point, only) == 0
                : strncmp(point, "slots-", 6) == 0 || strncmp(point, "kind-", 5) == 0;
}

static void strike_everywhere(enum blow blow)
{
    static const unsigned times[] = {1, 2, 7, 40};
    struct witness w = {.domain = open_domain(), .slots = slots_create("points", SLOTS, SIZE, 4)};
    unsigned missed = 0, struck = 0;
    must(eddy_slots_join(w.slots, 0, NULL));
    for (size_t i = 0; i < POINTS; i++)
        for (size_t time = 0; time < 4 && is_wanted(points[i]); time++) {
            bool hit = strike_at(&w, points[i], times[time], blow);
            struck += hit;
            if (!hit && time == 0)
                missed++, fprintf(stderr, "nobody comes to %s\n", points[i]);
            if (!hit)
                break;
        }
    printf("%u blows\n", struck);
    same(missed, 0);
    must(eddy_slots_close(w.slots));
    must(eddy_domain_close(w.domain));
}

static void killed_at_any_point_the_others_go_on(void **state)
{
    (void)state;
    strike_everywhere(KILL);
}

static void stopped_at_any_point_the_others_go_on(void **state)
{
    (void)state;
    strike_everywhere(STOP);
}

/* --- a commit whose writer does not come to say that it is done ------------------------------ */

static void stopping_writer(int wire, void *argument)
{
    (void)wire, (void)argument;
    plan.point = "slots-commit:swapped";
    plan.countdown = 1;
    plan.blow = STOP;
    eddy_slots *slots = slots_attach("points");
    eddy_point_hook = strike;
    must(slots_publish(slots, nobody, "mine", 4));
    must(eddy_slots_close(slots));
}

/* Publishes, gated by reader 0, which reads just this. */
static void publish_and_mark(eddy_slots *slots)
{
    const uint64_t first[] = {1};
    struct eddy_slots_loan loan;
    struct eddy_slots_sample sample = {.reader = 0};
    must(eddy_slots_reserve(slots, first, 1, EDDY_POLL, &loan));
    must(eddy_slots_commit(slots, &loan, "next", 4, &sample.sn));
    sample.slot = loan.slot;
    sample.segment = loan.segment;
    must(eddy_slots_mark_read(slots, &sample));
}

/* The log goes over it several times, and nobody has reaped its writer. */
static void a_commit_is_done_with_the_swap(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 1000; rounds *= 10) {
        eddy_slots *slots = slots_create("points", SLOTS, SIZE, 4);
        struct eddy_slots_sample sample;
        must(eddy_slots_join(slots, 0, NULL));
        struct child child = child_start(stopping_writer, NULL);
        siginfo_t news;
        check(waitid(P_PID, (id_t)child.pid, &news, WSTOPPED) == 0);
        for (int i = 0; i < rounds; i++)
            publish_and_mark(slots);
        must(eddy_slots_take(slots, 0, EDDY_POLL, &sample));
        same(sample.sn, 1);
        check(sample.size == 4 && memcmp(sample.data, "mine", 4) == 0);
        must_fail(eddy_slots_take(slots, 0, EDDY_POLL, &sample), EDDY_ENODATA);
        check(kill(child.pid, SIGCONT) == 0);
        child_join(&child);
        must(eddy_slots_close(slots));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_the_others_go_on),
        WORLD_TEST(stopped_at_any_point_the_others_go_on),
        WORLD_TEST(a_commit_is_done_with_the_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
