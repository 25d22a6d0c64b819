/* held_test.c - of the memory that a topic may have, nine tenths can be held at once, whatever the size of
 * its samples; and all of it goes back.
 * EDDY_LONG=1: with a limit of 6 GiB.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/able.h"
#include "support/world.h"

#include <eddy/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

enum { KIB = 1 << 10, MIB = 1 << 20, FULL_HD = 1920 * 1080 * 3, MOST = 110000 };

static struct pair pair;
static struct eddy_sample held[MOST];

static uint64_t limit(void)
{
    return getenv("EDDY_LONG") ? 6ull << 30 : 256ull * MIB;
}

static void skip_without_memory(void)
{
    struct statvfs fs;
    check(statvfs(world_dir(), &fs) == 0);
    if ((uint64_t)fs.f_bavail * fs.f_frsize < limit() + 512ull * MIB)
        skip_because("the folder's file system has no room for so much");
}

static size_t mixed(size_t i)
{
    static const size_t sizes[] = {64 * KIB, MIB, FULL_HD, 64 * KIB, 300 * KIB, 17 * MIB};
    return sizes[i % (sizeof sizes / sizeof *sizes)];
}

static size_t hold(size_t size, uint64_t *bytes)
{
    size_t count = 0;
    struct eddy_loan loan;
    int error;
    for (*bytes = 0;; count++) {
        size_t next = size ? size : mixed(count);
        error = eddy_writer_loan(pair.writer, next, EDDY_POLL, &loan);
        if (error)
            break;
        check(count < MOST);
        *(uint64_t *)loan.data = count;
        must(eddy_writer_publish(pair.writer, &loan, next, patience()));
        must(eddy_reader_take(pair.reader, &held[count]));
        *bytes += next;
    }
    must_fail(error, EDDY_EAGAIN);
    return count;
}

static void release_all(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        same(*(const uint64_t *)held[i].data, i);
        must(eddy_reader_release(pair.reader, &held[i]));
    }
}

/* One topic for all, so that each size has the memory of the one before. */
static void nine_tenths_can_be_held(void **state)
{
    (void)state;
    static const size_t sizes[] = {MIB, FULL_HD, 64 * KIB, 0, MIB};
    struct eddy_writer_options writing = {.limit_bytes = limit()};
    struct eddy_reader_options reading = {.depth = 1000, .limit_bytes = limit()};
    skip_without_memory();
    pair = pair_open(&writing, &reading);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct eddy_topic_stats stats;
        uint64_t bytes, gone, began = eddy_now();
        size_t count = hold(sizes[i], &bytes);
        must(eddy_writer_stats(pair.writer, &stats));
        printf("%zu bytes (0: mixed): %zu, %.2f GiB, %.1f %% of the limit, %u extents, %.1f s\n",
               sizes[i], count, (double)bytes / (1 << 30), 100. * (double)bytes / (double)limit(),
               stats.extents, (double)(eddy_now() - began) / SECOND);
        check(bytes >= limit() / 10 * 9);
        release_all(count);
        if (i % 2)
            must(eddy_topic_trim(pair.domain, eddy_writer_flink(pair.writer), &gone));
    }
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(nine_tenths_can_be_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
