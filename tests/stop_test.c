/* stop_test.c - a stopped process is not a dead one; process ids say nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <sched.h>
#include <unistd.h>

static void reader_process(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", &(struct eddy_reader_options){.depth = 8});
    struct eddy_sample kept;
    wire_say(wire, WIRE_READY);
    must(eddy_reader_wait(reader, patience()));
    must(eddy_reader_take(reader, &kept));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 1; i < 100; i++)
        same(payload_await(reader).number, i);
    same(payload_of(&kept).number, 0);
    must(eddy_reader_release(reader, &kept));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void try_to_reap(void)
{
    struct eddy_gc_report report = {0};
    must(eddy_gc(NULL, &report));
    same(report.members_reaped, 0);
    same(report.topics_removed, 0);
    eddy_domain *domain = open_domain();
    must(eddy_writer_close(open_writer(domain, "pair", NULL)));
    must(eddy_domain_close(domain));
}

/* Publishes up to the stopped reader's depth; then every try times out. */
static uint64_t publish_until_timeout(eddy_writer *writer, uint64_t number)
{
    for (;; number++) {
        struct eddy_loan loan;
        must(eddy_writer_loan(writer, 64, patience(), &loan));
        payload_fill(loan.data, 64, 1, number);
        int error = eddy_writer_publish(writer, &loan, 64, eddy_deadline(20 * MILLISECOND));
        if (error == EDDY_OK)
            continue;
        must_fail(error, EDDY_ETIMEDOUT);
        must(eddy_writer_discard(writer, &loan));
        return number;
    }
}

static void a_stopped_reader_is_waited_for_and_misses_nothing(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    struct child child = child_start(reader_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    payload_publish(writer, 64, 1, 0);
    wire_expect(child.wire, WIRE_READY);
    child_stop(&child);
    uint64_t number = publish_until_timeout(writer, 1);
    check(number >= 8 && number <= 9);
    for (int i = 0; i < 5; i++) {
        try_to_reap();
        same(publish_until_timeout(writer, number), number);
    }
    same(eddy_writer_readers(writer), 1);
    child_continue(&child);
    wire_say(child.wire, WIRE_GO);
    for (; number < 100; number++)
        payload_publish(writer, 64, 1, number);
    child_join(&child);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void writer_process(int wire, void *argument)
{
    (void)argument;
    enum { LOANS = 20 };
    struct eddy_loan loans[LOANS];
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    for (uint64_t i = 0; i < LOANS; i++) {
        must(eddy_writer_loan(writer, 500, patience(), &loans[i]));
        payload_fill(loans[i].data, 500, 7, i);
    }
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 0; i < LOANS; i++)
        must(eddy_writer_publish(writer, &loans[i], 500, patience()));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void loans_of_a_stopped_writer_stay_its_own(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.limit_bytes = 2 << 20});
    struct child child = child_start(writer_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_stop(&child);
    struct eddy_loan loan;
    while (eddy_writer_loan(pair.writer, 500, eddy_deadline(MILLISECOND), &loan) == EDDY_OK)
        payload_fill(loan.data, 500, 8, 0); /* shortage invites reaping */
    try_to_reap();
    child_continue(&child);
    wire_say(child.wire, WIRE_GO);
    for (uint64_t i = 0; i < 20; i++) {
        struct payload payload = payload_await(pair.reader);
        same(payload.author, 7);
        same(payload.number, i);
    }
    child_join(&child);
    pair_close(&pair);
}

static void member_elsewhere(int wire, void *argument)
{
    (void)argument;
    struct eddy_loan loan;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    for (uint64_t i = 0; i < 10; i++)
        must(eddy_writer_loan(writer, 64, patience(), &loan));
    payload_fill(loan.data, 64, (uint64_t)getpid(), 1);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_writer_publish(writer, &loan, 64, patience()));
    wire_hear(wire);
}

static void in_a_pid_namespace(int wire, void *argument)
{
    (void)argument;
    check(unshare(CLONE_NEWPID) == 0);
    struct child inner = child_start(member_elsewhere, NULL);
    wire_expect(inner.wire, WIRE_READY);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    wire_say(inner.wire, WIRE_GO);
    wire_expect(wire, WIRE_DONE);
    child_kill(&inner);
    wire_say(wire, WIRE_DONE);
    wire_hear(wire);
}

/* Its pid, 1, is that of a living process here and means nothing. */
static void a_member_in_another_pid_namespace_lives_and_dies_like_others(void **state)
{
    (void)state;
    need_pid_namespaces();
    struct pair pair = pair_open(NULL, NULL);
    struct child child = child_start(in_a_pid_namespace, NULL);
    struct eddy_gc_report report = {0};
    wire_expect(child.wire, WIRE_READY);
    must(eddy_gc(NULL, &report));
    same(report.members_reaped, 0);
    wire_say(child.wire, WIRE_GO);
    same(payload_await(pair.reader).author, 1);
    wire_say(child.wire, WIRE_DONE);
    wire_expect(child.wire, WIRE_DONE);
    must(eddy_gc(NULL, &report));
    check(report.members_reaped >= 1);
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(pair.writer, &stats));
    same(stats.writers, 1);
    child_kill(&child);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_stopped_reader_is_waited_for_and_misses_nothing),
        WORLD_TEST(loans_of_a_stopped_writer_stay_its_own),
        WORLD_TEST(a_member_in_another_pid_namespace_lives_and_dies_like_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
