/* alive_orders_test.c - who has a seat is alive to whoever sees it there: to those who reap, and to
 * those who look from outside.
 *
 * Every thread is a participant of its own.  Deaths need the machine of tests/orders/weak.h
 * (support/life.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/reap.h"
#include "support/life.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "transport/topic/topic.h"

#include <eddy/inspect.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { ROUNDS = SANITIZED ? 100 : 30, LOOKS = ROUNDS / 3, PAIR = 2, MEMBERS = 3 };

/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint stage, arrived, takeovers;

static unsigned see(atomic_uint *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void count_up(atomic_uint *word)
{
    atomic_fetch_add_explicit(word, 1, memory_order_relaxed);
}

static void wait_for(atomic_uint *word, unsigned value)
{
    while (see(word) < value)
        sched_yield();
}

/* --- reapers --------------------------------------------------------------------------------- */

static char segment_id[EDDY_NONCE_TEXT];

/* Leaves a loan, and a seat that somebody has to take back, if it dies. */
static void hold_a_seat(eddy_domain *domain, void *argument)
{
    (void)argument;
    struct eddy_loan loan;
    eddy_writer *writer = open_writer(domain, "reaped", NULL);
    must(eddy_writer_loan(writer, 100, patience(), &loan));
    for (int i = 0; i < 1000; i++)
        must(eddy_writer_publish(writer, &loan, 100, patience())),
            must(eddy_writer_loan(writer, 100, patience(), &loan));
    must(eddy_writer_discard(writer, &loan));
    must(eddy_writer_close(writer));
}

static void *reap_until_done(void *argument)
{
    (void)argument;
    struct eddy_segment *segment;
    eddy_domain *domain = open_domain();
    must(eddy_segment_attach(eddy_domain_folder(domain), segment_id, EDDY_USE_SHARE, &segment));
    while (eddy_reap_topic(domain, segment).reaped > 0)
        ;
    count_up(&arrived);
    wait_for(&arrived, PAIR); /* alive until nobody looks any more */
    eddy_segment_detach(segment);
    must(eddy_domain_close(domain));
    return NULL;
}

#ifdef EDDY_POINTS
extern void (*eddy_point_hook)(const char *point);
static void (*next_hook)(const char *point);

static void count_takeovers(const char *point)
{
    if (strcmp(point, "reap:taken-over") == 0)
        count_up(&takeovers);
    next_hook(point);
}

static void count_what_is_taken_over(void)
{
    next_hook = eddy_point_hook;
    eddy_point_hook = count_takeovers;
}

static void count_no_more(void)
{
    eddy_point_hook = next_hook;
}
#else
static void count_what_is_taken_over(void)
{
}

static void count_no_more(void)
{
}
#endif

static void of_two_that_live_one_reaps(void **state)
{
    (void)state;
    pthread_t threads[PAIR];
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "reaped", NULL);
    struct eddy_topic *topic = domain->topics;
    memcpy(segment_id, topic->segment->id, sizeof segment_id);
    for (int round = 0; round < ROUNDS; round++) {
        life_lead(hold_a_seat, NULL, 2000);
        atomic_store(&arrived, 0);
        atomic_store(&takeovers, 0);
        count_what_is_taken_over();
        for (int i = 0; i < PAIR; i++)
            threads[i] = thread_start(reap_until_done, NULL);
        for (int i = 0; i < PAIR; i++)
            thread_join(threads[i]);
        count_no_more();
        check(see(&takeovers) <= 1);
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- who has the place of the dead in the registry -------------------------------------------- */

enum { HELD = 4, ROOM = 2000, SHADOWS = 1 << 22 };
static const struct eddy_writer_options few_slots = {.limit_bytes = 40 << 10};
static uint64_t shadows[SHADOWS];

static void loan_and_write(eddy_writer *writer, struct eddy_loan *loan)
{
    must(eddy_writer_loan(writer, ROOM, patience(), loan));
    shadow_write_apart(&shadows[loan->slot], 1);
}

static void hold_loans(eddy_domain *domain, void *argument)
{
    (void)argument;
    struct eddy_loan loans[HELD];
    eddy_writer *writer = open_writer(domain, "replaced", &few_slots);
    for (int i = 0; i < HELD; i++)
        loan_and_write(writer, &loans[i]);
    for (int i = 0; i < 1000; i++) {
        must(eddy_writer_discard(writer, &loans[i % HELD]));
        loan_and_write(writer, &loans[i % HELD]);
    }
    for (int i = 0; i < HELD; i++)
        must(eddy_writer_discard(writer, &loans[i]));
    must(eddy_writer_close(writer));
}

static void *die_and_be_replaced(void *argument)
{
    (void)argument;
    for (unsigned round = 0; round < ROUNDS; round++) {
        life_lead(hold_loans, NULL, 3000);
        eddy_domain *next = open_domain();
        count_up(&stage);
        wait_for(&arrived, round + 1);
        must(eddy_domain_close(next));
    }
    return NULL;
}

/* Takes back what the dead held, and writes there. */
static void *reap_and_write(void *argument)
{
    struct eddy_loan loans[64];
    eddy_domain *domain = argument;
    eddy_writer *writer = open_writer(domain, "replaced", &few_slots);
    struct eddy_topic *topic = domain->topics;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t count = 0;
        wait_for(&stage, round + 1);
        eddy_reap_topic(domain, topic->segment);
        while (count < 64 &&
               eddy_writer_loan(writer, ROOM, eddy_deadline(MILLISECOND), &loans[count]) == EDDY_OK)
            shadow_write_apart(&shadows[loans[count++].slot], 2);
        while (count > 0)
            must(eddy_writer_discard(writer, &loans[--count]));
        count_up(&arrived);
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    return NULL;
}

static void who_has_the_place_of_the_dead_tells_what_they_did(void **state)
{
    (void)state;
    atomic_store(&stage, 0);
    atomic_store(&arrived, 0);
    pthread_t reaper = thread_start(reap_and_write, open_domain());
    pthread_t mortal = thread_start(die_and_be_replaced, NULL);
    thread_join(mortal);
    thread_join(reaper);
}

/* --- those who look from outside ------------------------------------------------------------- */

static void *be_a_member(void *argument)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "looked at", NULL);
    wait_for(&stage, *(unsigned *)argument);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    return NULL;
}

static size_t living_members(void)
{
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(NULL, &snapshot));
    same(eddy_snapshot_topics(snapshot), 1);
    const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, 0);
    for (size_t i = 0; i < topic->member_count; i++)
        same(topic->members[i].state, EDDY_MEMBER_ALIVE);
    size_t count = topic->member_count;
    eddy_snapshot_free(snapshot);
    return count;
}

static void who_is_a_member_is_said_to_live(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "looked at", NULL);
    atomic_store(&stage, 0);
    for (unsigned round = 1; round <= LOOKS; round++) {
        pthread_t threads[MEMBERS];
        for (int i = 0; i < MEMBERS; i++)
            threads[i] = thread_start(be_a_member, &round);
        while (living_members() < 1 + MEMBERS)
            ;
        atomic_store_explicit(&stage, round, memory_order_relaxed);
        for (int i = 0; i < MEMBERS; i++)
            thread_join(threads[i]);
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(of_two_that_live_one_reaps),
        WORLD_TEST(who_has_the_place_of_the_dead_tells_what_they_did),
        WORLD_TEST(who_is_a_member_is_said_to_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
