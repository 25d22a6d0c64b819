/* slots_orders_test.c - what the memory orders of a slots segment are for.
 *
 * Few slots, short stays: slots are used again at once, readers join and leave all the time, and
 * who sleeps is woken by the very next step of the other.  Each slot has a shadow
 * (support/shadow.h).  The threads share one handle.  EDDY_TEST_SEED repeats a run's choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/shadow.h"
#include "support/slots_pair.h"
#include "support/thread.h"

#include <sched.h>
#include <stdatomic.h>

enum {
    WRITERS = 2,
    JOINERS = 3,
    SLOTS = 5,
    EACH = SANITIZED ? 4500 : 1500,
    STAY = 6,
    ROUNDS = SANITIZED ? 800 : 3000
};

/* A wait this long has missed what it waited for; it lasts a little longer. */
#define LOST (4 * SECOND)
#define LAST (LOST + SECOND)

static const uint64_t nobody[] = {0};
static uint64_t shadows[SLOTS];
static eddy_slots *slots;
static bool gated;
static atomic_uint writing; /* relaxed throughout: the test must not order what the engine should */

static unsigned still_writing(void)
{
    return atomic_load_explicit(&writing, memory_order_relaxed);
}

static void *write_all(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    for (uint64_t number = 0; number < EACH;) {
        struct eddy_slot_loan loan;
        uint64_t value = payload_random(&seed);
        int error = eddy_slots_loan(slots, gated ? NULL : nobody, !gated,
                                    eddy_deadline(MILLISECOND), &loan);
        if (error) {
            check(error == EDDY_EAGAIN || error == EDDY_ETIMEDOUT);
            continue;
        }
        shadow_write(&shadows[loan.slot], value);
        if (value % 16 < 4) /* readers look at the slot while it has no sample */
            sched_yield();
        if (value % 8 == 0) {
            must(eddy_slots_discard(slots, &loan));
            continue;
        }
        must(eddy_slots_publish_copy(slots, &loan, &value, sizeof value, NULL));
        number++;
    }
    atomic_fetch_sub_explicit(&writing, 1, memory_order_relaxed);
    return NULL;
}

static void look(const struct eddy_slot_sample *sample)
{
    uint64_t value;
    same(sample->size, sizeof value);
    memcpy(&value, sample->data, sizeof value);
    same(shadow_read(&shadows[sample->slot]), value);
}

/* What was committed after the joining comes, all of it and in order. */
static void follow(uint64_t *last, uint64_t since, uint64_t sn)
{
    check(sn > *last);
    if (gated && sn > since + 1)
        same(sn, *last + 1);
    *last = sn;
}

static bool take_one(uint32_t reader, uint64_t *last, uint64_t since)
{
    struct eddy_slot_sample sample;
    int error = eddy_slots_take(slots, reader, eddy_deadline(MILLISECOND), &sample);
    if (error) {
        check(error == EDDY_ETIMEDOUT || error == EDDY_EAGAIN);
        return false;
    }
    look(&sample);
    follow(last, since, sample.sn);
    look(&sample);
    must(eddy_slots_release(slots, &sample));
    return true;
}

/* The same by steps: find, hold, mark, release. */
static bool step_one(uint32_t reader, uint64_t *last, uint64_t since)
{
    struct eddy_slot_sample sample;
    int error = eddy_slots_next_unread(slots, reader, &sample);
    if (!error)
        error = eddy_slots_hold(slots, &sample);
    if (error) {
        check(error == EDDY_EAGAIN || (error == EDDY_ESTALE && (!gated || sample.sn <= since)));
        return false;
    }
    look(&sample);
    follow(last, since, sample.sn);
    must(eddy_slots_mark_read(slots, &sample));
    look(&sample);
    must(eddy_slots_release(slots, &sample));
    return true;
}

static void *join_often(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    do {
        uint32_t reader;
        must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &reader));
        uint64_t since = eddy_slots_generation(slots), last = 0;
        unsigned left = (unsigned)(payload_random(&seed) % STAY);
        while (left > 0 && still_writing() > 0)
            left -= payload_random(&seed) % 2 ? take_one(reader, &last, since)
                                              : step_one(reader, &last, since);
        must(eddy_slots_leave(slots, reader));
    } while (still_writing() > 0);
    return NULL;
}

static void run(uint32_t readers, bool with_gates)
{
    pthread_t threads[WRITERS + JOINERS];
    uint64_t seed = payload_seed();
    size_t count = 0;
    gated = with_gates;
    slots = slots_create("slots", SLOTS, sizeof(uint64_t), readers);
    atomic_store(&writing, WRITERS);
    for (; count < WRITERS + JOINERS; count++)
        threads[count] = thread_start(count < JOINERS ? join_often : write_all,
                                      (void *)(uintptr_t)(seed + count * 7919 + 1));
    while (count > 0)
        thread_join(threads[--count]);
    must(eddy_slots_close(slots));
}

static void with_gates_nothing_is_missed_or_torn(void **state)
{
    (void)state;
    run(8, true);
}

static void with_readers_in_columns(void **state)
{
    (void)state;
    run(200, true);
}

static void without_gates_nothing_is_torn(void **state)
{
    (void)state;
    run(8, false);
}

/* --- sleeping -------------------------------------------------------------------------------- */

struct side {
    eddy_slots *hears, *says;
    uint64_t seed;
    bool begins;
};

static void dawdle(uint64_t *seed)
{
    for (volatile uint64_t left = payload_random(seed) % 600; left > 0; left--)
        ;
}

static void say(struct side *side, uint64_t round)
{
    dawdle(&side->seed);
    must(slots_publish(side->says, nobody, &round, sizeof round));
}

static void hear(struct side *side, uint64_t round)
{
    uint64_t since = eddy_now();
    must(eddy_slots_wait(side->hears, round, eddy_deadline(LAST)));
    check(eddy_now() - since < LOST);
    same(eddy_slots_generation(side->hears), round + 1);
}

static void *take_turns(void *argument)
{
    struct side *side = argument;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (side->begins)
            say(side, round);
        hear(side, round);
        if (!side->begins)
            say(side, round);
    }
    return NULL;
}

static void no_commit_is_slept_through(void **state)
{
    (void)state;
    eddy_slots *a = slots_create("a", 4, 64, 1), *b = slots_create("b", 4, 64, 1);
    uint64_t seed = payload_seed();
    struct side sides[] = {{a, b, seed + 1, true}, {b, a, seed + 2, false}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = thread_start(take_turns, &sides[i]);
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    must(eddy_slots_close(a));
    must(eddy_slots_close(b));
}

/* One slot: the writer waits until the sample is read and let go, the reader for the next. */
static void *take_each(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct eddy_slot_sample sample;
        uint64_t since = eddy_now();
        must(eddy_slots_take(slots, 0, eddy_deadline(LAST), &sample));
        check(eddy_now() - since < LOST);
        same(sample.sn, round + 1);
        dawdle(&seed);
        must(eddy_slots_release(slots, &sample));
    }
    return NULL;
}

static void no_room_is_slept_through(void **state)
{
    (void)state;
    uint64_t seed = payload_seed();
    slots = slots_create("slots", 1, 64, 1);
    must(eddy_slots_join(slots, 0, NULL));
    pthread_t thread = thread_start(take_each, (void *)(uintptr_t)(seed + 1));
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct eddy_slot_loan loan;
        uint64_t since = eddy_now();
        must(eddy_slots_loan(slots, NULL, 0, eddy_deadline(LAST), &loan));
        check(eddy_now() - since < LOST);
        dawdle(&seed);
        must(eddy_slots_publish_copy(slots, &loan, &round, sizeof round, NULL));
    }
    thread_join(thread);
    must(eddy_slots_close(slots));
}

/* One slot, which two writers have in turn: what the one gives up, the other waits for. */
enum { COMMITS = 2 * ROUNDS, DISCARDS = 10 * ROUNDS }; /* who looks for room looks several times */
static atomic_uint turns;                              /* relaxed, as above */
static unsigned all_turns;
static bool discards;

static void *reserve_and_give_up(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    for (unsigned round = 0; round < all_turns / WRITERS; round++) {
        struct eddy_slot_loan loan;
        uint64_t since = eddy_now();
        must(eddy_slots_loan(slots, nobody, 1, eddy_deadline(LAST), &loan));
        check(eddy_now() - since < LOST);
        unsigned mine = atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed) + 1;
        dawdle(&seed);
        if (discards)
            must(eddy_slots_discard(slots, &loan));
        else
            must(eddy_slots_publish_copy(slots, &loan, &mine, sizeof mine, NULL));
        while (mine < all_turns && atomic_load_explicit(&turns, memory_order_relaxed) == mine)
            sched_yield();
    }
    return NULL;
}

static void run_in_turn(bool to_discard)
{
    uint64_t seed = payload_seed();
    pthread_t threads[WRITERS];
    discards = to_discard;
    all_turns = WRITERS * (discards ? DISCARDS : COMMITS);
    atomic_store(&turns, 0);
    slots = slots_create("slots", 1, 64, 1);
    for (int i = 0; i < WRITERS; i++)
        threads[i] = thread_start(reserve_and_give_up, (void *)(uintptr_t)(seed + (uint64_t)i));
    for (int i = 0; i < WRITERS; i++)
        thread_join(threads[i]);
    must(eddy_slots_close(slots));
}

static void no_discard_is_slept_through(void **state)
{
    (void)state;
    run_in_turn(true);
}

static void no_commit_is_slept_through_for_want_of_room(void **state)
{
    (void)state;
    run_in_turn(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(with_gates_nothing_is_missed_or_torn),
        WORLD_TEST(with_readers_in_columns),
        WORLD_TEST(without_gates_nothing_is_torn),
        WORLD_TEST(no_commit_is_slept_through),
        WORLD_TEST(no_room_is_slept_through),
        WORLD_TEST(no_discard_is_slept_through),
        WORLD_TEST(no_commit_is_slept_through_for_want_of_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
