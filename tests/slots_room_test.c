/* slots_room_test.c - a writer waits for a slot that others are in between with.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"
#include "support/stage.h"
#include "support/thread.h"

#include "transport/slots/slots.h"

enum { ROUNDS = 10, SLOTS = 20, LAST = 18 /* too far from the hand to be looked at but once */ };
#define LATE (25 * MILLISECOND) /* it looks again by itself every 50 */

static const uint64_t nobody[] = {0};
static eddy_slots *slots;

static void *wait_for_room(void *argument)
{
    struct eddy_slot_loan loan;
    stage_enter(argument);
    must(eddy_slots_loan(slots, NULL, 0, eddy_deadline(5000 * MILLISECOND), &loan));
    must(eddy_slots_discard(slots, &loan));
    return NULL;
}

/* Sharper if it sleeps by then; right in any case. */
static void let_it_fall_asleep(void)
{
    for (uint64_t end = eddy_deadline(2 * MILLISECOND); eddy_now() < end;)
        sched_yield();
}

static pthread_t start_waiting(struct stage_stop *armed)
{
    stage_set(armed, "wait:armed", NULL);
    stage_let_go(armed);
    pthread_t waiter = thread_start(wait_for_room, armed);
    stage_until_there(armed);
    let_it_fall_asleep();
    return waiter;
}

/* How long the waiter waits after the other has gone on. */
static uint64_t wait_out(pthread_t waiter, struct stage_stop *other)
{
    uint64_t since = eddy_now();
    stage_let_go(other);
    thread_join(waiter);
    return eddy_now() - since;
}

/* --- a sample that is read and released before its writer has given the slot up --------------- */

static void *commit(void *argument)
{
    struct eddy_slot_loan loan;
    must(eddy_slots_loan(slots, NULL, 0, EDDY_POLL, &loan));
    stage_enter(argument);
    must(eddy_slots_publish_copy(slots, &loan, "x", 1, NULL));
    return NULL;
}

static uint64_t wait_for_who_commits(eddy_slots *reader)
{
    struct stage_stop swapped, armed;
    struct eddy_slot_sample sample;
    stage_set(&swapped, "slots-commit:swapped", NULL);
    pthread_t committer = thread_start(commit, &swapped);
    stage_until_there(&swapped);
    must(eddy_slots_take(reader, 0, EDDY_POLL, &sample));
    must(eddy_slots_release(reader, &sample));
    pthread_t waiter = start_waiting(&armed);
    uint64_t waited = wait_out(waiter, &swapped);
    thread_join(committer);
    return waited;
}

static void who_waits_for_room_is_woken_when_the_writer_gives_the_slot_up(void **state)
{
    (void)state;
    struct slots_pair pair = slots_pair_open(1, 64, 1);
    int late = 0;
    slots = pair.writer;
    eddy_point_hook = stage_arrive;
    for (int i = 0; i < ROUNDS; i++)
        late += wait_for_who_commits(pair.reader) > LATE;
    eddy_point_hook = NULL;
    check(late < ROUNDS / 2); /* some may be, where the machine is busy */
    slots_pair_close(&pair);
}

/* --- a slot that is claimed in vain ----------------------------------------------------------- */

static void *claim_in_vain(void *argument)
{
    struct eddy_slot_loan loan;
    stage_enter(argument);
    must_fail(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan), EDDY_EAGAIN);
    return NULL;
}

/* Somebody claims the slot, finds it held and leaves it; meanwhile the holder lets go. */
static uint64_t wait_for_who_claims(eddy_slots *reader, struct eddy_slot_sample *sample)
{
    struct stage_stop last, owned, held, waiting;
    stage_set(&last, "slots-claim:last", NULL);
    stage_set(&owned, "slots-claim:owned", NULL);
    stage_set(&held, "slots-claim:held", NULL);
    last.next = &owned;
    owned.next = &held;
    must(eddy_slots_hold(reader, sample));
    pthread_t claimer = thread_start(claim_in_vain, &last);
    stage_until_there(&last);
    must(eddy_slots_release(reader, sample));
    for (uint32_t i = 0; i < EDDY_SLOTS_HINTS; i++)
        eddy_slots_hint(slots, i); /* so that nothing leads to it but the last look at all */
    stage_let_go(&last);
    stage_until_there(&owned);
    must(eddy_slots_hold(reader, sample));
    stage_let_go(&owned);
    stage_until_there(&held);
    pthread_t waiter = start_waiting(&waiting);
    must(eddy_slots_release(reader, sample));
    let_it_fall_asleep();
    uint64_t waited = wait_out(waiter, &held);
    thread_join(claimer);
    return waited;
}

static uint64_t wait_while_claimed(void)
{
    struct slots_pair pair = slots_pair_open(SLOTS, 64, 1);
    struct eddy_slot_loan loans[SLOTS];
    struct eddy_slot_sample sample;
    slots = pair.writer;
    for (int i = 0; i < SLOTS; i++)
        must(eddy_slots_loan(slots, NULL, 0, EDDY_POLL, &loans[i]));
    same(loans[LAST].slot, LAST);
    must(eddy_slots_publish_copy(slots, &loans[LAST], "x", 1, NULL));
    must(eddy_slots_next_unread(pair.reader, 0, &sample));
    eddy_point_hook = stage_arrive;
    uint64_t waited = wait_for_who_claims(pair.reader, &sample);
    eddy_point_hook = NULL;
    slots_pair_close(&pair);
    return waited;
}

static void who_waits_for_room_is_woken_when_a_claim_was_in_vain(void **state)
{
    (void)state;
    int late = 0;
    for (int i = 0; i < ROUNDS; i++)
        late += wait_while_claimed() > LATE;
    check(late < ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_waits_for_room_is_woken_when_the_writer_gives_the_slot_up),
        WORLD_TEST(who_waits_for_room_is_woken_when_a_claim_was_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
