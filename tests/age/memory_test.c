/* memory_test.c - a topic's memory follows need: what is free becomes what is wanted, and goes back to
 * the system when somebody says so; what is reserved stays.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <eddy/memory.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { KIB = 1 << 10, MIB = 1 << 20, HELD = 8192 };
/* Code that is seldom used may have to come into memory; without reserving it is 20 times as many. */
enum { FEW = 4 };

static struct pair pair;
static struct eddy_sample held[HELD];

static uint64_t wait_ns;

/* A writer that waits for room, or not. */
static void open_with(uint64_t limit, bool waits)
{
    struct eddy_writer_options writing = {.limit_bytes = limit};
    struct eddy_reader_options reading = {.depth = 1000, .limit_bytes = limit};
    wait_ns = waits ? MILLISECOND : 0;
    pair = pair_open(&writing, &reading);
}

static uint64_t soon(void)
{
    return wait_ns ? eddy_deadline(wait_ns) : EDDY_POLL;
}

static uint64_t shared_bytes(void)
{
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(pair.writer, &stats));
    return stats.shared_bytes;
}

static void publish(size_t size)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(pair.writer, size, patience(), &loan));
    must(eddy_writer_publish(pair.writer, &loan, size, patience()));
}

static void take_and_release(void)
{
    struct eddy_sample sample;
    must(eddy_reader_take(pair.reader, &sample));
    must(eddy_reader_release(pair.reader, &sample));
}

/* As many as there can be, all kept by the reader. */
static size_t hold_all(size_t size, int *error)
{
    struct eddy_loan loan;
    size_t count = 0;
    while ((*error = eddy_writer_loan(pair.writer, size, soon(), &loan)) == EDDY_OK) {
        check(count < HELD);
        memset(loan.data, (int)count, 8);
        must(eddy_writer_publish(pair.writer, &loan, size, patience()));
        must(eddy_reader_take(pair.reader, &held[count++]));
    }
    return count;
}

static void release_all(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        same(*(const uint8_t *)held[i].data, i & 0xff);
        must(eddy_reader_release(pair.reader, &held[i]));
    }
}

/* --- what is free becomes what is wanted ------------------------------------------------------ */

static void memory_of_small_samples_becomes_large_ones_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {64 * KIB, 20 * MIB, 300, 3 * MIB, 5000, 64 * KIB};
    open_with(32 * MIB, true);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int error = 0;
        if (sizes[i] < 4096) { /* too many to hold all */
            for (int k = 0; k < 100; k++) {
                publish(sizes[i]);
                take_and_release();
            }
            continue;
        }
        size_t count = hold_all(sizes[i], &error);
        must_fail(error, EDDY_ETIMEDOUT);
        check(sizes[i] > 16 * MIB ? count == 1 : count * sizes[i] >= 32 * MIB / 10 * 8);
        check(shared_bytes() <= 33 * MIB);
        release_all(count);
    }
    pair_close(&pair);
}

/* Some of each size stay held: what lies between them is of use all the same. */
static void so_does_what_lies_between_samples_that_are_held(void **state)
{
    (void)state;
    int error;
    open_with(16 * MIB, true);
    size_t count = hold_all(64 * KIB, &error), kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i % 8 == 0)
            held[kept++] = held[i];
        else
            must(eddy_reader_release(pair.reader, &held[i]));
    }
    publish(10 * MIB);
    take_and_release();
    for (size_t i = 0; i < kept; i++)
        must(eddy_reader_release(pair.reader, &held[i]));
    pair_close(&pair);
}

static void grow_by(double factor, size_t step)
{
    enum { LIMIT = 32 * MIB };
    open_with(LIMIT, true);
    for (size_t size = step; size <= LIMIT / 3; size = (size_t)((double)size * factor) + step) {
        publish(size);
        take_and_release();
        check(shared_bytes() <= LIMIT + MIB / 2);
    }
    pair_close(&pair);
}

static void a_message_that_grows_needs_three_times_its_size(void **state)
{
    (void)state;
    grow_by(1, 64 * KIB);
    grow_by(1, 512 * KIB);
    grow_by(1, 100);
    grow_by(1.1, 1000);
    grow_by(1.6, 64);
}

/* --- what is free goes back ------------------------------------------------------------------- */

static uint64_t trim(void)
{
    uint64_t bytes = 0;
    must(eddy_topic_trim(pair.domain, eddy_writer_flink(pair.writer), &bytes));
    return bytes;
}

static void what_a_burst_needed_goes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {1000, 64 * KIB, 300 * KIB, 64 * MIB};
    open_with(256 * MIB, true);
    publish(64);
    take_and_release();
    uint64_t before = shared_bytes();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int many = sizes[i] > MIB ? 1 : 100;
        for (int k = 0; k < many; k++) {
            publish(sizes[i]);
            must(eddy_reader_take(pair.reader, &held[k]));
        }
        check(shared_bytes() >= before + (uint64_t)many * sizes[i]);
        (void)trim();
        check(shared_bytes() >= (uint64_t)many * sizes[i]); /* they are in use */
        for (int k = 0; k < many; k++)
            must(eddy_reader_release(pair.reader, &held[k]));
        publish(64); /* what is claimed ahead is small again */
        take_and_release();
        check(trim() >= (uint64_t)many * sizes[i] / 2);
        check(shared_bytes() <= before + 128 * KIB + (uint64_t)many * sizes[i] / 10);
        publish(sizes[i]); /* and comes again */
        take_and_release();
    }
    pair_close(&pair);
}

static void a_loan_that_is_discarded_leaves_nothing(void **state)
{
    (void)state;
    struct eddy_loan loan;
    open_with(256 * MIB, true);
    publish(64 * MIB);
    take_and_release();
    uint64_t before = shared_bytes();
    must(eddy_writer_loan(pair.writer, 100 * MIB, patience(), &loan));
    check(shared_bytes() >= before + 100 * MIB);
    must(eddy_writer_discard(pair.writer, &loan));
    check(shared_bytes() <= before + 8 * KIB);
    must(eddy_writer_loan(pair.writer, 64 * MIB, patience(), &loan)); /* this one was there */
    must(eddy_writer_discard(pair.writer, &loan));
    check(shared_bytes() >= before);
    pair_close(&pair);
}

static void borrow_and_wait(int wire, void *unused)
{
    (void)unused;
    struct eddy_loan loan;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    must(eddy_writer_loan(writer, 100 * MIB, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void open_and_close(int wire, void *unused)
{
    (void)wire, (void)unused;
    eddy_domain *domain = open_domain();
    must(eddy_writer_close(open_writer(domain, "pair", NULL)));
    must(eddy_domain_close(domain));
}

static void who_leaves_with_a_loan_leaves_nothing(void **state)
{
    (void)state;
    struct eddy_loan loan;
    open_with(256 * MIB, true);
    publish(64);
    uint64_t before = shared_bytes();
    eddy_writer *writer = open_writer(pair.domain, "pair", NULL);
    must(eddy_writer_loan(writer, 100 * MIB, EDDY_POLL, &loan));
    check(shared_bytes() >= before + 100 * MIB);
    must(eddy_writer_close(writer));
    check(shared_bytes() <= before + 16 * KIB);
    struct child child = child_start(borrow_and_wait, NULL);
    wire_expect(child.wire, WIRE_READY);
    check(shared_bytes() >= before + 100 * MIB);
    child_kill(&child);
    child = child_start(open_and_close, NULL); /* the next who comes */
    child_join(&child);
    check(shared_bytes() <= before + 16 * KIB);
    pair_close(&pair);
}

static void a_loan_that_cannot_be_published_leaves_nothing(void **state)
{
    (void)state;
    struct eddy_loan loan;
    struct eddy_reader_options narrow = {.depth = 1};
    open_with(256 * MIB, true);
    eddy_reader *reader = open_reader(pair.domain, "pair", &narrow);
    publish(64);
    uint64_t before = shared_bytes();
    must(eddy_writer_loan(pair.writer, MIB, patience(), &loan));
    must_fail(eddy_writer_publish(pair.writer, &loan, MIB, soon()), EDDY_ETIMEDOUT);
    must(eddy_writer_discard(pair.writer, &loan));
    check(shared_bytes() <= before + 8 * KIB);
    must(eddy_reader_close(reader));
    pair_close(&pair);
}

/* --- what cannot be had says why -------------------------------------------------------------- */

static void a_loan_that_cannot_be_had_says_why(void **state)
{
    (void)state;
    struct eddy_loan loan;
    int error;
    open_with(8 * MIB, false);
    must_fail(eddy_writer_loan(pair.writer, 8 * MIB, patience(), &loan), EDDY_ETOOBIG);
    size_t count = hold_all(MIB, &error);
    must_fail(error, EDDY_EAGAIN);
    must_fail(eddy_writer_loan(pair.writer, 8 * MIB, patience(), &loan), EDDY_ETOOBIG);
    release_all(count);
    pair_close(&pair);
    open_with(8 * MIB, true);
    count = hold_all(MIB, &error);
    must_fail(error, EDDY_ETIMEDOUT);
    release_all(count);
    pair_close(&pair);
}

/* --- what is reserved stays, and is there ----------------------------------------------------- */

static long faults(void)
{
    struct rusage usage;
    check(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_minflt + usage.ru_majflt;
}

static void take_without_faults(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    must(eddy_reader_prefault(reader, 0));
    struct eddy_sample sample;
    long before = 0;
    wire_say(wire, WIRE_READY);
    for (int i = 0; i < 20; i++) {
        uint64_t sum = 0;
        must(eddy_reader_wait(reader, eddy_deadline(10 * SECOND)));
        if (i == 1)
            before = faults();
        must(eddy_reader_take(reader, &sample));
        for (size_t at = 0; at < sample.size; at += 512)
            sum += ((const uint8_t *)sample.data)[at];
        same(sum, sample.size / 512 * 7);
        must(eddy_reader_release(reader, &sample));
        wire_say(wire, WIRE_DONE);
    }
    check(faults() - before < FEW);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void who_reserves_has_no_page_faults(void **state)
{
    (void)state;
    enum { SIZE = 300 * KIB };
    if (SANITIZED)
        skip_because("a sanitizer has memory of its own, which comes page by page");
    struct eddy_reservation what = {.size = SIZE, .count = 4};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    must(eddy_writer_reserve(writer, &what));
    struct child child = child_start(take_without_faults, NULL);
    wire_expect(child.wire, WIRE_READY);
    long sum = 0;
    for (int i = 0; i < 20; i++) {
        struct eddy_loan loan;
        long before = faults();
        must(eddy_writer_loan(writer, SIZE, patience(), &loan));
        memset(loan.data, 7, SIZE);
        must(eddy_writer_publish(writer, &loan, SIZE, patience()));
        if (i > 0) /* the first time, code and stack come into memory */
            sum += faults() - before;
        wire_expect(child.wire, WIRE_DONE);
    }
    check(sum < FEW);
    child_join(&child);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void what_is_reserved_is_not_trimmed(void **state)
{
    (void)state;
    struct eddy_loan loans[8];
    struct eddy_reservation what = {.size = MIB, .count = 8, .flags = EDDY_MEMORY_LOCKED};
    struct rlimit none = {0, 0}, all;
    open_with(16 * MIB, false);
    must(eddy_writer_reserve(pair.writer, &what));
    uint64_t before = shared_bytes();
    check(before >= 8 * MIB);
    must(eddy_writer_reserve(pair.writer, &what)); /* is there already */
    same(shared_bytes(), before);
    same(trim(), 0);
    must_fail(eddy_writer_loan(pair.writer, 9 * MIB, soon(), &loans[0]), EDDY_EAGAIN);
    for (int i = 0; i < 8; i++)
        must(eddy_writer_loan(pair.writer, MIB, patience(), &loans[i]));
    same(shared_bytes(), before);
    for (int i = 0; i < 8; i++)
        must(eddy_writer_discard(pair.writer, &loans[i]));
    same(shared_bytes(), before);
    what.count = 20;
    must_fail(eddy_writer_reserve(pair.writer, &what), EDDY_ELIMIT);
    what.flags = 2;
    must_fail(eddy_writer_reserve(pair.writer, &what), EDDY_EINVAL);
    what = (struct eddy_reservation){.size = MIB, .count = 1, .flags = EDDY_MEMORY_LOCKED};
    check(getrlimit(RLIMIT_MEMLOCK, &all) == 0);
    if (geteuid() != 0 && setrlimit(RLIMIT_MEMLOCK, &none) == 0) {
        must_fail(eddy_writer_reserve(pair.writer, &what), EDDY_ENOMEM);
        says("ulimit -l");
    }
    pair_close(&pair);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    pair = pair_open(NULL, NULL);
    static const struct eddy_reservation wrong[] = {
        {.size = 100},
        {.size = 100, .count = 1, .flags = 4},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        must_fail(eddy_writer_reserve(pair.writer, &wrong[i]), EDDY_EINVAL);
    must_fail(eddy_writer_reserve(pair.writer, NULL), EDDY_EINVAL);
    must_fail(eddy_reader_prefault(pair.reader, 4), EDDY_EINVAL);
    must_fail(eddy_topic_trim(NULL, "x.flink", NULL), EDDY_EINVAL);
    must_fail(eddy_topic_trim(pair.domain, NULL, NULL), EDDY_EINVAL);
    must_fail(eddy_topic_trim(pair.domain, "", NULL), EDDY_EINVAL);
    must_fail(eddy_topic_trim(pair.domain, "nobody.flink", NULL), EDDY_ENOENT);
    pair_close(&pair);
}

/* A program that locks all that it maps does not give memory to what has none. */
static void locked_programs_take_no_more_than_they_use(int wire, void *argument)
{
    (void)wire, (void)argument;
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return;
    open_with(64 * MIB, true);
    for (int i = 0; i < 9; i++) {
        publish(MIB);
        must(eddy_reader_take(pair.reader, &held[i]));
    }
    check(shared_bytes() <= 11 * MIB);
    pair_close(&pair);
}

static void who_locks_all_memory_takes_no_more(void **state)
{
    (void)state;
    struct child child = child_start(locked_programs_take_no_more_than_they_use, NULL);
    child_join(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(memory_of_small_samples_becomes_large_ones_and_back),
        WORLD_TEST(so_does_what_lies_between_samples_that_are_held),
        WORLD_TEST(a_message_that_grows_needs_three_times_its_size),
        WORLD_TEST(what_a_burst_needed_goes_back),
        WORLD_TEST(a_loan_that_is_discarded_leaves_nothing),
        WORLD_TEST(who_leaves_with_a_loan_leaves_nothing),
        WORLD_TEST(a_loan_that_cannot_be_published_leaves_nothing),
        WORLD_TEST(a_loan_that_cannot_be_had_says_why),
        WORLD_TEST(who_reserves_has_no_page_faults),
        WORLD_TEST(what_is_reserved_is_not_trimmed),
        WORLD_TEST(who_locks_all_memory_takes_no_more),
        WORLD_TEST(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
