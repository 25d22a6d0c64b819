/* let_go_points_test.c - a reader is let go of while it stands at any point, and by one who stops or
 * dies at any point.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/points.h"
#include "support/world.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 64, DEPTH = 4, LAPS = 3000, FEW = 12, UNREAD = 2 };

static const struct eddy_reader_options shallow = {.depth = DEPTH};
static struct pair pair; /* the reader sees all */
static uint64_t number, seen;

static void see_all(void)
{
    struct eddy_sample sample;
    while (eddy_reader_take(pair.reader, &sample) == EDDY_OK) {
        same(payload_of(&sample).number, seen++);
        must(eddy_reader_release(pair.reader, &sample));
    }
}

static void publish(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        payload_publish(pair.writer, BYTES, 1, number++);
        see_all();
    }
}

static void open_all(void)
{
    pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 600});
    number = seen = 0;
}

/* --- the reader stops ------------------------------------------------------------------------- */

/* Each number once, in order; what is missing was lost.  One in three is kept for a while. */
struct progress {
    uint64_t next, lost;
    struct eddy_sample kept;
    uint64_t kept_number;
};

static void release_kept(eddy_reader *reader, struct progress *p)
{
    if (!p->kept.data)
        return;
    same(payload_of(&p->kept).number, p->kept_number);
    must(eddy_reader_release(reader, &p->kept));
    p->kept.data = NULL;
}

static bool take_one(eddy_reader *reader, struct progress *p)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(reader, &sample);
    if (error == EDDY_ELETGO) {
        p->next += eddy_reader_lost(reader) - p->lost;
        p->lost = eddy_reader_lost(reader);
        return true;
    }
    if (error == EDDY_EAGAIN)
        return false;
    must(error);
    same(payload_of(&sample).number, p->next++);
    if (p->next % 3 != 0) {
        must(eddy_reader_release(reader, &sample));
        return true;
    }
    release_kept(reader, p);
    p->kept = sample;
    p->kept_number = p->next - 1;
    return true;
}

static void read_some(int wire, void *unused)
{
    (void)unused;
    struct progress progress = {.next = wire_hear(wire)};
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", &shallow);
    points_arm();
    wire_say(wire, WIRE_READY);
    for (int i = 0; i < FEW; i++) {
        wire_expect(wire, WIRE_GO);
        while (take_one(reader, &progress))
            ;
        wire_say(wire, progress.next);
    }
    release_kept(reader, &progress);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* Until it says something, or stands. */
static bool hear_or_stop(struct child *child)
{
    for (uint64_t deadline = patience(); eddy_now() < deadline;) {
        char one;
        bool struck, over = points_is_over(child, &struck);
        if (recv(child->wire, &one, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
            return true;
        if (!over)
            continue;
        if (!struck)
            (void)points_bury(child); /* says why */
        return false;
    }
    check_fail(CHECK_HERE("hear_or_stop"), "hung at %s", plan.point);
}

static void go_on(struct child *child)
{
    siginfo_t news;
    check(waitid(P_PID, (id_t)child->pid, &news, WSTOPPED) == 0);
    child_continue(child);
}

/* Goes on without it, wherever it stands; then it goes on, too. */
static void go_round_without(struct child *child)
{
    if (plan.blow == STOP)
        must(eddy_writer_let_go(pair.writer, 1, 0));
    publish(LAPS);
    if (plan.blow == STOP)
        go_on(child);
}

/* False: it is dead. */
static bool hear_number(struct child *child, bool *struck)
{
    while (!hear_or_stop(child)) {
        *struck = true;
        go_round_without(child);
        if (plan.blow == KILL)
            return false;
    }
    same(wire_hear(child->wire), number);
    return true;
}

static bool reader_is_struck(void *unused)
{
    (void)unused;
    bool struck = false, lives = true;
    publish(1);
    struct child child = child_start(read_some, NULL);
    wire_say(child.wire, number);
    wire_expect(child.wire, WIRE_READY);
    for (uint64_t i = 0; lives && i < FEW; i++) {
        publish(i % 3);
        if (i % 4 == 2)
            must(eddy_writer_let_go(pair.writer, 1, 0));
        wire_say(child.wire, WIRE_GO);
        lives = hear_number(&child, &struck);
    }
    bool now = false; /* while it leaves */
    while (lives && !points_is_over(&child, &now))
        ;
    if (now && plan.blow == STOP)
        go_on(&child);
    struck |= now;
    check(points_bury(&child) == (struck && plan.blow == KILL));
    publish(LAPS);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0})); /* the next has the same seat */
    return struck;
}

static const char *const of_reader[] = {"take:", "keep:", "release:", "back:", NULL},
                         *const of_others[] = {"take:seen", "take:missed", "take:kept",
                                               "take:jumped", NULL};

static void strike_reader(enum blow blow)
{
    struct points_scene scene = {"reader", reader_is_struck, NULL};
    open_all();
    points_strike_all(&scene, 1, blow, of_reader, of_others);
    pair_close(&pair);
}

static void a_reader_that_stops_anywhere_finds_its_samples_whole(void **state)
{
    (void)state;
    strike_reader(STOP);
}

static void a_reader_that_dies_anywhere_leaves_nothing(void **state)
{
    (void)state;
    strike_reader(KILL);
}

/* --- who lets go stops ------------------------------------------------------------------------ */

static void let_go_of_other(int wire, void *unused)
{
    (void)wire;
    (void)unused;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    points_arm();
    int error = eddy_writer_let_go(writer, 1, 0);
    check(error == EDDY_OK || error == EDDY_ENOENT);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static bool wait_for_blow(struct child *child)
{
    bool struck;
    for (uint64_t deadline = patience(); !points_is_over(child, &struck);)
        check(eddy_now() < deadline);
    return struck;
}

static struct eddy_sample take(eddy_reader *reader, uint64_t wanted)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(reader, &sample);
    while (error == EDDY_ELETGO)
        error = eddy_reader_take(reader, &sample);
    must(error);
    same(payload_of(&sample).number, wanted);
    return sample;
}

static void end_it(struct child *child, bool struck)
{
    if (struck && plan.blow == STOP)
        go_on(child);
    check(points_bury(child) == (struck && plan.blow == KILL));
}

/* The reader has one sample, and others unread. */
static eddy_reader *open_held(struct eddy_sample *held)
{
    eddy_reader *reader = open_reader(pair.domain, "pair", &shallow);
    uint64_t first = number;
    publish(UNREAD);
    *held = take(reader, first);
    return reader;
}

/* Another lets go of the reader as well, while it stands or if it is dead. */
static bool another_helps(void *at_once)
{
    struct eddy_sample held;
    eddy_reader *reader = open_held(&held);
    uint64_t was = number - UNREAD;
    struct child child = child_start(let_go_of_other, NULL);
    bool struck = wait_for_blow(&child);
    publish(1); /* the writer looks what is spared */
    if (!at_once)
        end_it(&child, struck);
    if (at_once || plan.blow == KILL)
        must(eddy_writer_let_go(pair.writer, 1, 0));
    publish(LAPS);
    if (at_once)
        end_it(&child, struck);
    publish(LAPS);
    same(payload_of(&held).number, was);
    must(eddy_reader_release(reader, &held));
    must_fail(eddy_reader_take(reader, &held), EDDY_ELETGO);
    must(eddy_reader_close(reader));
    return struck;
}

/* The reader comes back, and is let go of anew, before the one that was at it goes on. */
static bool the_reader_comes_back(void *unused)
{
    (void)unused;
    struct eddy_sample held, passed;
    eddy_reader *reader = open_held(&held);
    struct child child = child_start(let_go_of_other, NULL);
    bool struck = wait_for_blow(&child);
    must(eddy_reader_release(reader, &held));
    while (eddy_reader_take(reader, &passed) == EDDY_OK)
        must(eddy_reader_release(reader, &passed));
    uint64_t was = number;
    publish(DEPTH);
    held = take(reader, was);
    if (struck) {
        must(eddy_writer_let_go(pair.writer, 1, 0));
        publish(LAPS);
    }
    end_it(&child, struck);
    if (struck)
        publish(LAPS);
    same(payload_of(&held).number, was);
    must(eddy_reader_release(reader, &held));
    must(eddy_reader_close(reader));
    return struck;
}

/* Its seat goes to another participant's reader. */
static bool the_reader_leaves(void *unused)
{
    (void)unused;
    struct eddy_sample held;
    eddy_reader *reader = open_held(&held);
    struct child child = child_start(let_go_of_other, NULL);
    bool struck = wait_for_blow(&child);
    must(eddy_reader_close(reader));
    eddy_domain *domain = open_domain();
    reader = open_reader(domain, "pair", &shallow);
    end_it(&child, struck);
    publish(UNREAD);
    for (uint64_t i = 0; i < UNREAD; i++)
        same(payload_take(reader).number, number - UNREAD + i);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    return struck;
}

static void strike_who_lets_go(enum blow blow)
{
    static const char *const kinds[] = {"let-go:", NULL};
    static bool yes = true;
    struct points_scene scenes[] = {{"another helps", another_helps, &yes},
                                    {"it goes on", another_helps, NULL},
                                    {"the reader comes back", the_reader_comes_back, NULL},
                                    {"the reader leaves", the_reader_leaves, NULL}};
    open_all();
    points_strike_all(scenes, 4, blow, kinds, NULL);
    pair_close(&pair);
}

static void who_stops_while_it_lets_go_changes_nothing_later(void **state)
{
    (void)state;
    strike_who_lets_go(STOP);
}

static void who_dies_while_it_lets_go_holds_nobody_up(void **state)
{
    (void)state;
    strike_who_lets_go(KILL);
}

static struct child let_go_until(const char *point)
{
    plan = (struct points_plan){.point = point, .countdown = 1, .blow = STOP};
    struct child child = child_start(let_go_of_other, NULL);
    check(wait_for_blow(&child));
    return child;
}

/* One that was stopped over it goes on, while another has begun anew. */
static void who_wakes_up_late_does_not_end_what_another_began(void **state)
{
    (void)state;
    struct eddy_sample held;
    open_all();
    eddy_reader *reader = open_held(&held);
    struct child late = let_go_until("let-go:until-known");
    must(eddy_reader_release(reader, &held));
    must_fail(eddy_reader_take(reader, &held), EDDY_ELETGO);
    publish(1);
    held = take(reader, number - 1);
    uint64_t was = number - 1;
    struct child new = let_go_until("let-go:begun");
    end_it(&late, true);
    must(eddy_writer_let_go(pair.writer, 1, 0));
    publish(LAPS);
    same(payload_of(&held).number, was);
    must(eddy_reader_release(reader, &held));
    end_it(&new, true);
    must(eddy_reader_close(reader));
    pair_close(&pair);
}

static struct {
    eddy_reader *leaves, *comes;
    eddy_domain *domain;
} change;

static void change_seats(const char *point)
{
    struct eddy_sample sample;
    if (strcmp(point, "let-go:found") == 0 && change.leaves) {
        must(eddy_reader_close(change.leaves));
        change.leaves = NULL;
        change.comes = open_reader(change.domain, "pair", &shallow);
    }
    if (strcmp(point, "let-go:begun") == 0)
        must_fail(eddy_reader_take(change.comes, &sample), EDDY_EAGAIN);
}

/* The seat changes hands between the look at who has it and what is said there. */
static void who_was_not_meant_loses_nothing(void **state)
{
    (void)state;
    open_all();
    publish(1);
    change.domain = open_domain();
    change.leaves = open_reader(pair.domain, "pair", &shallow);
    eddy_point_hook = change_seats;
    must_fail(eddy_writer_let_go(pair.writer, 1, 0), EDDY_ENOENT);
    eddy_point_hook = NULL;
    publish(1);
    same(payload_take(change.comes).number, 1);
    must(eddy_reader_close(change.comes));
    must(eddy_domain_close(change.domain));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_reader_that_stops_anywhere_finds_its_samples_whole),
        WORLD_TEST(a_reader_that_dies_anywhere_leaves_nothing),
        WORLD_TEST(who_stops_while_it_lets_go_changes_nothing_later),
        WORLD_TEST(who_dies_while_it_lets_go_holds_nobody_up),
        WORLD_TEST(who_wakes_up_late_does_not_end_what_another_began),
        WORLD_TEST(who_was_not_meant_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
