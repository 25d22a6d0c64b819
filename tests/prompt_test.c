/* prompt_test.c - how soon others go on when somebody is killed.
 *
 * Prints the median and the longest of some rounds; spec/guarantees.md quotes them.  The bounds
 * leave room for a busy machine.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/ring_pair.h"
#include "support/slots_pair.h"
#include "support/thread.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 21, SIZE = 100 };

/* One round: somebody waits for a process that is then killed. */
struct round {
    child_main *victim;
    int (*wait)(void); /* in a thread: returns what it is told; NULL: nobody waits */
    int told;
    atomic_int thread; /* its number, as soon as it runs */
    uint64_t answered;
};

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_ring *ring;
static eddy_slots *slots;

static int by_length(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void is_prompt(uint64_t times[ROUNDS], uint64_t most, const char *what)
{
    qsort(times, ROUNDS, sizeof *times, by_length);
    printf("%s: median %.2f ms, longest %.2f ms\n", what, (double)times[ROUNDS / 2] / 1e6,
           (double)times[ROUNDS - 1] / 1e6);
    check(times[ROUNDS / 2] < most);
}

static void *wait_in_thread(void *argument)
{
    struct round *r = argument;
    atomic_store(&r->thread, gettid());
    r->told = r->wait();
    r->answered = eddy_now();
    return NULL;
}

static char state_of(int thread)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    const char *end = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return end && end[1] ? end[2] : 0;
}

/* Until the waiter sleeps. */
static void wait_until_it_waits(struct round *r)
{
    uint64_t deadline = patience();
    while (atomic_load(&r->thread) == 0 || state_of(atomic_load(&r->thread)) != 'S') {
        check(eddy_now() < deadline);
        sched_yield();
    }
}

/* Nanoseconds from the kill to the answer. */
static uint64_t play(struct round *r, int expected)
{
    struct child child = child_start(r->victim, NULL);
    wire_expect(child.wire, WIRE_READY);
    if (!r->wait) {
        child_kill(&child);
        return 0;
    }
    atomic_store(&r->thread, 0);
    pthread_t waiter = thread_start(wait_in_thread, r);
    wait_until_it_waits(r);
    uint64_t killed = eddy_now();
    child_kill(&child);
    thread_join(waiter);
    same((uint64_t)r->told, (uint64_t)expected);
    return r->answered > killed ? r->answered - killed : 0;
}

static void stay(int wire)
{
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* --- topics ---------------------------------------------------------------------------------- */

static void read_nothing(int wire, void *argument)
{
    (void)argument;
    eddy_domain *d = open_domain();
    open_reader(d, "prompt", &(struct eddy_reader_options){.depth = 2});
    stay(wire);
}

/* More than any reader may be behind. */
static int publish_many(void)
{
    for (int i = 0; i < 2000; i++) {
        int error = eddy_writer_write(writer, "x", 1, patience());
        if (error)
            return error;
    }
    return EDDY_OK;
}

static void a_writer_goes_on_when_its_reader_is_killed(void **state)
{
    (void)state;
    uint64_t times[ROUNDS];
    struct round round = {.victim = read_nothing, .wait = publish_many};
    domain = open_domain();
    writer = open_writer(domain, "prompt", NULL);
    for (int i = 0; i < ROUNDS; i++)
        times[i] = play(&round, EDDY_OK);
    is_prompt(times, SECOND, "topic: a writer that waits for a killed reliable reader");
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void write_and_stay(int wire, void *argument)
{
    (void)argument;
    eddy_domain *d = open_domain();
    eddy_writer *w = open_writer(d, "prompt", NULL);
    must(eddy_writer_write(w, "x", 1, patience()));
    stay(wire);
}

static void a_topic_of_the_dead_is_opened_anew(void **state)
{
    (void)state;
    uint64_t times[ROUNDS];
    struct round round = {.victim = write_and_stay};
    domain = open_domain();
    for (int i = 0; i < ROUNDS; i++) {
        play(&round, EDDY_OK);
        uint64_t begin = eddy_now();
        writer = open_writer(domain, "prompt", NULL);
        times[i] = eddy_now() - begin;
        must(eddy_writer_close(writer));
    }
    is_prompt(times, SECOND, "topic: opening one whose only user was killed");
    must(eddy_domain_close(domain));
}

/* --- slots ----------------------------------------------------------------------------------- */

static void loan_the_only_slot(int wire, void *argument)
{
    struct eddy_slot_loan loan;
    (void)argument;
    eddy_slots *s = slots_attach("prompt");
    must(eddy_slots_loan(s, NULL, 0, patience(), &loan));
    stay(wire);
}

static int reserve(void)
{
    struct eddy_slot_loan loan;
    int error = eddy_slots_loan(slots, NULL, 0, patience(), &loan);
    return error ? error : eddy_slots_discard(slots, &loan);
}

static void a_slot_of_the_dead_is_had_again(void **state)
{
    (void)state;
    uint64_t times[ROUNDS];
    struct round round = {.victim = loan_the_only_slot, .wait = reserve};
    slots = slots_create("prompt", 1, SIZE, 1);
    for (int i = 0; i < ROUNDS; i++)
        times[i] = play(&round, EDDY_OK);
    is_prompt(times, SECOND, "slots: a slot that a killed writer had on loan");
    must(eddy_slots_close(slots));
}

/* --- rings ----------------------------------------------------------------------------------- */

static void produce_nothing(int wire, void *argument)
{
    (void)argument;
    ring_attach("prompt", EDDY_RING_PRODUCER);
    stay(wire);
}

static int take(void)
{
    struct eddy_chunk chunk;
    return eddy_ring_take(ring, patience(), &chunk);
}

static void a_consumer_hears_of_its_producers_death(void **state)
{
    (void)state;
    uint64_t times[ROUNDS];
    struct round round = {.victim = produce_nothing, .wait = take};
    ring = ring_create("prompt", EDDY_RING_CONSUMER, 1, SIZE);
    for (int i = 0; i < ROUNDS; i++)
        times[i] = play(&round, EDDY_EPEERGONE);
    is_prompt(times, SECOND, "ring: a consumer hears that its producer was killed");
    must(eddy_ring_close(ring));
}

static void consume_nothing(int wire, void *argument)
{
    (void)argument;
    ring_attach("prompt", EDDY_RING_CONSUMER);
    stay(wire);
}

static int loan(void)
{
    struct eddy_chunk chunk;
    return eddy_ring_loan(ring, patience(), &chunk);
}

static void a_producer_hears_of_its_consumers_death(void **state)
{
    (void)state;
    uint64_t times[ROUNDS];
    struct round round = {.victim = consume_nothing, .wait = loan};
    ring = ring_create("prompt", EDDY_RING_PRODUCER, 1, SIZE);
    ring_publish(ring, SIZE, 0);
    for (int i = 0; i < ROUNDS; i++)
        times[i] = play(&round, EDDY_EPEERGONE);
    is_prompt(times, SECOND, "ring: a producer without room hears that its consumer was killed");
    must(eddy_ring_close(ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_writer_goes_on_when_its_reader_is_killed),
        WORLD_TEST(a_topic_of_the_dead_is_opened_anew),
        WORLD_TEST(a_slot_of_the_dead_is_had_again),
        WORLD_TEST(a_consumer_hears_of_its_producers_death),
        WORLD_TEST(a_producer_hears_of_its_consumers_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
