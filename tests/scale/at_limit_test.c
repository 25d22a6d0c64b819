/* at_limit_test.c - at its limit a loan that is not to wait fails as soon with many samples held as with
 * few, and is had by the call after something was let go of.
 *
 * EDDY_LONG=1: 100,000 of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FEW = 100,
    MANY = 10000,
    MOST = 100000,
    BYTES = 64,
    A_SLOT = 128,
    LEAST_CALLS = 100,
    TIMES = 50
};

static struct eddy_sample held[2 * MOST];

static size_t many(void)
{
    return getenv("EDDY_LONG") ? MOST : MANY;
}

/* Until there is no room; at least `count`, as the topic has no memory for many more. */
static size_t hold_all(struct pair *pair, size_t count)
{
    struct eddy_loan loan;
    size_t n = 0;
    while (eddy_writer_loan(pair->writer, BYTES, EDDY_POLL, &loan) == EDDY_OK) {
        must(eddy_writer_publish(pair->writer, &loan, BYTES, patience()));
        must(eddy_reader_take(pair->reader, &held[n++]));
        check(n < 2 * MOST);
    }
    check(n >= count);
    return n;
}

/* ns of a call in vain, on average. */
static double cost_in_vain(struct pair *pair)
{
    struct eddy_loan loan;
    uint64_t calls = 0, began = eddy_now(), now;
    do {
        must_fail(eddy_writer_loan(pair->writer, BYTES, EDDY_POLL, &loan), EDDY_EAGAIN);
        now = eddy_now();
    } while (++calls < LEAST_CALLS || now - began < SECOND / 4);
    return (double)(now - began) / (double)calls;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* ns in which one that is let go of is had, by the first call, wherever it lies; half of them. */
static double cost_of_one(struct pair *pair, size_t count)
{
    struct eddy_loan loan;
    uint64_t took[TIMES];
    for (size_t i = 0; i < TIMES; i++) {
        must_fail(eddy_writer_loan(pair->writer, BYTES, EDDY_POLL, &loan), EDDY_EAGAIN);
        size_t which = i * 7919 % (count - 1);
        must(eddy_reader_release(pair->reader, &held[which]));
        uint64_t began = eddy_now();
        must(eddy_writer_loan(pair->writer, BYTES, EDDY_POLL, &loan));
        took[i] = eddy_now() - began;
        must(eddy_writer_publish(pair->writer, &loan, BYTES, patience()));
        must(eddy_reader_take(pair->reader, &held[which]));
    }
    qsort(took, TIMES, sizeof *took, by_size);
    return (double)took[TIMES / 2];
}

struct cost {
    double in_vain, one;
};

static struct cost cost_with(size_t count)
{
    struct eddy_writer_options writing = {.limit_bytes =
                                              count * (A_SLOT + A_SLOT / 32) + (64 << 10)};
    struct eddy_reader_options reading = {.limit_bytes = writing.limit_bytes};
    struct pair pair = pair_open(&writing, &reading);
    size_t n = hold_all(&pair, count / 10 * 9);
    struct cost cost = {.in_vain = cost_in_vain(&pair), .one = cost_of_one(&pair, n)};
    for (size_t i = 0; i < n; i++)
        must(eddy_reader_release(pair.reader, &held[i]));
    pair_close(&pair);
    return cost;
}

static void a_loan_in_vain_costs_the_same_whatever_is_held(void **state)
{
    (void)state;
    struct cost few = cost_with(FEW), large = cost_with(many());
    printf("a loan in vain: %.2f us with %zu samples held, %.2f with %d\n", large.in_vain / 1000,
           many(), few.in_vain / 1000, FEW);
    printf("of what was let go of: %.2f us, %.2f\n", large.one / 1000, few.one / 1000);
    check(large.in_vain <= 3 * few.in_vain);
    check(large.one <= 4 * few.one + 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(a_loan_in_vain_costs_the_same_whatever_is_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
