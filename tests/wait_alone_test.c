/* wait_alone_test.c - waits whose partner is stopped, or dies, while they look or sleep.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/usage.h"
#include "support/ways.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENOUGH = 2000 }; /* rounds, to have learnt */

struct endless {
    const struct way *way;
    _Atomic uint64_t rounds;
    atomic_bool over, ended;
};

static struct endless *endless_begin(const struct way *way)
{
    struct endless *e =
        mmap(NULL, sizeof *e, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(e != MAP_FAILED);
    e->way = way;
    setenv("EDDY_SPIN", "auto", 1);
    return e;
}

static void endless_end(struct endless *e)
{
    check(munmap(e, sizeof *e) == 0);
}

static void ask(int wire, void *argument)
{
    struct endless *e = argument;
    struct end end = {.first = true};
    e->way->open(&end);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 0; !atomic_load(&e->ended); i++) {
        atomic_store(&e->ended, atomic_load(&e->over));
        e->way->say(&end, i);
        if (!atomic_load(&e->ended))
            e->way->hear(&end, i);
        atomic_store(&e->rounds, i + 1);
    }
    wire_expect(wire, WIRE_DONE);
    e->way->close(&end);
}

static void answer(int wire, void *argument)
{
    struct endless *e = argument;
    struct end end = {.first = false};
    e->way->open(&end);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; !atomic_load(&e->ended); i++) {
        e->way->hear(&end, i);
        if (!atomic_load(&e->ended))
            e->way->say(&end, i);
    }
    wire_expect(wire, WIRE_DONE);
    e->way->close(&end);
}

static void await_rounds(struct endless *e, uint64_t more)
{
    uint64_t wanted = atomic_load(&e->rounds) + more, deadline = patience();
    while (atomic_load(&e->rounds) < wanted) {
        check(eddy_now() < deadline);
        usleep(1000);
    }
}

/* For a second, after what it had still to do. */
static void costs_nothing(pid_t pid)
{
    unsigned long ticks[2], switches[2] = {0};
    usage_until_asleep(pid);
    usleep(20000);
    usage_of_process(pid, &ticks[0], &switches[0]);
    sleep(1);
    usage_of_process(pid, &ticks[1], &switches[1]);
    check(ticks[1] - ticks[0] <= 2);
    check(switches[1] - switches[0] <= 5);
}

static void stop_one(const struct way *way)
{
    struct endless *e = endless_begin(way);
    struct child asker = child_start(ask, e);
    wire_expect(asker.wire, WIRE_READY);
    struct child answerer = child_start(answer, e);
    wire_expect(answerer.wire, WIRE_READY);
    wire_say(asker.wire, WIRE_GO);
    await_rounds(e, ENOUGH);
    child_stop(&answerer);
    costs_nothing(asker.pid);
    child_continue(&answerer);
    await_rounds(e, ENOUGH);
    atomic_store(&e->over, true);
    wire_say(asker.wire, WIRE_DONE);
    wire_say(answerer.wire, WIRE_DONE);
    child_join(&asker);
    child_join(&answerer);
    endless_end(e);
}

static void who_waits_for_one_who_is_stopped_sleeps_until_it_goes_on(void **state)
{
    (void)state;
    stop_one(&way_reader);
    stop_one(&way_waitset);
    stop_one(&way_ring);
    stop_one(&way_slots);
}

static int hear_ring(struct end *end)
{
    struct eddy_chunk chunk;
    int error = eddy_ring_take(end->ring_in, way_deadline(), &chunk);
    if (!error)
        must(eddy_ring_release(end->ring_in, &chunk));
    return error;
}

static int hear_reader(struct end *end)
{
    struct eddy_sample sample;
    int error = eddy_reader_wait(end->reader, eddy_deadline(SECOND / 2));
    if (error)
        return error;
    must(eddy_reader_take(end->reader, &sample));
    must(eddy_reader_release(end->reader, &sample));
    return EDDY_OK;
}

/* Until it fails; what it says then is told to the test. */
static void hear_to_the_end(int wire, void *argument)
{
    struct endless *e = argument;
    struct end end = {.first = true};
    int error = EDDY_OK;
    e->way->open(&end);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    while (!error) {
        e->way->say(&end, atomic_load(&e->rounds));
        uint64_t since = eddy_now();
        error = e->way == &way_ring ? hear_ring(&end) : hear_reader(&end);
        check(eddy_now() - since < WAY_LOST);
        atomic_fetch_add(&e->rounds, 1);
    }
    wire_say(wire, (uint64_t)-error);
    wire_expect(wire, WIRE_DONE); /* not before the dead has gone altogether: the last clears up */
    e->way->close(&end);
}

/* Killed while the other looks, as it does by then, or while it sleeps. */
static void kill_one(const struct way *way, bool asleep, int error)
{
    struct endless *e = endless_begin(way);
    struct child hearer = child_start(hear_to_the_end, e);
    wire_expect(hearer.wire, WIRE_READY);
    struct child answerer = child_start(answer, e);
    wire_expect(answerer.wire, WIRE_READY);
    wire_say(hearer.wire, WIRE_GO);
    await_rounds(e, ENOUGH);
    if (asleep) {
        child_stop(&answerer);
        usage_until_asleep(hearer.pid);
    }
    child_kill(&answerer);
    wire_expect(hearer.wire, (uint64_t)-error);
    wire_say(hearer.wire, WIRE_DONE);
    child_join(&hearer);
    endless_end(e);
}

static void who_waits_for_one_who_dies_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        kill_one(&way_ring, false, EDDY_EPEERGONE);
        kill_one(&way_ring, true, EDDY_EPEERGONE);
    }
}

static void who_waits_for_one_who_dies_waits_until_its_deadline(void **state)
{
    (void)state;
    kill_one(&way_reader, false, EDDY_ETIMEDOUT);
    kill_one(&way_reader, true, EDDY_ETIMEDOUT);
}

/* The room that the dead has is taken from it: nothing that is said here is lost. */
static void say_to_the_end(int wire, void *argument)
{
    struct endless *e = argument;
    struct end end = {.first = true};
    e->way->open(&end);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 0; !atomic_load(&e->over); i++) {
        e->way->say(&end, i);
        atomic_store(&e->rounds, i + 1);
    }
    e->way->close(&end);
}

static void hear_for_ever(int wire, void *argument)
{
    struct endless *e = argument;
    struct end end = {.first = false};
    e->way->open(&end);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0;; i++)
        e->way->hear(&end, i);
}

static void kill_who_has_the_room(const struct way *way, bool asleep)
{
    struct endless *e = endless_begin(way);
    struct child sayer = child_start(say_to_the_end, e);
    wire_expect(sayer.wire, WIRE_READY);
    struct child hearer = child_start(hear_for_ever, e);
    wire_expect(hearer.wire, WIRE_READY);
    wire_say(sayer.wire, WIRE_GO);
    await_rounds(e, ENOUGH);
    if (asleep) {
        child_stop(&hearer);
        usage_until_asleep(sayer.pid);
    }
    child_kill(&hearer);
    await_rounds(e, ENOUGH);
    atomic_store(&e->over, true);
    child_join(&sayer);
    endless_end(e);
}

static void who_waits_for_the_room_of_one_who_dies_gets_it(void **state)
{
    (void)state;
    kill_who_has_the_room(&way_room, false);
    kill_who_has_the_room(&way_room, true);
    kill_who_has_the_room(&way_slots_room, false);
    kill_who_has_the_room(&way_slots_room, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_waits_for_one_who_is_stopped_sleeps_until_it_goes_on),
        WORLD_TEST(who_waits_for_one_who_dies_is_told),
        WORLD_TEST(who_waits_for_one_who_dies_waits_until_its_deadline),
        WORLD_TEST(who_waits_for_the_room_of_one_who_dies_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
