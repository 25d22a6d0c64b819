/* death_test.c - kill -9 of anybody, at any moment: the others go on, and nothing is left.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <signal.h>

enum { LIMIT = 4 << 20, BIG = 64 << 10 };

static const struct eddy_writer_options small = {.limit_bytes = LIMIT};
static const struct eddy_reader_options small_reader = {.limit_bytes = LIMIT};

static void hoarding_writer(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", &small);
    struct eddy_loan loan;
    uint64_t out = 0;
    while (eddy_writer_loan(writer, BIG, eddy_deadline(MILLISECOND), &loan) == EDDY_OK)
        out++;
    wire_say(wire, out);
    wire_hear(wire);
}

static void loans_of_a_killed_writer_are_taken_back(void **state)
{
    (void)state;
    struct pair pair = pair_open(&small, &small_reader);
    for (int round = 0; round < 10; round++) {
        struct eddy_loan loan;
        struct child child = child_start(hoarding_writer, NULL);
        uint64_t out = wire_hear(child.wire);
        check(out * BIG >= LIMIT / 2);
        child_kill(&child);
        for (uint64_t i = 0; i < out; i++)
            must(eddy_writer_loan(pair.writer, BIG, patience(), &loan));
        must(eddy_writer_close(pair.writer));
        pair.writer = open_writer(pair.domain, "pair", &small);
    }
    check(!eddy_reader_ready(pair.reader));
    pair_close(&pair);
}

static void hoarding_reader(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    struct eddy_sample sample;
    wire_say(wire, WIRE_READY);
    for (;;) {
        must(eddy_reader_wait(reader, patience()));
        must(eddy_reader_take(reader, &sample));
        wire_say(wire, sample.sn);
    }
}

/* The dead reader held all the memory there is; the next loan takes it back. */
static void samples_kept_by_a_killed_reader_are_let_go(void **state)
{
    (void)state;
    struct pair pair = pair_open(&small, &small_reader);
    uint64_t number = 0;
    for (int round = 0; round < 10; round++) {
        struct child child = child_start(hoarding_reader, NULL);
        wire_expect(child.wire, WIRE_READY);
        for (uint64_t i = 0; i < LIMIT / BIG / 2; i++) {
            payload_publish(pair.writer, BIG, 1, number++);
            payload_take(pair.reader);
            wire_hear(child.wire);
        }
        child_kill(&child);
        for (uint64_t i = 0; i < 2 * LIMIT / BIG; i++) {
            payload_publish(pair.writer, BIG, 1, number);
            same(payload_take(pair.reader).number, number++);
        }
    }
    same(eddy_writer_readers(pair.writer), 1);
    pair_close(&pair);
}

static void idle_reader(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", &(struct eddy_reader_options){.depth = 4});
    (void)reader;
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void a_killed_reliable_reader_does_not_hold_the_writer_up(void **state)
{
    (void)state;
    struct pair pair = pair_open(&small, &small_reader);
    uint64_t number = 0;
    for (int round = 0; round < 10; round++) {
        struct child child = child_start(idle_reader, NULL);
        wire_expect(child.wire, WIRE_READY);
        for (int i = 0; i < 4; i++) {
            payload_publish(pair.writer, 64, 1, number);
            same(payload_take(pair.reader).number, number++);
        }
        child_kill(&child);
        uint64_t before = eddy_now();
        payload_publish(pair.writer, 64, 1, number);
        check(eddy_now() - before < 2 * SECOND);
        same(payload_take(pair.reader).number, number++);
    }
    pair_close(&pair);
}

/* The reader dies while the writer sleeps in publish: the kernel's word must reach the sleeper. */
static void a_writer_that_waits_goes_on_when_the_reader_is_killed(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", &small);
    for (int round = 0; round < 5; round++) {
        struct child reader = child_start(idle_reader, NULL);
        wire_expect(reader.wire, WIRE_READY);
        for (uint64_t i = 0; i < 4; i++)
            payload_publish(writer, 64, 1, i);
        struct eddy_loan loan;
        must(eddy_writer_loan(writer, 64, patience(), &loan));
        check(kill(reader.pid, SIGKILL) == 0);
        uint64_t before = eddy_now();
        must(eddy_writer_publish(writer, &loan, 64, patience()));
        check(eddy_now() - before < 5 * SECOND);
        bool hung;
        child_status(&reader, PATIENCE_MS, &hung);
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void streaming_writer(int wire, void *argument)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    uint64_t author = *(uint64_t *)argument;
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0;; i++)
        payload_publish(writer, sizeof(struct payload) + i % 2000, author, i);
}

struct order {
    uint64_t sn, next[3];
};

static void takes_in_order(eddy_reader *reader, struct order *order)
{
    struct eddy_sample sample;
    must(eddy_reader_take(reader, &sample));
    struct payload payload = payload_of(&sample);
    check(order->sn == 0 || sample.sn == order->sn + 1);
    order->sn = sample.sn;
    check(payload.author < 3);
    same(payload.number, order->next[payload.author]++);
    must(eddy_reader_release(reader, &sample));
}

/* Publishes although a stream fills the reader up all the time: takes until there is room. */
static void publish_between(struct pair *pair, struct order *order, uint64_t number)
{
    struct eddy_loan loan;
    int error;
    must(eddy_writer_loan(pair->writer, 100, patience(), &loan));
    payload_fill(loan.data, 100, 2, number);
    uint64_t deadline = patience();
    while ((error = eddy_writer_publish(pair->writer, &loan, 100, eddy_deadline(MILLISECOND))) ==
           EDDY_ETIMEDOUT) {
        check(eddy_now() < deadline);
        for (int i = 0; i < 64 && eddy_reader_ready(pair->reader); i++)
            takes_in_order(pair->reader, order);
    }
    must(error);
}

/* One of two streams is cut off at a random moment; all it published comes, whole and in order. */
static void a_writer_killed_in_mid_stream_leaves_whole_samples_in_order(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t seed = payload_seed(), authors[] = {0, 1, 2};
    struct order order = {0};
    struct child steady = child_start(streaming_writer, &authors[1]);
    wire_expect(steady.wire, WIRE_READY);
    for (int round = 0; round < 60; round++) {
        struct child victim = child_start(streaming_writer, &authors[0]);
        wire_expect(victim.wire, WIRE_READY);
        order.next[0] = 0;
        for (uint64_t left = payload_random(&seed) % 400; left > 0; left--) {
            must(eddy_reader_wait(pair.reader, patience()));
            takes_in_order(pair.reader, &order);
        }
        child_kill(&victim);
        publish_between(&pair, &order, (uint64_t)round);
        while (order.next[2] <= (uint64_t)round) {
            must(eddy_reader_wait(pair.reader, patience()));
            takes_in_order(pair.reader, &order);
        }
    }
    child_kill(&steady);
    pair_close(&pair);
}

static void streaming_reader(int wire, void *argument)
{
    struct eddy_sample kept[16] = {0};
    uint64_t seed = 1 + (uint64_t)(uintptr_t)argument, count = 0;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    for (;; count++) {
        struct eddy_sample *place = &kept[payload_random(&seed) % 16];
        must(eddy_reader_wait(reader, patience()));
        if (place->data)
            must(eddy_reader_release(reader, place));
        must(eddy_reader_take(reader, place));
        payload_of(place);
        if (count == 20)
            wire_say(wire, WIRE_READY);
    }
}

/* Readers that come, keep and are killed do not disturb the reader that stays. */
static void readers_killed_in_mid_stream_disturb_nobody(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t author = 1;
    struct order order = {0};
    struct child writer = child_start(streaming_writer, &author);
    wire_expect(writer.wire, WIRE_READY);
    for (int round = 0; round < 40; round++) {
        struct child victim = child_start(streaming_reader, (void *)(uintptr_t)round);
        for (int i = 0; i < 300 + round * 7; i++) {
            must(eddy_reader_wait(pair.reader, patience()));
            takes_in_order(pair.reader, &order);
        }
        child_kill(&victim);
    }
    for (int i = 0; i < 1000; i++) {
        must(eddy_reader_wait(pair.reader, patience()));
        takes_in_order(pair.reader, &order);
    }
    child_kill(&writer);
    pair_close(&pair);
}

/* Nobody is left to clean up; the next to come finds a domain that works. */
static void after_all_were_killed_a_fresh_start_needs_no_cleaning(void **state)
{
    (void)state;
    uint64_t authors[] = {0, 1};
    for (int round = 0; round < 10; round++) {
        struct child children[] = {child_start(streaming_reader, NULL),
                                   child_start(streaming_writer, &authors[0]),
                                   child_start(streaming_writer, &authors[1])};
        wire_expect(children[0].wire, WIRE_READY);
        for (int i = 0; i < 3; i++)
            check(kill(children[i].pid, SIGKILL) == 0);
        for (int i = 0; i < 3; i++) {
            bool hung;
            child_status(&children[i], PATIENCE_MS, &hung);
        }
        struct pair pair = pair_open(NULL, NULL);
        struct eddy_topic_stats stats;
        must(eddy_writer_stats(pair.writer, &stats));
        same(stats.writers, 1);
        same(stats.readers, 1);
        for (uint64_t i = 0; i < 100; i++) {
            payload_publish(pair.writer, 64, 1, i);
            same(payload_take(pair.reader).number, i);
        }
        pair_close(&pair);
        world_must_be_empty();
    }
}

static void busy_opener(int wire, void *argument)
{
    (void)argument;
    wire_say(wire, WIRE_READY);
    for (;;) {
        struct pair pair = pair_open(NULL, NULL);
        payload_publish(pair.writer, 64, 1, 1);
        must(eddy_reader_wait(pair.reader, patience()));
        pair_close(&pair);
    }
}

/* Death while opening or closing, when files appear and go. */
static void killed_while_opening_and_closing_leaves_no_trap(void **state)
{
    (void)state;
    uint64_t seed = payload_seed();
    for (int round = 0; round < 100; round++) {
        struct child child = child_start(busy_opener, NULL);
        wire_expect(child.wire, WIRE_READY);
        uint64_t until = eddy_deadline(payload_random(&seed) % (3 * MILLISECOND));
        while (eddy_now() < until)
            continue;
        child_kill(&child);
        struct pair pair = pair_open(NULL, NULL);
        payload_publish(pair.writer, 64, 2, 7);
        same(payload_take(pair.reader).number, 7);
        pair_close(&pair);
        world_must_be_empty();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(loans_of_a_killed_writer_are_taken_back),
        WORLD_TEST(samples_kept_by_a_killed_reader_are_let_go),
        WORLD_TEST(a_killed_reliable_reader_does_not_hold_the_writer_up),
        WORLD_TEST(a_writer_that_waits_goes_on_when_the_reader_is_killed),
        WORLD_TEST(a_writer_killed_in_mid_stream_leaves_whole_samples_in_order),
        WORLD_TEST(readers_killed_in_mid_stream_disturb_nobody),
        WORLD_TEST(after_all_were_killed_a_fresh_start_needs_no_cleaning),
        WORLD_TEST(killed_while_opening_and_closing_leaves_no_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
