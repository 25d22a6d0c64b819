/* flow_test.c - a reliable reader loses nothing, a best-effort reader holds nobody up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#define SHORT_WAIT (20 * MILLISECOND)

static const struct eddy_reader_options best_effort_reader = {.reliability = EDDY_BEST_EFFORT};

static int publish_by(eddy_writer *writer, uint64_t number, uint64_t deadline)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, 64, patience(), &loan));
    payload_fill(loan.data, 64, 1, number);
    int error = eddy_writer_publish(writer, &loan, 64, deadline);
    if (error != EDDY_OK)
        must(eddy_writer_discard(writer, &loan));
    return error;
}

static int publish(eddy_writer *writer, uint64_t number)
{
    return publish_by(writer, number, patience());
}

static int publish_soon(eddy_writer *writer, uint64_t number)
{
    return publish_by(writer, number, eddy_deadline(SHORT_WAIT));
}

static void the_default_depths_are_64_and_8(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_reader *other = open_reader(pair.domain, "pair", &best_effort_reader);
    same(eddy_reader_depth(pair.reader), 64);
    same(eddy_reader_depth(other), 8);
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* More than the longest log holds cannot be promised; what is in force can be asked for, and holds. */
static void a_depth_beyond_the_longest_log_is_cut(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_reader *other =
        open_reader(pair.domain, "pair", &(struct eddy_reader_options){.depth = UINT32_MAX});
    uint32_t depth = eddy_reader_depth(other);
    same(depth, 1u << 20);
    for (uint64_t i = 0; i < depth; i++) {
        must(publish(pair.writer, i));
        payload_take(pair.reader);
    }
    must_fail(publish_soon(pair.writer, depth), EDDY_ETIMEDOUT);
    for (uint64_t i = 0; i < depth; i++)
        same(payload_take(other).number, i);
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* A topic that its first reader makes has a log as deep as that reader asks for. */
static void a_depth_of_thousands_is_honoured(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 5000});
    same(eddy_reader_depth(pair.reader), 5000);
    for (uint64_t i = 0; i < 5000; i++)
        must(publish(pair.writer, i));
    must_fail(publish_soon(pair.writer, 5000), EDDY_ETIMEDOUT);
    for (uint64_t i = 0; i < 5000; i++)
        same(payload_take(pair.reader).number, i);
    pair_close(&pair);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_topic_identity name = {.name = "n"};
    eddy_writer *writer = NULL;
    eddy_reader *reader = NULL;
    struct eddy_writer_options writing = {.history_kind = (enum eddy_history)7};
    must_fail(eddy_writer_open(domain, &name, &writing, &writer), EDDY_EINVAL);
    struct eddy_reader_options reading = {.reliability = (enum eddy_reliability)7};
    must_fail(eddy_reader_open(domain, &name, &reading, &reader), EDDY_EINVAL);
    must_fail(eddy_writer_open(domain, NULL, NULL, &writer), EDDY_EINVAL);
    must_fail(eddy_writer_open(NULL, &name, NULL, &writer), EDDY_EINVAL);
    must_fail(eddy_reader_open(domain, &name, NULL, NULL), EDDY_EINVAL);
    check(writer == NULL && reader == NULL);
    must(eddy_domain_close(domain));
}

static void a_writer_that_is_depth_ahead_waits_and_says_so(void **state)
{
    (void)state;
    for (uint32_t depth = 1; depth <= 256; depth *= 4) {
        struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = depth});
        same(eddy_reader_depth(pair.reader), depth);
        for (uint64_t i = 0; i < depth; i++)
            must(publish(pair.writer, i));
        uint64_t before = eddy_now();
        must_fail(publish_soon(pair.writer, depth), EDDY_ETIMEDOUT);
        uint64_t waited = eddy_now() - before;
        check(waited >= SHORT_WAIT);
        check(waited < 5 * SECOND);
        for (uint64_t i = 0; i < depth; i++)
            same(payload_take(pair.reader).number, i);
        check(!eddy_reader_ready(pair.reader));
        must(publish(pair.writer, depth));
        same(payload_take(pair.reader).number, depth);
        pair_close(&pair);
    }
}

static void a_loan_that_timed_out_can_be_published_later(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 2});
    struct eddy_loan loan;
    must(publish(pair.writer, 0));
    must(publish(pair.writer, 1));
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    payload_fill(loan.data, 64, 1, 2);
    must_fail(eddy_writer_publish(pair.writer, &loan, 64, eddy_deadline(SHORT_WAIT)),
              EDDY_ETIMEDOUT);
    same(payload_take(pair.reader).number, 0);
    must(eddy_writer_publish(pair.writer, &loan, 64, patience()));
    same(payload_take(pair.reader).number, 1);
    same(payload_take(pair.reader).number, 2);
    pair_close(&pair);
}

static void a_slow_reliable_reader_holds_up_for_the_others_too(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 100});
    eddy_reader *slow = open_reader(pair.domain, "pair", &(struct eddy_reader_options){.depth = 3});
    for (uint64_t i = 0; i < 3; i++) {
        must(publish(pair.writer, i));
        payload_take(pair.reader);
    }
    must_fail(publish_soon(pair.writer, 3), EDDY_ETIMEDOUT);
    same(payload_take(slow).number, 0);
    must(publish(pair.writer, 3));
    must(eddy_reader_close(slow));
    for (uint64_t i = 4; i < 50; i++)
        must(publish(pair.writer, i));
    pair_close(&pair);
}

static void a_slow_reader_process(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", &(struct eddy_reader_options){.depth = 4});
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 0; i < 2000; i++)
        same(payload_await(reader).number, i);
    wire_say(wire, WIRE_DONE);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* The writer sleeps in publish until another process releases, again and again. */
static void a_waiting_writer_goes_on_when_the_reader_releases(void **state)
{
    (void)state;
    struct child child = child_start(a_slow_reader_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    wire_say(child.wire, WIRE_GO);
    for (uint64_t i = 0; i < 2000; i++)
        must(publish(writer, i));
    wire_expect(child.wire, WIRE_DONE);
    child_join(&child);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_poll_never_waits(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 4});
    for (uint64_t i = 0; i < 4; i++)
        must(publish(pair.writer, i));
    uint64_t before = eddy_now();
    must_fail(publish_by(pair.writer, 4, EDDY_POLL), EDDY_EAGAIN);
    check(eddy_now() - before < 50 * MILLISECOND);
    for (uint64_t i = 0; i < 4; i++)
        same(payload_take(pair.reader).number, i);
    pair_close(&pair);
}

static void a_best_effort_reader_never_holds_a_writer_up(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &best_effort_reader);
    for (uint64_t i = 0; i < 100000; i++)
        must(publish(pair.writer, i));
    pair_close(&pair);
}

static void a_best_effort_reader_loses_nothing_within_its_depth(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &best_effort_reader);
    for (uint64_t round = 0; round < 500; round++) {
        for (uint64_t i = 0; i < 8; i++)
            must(publish(pair.writer, round * 8 + i));
        for (uint64_t i = 0; i < 8; i++)
            same(payload_take(pair.reader).number, round * 8 + i);
    }
    same(eddy_reader_lost(pair.reader), 0);
    pair_close(&pair);
}

static void a_best_effort_reader_counts_what_it_lost(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &best_effort_reader);
    uint64_t published = 0, lost = 0;
    for (uint64_t burst = 1; burst < 3000; burst = burst * 2 + 1) {
        for (uint64_t i = 0; i < burst; i++)
            must(publish(pair.writer, published++));
        uint64_t unread = burst < 8 ? burst : 8;
        lost += burst - unread;
        for (uint64_t i = published - unread; i < published; i++)
            same(payload_take(pair.reader).number, i);
        check(!eddy_reader_ready(pair.reader));
        same(eddy_reader_lost(pair.reader), lost);
    }
    pair_close(&pair);
}

/* A deep reader may find more than its depth, never less, and never out of order. */
static void a_deep_reader_takes_older_samples_that_are_still_there(void **state)
{
    (void)state;
    struct eddy_reader_options deep = best_effort_reader;
    deep.flags = EDDY_READER_BEYOND_DEPTH;
    struct pair pair = pair_open(NULL, &deep);
    uint64_t taken = 0, next = 0;
    for (uint64_t i = 0; i < 1000; i++)
        must(publish(pair.writer, i));
    struct eddy_sample sample;
    while (eddy_reader_take(pair.reader, &sample) == EDDY_OK) {
        uint64_t number = payload_of(&sample).number;
        check(number >= next);
        next = number + 1;
        taken++;
        must(eddy_reader_release(pair.reader, &sample));
    }
    check(taken >= 8);
    same(next, 1000);
    same(taken + eddy_reader_lost(pair.reader), 1000);
    pair_close(&pair);
}

/* What happens to be there still from before its time, and nothing of what is not is lost. */
static void a_reader_may_look_back(void **state)
{
    (void)state;
    enum { BEFORE = 10, BACK = 4, MANY = 5000 };
    struct eddy_reader_options back = {
        .reliability = EDDY_BEST_EFFORT, .flags = EDDY_READER_BEYOND_DEPTH, .recent = BACK};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "back", NULL);
    eddy_reader *first = open_reader(domain, "back", &back);
    check(!eddy_reader_ready(first)); /* there was nothing before it */
    for (uint64_t i = 0; i < BEFORE; i++)
        payload_publish(writer, 100, 1, i);
    eddy_reader *reader = open_reader(domain, "back", &back);
    payload_publish(writer, 100, 1, BEFORE);
    for (uint64_t i = BEFORE - BACK; i <= BEFORE; i++)
        same(payload_take(reader).number, i);
    check(!eddy_reader_ready(reader));
    same(eddy_reader_lost(reader), 0);
    must(eddy_reader_close(reader));
    must(eddy_reader_close(first));
    back.recent = UINT32_MAX;
    for (uint64_t i = 0; i < MANY; i++)
        payload_publish(writer, 100, 2, i);
    reader = open_reader(domain, "back", &back);
    payload_publish(writer, 100, 2, MANY);
    uint64_t last = 0;
    for (struct eddy_sample sample; eddy_reader_take(reader, &sample) == EDDY_OK;) {
        last = payload_of(&sample).number;
        must(eddy_reader_release(reader, &sample));
    }
    same(last, MANY);
    same(eddy_reader_lost(reader), 0);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_default_depths_are_64_and_8),
        WORLD_TEST(a_depth_beyond_the_longest_log_is_cut),
        WORLD_TEST(a_depth_of_thousands_is_honoured),
        WORLD_TEST(options_that_make_no_sense_are_refused),
        WORLD_TEST(a_writer_that_is_depth_ahead_waits_and_says_so),
        WORLD_TEST(a_loan_that_timed_out_can_be_published_later),
        WORLD_TEST(a_slow_reliable_reader_holds_up_for_the_others_too),
        WORLD_TEST(a_waiting_writer_goes_on_when_the_reader_releases),
        WORLD_TEST(a_poll_never_waits),
        WORLD_TEST(a_best_effort_reader_never_holds_a_writer_up),
        WORLD_TEST(a_best_effort_reader_loses_nothing_within_its_depth),
        WORLD_TEST(a_best_effort_reader_counts_what_it_lost),
        WORLD_TEST(a_deep_reader_takes_older_samples_that_are_still_there),
        WORLD_TEST(a_reader_may_look_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
