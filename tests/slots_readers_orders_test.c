/* slots_readers_orders_test.c - what the memory orders of joining, leaving and marking are for.
 *
 * A slot, a writer and readers that come and go.  The threads share one handle, and tell each other
 * whose turn it is with relaxed atomics, which order nothing.  EDDY_TEST_SEED repeats a run's
 * choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/shadow.h"
#include "support/slots_pair.h"
#include "support/thread.h"

#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 3000, READ = SANITIZED ? 6000 : 3000, HOLDERS = 3, HANDOVERS = 1500 };

/* A wait this long has missed what it waited for; it lasts a little longer. */
#define LOST (4 * SECOND)
#define LAST (LOST + SECOND)

static const uint64_t nobody[] = {0}, first[] = {1};
static uint64_t shadow;
static eddy_slots *slots;
static atomic_uint joined, done; /* the round of the reader, of the writer */

static unsigned now(atomic_uint *round)
{
    return atomic_load_explicit(round, memory_order_relaxed);
}

static void tell(atomic_uint *round, unsigned value)
{
    atomic_store_explicit(round, value, memory_order_relaxed);
}

static void dawdle(uint64_t *seed)
{
    for (volatile uint64_t left = payload_random(seed) % 600; left > 0; left--)
        ;
}

/* --- who leaves makes room ------------------------------------------------------------------- */

static enum way { LEAVES, LEAVES_WITH_A_SAMPLE, IS_DISCONNECTED } way;

static void hold_one(void)
{
    struct eddy_slot_sample sample;
    must(eddy_slots_take(slots, 0, eddy_deadline(LAST), &sample)); /* `done` hands nothing on */
    uint64_t value;
    memcpy(&value, sample.data, sizeof value);
    same(shadow_read(&shadow), value);
}

static void *come_and_go(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        must(eddy_slots_join(slots, 0, NULL));
        if (way == LEAVES_WITH_A_SAMPLE)
            hold_one();
        tell(&joined, round);
        dawdle(&seed);
        if (way == IS_DISCONNECTED)
            must(eddy_slots_let_go(slots, 0));
        else
            must(eddy_slots_leave(slots, 0));
        while (now(&done) < round)
            sched_yield();
        if (way == IS_DISCONNECTED)
            must(eddy_slots_leave(slots, 0));
    }
    return NULL;
}

static void write_once(uint64_t value)
{
    struct eddy_slot_loan loan;
    uint64_t since = eddy_now();
    must(eddy_slots_loan(slots, way == LEAVES_WITH_A_SAMPLE ? nobody : first, 1,
                         eddy_deadline(LAST), &loan));
    check(eddy_now() - since < LOST);
    shadow_write(&shadow, value);
    must(eddy_slots_publish_copy(slots, &loan, &value, sizeof value, NULL));
}

static void run(enum way chosen)
{
    uint64_t seed = payload_seed();
    way = chosen;
    slots = slots_create("slots", 1, sizeof(uint64_t), 1);
    atomic_store(&joined, 0);
    atomic_store(&done, 0);
    must(eddy_slots_join(slots, 0, NULL));
    must(eddy_slots_leave(slots, 0)); /* else its number, in the mask, is waited for */
    write_once(0);
    pthread_t reader = thread_start(come_and_go, (void *)(uintptr_t)seed);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        while (now(&joined) < round)
            sched_yield();
        dawdle(&seed);
        write_once(round);
        tell(&done, round);
    }
    thread_join(reader);
    must(eddy_slots_close(slots));
}

static void no_leaving_is_slept_through(void **state)
{
    (void)state;
    run(LEAVES);
}

static void no_leaving_with_a_sample_is_slept_through(void **state)
{
    (void)state;
    run(LEAVES_WITH_A_SAMPLE);
}

static void no_disconnecting_is_slept_through(void **state)
{
    (void)state;
    run(IS_DISCONNECTED);
}

/* --- who joins gates ------------------------------------------------------------------------- */

/* From now on nothing is committed twice before it is read here. */
static void join_once(uint64_t *seed)
{
    uint64_t sn = 0;
    must(eddy_slots_join(slots, 0, NULL));
    uint64_t since = eddy_slots_generation(slots);
    dawdle(seed);
    while (sn <= since) {
        struct eddy_slot_sample sample;
        must(eddy_slots_take(slots, 0, eddy_deadline(LAST), &sample));
        sn = sample.sn;
        must(eddy_slots_release(slots, &sample));
    }
    same(sn, since + 1);
    must(eddy_slots_leave(slots, 0));
}

static void *join_over_and_over(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        join_once(&seed);
        tell(&joined, round);
    }
    return NULL;
}

static void who_joins_misses_nothing(void **state)
{
    (void)state;
    slots = slots_create("slots", 1, sizeof(uint64_t), 1);
    atomic_store(&joined, 0);
    pthread_t reader = thread_start(join_over_and_over, (void *)(uintptr_t)payload_seed());
    while (now(&joined) < ROUNDS) {
        uint64_t value = 1;
        int error = slots_publish(slots, NULL, &value, sizeof value);
        check(error == EDDY_OK || error == EDDY_EAGAIN);
    }
    thread_join(reader);
    must(eddy_slots_close(slots));
}

/* --- what is read ---------------------------------------------------------------------------- */

static void *read_each_once(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument, last = 0;
    while (last < READ) {
        struct eddy_slot_sample sample;
        int error = eddy_slots_next_unread(slots, 0, &sample);
        if (error) {
            check(error == EDDY_EAGAIN);
            continue;
        }
        same(sample.sn, last + 1);
        must(eddy_slots_mark_read(slots, &sample));
        last = sample.sn;
        tell(&done, (unsigned)last);
        dawdle(&seed);
    }
    return NULL;
}

static void what_was_read_is_not_unread_again(void **state)
{
    (void)state;
    slots = slots_create("slots", 1, sizeof(uint64_t), 1);
    must(eddy_slots_join(slots, 0, NULL));
    atomic_store(&done, 0);
    pthread_t reader = thread_start(read_each_once, (void *)(uintptr_t)payload_seed());
    while (now(&done) < READ) {
        int error = slots_publish(slots, NULL, "x", 1);
        check(error == EDDY_OK || error == EDDY_EAGAIN);
    }
    thread_join(reader);
    must(eddy_slots_close(slots));
}

/* For each who takes the number all that is there is unread, whatever its last holder read. */
static void *take_the_number(void *argument)
{
    for (unsigned i = 0; i < HANDOVERS; i++) {
        struct eddy_slot_sample sample;
        int error;
        while ((error = eddy_slots_join(slots, 0, NULL)) == EDDY_EBUSY)
            sched_yield();
        must(error);
        must(eddy_slots_take(slots, 0, EDDY_POLL, &sample));
        must(eddy_slots_release(slots, &sample));
        must_fail(eddy_slots_take(slots, 0, EDDY_POLL, &sample), EDDY_EAGAIN);
        must(eddy_slots_leave(slots, 0));
    }
    return argument;
}

static void who_takes_over_a_number_has_read_nothing(void **state)
{
    (void)state;
    pthread_t threads[HOLDERS];
    slots = slots_create("slots", 1, sizeof(uint64_t), 1);
    must(slots_publish(slots, nobody, "x", 1));
    for (int i = 0; i < HOLDERS; i++)
        threads[i] = thread_start(take_the_number, NULL);
    for (int i = 0; i < HOLDERS; i++)
        thread_join(threads[i]);
    must(eddy_slots_close(slots));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_leaving_is_slept_through),
        WORLD_TEST(no_leaving_with_a_sample_is_slept_through),
        WORLD_TEST(no_disconnecting_is_slept_through),
        WORLD_TEST(who_joins_misses_nothing),
        WORLD_TEST(what_was_read_is_not_unread_again),
        WORLD_TEST(who_takes_over_a_number_has_read_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
