/* bell_stress_test.c - two threads that send each other to sleep and wake each other, with no
 * spinning in between: not one wake-up may be lost.
 *
 * A wait that lasts until its deadline looks once more and may still find the sample, so the time
 * is watched, too.  EDDY_TEST_SEED repeats a run's choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/atomic.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <sched.h>
#include <stdio.h>

enum { ROUNDS = SANITIZED ? 800 : 2000, TOPICS = 3 };

/* A wait this long has missed what it waited for; it lasts a little longer. */
#define LOST (4 * SECOND)
#define LAST (LOST + SECOND)

static const struct eddy_reader_options asleep = {.spin_ns = -1};

/* One of the two: how it waits, and how it wakes the other. */
struct side {
    uint64_t seed;
    bool begins, anew; /* anew: is attached for each wait, and detached after */
    eddy_domain *domain;
    eddy_waitset *waitset; /* NULL: waits for its one reader */
    eddy_reader *readers[TOPICS];
    eddy_writer *writers[TOPICS];
    eddy_event *heard, *said; /* instead of topics */
};

/* Now at once, now while the other is about to fall asleep. */
static void dawdle(struct side *side)
{
    static const uint64_t most[] = {600, 60000, 300000};
    uint64_t turns = payload_random(&side->seed) % most[payload_random(&side->seed) % 3];
    for (volatile uint64_t left = turns; left > 0; left--)
        ;
}

static void wake_the_other(struct side *side, uint64_t round)
{
    dawdle(side);
    if (side->said)
        eddy_event_trigger(side->said);
    else
        payload_publish(side->writers[round % (side->waitset ? TOPICS : 1)], 64, 1, round);
}

static void attach(struct side *side)
{
    if (side->heard)
        must(eddy_waitset_attach_event(side->waitset, side->heard, EDDY_WAIT_LEVEL, NULL));
    for (int i = 0; i < TOPICS && side->readers[i]; i++)
        must(eddy_waitset_attach_reader(side->waitset, side->readers[i], EDDY_WAIT_LEVEL,
                                        &side->readers[i]));
}

static void detach(struct side *side)
{
    if (side->heard)
        must(eddy_waitset_detach_event(side->waitset, side->heard));
    for (int i = 0; i < TOPICS && side->readers[i]; i++)
        must(eddy_waitset_detach_reader(side->waitset, side->readers[i]));
}

/* Until there is something; returns the reader that has it. */
static eddy_reader *sleep_until(struct side *side)
{
    uint64_t since = eddy_now();
    void *found = &side->readers[0];
    size_t count = 0;
    if (side->waitset)
        must(eddy_waitset_wait(side->waitset, eddy_deadline(LAST), &found, 1, &count));
    else
        must(eddy_reader_wait(side->readers[0], eddy_deadline(LAST)));
    check(eddy_now() - since < LOST);
    return found ? *(eddy_reader **)found : NULL;
}

static void sleep_on(struct side *side, uint64_t round)
{
    if (side->anew)
        attach(side);
    eddy_reader *reader = sleep_until(side);
    if (side->heard)
        eddy_event_reset(side->heard);
    else
        same(payload_take(reader).number, round);
    if (side->anew)
        detach(side);
}

static void *take_turns(void *argument)
{
    struct side *side = argument;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (side->begins)
            wake_the_other(side, round);
        sleep_on(side, round);
        if (!side->begins)
            wake_the_other(side, round);
    }
    return NULL;
}

static void open_side(struct side *side, eddy_domain *domain, bool begins, bool many)
{
    *side = (struct side){.seed = payload_seed() + begins, .begins = begins, .domain = domain};
    if (many)
        must(eddy_waitset_open(domain, &side->waitset));
    for (int i = 0; i < (many ? TOPICS : 1); i++) {
        char there[32], back[32];
        snprintf(there, sizeof there, "%s %d", begins ? "a" : "b", i);
        snprintf(back, sizeof back, "%s %d", begins ? "b" : "a", i);
        side->writers[i] = open_writer(domain, there, NULL);
        side->readers[i] = open_reader(domain, back, &asleep);
    }
    if (many)
        attach(side);
}

static void close_side(struct side *side)
{
    for (int i = 0; i < TOPICS && side->readers[i]; i++) {
        must(eddy_reader_close(side->readers[i]));
        must(eddy_writer_close(side->writers[i]));
    }
    if (side->waitset)
        must(eddy_waitset_close(side->waitset));
}

static void run(struct side *sides)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = thread_start(take_turns, &sides[i]);
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
}

static void no_reader_sleeps_on(void **state)
{
    (void)state;
    struct side sides[2];
    eddy_domain *domain = open_domain();
    for (int i = 0; i < 2; i++)
        open_side(&sides[i], domain, i == 0, false);
    run(sides);
    for (int i = 0; i < 2; i++)
        close_side(&sides[i]);
    must(eddy_domain_close(domain));
}

static void wait_for_topics(bool anew)
{
    struct side sides[2];
    eddy_domain *domain = open_domain();
    for (int i = 0; i < 2; i++) {
        open_side(&sides[i], domain, i == 0, true);
        sides[i].anew = anew;
        if (anew)
            detach(&sides[i]);
    }
    run(sides);
    for (int i = 0; i < 2; i++)
        close_side(&sides[i]);
    must(eddy_domain_close(domain));
}

static void no_wait_set_sleeps_on(void **state)
{
    (void)state;
    wait_for_topics(false);
}

static void nothing_comes_unseen_while_a_reader_is_attached(void **state)
{
    (void)state;
    wait_for_topics(true);
}

static void wait_for_events(bool anew)
{
    struct side sides[2];
    eddy_event *events[2];
    eddy_domain *domain = open_domain();
    for (int i = 0; i < 2; i++)
        must(eddy_event_open(&events[i]));
    for (int i = 0; i < 2; i++) {
        sides[i] = (struct side){.seed = payload_seed() + 1,
                                 .begins = i == 0,
                                 .anew = anew,
                                 .heard = events[i],
                                 .said = events[1 - i]};
        must(eddy_waitset_open(domain, &sides[i].waitset));
        if (!anew)
            attach(&sides[i]);
    }
    run(sides);
    for (int i = 0; i < 2; i++) {
        must(eddy_event_close(events[i]));
        must(eddy_waitset_close(sides[i].waitset));
    }
    must(eddy_domain_close(domain));
}

static void no_event_is_slept_through(void **state)
{
    (void)state;
    wait_for_events(false);
}

static void no_event_comes_unseen_while_it_is_attached(void **state)
{
    (void)state;
    wait_for_events(true);
}

/* --- what an event hands on ------------------------------------------------------------------ */

/* One says something and triggers, a few times, then waits until the other has heard it all.
 * Relaxed throughout: only the event may order them. */
static struct talk {
    eddy_event *event;
    eddy_waitset *waitset;
    int at_a_time;
    _Atomic uint64_t said, heard;
} talk;

static void *say_all(void *argument)
{
    uint64_t number = 0, deadline = eddy_deadline(10 * LAST);
    (void)argument;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < talk.at_a_time; i++) {
            eddy_store_relaxed(&talk.said, ++number);
            eddy_event_trigger(talk.event);
        }
        while (eddy_load_relaxed(&talk.heard) < number && eddy_now() < deadline)
            sched_yield();
    }
    return NULL;
}

/* What the reset forgets has been said before the look that follows it. */
static uint64_t hear_in_a_wait_set(void)
{
    void *found;
    size_t count;
    must(eddy_waitset_wait(talk.waitset, eddy_deadline(LAST), &found, 1, &count));
    eddy_event_reset(talk.event);
    return eddy_load_relaxed(&talk.said);
}

static uint64_t hear_by_looking(void)
{
    uint64_t deadline = eddy_deadline(LAST);
    while (!eddy_event_triggered(talk.event) && eddy_now() < deadline)
        sched_yield();
    uint64_t said = eddy_load_relaxed(&talk.said);
    same(said, eddy_load_relaxed(&talk.heard) + 1);
    eddy_event_reset(talk.event);
    return said;
}

static void all_is_heard(uint64_t (*hear)(void), int at_a_time)
{
    eddy_domain *domain = open_domain();
    uint64_t all = (uint64_t)at_a_time * ROUNDS;
    talk = (struct talk){.at_a_time = at_a_time};
    must(eddy_event_open(&talk.event));
    must(eddy_waitset_open(domain, &talk.waitset));
    must(eddy_waitset_attach_event(talk.waitset, talk.event, EDDY_WAIT_LEVEL, NULL));
    pthread_t thread = thread_start(say_all, NULL);
    for (uint64_t heard = 0; heard < all; eddy_store_relaxed(&talk.heard, heard))
        heard = hear();
    thread_join(thread);
    must(eddy_event_close(talk.event));
    must(eddy_waitset_close(talk.waitset));
    must(eddy_domain_close(domain));
}

static void what_is_said_before_a_trigger_is_heard_by_who_waits(void **state)
{
    (void)state;
    all_is_heard(hear_in_a_wait_set, 2);
}

static void what_is_said_before_a_trigger_is_heard_by_who_looks(void **state)
{
    (void)state;
    all_is_heard(hear_by_looking, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_reader_sleeps_on),
        WORLD_TEST(no_wait_set_sleeps_on),
        WORLD_TEST(nothing_comes_unseen_while_a_reader_is_attached),
        WORLD_TEST(no_event_is_slept_through),
        WORLD_TEST(no_event_comes_unseen_while_it_is_attached),
        WORLD_TEST(what_is_said_before_a_trigger_is_heard_by_who_waits),
        WORLD_TEST(what_is_said_before_a_trigger_is_heard_by_who_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
