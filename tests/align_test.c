/* align_test.c - alignment and user headers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

static bool aligned(const void *address, size_t alignment)
{
    return (uintptr_t)address % alignment == 0;
}

static uintptr_t rounded_to_8(uintptr_t address)
{
    return (address + 7) & ~(uintptr_t)7;
}

static void data_is_aligned_to_64_unless_said_otherwise(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    for (size_t size = 1; size < 5000; size = size * 2 + 1) {
        struct eddy_loan loan;
        struct eddy_sample sample;
        must(eddy_writer_loan(pair.writer, size, patience(), &loan));
        check(aligned(loan.data, 64));
        must(eddy_writer_publish(pair.writer, &loan, size, patience()));
        must(eddy_reader_take(pair.reader, &sample));
        check(aligned(sample.data, 64));
        must(eddy_reader_release(pair.reader, &sample));
    }
    pair_close(&pair);
}

/* Publishes a sample laid out as asked, and reads it back. */
static void round_trip(struct pair *pair, const struct eddy_loan_options *options)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    size_t alignment = options->alignment ? options->alignment : (options->header_size ? 8 : 64);
    size_t header_alignment = options->header_alignment ? options->header_alignment : 8;
    must(eddy_writer_loan_with(pair->writer, options, patience(), &loan));
    check(aligned(loan.data, alignment));
    same(loan.size, options->size);
    same(loan.header_size, options->header_size);
    memset(loan.data, 'd', loan.size);
    if (options->header_size > 0) {
        check(aligned(loan.header, header_alignment));
        same(rounded_to_8((uintptr_t)loan.header + loan.header_size), (uintptr_t)loan.data);
        memset(loan.header, 'h', loan.header_size);
    } else {
        check(loan.header == NULL);
    }
    must(eddy_writer_publish(pair->writer, &loan, loan.size, patience()));
    must(eddy_reader_take(pair->reader, &sample));
    check(aligned(sample.data, alignment < 4096 ? alignment : 4096));
    same(sample.size, options->size);
    same(sample.header_size, options->header_size);
    for (size_t i = 0; i < sample.size; i++)
        same(((const char *)sample.data)[i], 'd');
    for (size_t i = 0; i < sample.header_size; i++)
        same(((const char *)sample.header)[i], 'h');
    if (sample.header_size > 0)
        same(rounded_to_8((uintptr_t)sample.header + sample.header_size), (uintptr_t)sample.data);
    must(eddy_reader_release(pair->reader, &sample));
}

static void any_power_of_two_up_to_64_kib_is_honoured(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2)
        for (size_t size = 0; size < 300; size += 99)
            round_trip(&pair, &(struct eddy_loan_options){.size = size, .alignment = alignment});
    pair_close(&pair);
}

static void a_header_ends_where_the_data_begins(void **state)
{
    (void)state;
    static const size_t headers[] = {1, 7, 8, 12, 16, 24, 40, 64, 200, 4096, 70000};
    struct pair pair = pair_open(NULL, NULL);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct eddy_loan_options options = {.size = 100, .header_size = headers[i]};
        round_trip(&pair, &options);
        options.alignment = 64;
        round_trip(&pair, &options);
        options.size = 0;
        round_trip(&pair, &options);
    }
    pair_close(&pair);
}

static void a_header_has_the_alignment_asked_for(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    for (size_t alignment = 8; alignment <= 4096; alignment *= 2) {
        struct eddy_loan_options options = {.size = 33, .alignment = 4096};
        options.header_alignment = alignment;
        /* Both can only be met where the header's size is a multiple of its alignment. */
        options.header_size = alignment;
        round_trip(&pair, &options);
    }
    pair_close(&pair);
}

/* Up to 2^31 is allowed: it may not fit the limit, but then that is what is said. */
static void a_huge_alignment_works_or_is_too_big(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.limit_bytes = 64u << 20});
    struct eddy_loan_options options = {.size = 8, .alignment = UINT64_C(1) << 31};
    struct eddy_loan loan;
    must_fail(eddy_writer_loan_with(pair.writer, &options, patience(), &loan), EDDY_ETOOBIG);
    options.alignment = 2u << 20;
    must(eddy_writer_loan_with(pair.writer, &options, patience(), &loan));
    check(aligned(loan.data, 2u << 20));
    must(eddy_writer_discard(pair.writer, &loan));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(data_is_aligned_to_64_unless_said_otherwise),
        WORLD_TEST(any_power_of_two_up_to_64_kib_is_honoured),
        WORLD_TEST(a_header_ends_where_the_data_begins),
        WORLD_TEST(a_header_has_the_alignment_asked_for),
        WORLD_TEST(a_huge_alignment_works_or_is_too_big),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
