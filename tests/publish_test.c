/* publish_test.c - loan, write in place, publish; take, read in place, release.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

static void a_sample_makes_the_round_trip(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    struct eddy_sample sample;
    must_fail(eddy_reader_take(pair.reader, &sample), EDDY_EAGAIN);
    check(!eddy_reader_ready(pair.reader));
    must(eddy_writer_loan(pair.writer, 12, patience(), &loan));
    same(loan.size, 12);
    check(loan.header == NULL);
    memcpy(loan.data, "twelve bytes", 12);
    must_fail(eddy_reader_take(pair.reader, &sample), EDDY_EAGAIN);
    must(eddy_writer_publish(pair.writer, &loan, 12, patience()));
    check(eddy_reader_ready(pair.reader));
    must(eddy_reader_take(pair.reader, &sample));
    same(sample.size, 12);
    same(sample.sn, 1);
    check(memcmp(sample.data, "twelve bytes", 12) == 0);
    check(sample.header == NULL);
    must(eddy_reader_release(pair.reader, &sample));
    must_fail(eddy_reader_take(pair.reader, &sample), EDDY_EAGAIN);
    pair_close(&pair);
}

static void sequence_numbers_start_at_one_and_rise_by_one(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    for (uint64_t i = 1; i <= 1000; i++) {
        struct eddy_sample sample;
        payload_publish(pair.writer, 64, 1, i);
        must(eddy_reader_take(pair.reader, &sample));
        same(sample.sn, i);
        same(payload_of(&sample).number, i);
        must(eddy_reader_release(pair.reader, &sample));
    }
    pair_close(&pair);
}

static void a_sample_has_the_size_it_was_published_with(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    struct eddy_sample sample;
    must(eddy_writer_loan(pair.writer, 1000, patience(), &loan));
    payload_fill(loan.data, 100, 1, 1);
    must(eddy_writer_publish(pair.writer, &loan, 100, patience()));
    must(eddy_reader_take(pair.reader, &sample));
    same(sample.size, 100);
    payload_of(&sample);
    must(eddy_reader_release(pair.reader, &sample));
    pair_close(&pair);
}

static void publishing_more_than_was_loaned_is_refused_and_keeps_the_loan(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    payload_fill(loan.data, 64, 1, 7);
    must_fail(eddy_writer_publish(pair.writer, &loan, 65, patience()), EDDY_ETOOBIG);
    must_fail(eddy_writer_publish(pair.writer, &loan, SIZE_MAX, patience()), EDDY_ETOOBIG);
    must(eddy_writer_publish(pair.writer, &loan, 64, patience()));
    same(payload_take(pair.reader).number, 7);
    pair_close(&pair);
}

static void samples_of_any_size_pass(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,        1,         7,         8,        63,      64,
                                   65,       4095,      4096,      4097,     1 << 16, (1 << 20) + 1,
                                   16 << 20, 64u << 20, 64u << 20, 8u << 20, 64,      0};
    struct pair pair = pair_open(NULL, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct eddy_loan loan;
        struct eddy_sample sample;
        must(eddy_writer_loan(pair.writer, sizes[i], patience(), &loan));
        memset(loan.data, (int)i, sizes[i]);
        must(eddy_writer_publish(pair.writer, &loan, sizes[i], patience()));
        must(eddy_reader_take(pair.reader, &sample));
        same(sample.size, sizes[i]);
        const unsigned char *bytes = sample.data;
        for (size_t at = 0; at<sizes[i]; at += sizes[i]> 8192 ? 4001 : 1)
            same(bytes[at], i);
        if (sizes[i] > 0)
            same(bytes[sizes[i] - 1], i);
        must(eddy_reader_release(pair.reader, &sample));
    }
    pair_close(&pair);
}

static void growing_sizes_need_no_notice(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t number = 0;
    for (size_t size = sizeof(struct payload); size < 2u << 20; size += size / 3 + 1) {
        payload_publish(pair.writer, size, 1, ++number);
        same(payload_take(pair.reader).number, number);
    }
    pair_close(&pair);
}

/* Many sizes in turn must not pile up memory: what was released is used again. */
static void memory_is_used_again(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_topic_stats early, late;
    for (uint64_t i = 0; i < 200; i++) {
        payload_publish(pair.writer, 4096, 1, i);
        payload_take(pair.reader);
    }
    must(eddy_writer_stats(pair.writer, &early));
    for (uint64_t i = 0; i < 20000; i++) {
        payload_publish(pair.writer, 4096, 1, i);
        payload_take(pair.reader);
    }
    must(eddy_writer_stats(pair.writer, &late));
    same(late.shared_bytes, early.shared_bytes);
    same(late.slots, early.slots);
    pair_close(&pair);
}

static void a_loan_can_be_discarded(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_topic_stats stats;
    for (int i = 0; i < 10000; i++) {
        struct eddy_loan loan;
        must(eddy_writer_loan(pair.writer, 4096, patience(), &loan));
        must(eddy_writer_discard(pair.writer, &loan));
    }
    must(eddy_writer_stats(pair.writer, &stats));
    check(stats.shared_bytes < 4u << 20);
    same(stats.published, 0);
    check(!eddy_reader_ready(pair.reader));
    pair_close(&pair);
}

static void many_loans_may_be_out_and_are_published_in_any_order(void **state)
{
    (void)state;
    enum { LOANS = 500 };
    static struct eddy_loan loans[LOANS];
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = LOANS});
    check(eddy_reader_depth(pair.reader) > 0);
    for (uint64_t i = 0; i < LOANS; i++) {
        must(eddy_writer_loan(pair.writer, 256, patience(), &loans[i]));
        payload_fill(loans[i].data, 256, 1, i);
    }
    for (uint64_t i = 0; i < LOANS; i++) {
        uint64_t which = (i * 7 + 3) % LOANS;
        must(eddy_writer_publish(pair.writer, &loans[which], 256, patience()));
        same(payload_take(pair.reader).number, which);
    }
    pair_close(&pair);
}

static void write_copies_and_publishes(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    unsigned char bytes[333];
    payload_fill(bytes, sizeof bytes, 9, 4);
    must(eddy_writer_write(pair.writer, bytes, sizeof bytes, patience()));
    struct payload payload = payload_take(pair.reader);
    same(payload.author, 9);
    same(payload.number, 4);
    must(eddy_writer_write(pair.writer, NULL, 0, patience()));
    struct eddy_sample sample;
    must(eddy_reader_take(pair.reader, &sample));
    same(sample.size, 0);
    must(eddy_reader_release(pair.reader, &sample));
    pair_close(&pair);
}

static void a_sample_tells_who_wrote_it(void **state)
{
    (void)state;
    struct eddy_sample mine, theirs;
    eddy_domain *other = open_domain();
    struct pair pair = pair_open(&(struct eddy_writer_options){.tag = 0xabcd}, NULL);
    eddy_writer *stranger = open_writer(other, "pair", NULL);
    payload_publish(pair.writer, 64, 1, 1);
    payload_publish(stranger, 64, 2, 1);
    must(eddy_reader_take(pair.reader, &mine));
    must(eddy_reader_take(pair.reader, &theirs));
    same(mine.tag, 0xabcd);
    same(theirs.tag, 0);
    same(mine.source, eddy_reader_participant(pair.reader));
    check(theirs.source != mine.source);
    check(theirs.writer != mine.writer);
    must(eddy_writer_close(stranger));
    must(eddy_domain_close(other));
    must(eddy_reader_release(pair.reader, &theirs));
    must(eddy_reader_release(pair.reader, &mine));
    pair_close(&pair);
}

static void statistics_count_what_happened(void **state)
{
    (void)state;
    struct pair pair = pair_open(&(struct eddy_writer_options){.limit_bytes = 32u << 20}, NULL);
    struct eddy_topic_stats written, read;
    for (uint64_t i = 0; i < 10; i++)
        payload_publish(pair.writer, 100, 1, i);
    must(eddy_writer_stats(pair.writer, &written));
    must(eddy_reader_stats(pair.reader, &read));
    same(written.published, 10);
    same(written.published_bytes, 1000);
    same(written.writers, 1);
    same(written.readers, 1);
    same(eddy_writer_readers(pair.writer), 1);
    check(written.slots > 0 && written.extents > 0);
    check(written.shared_bytes > 0 && written.shared_bytes <= written.limit_bytes);
    check(memcmp(&written, &read, sizeof read) == 0);
    pair_close(&pair);
}

static void take_latest_passes_over_the_older(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_sample sample;
    must_fail(eddy_reader_take_latest(pair.reader, &sample), EDDY_EAGAIN);
    for (uint64_t i = 1; i <= 20; i++)
        payload_publish(pair.writer, 64, 1, i);
    must(eddy_reader_take_latest(pair.reader, &sample));
    same(payload_of(&sample).number, 20);
    must_fail(eddy_reader_take_latest(pair.reader, &sample), EDDY_EAGAIN);
    check(!eddy_reader_ready(pair.reader));
    payload_publish(pair.writer, 64, 1, 21);
    same(payload_take(pair.reader).number, 21);
    pair_close(&pair);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    struct eddy_loan_options odd = {.size = 8, .alignment = 48};
    must_fail(eddy_writer_loan_with(pair.writer, &odd, patience(), &loan), EDDY_EINVAL);
    odd = (struct eddy_loan_options){.size = 8, .alignment = UINT64_C(1) << 32};
    must_fail(eddy_writer_loan_with(pair.writer, &odd, patience(), &loan), EDDY_EINVAL);
    odd = (struct eddy_loan_options){.size = 8, .alignment = 8, .header_size = 8};
    odd.header_alignment = 16;
    must_fail(eddy_writer_loan_with(pair.writer, &odd, patience(), &loan), EDDY_EINVAL);
    must_fail(eddy_writer_loan(pair.writer, SIZE_MAX, patience(), &loan), EDDY_ETOOBIG);
    must_fail(eddy_writer_loan(pair.writer, SIZE_MAX - 4096, patience(), &loan), EDDY_ETOOBIG);
    odd = (struct eddy_loan_options){.size = 8, .header_size = SIZE_MAX - 8};
    must_fail(eddy_writer_loan_with(pair.writer, &odd, patience(), &loan), EDDY_ETOOBIG);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_sample_makes_the_round_trip),
        WORLD_TEST(sequence_numbers_start_at_one_and_rise_by_one),
        WORLD_TEST(a_sample_has_the_size_it_was_published_with),
        WORLD_TEST(publishing_more_than_was_loaned_is_refused_and_keeps_the_loan),
        WORLD_TEST(samples_of_any_size_pass),
        WORLD_TEST(growing_sizes_need_no_notice),
        WORLD_TEST(memory_is_used_again),
        WORLD_TEST(a_loan_can_be_discarded),
        WORLD_TEST(many_loans_may_be_out_and_are_published_in_any_order),
        WORLD_TEST(write_copies_and_publishes),
        WORLD_TEST(a_sample_tells_who_wrote_it),
        WORLD_TEST(statistics_count_what_happened),
        WORLD_TEST(take_latest_passes_over_the_older),
        WORLD_TEST(bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
