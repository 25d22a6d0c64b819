/* slots_reaping_test.c - as reaping_test.c, for slots.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/slots_pair.h"
#include "support/world.h"

#include "allocator/point.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 12, HELD = 4, LENT = 4, READERS = 130 };

void (*eddy_point_hook)(const char *name);

static const uint64_t nobody[] = {0};
static eddy_slots *slots;

/* A reader that holds some and gates the rest, and a writer that has some on loan. */
static void hold_and_lend(int wire, void *unused)
{
    (void)unused;
    struct eddy_slot_sample sample;
    struct eddy_slot_loan loan;
    eddy_slots *s = slots_attach("room");
    must(eddy_slots_join(s, READERS - 1, NULL));
    for (int i = 0; i < HELD; i++)
        must(eddy_slots_take(s, READERS - 1, EDDY_POLL, &sample));
    for (int i = 0; i < LENT; i++)
        must(eddy_slots_loan(s, nobody, 1, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void kill_holder(void)
{
    slots = slots_create("room", SLOTS, 64, READERS);
    for (int i = 0; i < SLOTS - LENT; i++)
        must(slots_publish(slots, nobody, "x", 1));
    struct child child = child_start(hold_and_lend, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
}

static void all_are_had(bool waits)
{
    struct eddy_slot_loan loans[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        if (waits)
            must(eddy_slots_loan(slots, NULL, 0, eddy_deadline(SECOND), &loans[i]));
        else
            slots_loan_soon(slots, NULL, 0, &loans[i]);
    for (int i = 0; i < SLOTS; i++)
        must(eddy_slots_publish_copy(slots, &loans[i], "y", 1, NULL));
}

/* --- who does not wait ------------------------------------------------------------------------ */

static atomic_uint reaped;

static void count_reaping(const char *point)
{
    if (strcmp(point, "slots-reap:taken-over") == 0 || strncmp(point, "slots-leave:", 12) == 0)
        atomic_fetch_add(&reaped, 1);
}

static void who_does_not_wait_has_the_slots_of_the_dead_and_reaps_nobody(void **state)
{
    (void)state;
    kill_holder();
    atomic_store(&reaped, 0);
    eddy_point_hook = count_reaping;
    all_are_had(false);
    eddy_point_hook = NULL;
    same(atomic_load(&reaped), 0);
    must(eddy_slots_close(slots));
}

/* --- a reaper that stops ---------------------------------------------------------------------- */

static const char *stop_at;

static void stop_there(const char *point)
{
    if (strcmp(point, stop_at) == 0) {
        eddy_point_hook = NULL;
        kill(getpid(), SIGSTOP);
    }
}

static void reap_and_stop(int wire, void *unused)
{
    (void)wire, (void)unused;
    eddy_point_hook = stop_there;
    must(eddy_slots_close(slots_attach("room")));
}

static void nobody_waits_for_it(bool waits)
{
    kill_holder();
    siginfo_t news = {0};
    struct child reaper = child_start(reap_and_stop, NULL);
    check(waitid(P_PID, (id_t)reaper.pid, &news, WSTOPPED | WEXITED | WNOWAIT) == 0);
    same((uint64_t)news.si_code, CLD_STOPPED);
    all_are_had(waits);
    child_continue(&reaper);
    child_join(&reaper);
    same(eddy_slots_generation(slots), SLOTS - LENT + SLOTS);
    must(eddy_slots_close(slots));
}

static void a_reaper_that_stops_keeps_a_seat_and_no_more(void **state)
{
    (void)state;
    static const char *const points[] = {"slots-reap:taken-over", "slots-reap:loan-seen",
                                         "slots-reap:resolved",   "slots-leave:gone",
                                         "slots-leave:unpinned",  "slots-leave:not-joined",
                                         "slots-leave:loans"};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        stop_at = points[i];
        nobody_waits_for_it(false);
        nobody_waits_for_it(true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_does_not_wait_has_the_slots_of_the_dead_and_reaps_nobody),
        WORLD_TEST(a_reaper_that_stops_keeps_a_seat_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
