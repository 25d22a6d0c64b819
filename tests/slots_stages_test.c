/* slots_stages_test.c - commits that take longer than a lap of the log.
 *
 * The threads share one handle and stop at points of the engine (support/stage.h).  Slots are
 * claimed at the hand, which the test sets: so who does not need to look at a slot does not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"
#include "support/stage.h"
#include "support/thread.h"

#include "transport/slots/read.h"

enum {
    B,
    C,
    A = 31,
    SLOTS,
    LAP = 64,
    ROUNDS = SANITIZED ? 400 : 100
}; /* A: whoever looks comes there last */

static const uint64_t nobody[] = {0};
static eddy_slots *slots;

static struct eddy_slot_loan reserve_at(uint32_t hand)
{
    struct eddy_slot_loan loan;
    eddy_store_relaxed(&slots->header->empty, 0u);
    eddy_store_relaxed(&slots->header->hand, hand);
    must(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan));
    return loan;
}

static void commit_at(uint32_t hand, int count)
{
    for (int i = 0; i < count; i++) {
        struct eddy_slot_loan loan = reserve_at(hand);
        must(eddy_slots_publish_copy(slots, &loan, &i, sizeof i, NULL));
    }
}

/* --- a number that was tried in vain --------------------------------------------------------- */

static struct stage_stop trying;
static atomic_bool tried;
static struct eddy_slot_loan slow;
static int outcome;   /* of the slow commit */
static uint64_t vain; /* the number */

/* Stands between the storing of the number and the swap, until all the log is newer. */
static void *commit_slowly(void *argument)
{
    stage_enter(&trying);
    int error = eddy_slots_publish_copy(slots, &slow, "slow", 4, NULL);
    atomic_store_explicit(&tried, true, memory_order_relaxed);
    check(error == outcome);
    return argument;
}

/* Looks for the oldest sample over and over, as one who has joined just now. */
static void *look_for_oldest(void *argument)
{
    atomic_bool *until = argument;
    int rounds = 0;
    do {
        struct eddy_slot_sample sample;
        eddy_store_relaxed(&slots->cursors[0], slots->first_sn);
        int error = eddy_slots_find_unread(slots, 0, UINT64_MAX, &sample);
        check(error == EDDY_OK || error == EDDY_EAGAIN);
        check(error || sample.slot != A || sample.sn != vain);
    } while (++rounds < 3 || !atomic_load_explicit(until, memory_order_relaxed));
    return NULL;
}

/* The slow one begins with `number`; when it goes on, the log is at `number` + a lap and a bit. */
static void try_in_vain(uint64_t number)
{
    pthread_t looker;
    stage_set(&trying, "slots-commit:before-swap", NULL);
    atomic_store(&tried, false);
    slow = reserve_at(A);
    commit_at(B, 1); /* so that lap 0, which has no numbers, is not all there is */
    eddy_store_relaxed(&slots->header->next_sn, number);
    vain = eddy_slots_public_sn(slots, number);
    pthread_t committer = thread_start(commit_slowly, NULL);
    stage_until_there(&trying);
    commit_at(B, LAP + 1);
    looker = thread_start(look_for_oldest, &trying.there);
    thread_join(looker);
    looker = thread_start(look_for_oldest, &tried);
    stage_let_go(&trying);
    thread_join(looker);
    thread_join(committer);
    if (outcome)
        must(eddy_slots_discard(slots, &slow));
}

static void run_in_vain(int expected, bool at_the_end)
{
    outcome = expected;
    eddy_point_hook = stage_arrive;
    for (int i = 0; i < ROUNDS; i++) {
        slots = slots_create("slots", SLOTS, 64, 1);
        must(eddy_slots_join(slots, 0, NULL));
        try_in_vain(at_the_end ? eddy_log_last_sn(&slots->log) - LAP : 2 * LAP);
        must(eddy_slots_close(slots));
    }
    eddy_point_hook = NULL;
}

static void a_number_tried_in_vain_is_no_sample(void **state)
{
    (void)state;
    run_in_vain(EDDY_OK, false);
}

/* There the slow one gets none. */
static void nor_is_it_where_the_numbers_end(void **state)
{
    (void)state;
    run_in_vain(EDDY_ESEGMENT, true);
}

/* --- who takes the entry over ---------------------------------------------------------------- */

static struct stage_stop taken;

/* A loan of the slot whose sample is a lap old, on its way into the log. */
static void *commit_anew(void *argument)
{
    stage_enter(NULL);
    slow = reserve_at(A);
    stage_enter(&taken);
    must(eddy_slots_publish_copy(slots, &slow, "anew", 4, NULL));
    return argument;
}

/* Puts the next number over the entry of that sample.  The slot is on loan, and stays so. */
static void *commit_over(void *argument)
{
    stage_until_there(&taken);
    must(eddy_slots_publish_copy(slots, argument, "over", 4, NULL));
    struct eddy_slot_loan loan = reserve_at(A);
    check(loan.slot != A);
    must(eddy_slots_discard(slots, &loan));
    stage_let_go(&taken);
    return NULL;
}

static void a_later_loan_is_not_given_up_for_an_older_sample(void **state)
{
    (void)state;
    slots = slots_create("slots", SLOTS, 64, 1);
    eddy_point_hook = stage_arrive;
    for (int i = 0; i < ROUNDS; i++) {
        struct eddy_slot_loan over = reserve_at(C);
        stage_set(&taken, "slots-commit:taken", NULL);
        commit_at(A, 1);
        commit_at(B, LAP - 1);
        pthread_t other = thread_start(commit_over, &over);
        pthread_t committer = thread_start(commit_anew, NULL);
        thread_join(other);
        thread_join(committer);
    }
    eddy_point_hook = NULL;
    must(eddy_slots_close(slots));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_number_tried_in_vain_is_no_sample),
        WORLD_TEST(nor_is_it_where_the_numbers_end),
        WORLD_TEST(a_later_loan_is_not_given_up_for_an_older_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
