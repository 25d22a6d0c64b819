/* slots_seats_test.c - seats of a slots segment: who has one lives, whose it was is done with it,
 * and what a dead one had is taken back as it was.
 *
 * Every thread has a handle of its own, which is a participant of its own; where it says so, the
 * threads stop at points of the engine (support/stage.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/look.h"
#include "support/shadow.h"
#include "support/slots_pair.h"
#include "support/stage.h"
#include "support/thread.h"

#include "allocator/lock.h"
#include "transport/slots/slots.h"

enum { A, B, C, SLOTS, LAP = 64, ROUNDS = 50, MEMBERS = 3 };

static const uint64_t nobody[] = {0};
static eddy_slots *slots;

/* --- who has entered, lives ------------------------------------------------------------------ */

static enum way { REAP, COUNT, LOOK_FROM_OUTSIDE } way;
static atomic_uint entered;
static atomic_bool seen;

static void *take_part(void *argument)
{
    uint32_t reader;
    eddy_slots *mine = slots_attach("slots");
    must(eddy_slots_join(mine, EDDY_SLOTS_ANY_READER, &reader));
    must(slots_publish(mine, nobody, "x", 1));
    atomic_fetch_add_explicit(&entered, 1, memory_order_relaxed);
    stage_until(&seen);
    must(slots_publish(mine, nobody, "x", 1));
    must(eddy_slots_leave(mine, reader));
    must(eddy_slots_close(mine));
    return argument;
}

static void none_is_dead_to_who_looks(void)
{
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_object_report *object = find_object(snapshot, "slots");
    for (size_t i = 0; i < object->member_count; i++)
        same(object->members[i].state, EDDY_MEMBER_ALIVE);
    eddy_snapshot_free(snapshot);
}

static void none_is_dead(void)
{
    if (way == REAP)
        same(eddy_slots_reap(slots).reaped, 0);
    else if (way == COUNT)
        same(eddy_slots_count(slots).reaped, 0);
    else
        none_is_dead_to_who_looks();
}

static void run(enum way chosen)
{
    way = chosen;
    slots = slots_create("slots", 2 * MEMBERS, 64, 64);
    for (int round = 0; round < ROUNDS / 2; round++) {
        pthread_t threads[MEMBERS];
        atomic_store(&entered, 0);
        atomic_store(&seen, false);
        for (int i = 0; i < MEMBERS; i++)
            threads[i] = thread_start(take_part, NULL);
        while (atomic_load_explicit(&entered, memory_order_relaxed) < MEMBERS)
            none_is_dead();
        atomic_store_explicit(&seen, true, memory_order_relaxed);
        for (int i = 0; i < MEMBERS; i++)
            thread_join(threads[i]);
    }
    must(eddy_slots_close(slots));
}

static void who_has_entered_is_not_reaped(void **state)
{
    (void)state;
    run(REAP);
}

static void who_has_entered_is_counted(void **state)
{
    (void)state;
    run(COUNT);
}

static void who_has_entered_is_shown_alive(void **state)
{
    (void)state;
    run(LOOK_FROM_OUTSIDE);
}

/* --- the dead -------------------------------------------------------------------------------- */

static eddy_slots *ghost, *reaper;

/* To others it is dead from now on, though it goes on. */
static void die(void)
{
    eddy_life_end(&ghost->domain->life);
}

static atomic_bool attached, died;

/* Comes, and takes back what another has left. */
static void *come_and_reap(void *argument)
{
    reaper = slots_attach("slots");
    atomic_store_explicit(&attached, true, memory_order_relaxed);
    stage_until(&died);
    stage_enter(argument);
    same(eddy_slots_reap(reaper).reaped, 1);
    return NULL;
}

static void who_reaps_lives(void **state)
{
    (void)state;
    struct stage_stop reaping;
    eddy_point_hook = stage_arrive;
    slots = slots_create("slots", SLOTS, 64, 1);
    for (int round = 0; round < ROUNDS; round++) {
        stage_set(&reaping, "slots-reap:taken-over", NULL);
        atomic_store(&attached, false);
        atomic_store(&died, false);
        ghost = slots_attach("slots");
        pthread_t thread = thread_start(come_and_reap, &reaping);
        stage_until(&attached);
        die();
        atomic_store_explicit(&died, true, memory_order_relaxed);
        stage_until_there(&reaping);
        eddy_slots_reap(slots);
        /* Relaxed: what we did ourselves we see; it would be free by now. */
        check(eddy_load_relaxed(&slots->members[ghost->member]) != 0);
        stage_let_go(&reaping);
        thread_join(thread);
        must(eddy_slots_close(reaper));
        must(eddy_slots_close(ghost));
    }
    must(eddy_slots_close(slots));
    eddy_point_hook = NULL;
}

static struct eddy_slot_loan reserve_at(eddy_slots *mine, uint32_t hand)
{
    struct eddy_slot_loan loan;
    eddy_store_relaxed(&mine->header->empty, 0u);
    eddy_store_relaxed(&mine->header->hand, hand);
    must(eddy_slots_loan(mine, nobody, 1, EDDY_POLL, &loan));
    same(loan.slot, hand);
    return loan;
}

static void commit_at(uint32_t hand, int count)
{
    for (int i = 0; i < count; i++) {
        struct eddy_slot_loan loan = reserve_at(slots, hand);
        must(eddy_slots_publish_copy(slots, &loan, &i, sizeof i, NULL));
    }
}

/* The number of the sample in slot A. */
static uint64_t sample_in_a(void)
{
    struct eddy_slot_state slot;
    must(eddy_slots_look(slots, A, &slot));
    return slot.sn;
}

static void *commit_and_die(void *argument)
{
    struct eddy_slot_loan loan = reserve_at(ghost, A);
    stage_enter(argument);
    must(eddy_slots_publish_copy(ghost, &loan, "x", 1, NULL));
    return NULL;
}

static void *reap_the_ghost(void *argument)
{
    stage_enter(argument);
    same(eddy_slots_reap(reaper).reaped, 1);
    return NULL;
}

static void *commit_the_next(void *argument)
{
    struct eddy_slot_loan loan = reserve_at(slots, A);
    stage_enter(argument);
    must(eddy_slots_publish_copy(slots, &loan, "y", 1, NULL));
    return NULL;
}

/* A commit whose writer died before its last step is finished by who puts the next lap's number
 * over its entry, and its slot claimed again, while another who has seen its state takes it
 * back. */
static void take_back_what_is_finished(bool again)
{
    struct stage_stop dying, reaping, going_on;
    pthread_t next;
    stage_set(&dying, "slots-commit:swapped", die);
    stage_set(&reaping, "slots-reap:loan-seen", NULL);
    stage_set(&going_on, "slots-commit:before-swap", NULL);
    ghost = slots_attach("slots");
    uint64_t number = eddy_slots_generation(slots) + 1;
    pthread_t dead = thread_start(commit_and_die, &dying);
    stage_until_there(&dying);
    commit_at(B, LAP - 1);
    pthread_t taker = thread_start(reap_the_ghost, &reaping);
    stage_until_there(&reaping);
    commit_at(C, 1);
    if (again) {
        next = thread_start(commit_the_next, &going_on);
        stage_until_there(&going_on);
    }
    stage_let_go(&reaping);
    thread_join(taker);
    stage_let_go(&going_on);
    if (again)
        thread_join(next);
    same(sample_in_a(), again ? number + LAP + 1 : number);
    stage_let_go(&dying);
    thread_join(dead);
    must(eddy_slots_close(ghost));
}

static void what_was_finished_for_the_dead_stays(void **state)
{
    (void)state;
    eddy_point_hook = stage_arrive;
    slots = slots_create("slots", SLOTS, 64, 1);
    reaper = slots_attach("slots");
    for (int round = 0; round < 4 * ROUNDS; round++)
        take_back_what_is_finished(round % 4 != 0);
    must(eddy_slots_close(reaper));
    must(eddy_slots_close(slots));
    eddy_point_hook = NULL;
}

/* --- a seat that changes hands --------------------------------------------------------------- */

static eddy_slots *leaver, *newcomer;
static uint64_t seats[EDDY_SLOTS_MEMBERS]; /* shadows: who looks for loans, reads; who has one,
                                              writes */

/* Were the look not over, a loan of the next holder would be given up in its place. */
static void look_is_over(void)
{
    (void)shadow_read_apart(&seats[leaver->member]);
}

static void loan_is_had(void)
{
    shadow_write_apart(&seats[newcomer->member], 1);
}

static void *leave_a_seat(void *argument)
{
    stage_enter(argument);
    must(eddy_slots_close(leaver));
    return NULL;
}

static void *take_a_seat(void *argument)
{
    struct eddy_slot_loan loan;
    stage_enter(argument);
    newcomer = slots_attach("slots");
    must(eddy_slots_loan(newcomer, nobody, 1, EDDY_POLL, &loan));
    must(eddy_slots_discard(newcomer, &loan));
    return NULL;
}

static void who_has_a_seat_has_its_loans_alone(void **state)
{
    (void)state;
    struct stage_stop looking, left, found, claiming;
    eddy_point_hook = stage_arrive;
    slots = slots_create("slots", SLOTS, 64, 1);
    for (int round = 0; round < ROUNDS; round++) {
        stage_set(&found, "slots-attach:found", NULL);
        stage_set(&claiming, "slots-claim:owned", loan_is_had);
        stage_set(&looking, "slots-leave:loans", look_is_over);
        stage_set(&left, "slots-close:left", NULL);
        found.next = &claiming;
        looking.next = &left;
        stage_let_go(&looking);
        stage_let_go(&claiming);
        leaver = slots_attach("slots");
        pthread_t coming = thread_start(take_a_seat, &found);
        stage_until_there(&found);
        pthread_t leaving = thread_start(leave_a_seat, &looking);
        stage_until_there(&left);
        stage_let_go(&found);
        thread_join(coming);
        stage_let_go(&left);
        thread_join(leaving);
        must(eddy_slots_close(newcomer));
    }
    must(eddy_slots_close(slots));
    eddy_point_hook = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_has_entered_is_not_reaped),
        WORLD_TEST(who_has_entered_is_counted),
        WORLD_TEST(who_has_entered_is_shown_alive),
        WORLD_TEST(who_reaps_lives),
        WORLD_TEST(what_was_finished_for_the_dead_stays),
        WORLD_TEST(who_has_a_seat_has_its_loans_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
