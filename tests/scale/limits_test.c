/* limits_test.c - a topic grows to its limit, whatever the sizes of its samples: nine tenths of it can
 * be held at once.
 *
 * EDDY_LONG=1: limits of 6 GiB, by hand; else 512 MiB, which is what takes as many extents for each
 * size as there are for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define MIB UINT64_C(1048576)

static const size_t megabyte[] = {1048576, 0}, with_header[] = {1048576 + 48, 0},
                    full_hd[] = {6220800, 0}, small[] = {65536, 0}, odd[] = {70001, 0},
                    mixed[] = {1048576, 65536, 6220800, 300000, 65536, 0};

static uint64_t limit_here(void)
{
    struct statvfs status;
    uint64_t wanted = getenv("EDDY_LONG") ? 6144 * MIB : 512 * MIB;
    check(statvfs(world_dir(), &status) == 0);
    if ((uint64_t)status.f_bavail * status.f_frsize < wanted + wanted / 8)
        skip_because("%s has less than %llu MiB free", world_dir(),
                     (unsigned long long)((wanted + wanted / 8) / MIB));
    return wanted;
}

/* Touches a byte of each only; nothing is ever let go. */
static uint64_t hold(struct pair *pair, const size_t *sizes, int *error)
{
    uint64_t bytes = 0;
    struct eddy_loan loan;
    struct eddy_sample sample;
    for (const size_t *size = sizes;; size = size[1] ? size + 1 : sizes) {
        *error = eddy_writer_loan(pair->writer, *size, eddy_deadline(MILLISECOND), &loan);
        if (*error)
            return bytes;
        *(uint8_t *)loan.data = 1;
        must(eddy_writer_publish(pair->writer, &loan, *size, patience()));
        must(eddy_reader_take(pair->reader, &sample));
        bytes += *size;
    }
}

static void fill(const size_t *sizes)
{
    int error;
    uint64_t limit = limit_here();
    struct eddy_writer_options writing = {.limit_bytes = limit};
    struct eddy_reader_options reading = {.limit_bytes = limit};
    struct eddy_topic_stats stats;
    struct pair pair = pair_open(&writing, &reading);
    uint64_t bytes = hold(&pair, sizes, &error);
    must(eddy_writer_stats(pair.writer, &stats));
    printf("%llu of %llu MiB held, shared %llu MiB in %u extents\n",
           (unsigned long long)(bytes / MIB), (unsigned long long)(limit / MIB),
           (unsigned long long)(stats.shared_bytes / MIB), stats.extents);
    must_fail(error, EDDY_ETIMEDOUT);
    check(bytes >= limit / 10 * 9);
    check(stats.shared_bytes <= limit + MIB);
    pair_close(&pair);
}

#define FILLS(name)                                                                                \
    static void name##_samples_fill_a_topic(void **state)                                          \
    {                                                                                              \
        (void)state;                                                                               \
        fill(name);                                                                                \
    }
FILLS(megabyte)
FILLS(with_header)
FILLS(full_hd)
FILLS(small)
FILLS(odd)
FILLS(mixed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(megabyte_samples_fill_a_topic), WORLD_TEST(with_header_samples_fill_a_topic),
        WORLD_TEST(full_hd_samples_fill_a_topic),  WORLD_TEST(small_samples_fill_a_topic),
        WORLD_TEST(odd_samples_fill_a_topic),      WORLD_TEST(mixed_samples_fill_a_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
