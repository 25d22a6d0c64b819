/* wait_company_test.c - waits in company: of each kind, on a processor that is shared, beside others
 * that are busy, and above others.
 *
 * One reader that waits: wait_test.c.  A partner that stops or dies: wait_alone_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/thread.h"
#include "support/ways.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static const struct way *const ways[] = {&way_reader,     &way_waitset, &way_room,     &way_slots,
                                         &way_slots_room, &way_ring,    &way_ring_room};
enum { WAYS = sizeof ways / sizeof *ways };

/* --- two that play --------------------------------------------------------------------------- */

struct game {
    const struct way *way;
    uint64_t rounds;
    bool fifo; /* the second goes first, always */
};

static void one_round(const struct way *way, struct end *end, uint64_t number)
{
    if (end->first)
        way->say(end, number);
    if (!way->one_way || !end->first)
        way->hear(end, number);
    if (!way->one_way && !end->first)
        way->say(end, number);
}

static void play_second(int wire, void *argument)
{
    const struct game *game = argument;
    struct end end = {.first = false};
    wire_expect(wire, WIRE_GO);
    game->way->open(&end);
    if (game->fifo)
        check(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) == 0);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < game->rounds; i++)
        one_round(game->way, &end, i);
    wire_expect(wire, WIRE_DONE);
    game->way->close(&end);
}

/* How long the rounds took. */
static uint64_t play(const struct way *way, const char *spin, uint64_t rounds, bool fifo)
{
    struct game game = {way, rounds, fifo};
    struct end end = {.first = true};
    setenv("EDDY_SPIN", spin, 1);
    struct child child = child_start(play_second, &game);
    way->open(&end);
    wire_say(child.wire, WIRE_GO);
    wire_expect(child.wire, WIRE_READY);
    uint64_t since = eddy_now();
    for (uint64_t i = 0; i < rounds; i++)
        one_round(way, &end, i);
    uint64_t took = eddy_now() - since;
    wire_say(child.wire, WIRE_DONE);
    child_join(&child);
    way->close(&end);
    if (getenv("EDDY_TEST_TELL"))
        printf("%-16s %-5s %6.1f us a round\n", way->name, spin,
               (double)took / 1000 / (double)rounds);
    return took;
}

static const char *const spins[] = {"auto", "off", "20us"};
enum { SPINS = sizeof spins / sizeof *spins };

static void waits_of_no_kind_lose_a_wake_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++)
        for (size_t j = 0; j < SPINS && ways[i] != &way_reader; j++) /* that: wait_test.c */
            play(ways[i], spins[j], 3000, false);
}

/* --- events: of two threads ------------------------------------------------------------------ */

static eddy_event *ping, *pong;
static eddy_domain *domain;

static void await_event(eddy_waitset *waitset, eddy_event *event)
{
    void *found;
    size_t count;
    uint64_t since = eddy_now();
    must(eddy_waitset_wait(waitset, way_deadline(), &found, 1, &count));
    check(eddy_now() - since < WAY_LOST);
    eddy_event_reset(event);
}

static eddy_waitset *waitset_of(eddy_event *event)
{
    eddy_waitset *waitset;
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_LEVEL, NULL));
    return waitset;
}

static void *answer_events(void *rounds)
{
    eddy_waitset *waitset = waitset_of(ping);
    for (uint64_t i = 0; i < *(uint64_t *)rounds; i++) {
        await_event(waitset, ping);
        eddy_event_trigger(pong);
    }
    must(eddy_waitset_close(waitset));
    return NULL;
}

static void play_events(const char *spin, uint64_t rounds)
{
    setenv("EDDY_SPIN", spin, 1);
    domain = open_domain();
    must(eddy_event_open(&ping));
    must(eddy_event_open(&pong));
    eddy_waitset *waitset = waitset_of(pong);
    pthread_t thread = thread_start(answer_events, &rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        eddy_event_trigger(ping);
        await_event(waitset, pong);
    }
    thread_join(thread);
    must(eddy_waitset_close(waitset));
    must(eddy_event_close(ping));
    must(eddy_event_close(pong));
    must(eddy_domain_close(domain));
}

static void waits_for_an_event_lose_no_wake_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < SPINS; i++)
        play_events(spins[i], 3000);
}

/* --- on one processor ------------------------------------------------------------------------ */

static void share_one_cpu(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    check(sched_setaffinity(0, sizeof one, &one) == 0);
}

#define IN_VAIN (50 * MILLISECOND) /* of both, generously */

/* The shortest of some, in turn: others are on the machine, too, and may take turn after turn of
 * one's side.  Not more than three times as long with looking, and what one may look in vain at
 * once. */
static void compare(const struct way *way, uint64_t rounds, bool fifo, uint64_t in_vain)
{
    uint64_t learnt = UINT64_MAX, off = UINT64_MAX;
    for (int i = 0; i < 12 && (i == 0 || learnt > 3 * off + in_vain); i++) {
        uint64_t took = play(way, "auto", rounds, fifo);
        learnt = took < learnt ? took : learnt;
        took = play(way, "off", rounds, fifo);
        off = took < off ? took : off;
    }
    if (learnt > 3 * off + in_vain)
        check_fail(CHECK_HERE("compare"), "%s: %llu us to learn, %llu us without a look", way->name,
                   (unsigned long long)learnt / 1000, (unsigned long long)off / 1000);
}

static void play_on_one_cpu(int wire, void *argument)
{
    (void)wire, (void)argument;
    share_one_cpu();
    for (size_t i = 0; i < WAYS; i++)
        compare(ways[i], 1000, false, 0);
    play_events("auto", 1000);
}

static void in_a_child(child_main *run)
{
    struct child child = child_start(run, NULL);
    child_join(&child);
}

static void two_that_share_a_cpu_are_not_slowed_by_looking(void **state)
{
    (void)state;
    in_a_child(play_on_one_cpu);
}

static void be_busy(int wire, void *argument)
{
    (void)argument;
    wire_say(wire, WIRE_READY);
    for (volatile unsigned i = 0;; i++)
        ;
}

static void play_beside_one_who_is_busy(int wire, void *argument)
{
    (void)wire, (void)argument;
    share_one_cpu();
    struct child busy = child_start(be_busy, NULL);
    wire_expect(busy.wire, WIRE_READY);
    for (size_t i = 0; i < WAYS; i++)
        compare(ways[i], 1000, false, IN_VAIN);
    child_kill(&busy);
}

static void two_that_share_a_cpu_with_one_who_is_busy_go_on(void **state)
{
    (void)state;
    in_a_child(play_beside_one_who_is_busy);
}

/* Who looks keeps the other from the CPU: giving way does not help. */
static void play_above_the_other(int wire, void *argument)
{
    (void)wire, (void)argument;
    share_one_cpu();
    for (size_t i = 0; i < WAYS; i++)
        compare(ways[i], 1000, true, IN_VAIN);
    play(&way_reader, "20us", 1000, true);
}

static void who_waits_above_its_partner_lets_it_go_on(void **state)
{
    (void)state;
    need_fifo();
    in_a_child(play_above_the_other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(waits_of_no_kind_lose_a_wake_up),
        WORLD_TEST(waits_for_an_event_lose_no_wake_up),
        WORLD_TEST(two_that_share_a_cpu_are_not_slowed_by_looking),
        WORLD_TEST(two_that_share_a_cpu_with_one_who_is_busy_go_on),
        WORLD_TEST(who_waits_above_its_partner_lets_it_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
