/* wait_test.c - one reader waits: within a process, across processes, with and without spinning.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

static void a_deadline_that_has_passed_does_not_wait(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t before = eddy_now();
    must_fail(eddy_reader_wait(pair.reader, EDDY_POLL), EDDY_EAGAIN);
    must_fail(eddy_reader_wait(pair.reader, before - 1), EDDY_ETIMEDOUT);
    check(eddy_now() - before < SECOND);
    pair_close(&pair);
}

static void what_is_there_is_not_waited_for(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 64, 1, 1);
    must(eddy_reader_wait(pair.reader, EDDY_POLL));
    must(eddy_reader_wait(pair.reader, EDDY_FOREVER));
    same(payload_take(pair.reader).number, 1);
    must_fail(eddy_reader_wait(pair.reader, EDDY_POLL), EDDY_EAGAIN);
    pair_close(&pair);
}

static void a_deadline_is_kept(void **state)
{
    (void)state;
    static const int64_t spins[] = {0, -1, 1000};
    for (size_t i = 0; i < sizeof spins / sizeof *spins; i++) {
        struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.spin_ns = spins[i]});
        uint64_t deadline = eddy_deadline(30 * MILLISECOND);
        must_fail(eddy_reader_wait(pair.reader, deadline), EDDY_ETIMEDOUT);
        check(eddy_now() >= deadline);
        check(eddy_now() < deadline + 5 * SECOND);
        pair_close(&pair);
    }
}

static void deadlines_do_not_overflow(void **state)
{
    (void)state;
    check(eddy_deadline(EDDY_FOREVER) == EDDY_FOREVER);
    check(eddy_deadline(EDDY_FOREVER - 1) == EDDY_FOREVER);
    uint64_t now = eddy_now();
    check(eddy_deadline(SECOND) >= now + SECOND);
    check(eddy_deadline(SECOND) < now + 60 * SECOND);
}

/* A sample that the writer's end of the pair has on another topic must not end the wait. */
static void another_topics_samples_do_not_end_the_wait(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_writer *elsewhere = open_writer(pair.domain, "elsewhere", NULL);
    payload_publish(elsewhere, 64, 1, 1);
    must_fail(eddy_reader_wait(pair.reader, eddy_deadline(5 * MILLISECOND)), EDDY_ETIMEDOUT);
    must(eddy_writer_close(elsewhere));
    pair_close(&pair);
}

struct ping {
    uint64_t rounds;
    int64_t spin_ns;
};

static void echo_process(int wire, void *argument)
{
    const struct ping *ping = argument;
    struct eddy_reader_options options = {.spin_ns = ping->spin_ns};
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "ping", &options);
    eddy_writer *writer = open_writer(domain, "pong", NULL);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < ping->rounds; i++) {
        same(payload_await(reader).number, i);
        payload_publish(writer, 64, 2, i);
    }
    wire_expect(wire, WIRE_DONE);
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* A wake-up that gets lost hangs one side until its patience is over. */
static void ping_pong(struct ping ping)
{
    struct eddy_reader_options options = {.spin_ns = ping.spin_ns};
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pong", &options);
    struct child child = child_start(echo_process, &ping);
    wire_expect(child.wire, WIRE_READY);
    eddy_writer *writer = open_writer(domain, "ping", NULL);
    for (uint64_t i = 0; i < ping.rounds; i++) {
        payload_publish(writer, 64, 1, i);
        same(payload_await(reader).number, i);
    }
    wire_say(child.wire, WIRE_DONE);
    child_join(&child);
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void sleepers_of_another_process_are_woken_each_time(void **state)
{
    (void)state;
    ping_pong((struct ping){.rounds = 3000, .spin_ns = -1});
}

static void waits_that_learn_to_spin_lose_no_wake_up(void **state)
{
    (void)state;
    ping_pong((struct ping){.rounds = 3000, .spin_ns = 0});
}

static void waits_that_spin_a_little_lose_no_wake_up(void **state)
{
    (void)state;
    ping_pong((struct ping){.rounds = 3000, .spin_ns = 20000});
}

static void sleeping_process(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader =
        open_reader(domain, "crowd", &(struct eddy_reader_options){.spin_ns = -1});
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < 200; i++) {
        same(payload_await(reader).number, i);
        wire_say(wire, i);
    }
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void one_publication_wakes_all_who_sleep(void **state)
{
    (void)state;
    enum { CROWD = 10 };
    struct child children[CROWD];
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "crowd", NULL);
    for (int i = 0; i < CROWD; i++)
        children[i] = child_start(sleeping_process, NULL);
    for (int i = 0; i < CROWD; i++)
        wire_expect(children[i].wire, WIRE_READY);
    for (uint64_t round = 0; round < 200; round++) {
        payload_publish(writer, 64, 1, round);
        for (int i = 0; i < CROWD; i++)
            wire_expect(children[i].wire, round);
    }
    for (int i = 0; i < CROWD; i++)
        child_join(&children[i]);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_deadline_that_has_passed_does_not_wait),
        WORLD_TEST(what_is_there_is_not_waited_for),
        WORLD_TEST(a_deadline_is_kept),
        WORLD_TEST(deadlines_do_not_overflow),
        WORLD_TEST(another_topics_samples_do_not_end_the_wait),
        WORLD_TEST(sleepers_of_another_process_are_woken_each_time),
        WORLD_TEST(waits_that_learn_to_spin_lose_no_wake_up),
        WORLD_TEST(waits_that_spin_a_little_lose_no_wake_up),
        WORLD_TEST(one_publication_wakes_all_who_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
