/* stale_test.c - a loan or sample is good once, for the handle that got it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

static void a_loan_is_published_once(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan, copy;
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    payload_fill(loan.data, 64, 1, 1);
    copy = loan;
    must(eddy_writer_publish(pair.writer, &loan, 64, patience()));
    struct eddy_loan again = copy;
    must_fail(eddy_writer_publish(pair.writer, &again, 64, patience()), EDDY_ESTALE);
    again = copy;
    must_fail(eddy_writer_discard(pair.writer, &again), EDDY_ESTALE);
    must_fail(eddy_writer_publish(pair.writer, &loan, 64, patience()), EDDY_ESTALE);
    same(payload_take(pair.reader).number, 1);
    check(!eddy_reader_ready(pair.reader));
    pair_close(&pair);
}

static void a_discarded_loan_is_gone(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan, copy;
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    copy = loan;
    must(eddy_writer_discard(pair.writer, &loan));
    must_fail(eddy_writer_discard(pair.writer, &copy), EDDY_ESTALE);
    must_fail(eddy_writer_publish(pair.writer, &copy, 64, patience()), EDDY_ESTALE);
    check(!eddy_reader_ready(pair.reader));
    pair_close(&pair);
}

/* The slot of the old loan is out on loan again; the old ticket must not publish the new one. */
static void an_old_ticket_does_not_fit_a_new_loan_of_the_same_slot(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan old, now = {0};
    bool met = false;
    must(eddy_writer_loan(pair.writer, 64, patience(), &old));
    struct eddy_loan copy = old;
    must(eddy_writer_discard(pair.writer, &old));
    for (int i = 0; i < 100000 && !met; i++) {
        must(eddy_writer_loan(pair.writer, 64, patience(), &now));
        met = now.slot == copy.slot;
        if (!met)
            must(eddy_writer_discard(pair.writer, &now));
    }
    check(met);
    must_fail(eddy_writer_publish(pair.writer, &copy, 64, patience()), EDDY_ESTALE);
    must_fail(eddy_writer_discard(pair.writer, &copy), EDDY_ESTALE);
    payload_fill(now.data, 64, 1, 2);
    must(eddy_writer_publish(pair.writer, &now, 64, patience()));
    same(payload_take(pair.reader).number, 2);
    pair_close(&pair);
}

static void another_writers_loan_is_refused(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_writer *other = open_writer(pair.domain, "pair", NULL);
    eddy_writer *elsewhere = open_writer(pair.domain, "another topic", NULL);
    struct eddy_loan loan;
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    struct eddy_loan copy = loan;
    must_fail(eddy_writer_publish(other, &copy, 64, patience()), EDDY_ESTALE);
    must_fail(eddy_writer_discard(other, &copy), EDDY_ESTALE);
    must_fail(eddy_writer_publish(elsewhere, &copy, 64, patience()), EDDY_ESTALE);
    check(!eddy_reader_ready(pair.reader));
    payload_fill(loan.data, 64, 1, 3);
    must(eddy_writer_publish(pair.writer, &loan, 64, patience()));
    same(payload_take(pair.reader).number, 3);
    must(eddy_writer_close(elsewhere));
    must(eddy_writer_close(other));
    pair_close(&pair);
}

static void a_made_up_loan_is_refused(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    char bytes[64] = {0};
    static const uint32_t slots[] = {0, 1, 2, 1000, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        struct eddy_loan made_up = {.data = bytes, .size = 64, .slot = slots[i], .ticket = 1};
        must_fail(eddy_writer_publish(pair.writer, &made_up, 64, patience()), EDDY_ESTALE);
        must_fail(eddy_writer_discard(pair.writer, &made_up), EDDY_ESTALE);
        struct eddy_sample sample = {.data = bytes, .size = 64, .slot = slots[i], .sn = 1};
        must_fail(eddy_reader_release(pair.reader, &sample), EDDY_ESTALE);
    }
    check(!eddy_reader_ready(pair.reader));
    pair_close(&pair);
}

static void a_sample_is_released_once(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_sample sample;
    payload_publish(pair.writer, 64, 1, 1);
    must(eddy_reader_take(pair.reader, &sample));
    struct eddy_sample copy = sample;
    must(eddy_reader_release(pair.reader, &sample));
    struct eddy_sample again = copy;
    must_fail(eddy_reader_release(pair.reader, &again), EDDY_ESTALE);
    must_fail(eddy_reader_release(pair.reader, &sample), EDDY_ESTALE);
    /* The slot has carried many samples since, and still the old one is not released. */
    for (uint64_t i = 2; i < 300; i++) {
        payload_publish(pair.writer, 64, 1, i);
        same(payload_take(pair.reader).number, i);
        again = copy;
        must_fail(eddy_reader_release(pair.reader, &again), EDDY_ESTALE);
    }
    pair_close(&pair);
}

/* Releasing an old sample of a slot must not let go of the new sample held in the same slot. */
static void an_old_sample_does_not_release_a_new_one_in_its_slot(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_sample old, now;
    payload_publish(pair.writer, 64, 1, 1);
    must(eddy_reader_take(pair.reader, &old));
    struct eddy_sample copy = old;
    must(eddy_reader_release(pair.reader, &old));
    bool met = false;
    for (uint64_t i = 2; i < 100000 && !met; i++) {
        payload_publish(pair.writer, 64, 1, i);
        must(eddy_reader_take(pair.reader, &now));
        met = now.slot == copy.slot;
        if (!met)
            must(eddy_reader_release(pair.reader, &now));
    }
    check(met);
    must_fail(eddy_reader_release(pair.reader, &copy), EDDY_ESTALE);
    struct payload before = payload_of(&now);
    for (uint64_t i = 0; i < 1000; i++) {
        payload_publish(pair.writer, 64, 2, i);
        payload_take(pair.reader);
    }
    same(payload_of(&now).number, before.number);
    same(payload_of(&now).author, before.author);
    must(eddy_reader_release(pair.reader, &now));
    pair_close(&pair);
}

static void another_readers_sample_is_refused(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_reader *other = open_reader(pair.domain, "pair", NULL);
    struct eddy_sample sample;
    payload_publish(pair.writer, 64, 1, 5);
    must(eddy_reader_take(pair.reader, &sample));
    struct eddy_sample copy = sample;
    must_fail(eddy_reader_release(other, &copy), EDDY_ESTALE);
    same(payload_of(&sample).number, 5);
    must(eddy_reader_release(pair.reader, &sample));
    same(payload_take(other).number, 5);
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* Takes the first sample of a fresh topic: on each one the same slot, number and ticket. */
static struct eddy_sample take_first(eddy_writer *writer, eddy_reader *reader)
{
    struct eddy_sample sample;
    payload_publish(writer, 64, 1, 1);
    must(eddy_reader_take(reader, &sample));
    return sample;
}

/* Both hold the same sample: each lets go of it only with what it took itself. */
static void who_holds_the_same_sample_does_not_release_it_for_another(void **state)
{
    (void)state;
    static const struct eddy_reader_options modes[] = {{.reliability = EDDY_RELIABLE},
                                                       {.reliability = EDDY_BEST_EFFORT}};
    for (size_t i = 0; i < 2; i++) {
        struct pair pair = pair_open(NULL, &modes[i]);
        eddy_reader *other = open_reader(pair.domain, "pair", &modes[i]);
        struct eddy_sample mine = take_first(pair.writer, pair.reader), others;
        must(eddy_reader_take(other, &others));
        must_fail(eddy_reader_release(pair.reader, &others), EDDY_ESTALE);
        must_fail(eddy_reader_release(other, &mine), EDDY_ESTALE);
        must(eddy_reader_release(pair.reader, &mine));
        must(eddy_reader_release(other, &others));
        must(eddy_reader_close(other));
        pair_close(&pair);
    }
}

static void a_sample_of_another_topic_is_refused(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_writer *writer = open_writer(pair.domain, "another topic", NULL);
    eddy_reader *reader = open_reader(pair.domain, "another topic", NULL);
    struct eddy_sample here = take_first(pair.writer, pair.reader);
    struct eddy_sample there = take_first(writer, reader);
    same(here.sn, there.sn);
    must_fail(eddy_reader_release(pair.reader, &there), EDDY_ESTALE);
    must_fail(eddy_reader_release(reader, &here), EDDY_ESTALE);
    must(eddy_reader_release(pair.reader, &here));
    must(eddy_reader_release(reader, &there));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    pair_close(&pair);
}

static void a_loan_of_another_topic_is_refused(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_writer *writer = open_writer(pair.domain, "another topic", NULL);
    struct eddy_loan here, there;
    must(eddy_writer_loan(pair.writer, 64, patience(), &here));
    must(eddy_writer_loan(writer, 64, patience(), &there));
    same(here.slot, there.slot);
    must_fail(eddy_writer_publish(pair.writer, &there, 64, patience()), EDDY_ESTALE);
    must_fail(eddy_writer_discard(writer, &here), EDDY_ESTALE);
    must(eddy_writer_discard(pair.writer, &here));
    must(eddy_writer_discard(writer, &there));
    must(eddy_writer_close(writer));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_loan_is_published_once),
        WORLD_TEST(a_discarded_loan_is_gone),
        WORLD_TEST(an_old_ticket_does_not_fit_a_new_loan_of_the_same_slot),
        WORLD_TEST(another_writers_loan_is_refused),
        WORLD_TEST(a_made_up_loan_is_refused),
        WORLD_TEST(a_sample_is_released_once),
        WORLD_TEST(an_old_sample_does_not_release_a_new_one_in_its_slot),
        WORLD_TEST(another_readers_sample_is_refused),
        WORLD_TEST(who_holds_the_same_sample_does_not_release_it_for_another),
        WORLD_TEST(a_sample_of_another_topic_is_refused),
        WORLD_TEST(a_loan_of_another_topic_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
