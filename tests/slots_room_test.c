/* slots_room_test.c - a writer waits for a slot whose sample is read and released before its own
 * writer has given it up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"
#include "support/thread.h"

#include "allocator/point.h"

#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 10 };
#define LATE (25 * MILLISECOND) /* it looks again by itself every 50 */

void (*eddy_point_hook)(const char *name);

static _Thread_local bool commits, waits;
static atomic_bool stopped, may_go_on, waiting;
static eddy_slots *slots;

static void look_on(const char *name)
{
    if (waits && strcmp(name, "slots-reserve:armed") == 0)
        atomic_store(&waiting, true);
    if (!commits || strcmp(name, "slots-commit:swapped") != 0)
        return;
    atomic_store(&stopped, true);
    while (!atomic_load(&may_go_on))
        sched_yield();
}

static void *commit(void *argument)
{
    struct eddy_slots_loan loan;
    commits = true;
    must(eddy_slots_reserve(slots, NULL, 0, EDDY_POLL, &loan));
    must(eddy_slots_commit(slots, &loan, "x", 1, NULL));
    return argument;
}

static void *wait_for_room(void *argument)
{
    struct eddy_slots_loan loan;
    waits = true;
    must(eddy_slots_reserve(slots, NULL, 0, eddy_deadline(5000 * MILLISECOND), &loan));
    must(eddy_slots_discard(slots, &loan));
    return argument;
}

static void until(atomic_bool *flag)
{
    while (!atomic_load(flag))
        sched_yield();
}

/* How long the waiter waits after the slot was given up. */
static uint64_t one_round(eddy_slots *reader)
{
    struct eddy_slots_sample sample;
    atomic_store(&stopped, false);
    atomic_store(&may_go_on, false);
    atomic_store(&waiting, false);
    pthread_t committer = thread_start(commit, NULL);
    until(&stopped);
    must(eddy_slots_take(reader, 0, EDDY_POLL, &sample));
    must(eddy_slots_release(reader, &sample));
    pthread_t waiter = thread_start(wait_for_room, NULL);
    until(&waiting);
    /* Sharper if it sleeps by then; right in any case. */
    for (uint64_t end = eddy_deadline(2 * MILLISECOND); eddy_now() < end;)
        sched_yield();
    uint64_t since = eddy_now();
    atomic_store(&may_go_on, true);
    thread_join(waiter);
    uint64_t waited = eddy_now() - since;
    thread_join(committer);
    return waited;
}

static void who_waits_for_room_is_woken_when_the_writer_gives_the_slot_up(void **state)
{
    (void)state;
    struct slots_pair pair = slots_pair_open(1, 64, 1);
    int late = 0;
    slots = pair.writer;
    eddy_point_hook = look_on;
    for (int i = 0; i < ROUNDS; i++)
        late += one_round(pair.reader) > LATE;
    eddy_point_hook = NULL;
    check(late < ROUNDS / 2); /* some may be, where the machine is busy */
    slots_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_waits_for_room_is_woken_when_the_writer_gives_the_slot_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
