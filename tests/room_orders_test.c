/* room_orders_test.c - a writer that waits for room is woken by the very step that makes some, and one
 * that asks for it again and again finds it.
 *
 * A topic of few slots, of which a reader holds all but one for good; what becomes of the last one
 * is the play of the writer and another reader.  The writer looks again after a while, whoever
 * wakes it (ROOM_NAP in transport/topic/room.c, VAIN_NS in vain.c); scripts/mutants makes that while so
 * long that it counts as lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/hook.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { ROUNDS = SANITIZED ? 600 : 1500, SLOTS = 4, BYTES = 20 << 10, LIMIT = 100 << 10 };

/* A wait this long has missed what it waited for. */
#define LOST (4 * SECOND)

#ifdef EDDY_WEAK
extern uint64_t mutant_nap;
#else
static uint64_t mutant_nap;
#endif

static const struct eddy_reader_options best_effort = {.reliability = EDDY_BEST_EFFORT},
                                        reliable = {.depth = 8};
static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *holder;
/* How far they are.  Relaxed throughout: the test must not order what the engine should. */
static atomic_uint wanted, loaned, published, ready, done;
static _Thread_local unsigned round_of_writer, round_of_joiner;
static bool polls;

static void say(atomic_uint *how_far, unsigned round)
{
    atomic_store_explicit(how_far, round, memory_order_relaxed);
}

static void await(atomic_uint *how_far, unsigned round)
{
    while (atomic_load_explicit(how_far, memory_order_relaxed) < round)
        sched_yield();
}

static void dawdle(uint64_t *seed)
{
    for (volatile uint64_t left = payload_random(seed) % 2000; left > 0; left--)
        ;
}

/* Until the writer is about to sleep, or has what it wants. */
static void await_want(unsigned round)
{
    while (round <= ROUNDS && atomic_load_explicit(&wanted, memory_order_relaxed) < round &&
           atomic_load_explicit(&loaned, memory_order_relaxed) < round)
        sched_yield();
}

static void note_want(const char *point)
{
    if (round_of_writer && strcmp(point, "room:wanted") == 0)
        say(&wanted, round_of_writer);
    if (round_of_joiner && strcmp(point, "join:positioned") == 0)
        await_want(round_of_joiner);
}

static void take(eddy_reader *reader, struct eddy_sample *sample)
{
    while (eddy_reader_take(reader, sample) != EDDY_OK)
        sched_yield();
}

/* It has looked in vain before anything is let go of. */
static void loan_by_asking(unsigned round, struct eddy_loan *loan)
{
    int error;
    while ((error = eddy_writer_loan(writer, BYTES, EDDY_POLL, loan)) == EDDY_EAGAIN) {
        say(&wanted, round);
        sched_yield();
    }
    must(error);
}

/* Each round wants the slot of the last. */
static void *write_all(void *unused)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        struct eddy_loan loan;
        uint64_t since = eddy_now();
        round_of_writer = round;
        if (polls)
            loan_by_asking(round, &loan);
        else
            must(eddy_writer_loan(writer, BYTES, patience(), &loan));
        check(eddy_now() - since < LOST);
        say(&loaned, round);
        await(&ready, round);
        must(eddy_writer_publish(writer, &loan, BYTES, patience()));
        say(&published, round);
        await(&done, round);
    }
    return unused;
}

static void play(void *(*other)(void *))
{
    static const struct eddy_writer_options few = {.limit_bytes = LIMIT};
    struct eddy_sample held[SLOTS - 1];
    uint64_t seed = payload_seed(), nap = mutant_nap;
    mutant_nap = LOST + SECOND;
    domain = open_domain();
    writer = open_writer(domain, "room", &few);
    holder = open_reader(domain, "room", &best_effort);
    for (int i = 0; i < SLOTS - 1; i++) {
        payload_publish(writer, BYTES, 1, (uint64_t)i);
        must(eddy_reader_take(holder, &held[i]));
    }
    wanted = loaned = published = ready = done = 0;
    hook_begin(note_want);
    pthread_t threads[] = {thread_start(other, &seed), thread_start(write_all, NULL)};
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    hook_end();
    must(eddy_reader_close(holder));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    mutant_nap = nap;
}

static void *release_each(void *seed)
{
    struct eddy_sample sample;
    eddy_reader *reader = open_reader(domain, "room", &best_effort);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        say(&ready, round);
        take(reader, &sample);
        say(&done, round);
        await_want(round + 1);
        dawdle(seed);
        must(eddy_reader_release(reader, &sample));
    }
    must(eddy_reader_close(reader));
    return NULL;
}

static void no_release_is_slept_through(void **state)
{
    (void)state;
    play(release_each);
}

static void no_release_is_missed_by_who_asks(void **state)
{
    (void)state;
    polls = true;
    play(release_each);
    polls = false;
}

static void *leave_each(void *seed)
{
    struct eddy_sample sample;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        eddy_reader *reader = open_reader(domain, "room", &best_effort);
        say(&ready, round);
        take(reader, &sample);
        say(&done, round);
        await_want(round + 1);
        dawdle(seed);
        must(eddy_reader_close(reader));
    }
    return NULL;
}

static void no_leaving_is_slept_through(void **state)
{
    (void)state;
    play(leave_each);
}

/* While a reader joins, nothing becomes free. */
static void *join_each(void *unused)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        say(&ready, round);
        await(&published, round);
        say(&done, round);
        round_of_joiner = round + 1;
        eddy_reader *reader = open_reader(domain, "room", &reliable);
        if (round < ROUNDS)
            await(&loaned, round + 1);
        must(eddy_reader_close(reader));
    }
    return unused;
}

static void no_joining_is_slept_through(void **state)
{
    (void)state;
    play(join_each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_release_is_slept_through),
        WORLD_TEST(no_release_is_missed_by_who_asks),
        WORLD_TEST(no_leaving_is_slept_through),
        WORLD_TEST(no_joining_is_slept_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
