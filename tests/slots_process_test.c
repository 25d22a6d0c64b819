/* slots_process_test.c - slots between processes: waking, dying, stopping, forking.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/slots_pair.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t nobody[] = {0}, first[] = {1};

/* --- waking ---------------------------------------------------------------------------------- */

static void sleeping_reader(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_attach("slots");
    uint64_t before = eddy_slots_generation(slots);
    wire_say(wire, WIRE_READY);
    must(eddy_slots_wait(slots, before, patience()));
    check(eddy_slots_generation(slots) != before);
    must(eddy_slots_close(slots));
}

static void a_commit_wakes_who_waits(void **state)
{
    (void)state;
    eddy_slots *slots = slots_create("slots", 4, 64, 0);
    for (int i = 0; i < 50; i++) {
        struct child child = child_start(sleeping_reader, NULL);
        wire_expect(child.wire, WIRE_READY);
        uint64_t start = eddy_now();
        must(slots_publish(slots, nobody, "\1\2\3\4", 4));
        child_join(&child);
        check(eddy_now() - start < 2 * SECOND);
    }
    must(eddy_slots_close(slots));
}

static void echoing_reader(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_attach("slots");
    uint64_t rounds = 2000;
    must(eddy_slots_join(slots, 0, NULL));
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < rounds; i++) {
        struct eddy_slot_sample sample;
        must(eddy_slots_take(slots, 0, patience(), &sample));
        same(sample.sn, i + 1);
        must(eddy_slots_release(slots, &sample));
    }
    must(eddy_slots_close(slots));
}

/* One slot: the writer sleeps for room, the reader for the sample, in turns. */
static void marks_wake_who_waits_for_room(void **state)
{
    (void)state;
    eddy_slots *slots = slots_create("slots", 1, 64, 0);
    struct child child = child_start(echoing_reader, NULL);
    wire_expect(child.wire, WIRE_READY);
    uint64_t start = eddy_now();
    for (uint64_t i = 0; i < 2000; i++) {
        struct eddy_slot_loan loan;
        must(eddy_slots_loan(slots, first, 1, patience(), &loan));
        must(eddy_slots_publish_copy(slots, &loan, &i, sizeof i, NULL));
    }
    child_join(&child);
    check(eddy_now() - start < 20 * SECOND); /* 2000 looks every 50 ms would be 100 s */
    must(eddy_slots_close(slots));
}

/* --- dying ----------------------------------------------------------------------------------- */

static void hoarding_writer(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_attach("slots");
    struct eddy_slot_loan loan;
    while (eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan) == EDDY_OK)
        memset(loan.data, 0xee, loan.size);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void loans_of_the_dead_are_discarded(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(8, 64, 0);
    struct eddy_slot_sample sample;
    struct eddy_slot_loan loans[8];
    for (int round = 0; round < 10; round++) {
        struct child child = child_start(hoarding_writer, NULL);
        wire_expect(child.wire, WIRE_READY);
        must_fail(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, loans), EDDY_EAGAIN);
        child_kill(&child);
        for (int i = 0; i < 8; i++)
            slots_loan_soon(p.writer, nobody, 1, &loans[i]);
        for (int i = 0; i < 8; i++)
            must(eddy_slots_discard(p.writer, &loans[i]));
        must_fail(eddy_slots_next_unread(p.reader, 0, &sample), EDDY_EAGAIN);
    }
    slots_pair_close(&p);
}

static void holding_reader(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_attach("slots");
    struct eddy_slot_sample sample;
    must(eddy_slots_join(slots, 5, NULL));
    must(eddy_slots_take(slots, 5, patience(), &sample));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* It gates, by name and as one of those who joined, and it holds. */
static void a_dead_reader_gates_and_holds_nothing(void **state)
{
    (void)state;
    eddy_slots *slots = slots_create("slots", 2, 64, 0);
    struct eddy_slot_loan loan;
    uint64_t fifth = 1 << 5;
    for (int round = 0; round < 10; round++) {
        must(slots_publish(slots, nobody, "x", 1));
        must(slots_publish(slots, nobody, "y", 1));
        struct child child = child_start(holding_reader, NULL);
        wire_expect(child.wire, WIRE_READY);
        must_fail(slots_publish(slots, round % 2 ? NULL : &fifth, "z", 1), EDDY_EAGAIN);
        child_kill(&child);
        for (int i = 0; i < 2; i++) {
            slots_loan_soon(slots, round % 2 ? NULL : &fifth, round % 2 ? 0 : 1, &loan);
            must(eddy_slots_publish_copy(slots, &loan, "z", 1, NULL));
        }
        must(eddy_slots_join(slots, 5, NULL)); /* its number is free */
        must(eddy_slots_leave(slots, 5));
    }
    must(eddy_slots_close(slots));
}

static void a_stopped_reader_is_not_dead(void **state)
{
    (void)state;
    eddy_slots *slots = slots_create("slots", 2, 64, 0);
    must(slots_publish(slots, nobody, "x", 1));
    must(slots_publish(slots, nobody, "y", 1));
    struct child child = child_start(holding_reader, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_stop(&child);
    struct eddy_slot_loan loan;
    must_fail(eddy_slots_loan(slots, NULL, 0, eddy_deadline(120 * MILLISECOND), &loan),
              EDDY_ETIMEDOUT);
    must_fail(eddy_slots_join(slots, 5, NULL), EDDY_EBUSY);
    child_continue(&child);
    child_kill(&child);
    slots_loan_soon(slots, NULL, 0, &loan);
    must(eddy_slots_close(slots));
}

static void idle_creator(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_create("slots", 4, 64, 0);
    must(slots_publish(slots, nobody, "of the dead", 11));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* Somebody else lives in the folder, so that nothing is cleared away by the way. */
static void a_dead_creators_path_is_free(void **state)
{
    (void)state;
    eddy_domain *other = open_domain();
    eddy_slots *slots;
    for (int round = 0; round < 5; round++) {
        struct child child = child_start(idle_creator, NULL);
        wire_expect(child.wire, WIRE_READY);
        must_fail(eddy_slots_create(NULL, slots_path("slots"),
                                    &(struct eddy_slots_options){.slot_count = 1}, &slots),
                  EDDY_EEXIST);
        child_kill(&child);
        if (round % 2)
            must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), EDDY_ENOENT);
        struct slots_pair p = slots_pair_open(4, 64, 0);
        struct eddy_slot_sample sample;
        must_fail(eddy_slots_next_unread(p.reader, 0, &sample), EDDY_EAGAIN);
        slots_pair_close(&p);
        same(world_files(), 1); /* the registry */
    }
    must(eddy_domain_close(other));
}

static void gc_removes_what_the_dead_used(void **state)
{
    (void)state;
    eddy_domain *other = open_domain();
    eddy_slots *living = slots_create("living", 4, 64, 0);
    struct eddy_gc_report report;
    struct child child = child_start(idle_creator, NULL);
    wire_expect(child.wire, WIRE_READY);
    must(eddy_gc(NULL, &report));
    same(report.files_removed, 0);
    child_kill(&child);
    must(eddy_gc(NULL, &report));
    same(report.files_removed, 2);
    same(report.files_refused, 0);
    check(report.bytes_freed > 0);
    same(world_files(), 3); /* the registry, the living one's two */
    must(slots_publish(living, nobody, "x", 1));
    must(eddy_slots_close(living));
    must(eddy_domain_close(other));
}

static void who_comes_when_all_are_dead_clears_the_folder(void **state)
{
    (void)state;
    struct child child = child_start(idle_creator, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    same(world_files(), 3);
    must(eddy_domain_close(open_domain()));
    same(world_files(), 0);
}

/* --- many ------------------------------------------------------------------------------------ */

enum { WRITERS = 4, EACH = 3000 };

static void one_of_many_writers(int wire, void *argument)
{
    uint64_t author = (uint64_t)(uintptr_t)argument;
    eddy_slots *slots = slots_attach("slots");
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 0; i < EACH; i++) {
        struct eddy_slot_loan loan;
        must(eddy_slots_loan(slots, NULL, 0, patience(), &loan));
        payload_fill(loan.data, 100 + i % 100, author, i);
        must(eddy_slots_publish(slots, &loan, 100 + i % 100, NULL));
    }
    must(eddy_slots_close(slots));
}

static void take_all(eddy_slots *slots)
{
    uint64_t next[WRITERS] = {0};
    for (uint64_t sn = 1; sn <= WRITERS * EACH; sn++) {
        struct eddy_slot_sample sample;
        struct payload payload;
        must(eddy_slots_take(slots, 0, patience(), &sample));
        same(sample.sn, sn);
        check(payload_whole(sample.data, sample.size, &payload));
        same(payload.number, next[payload.author]++);
        must(eddy_slots_release(slots, &sample));
    }
}

static void many_writers_lose_and_mix_nothing(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(16, 200, 0);
    struct child children[WRITERS];
    for (uintptr_t i = 0; i < WRITERS; i++)
        children[i] = child_start(one_of_many_writers, (void *)i);
    for (int i = 0; i < WRITERS; i++)
        wire_expect(children[i].wire, WIRE_READY);
    for (int i = 0; i < WRITERS; i++)
        wire_say(children[i].wire, WIRE_GO);
    take_all(p.reader);
    for (int i = 0; i < WRITERS; i++)
        child_join(&children[i]);
    slots_pair_close(&p);
}

static void racing_creator(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = NULL;
    struct eddy_slots_options options = {.slot_count = 4, .slot_capacity = 64};
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    int error = eddy_slots_create(NULL, slots_path("slots"), &options, &slots);
    check(error == EDDY_OK || error == EDDY_EEXIST);
    wire_say(wire, error == EDDY_OK);
    wire_expect(wire, WIRE_DONE);
    must(eddy_slots_close(slots));
}

static void one_creator_wins(void **state)
{
    (void)state;
    enum { RIVALS = 6 };
    for (int round = 0; round < 10; round++) {
        struct child children[RIVALS];
        uint64_t won = 0;
        for (int i = 0; i < RIVALS; i++)
            children[i] = child_start(racing_creator, NULL);
        for (int i = 0; i < RIVALS; i++)
            wire_expect(children[i].wire, WIRE_READY);
        for (int i = 0; i < RIVALS; i++)
            wire_say(children[i].wire, WIRE_GO);
        for (int i = 0; i < RIVALS; i++)
            won += wire_hear(children[i].wire);
        same(won, 1);
        for (int i = 0; i < RIVALS; i++)
            wire_say(children[i].wire, WIRE_DONE);
        for (int i = 0; i < RIVALS; i++)
            child_join(&children[i]);
    }
}

/* --- forks and rights ------------------------------------------------------------------------ */

static struct slots_pair inherited;

static void forked_child(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct eddy_slot_loan loan;
    struct eddy_slot_sample sample;
    struct eddy_slots_info report;
    must_fail(eddy_slots_loan(inherited.writer, nobody, 1, EDDY_POLL, &loan), EDDY_EFORKED);
    must_fail(eddy_slots_take(inherited.reader, 0, EDDY_POLL, &sample), EDDY_EFORKED);
    must_fail(eddy_slots_next_unread(inherited.reader, 0, &sample), EDDY_EFORKED);
    must_fail(eddy_slots_wait(inherited.reader, 0, EDDY_FOREVER), EDDY_EFORKED);
    must_fail(eddy_slots_describe(inherited.reader, &report), EDDY_EFORKED);
    must_fail(eddy_slots_leave(inherited.reader, 0), EDDY_EFORKED);
    must_fail(eddy_slots_close(inherited.reader), EDDY_EFORKED);
    must_fail(eddy_slots_close(inherited.writer), EDDY_EFORKED);
}

static void a_forked_child_has_no_part_in_it(void **state)
{
    (void)state;
    inherited = slots_pair_open(4, 64, 0);
    must(slots_publish(inherited.writer, NULL, "before", 6));
    struct child child = child_start(forked_child, NULL);
    child_join(&child);
    check(slots_hear(inherited.reader, 0, "before", 6));
    must(slots_publish(inherited.writer, NULL, "after", 5));
    check(slots_hear(inherited.reader, 0, "after", 5));
    slots_pair_close(&inherited);
}

static void scribbling_reader(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_slots *slots = slots_attach("slots");
    struct eddy_slot_sample sample;
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &sample.reader));
    must(eddy_slots_take(slots, sample.reader, EDDY_POLL, &sample));
    *(volatile char *)(uintptr_t)sample.data = '!';
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    bool hung;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    must(slots_publish(p.writer, NULL, "mine", 4));
    struct child child = child_start(scribbling_reader, NULL);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    check(slots_hear(p.reader, 0, "mine", 4));
    slots_pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_commit_wakes_who_waits),
        WORLD_TEST(marks_wake_who_waits_for_room),
        WORLD_TEST(loans_of_the_dead_are_discarded),
        WORLD_TEST(a_dead_reader_gates_and_holds_nothing),
        WORLD_TEST(a_stopped_reader_is_not_dead),
        WORLD_TEST(a_dead_creators_path_is_free),
        WORLD_TEST(gc_removes_what_the_dead_used),
        WORLD_TEST(who_comes_when_all_are_dead_clears_the_folder),
        WORLD_TEST(many_writers_lose_and_mix_nothing),
        WORLD_TEST(one_creator_wins),
        WORLD_TEST(a_forked_child_has_no_part_in_it),
        WORLD_TEST(a_reader_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
