/* psmx_points_test.c - a program with the plug-in is killed, or stopped, at each of its points; the
 * others go on.
 *
 * The program is a child that writes, or one that reads.  Beside it, in this process, a speaker and a
 * hearer in domains of their own, whose samples all have to arrive whatever becomes of the child.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "standin.h"

#include "support/child.h"
#include "support/points.h"
#include "support/world.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { FEW = 12, MORE = 150, ROUND = 1500, SMALL = 64, LIMIT = 4 };

/* Who wrote it, and which it is. */
enum author { SPEAKER_ALL, SPEAKER_LAST, CHILD_ALL, CHILD_LAST, CHILD_LEFT, AUTHORS };
struct payload {
    uint64_t author, number;
};

struct ear {
    struct standin_domain *domain;
    struct standin_reader *all, *last;
    _Atomic uint64_t seen[AUTHORS];
};

static const struct psmx_qos waits = {
    .is_reliable = true, .keeps_all = true, .blocking = INT64_C(20000000000)};
static const struct psmx_qos newest = {.is_reliable = true, .depth = 5, .blocking = 100000000};
static const struct psmx_qos best_effort = {.depth = 5};
static const struct psmx_qos limited = {.is_reliable = true, .keeps_all = true, .limit = LIMIT};

static struct standin_domain *open_dds(void)
{
    int32_t result;
    struct standin_domain *domain =
        standin_domain_open(7, "LIMIT=16M;SPIN=off;\0INSTANCE_NAME=eddy;\0", &result);
    check(domain != NULL);
    return domain;
}

/* --- writing and hearing ---------------------------------------------------------------------- */

static void write_one(struct standin_writer *writer, enum author author, uint64_t number)
{
    struct payload payload = {author, number};
    struct psmx_loan *loan = standin_loan(writer, SMALL);
    check(loan != NULL);
    memcpy(loan->data, &payload, sizeof payload);
    same(standin_write(writer, loan, number % 2 == 0), PSMX_OK);
}

static bool waits_for_readers(uint64_t author)
{
    return author == SPEAKER_ALL || author == CHILD_ALL;
}

/* On the instance's thread. */
static void hear(struct standin_reader *reader, void *argument)
{
    struct ear *ear = argument;
    for (struct psmx_loan *loan; (loan = standin_take(reader)) != NULL; standin_free(loan)) {
        struct payload payload;
        memcpy(&payload, loan->data, sizeof payload);
        check(payload.author < AUTHORS);
        uint64_t before = atomic_load(&ear->seen[payload.author]);
        if (waits_for_readers(payload.author) && before > 0)
            same(payload.number, before + 1);
        check(payload.number > before);
        atomic_store(&ear->seen[payload.author], payload.number);
    }
}

static void hear_until(struct ear *ear, enum author author, uint64_t number)
{
    uint64_t end = patience();
    while (atomic_load(&ear->seen[author]) < number) {
        if (eddy_now() >= end)
            check_fail(CHECK_HERE("hear_until"), "of author %d heard up to %u, not %u", author,
                       (unsigned)ear->seen[author], (unsigned)number);
        sched_yield();
    }
}

/* --- the child -------------------------------------------------------------------------------- */

/* Keeps its instance's thread, so that what else has come is there when the child writes. */
static void stand(struct standin_reader *reader, void *argument)
{
    (void)reader;
    atomic_int *step = argument;
    if (atomic_load(step) < 0)
        return; /* that thread has still to hear of writers */
    atomic_store(step, 1);
    for (uint64_t end = patience(); atomic_load(step) == 1; check(eddy_now() < end))
        sched_yield();
}

/* The plug-in hears of writers that come and go: from then on it knows of those who leave. */
static void until_told(struct standin_domain *domain)
{
    for (uint64_t end = patience(); !standin_hears(domain); check(eddy_now() < end))
        sched_yield();
}

static void write_all(int wire, void *unused)
{
    (void)unused;
    static atomic_int step = -1;
    wire_expect(wire, WIRE_GO);
    points_arm();
    struct standin_domain *domain = open_dds();
    struct standin_writer *all = standin_writer_open(domain, "points", &waits),
                          *last = standin_writer_open(domain, "points", &newest);
    struct standin_reader *own = standin_reader_open(domain, "points", &waits, stand, &step);
    check(all != NULL && last != NULL && own != NULL);
    until_told(domain);
    atomic_store(&step, 0);
    wire_say(wire, WIRE_READY);
    for (uint64_t end = patience(); atomic_load(&step) == 0; check(eddy_now() < end))
        sched_yield();
    for (uint64_t number = 1; number <= FEW; number++) {
        standin_free(standin_loan(all, SMALL));
        write_one(all, CHILD_ALL, number);
        write_one(last, CHILD_LAST, number);
    }
    atomic_store(&step, 2);
    standin_reader_close(own);
    standin_writer_close(all);
    standin_writer_close(last);
    standin_sweep();
    standin_domain_close(domain);
}

/* What a writer wrote that DDS has not found before it left; on a topic where nobody overwrites it. */
static void hear_one_who_left(struct ear *ear)
{
    struct standin_domain *domain = open_dds();
    struct standin_reader *reader =
        standin_reader_open(ear->domain, "left", &best_effort, hear, ear);
    struct standin_writer *writer = standin_writer_open(domain, "left", &best_effort);
    check(reader != NULL && writer != NULL);
    atomic_store(&standin_lag, UINT32_MAX);
    write_one(writer, CHILD_LEFT, 1);
    standin_writer_close(writer);
    hear_until(ear, CHILD_LEFT, 1);
    atomic_store(&standin_lag, 1);
    standin_domain_close(domain);
    standin_reader_close(reader);
}

/* Beside readers that take at once, one whose cache is soon full; it takes at the end. */
static void read_all(int wire, void *unused)
{
    (void)unused;
    static struct ear ear, other, ends;
    wire_expect(wire, WIRE_GO);
    points_arm();
    ear.domain = open_dds();
    ear.all = standin_reader_open(ear.domain, "points", &waits, hear, &ear);
    ear.last = standin_reader_open(ear.domain, "points", &best_effort, hear, &other);
    struct standin_reader *full = standin_reader_open(ear.domain, "points", &limited, NULL, NULL);
    check(ear.all != NULL && ear.last != NULL && full != NULL);
    until_told(ear.domain);
    hear_one_who_left(&ear);
    wire_say(wire, WIRE_READY);
    hear_until(&ear, SPEAKER_ALL, FEW);
    struct psmx_loan *kept = NULL;
    for (uint64_t end = patience(); kept == NULL; check(eddy_now() < end))
        kept = standin_take(full);
    hear(full, &ends);
    standin_reader_close(ear.all);
    standin_reader_close(full);
    standin_reader_close(ear.last);
    standin_domain_close(ear.domain);
    standin_sweep();
    standin_free(kept); /* which outlives all */
}

/* --- the others ------------------------------------------------------------------------------- */

static struct ear hearer;
static struct standin_domain *speaker;
static struct standin_writer *speaks_all, *speaks_last;
static uint64_t said, said_last;

static void begin(void)
{
    memset(&hearer, 0, sizeof hearer);
    said = said_last = 0;
    hearer.domain = open_dds();
    speaker = open_dds();
    hearer.all = standin_reader_open(hearer.domain, "points", &waits, hear, &hearer);
    speaks_all = standin_writer_open(speaker, "points", &waits);
    speaks_last = standin_writer_open(speaker, "points", &newest);
    check(hearer.all != NULL && speaks_all != NULL && speaks_last != NULL);
}

static void speak(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        write_one(speaks_all, SPEAKER_ALL, ++said);
    hear_until(&hearer, SPEAKER_ALL, said);
}

/* Once round the log and more on the lane that never waits. */
static void go_on_without(void)
{
    uint64_t began = eddy_now();
    speak(MORE);
    for (uint64_t i = 0; i < ROUND; i++)
        write_one(speaks_last, SPEAKER_LAST, ++said_last);
    hear_until(&hearer, SPEAKER_LAST, said_last);
    check(eddy_now() - began < 5 * SECOND);
}

static void finish(void)
{
    struct eddy_gc_report report;
    standin_writer_close(speaks_all);
    standin_writer_close(speaks_last);
    standin_reader_close(hearer.all);
    standin_sweep();
    standin_domain_close(speaker);
    standin_domain_close(hearer.domain);
    must(eddy_gc(NULL, &report));
    world_must_be_empty();
}

/* What becomes of the child from here on. */
struct fate {
    struct child child;
    bool was_struck, lives;
};

/* If it was struck, all others go on, then it does, if it was only stopped. */
static void look_after(struct fate *fate, bool struck)
{
    if (!struck)
        return;
    fate->was_struck = true;
    go_on_without();
    fate->lives = plan.blow == STOP;
    if (fate->lives) {
        siginfo_t news; /* else it would be told of once more */
        check(waitid(P_PID, (id_t)fate->child.pid, &news, WSTOPPED) == 0);
        child_continue(&fate->child);
    }
}

/* Until it says READY, or has ended: it may have heard enough while it stood. */
static void await_ready(struct fate *fate)
{
    char one;
    bool struck = true;
    for (uint64_t end = patience(); fate->lives && struck; check(eddy_now() < end)) {
        if (recv(fate->child.wire, &one, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
            wire_expect(fate->child.wire, WIRE_READY);
            return;
        }
        if (points_is_over(&fate->child, &struck))
            look_after(fate, struck);
        else
            struck = true;
    }
}

static bool see_its_end(struct fate *fate)
{
    bool struck = false;
    for (uint64_t end = patience(); fate->lives; check(eddy_now() < end)) {
        if (!points_is_over(&fate->child, &struck))
            continue;
        if (!struck)
            break;
        look_after(fate, struck);
    }
    check(points_bury(&fate->child) == !fate->lives);
    return fate->was_struck;
}

/* Of all the times that the child comes to a point, the first; EDDY_LONG=1: more of them. */
static bool is_left_out(void)
{
    return plan.countdown > 1 && getenv("EDDY_LONG") == NULL;
}

static bool writer_is_struck(void *unused)
{
    (void)unused;
    if (is_left_out())
        return false;
    struct fate fate = {.child = child_start(write_all, NULL), .lives = true};
    begin();
    wire_say(fate.child.wire, WIRE_GO);
    await_ready(&fate);
    speak(FEW);
    bool struck = see_its_end(&fate);
    if (fate.lives)
        hear_until(&hearer, CHILD_ALL, FEW);
    speak(FEW);
    finish();
    return struck;
}

static bool reader_is_struck(void *unused)
{
    (void)unused;
    if (is_left_out())
        return false;
    struct fate fate = {.child = child_start(read_all, NULL), .lives = true};
    begin();
    wire_say(fate.child.wire, WIRE_GO);
    await_ready(&fate);
    speak(FEW);
    bool struck = see_its_end(&fate);
    speak(FEW);
    finish();
    return struck;
}

/* --- everywhere ------------------------------------------------------------------------------- */

static const struct points_scene scenes[] = {{"writer", writer_is_struck, NULL},
                                             {"reader", reader_is_struck, NULL}};
static const char *const kinds[] = {"psmx-", NULL};

static void who_dies_at_a_point_of_the_plug_in_holds_up_nobody(void **state)
{
    (void)state;
    points_strike_all(scenes, sizeof scenes / sizeof *scenes, KILL, kinds, NULL);
}

static void who_stops_at_a_point_of_the_plug_in_holds_up_nobody(void **state)
{
    (void)state;
    points_strike_all(scenes, sizeof scenes / sizeof *scenes, STOP, kinds, NULL);
}

static void tell_point(void)
{
    fprintf(stderr, "with a blow at %s, time %u\n", plan.point ? plan.point : "nothing",
            plan.countdown);
}

int main(void)
{
    check_tell_more = tell_point;
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_dies_at_a_point_of_the_plug_in_holds_up_nobody),
        WORLD_TEST(who_stops_at_a_point_of_the_plug_in_holds_up_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
