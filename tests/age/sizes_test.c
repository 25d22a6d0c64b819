/* sizes_test.c - a topic that has had samples of ever other sizes, more than there are numbers for
 * extents, is as good as a fresh one: nine tenths of its limit can be held, of any size, by readers and
 * writers that were there all the time and by others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include "allocator/segment/extent.h"
#include "allocator/segment/logs.h"
#include "transport/topic/writer.h"

#include <eddy/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1 << 10, MIB = 1 << 20, MOST = 8000, ROUNDS = 25, MANY = 100 };

static const uint64_t LIMIT = 128 * (uint64_t)MIB;

static struct pair pair;
static struct eddy_sample held[MOST];
static size_t holds;
static uint64_t bytes;

static uint64_t seed = 1;

static uint64_t random_below(uint64_t n)
{
    return payload_random(&seed) % n;
}

static void start(enum eddy_reliability reliability)
{
    struct eddy_writer_options writing = {.limit_bytes = LIMIT};
    struct eddy_reader_options reading = {
        .reliability = reliability, .depth = 1000, .limit_bytes = LIMIT};
    pair = pair_open(&writing, &reading);
    holds = 0;
    bytes = 0;
}

static struct eddy_topic_stats stats(void)
{
    struct eddy_topic_stats now;
    must(eddy_writer_stats(pair.writer, &now));
    return now;
}

/* A sample that is taken, and held. */
static int hold(size_t size)
{
    struct eddy_loan loan;
    int error = eddy_writer_loan(pair.writer, size, EDDY_POLL, &loan);
    if (error)
        return error;
    memset(loan.data, (int)holds, 8);
    must(eddy_writer_publish(pair.writer, &loan, size, patience()));
    must(eddy_reader_take(pair.reader, &held[holds]));
    same(held[holds].size, size);
    check(++holds < MOST);
    bytes += size;
    return EDDY_OK;
}

static void release(size_t i)
{
    same(*(const uint8_t *)held[i].data, i & 0xff);
    bytes -= held[i].size;
    must(eddy_reader_release(pair.reader, &held[i]));
}

static void release_all(void)
{
    while (holds > 0)
        release(--holds);
}

/* Every number has an extent, of ever other sizes. */
static void take_all_numbers(void)
{
    struct eddy_segment *segment = pair.writer->segment;
    uint64_t size = 64;
    while (eddy_extent_count(segment) < EDDY_EXTENTS_MAX) {
        must(eddy_extent_add(segment, size, LIMIT / 2));
        size = size > 4 * MIB ? 64 : size + size / 7 + 64;
    }
}

/* Many of one size, up to the limit. */
static int hold_many(size_t size)
{
    int error = EDDY_OK;
    while (!error && holds < MANY)
        error = hold(size);
    return error;
}

/* Sizes that no extent was made for, one after the other: more of them than there are numbers. */
static void age(void)
{
    take_all_numbers();
    for (int i = 0; i < ROUNDS; i++) {
        int error = hold_many(100 + random_below(900) * (1u << random_below(14)));
        check(error == EDDY_OK || error == EDDY_EAGAIN);
        release_all();
    }
}

static void nine_tenths_can_be_held(size_t size)
{
    int error = EDDY_OK;
    while (!error)
        error = hold(size);
    printf("%zu bytes: %zu of them, %.1f %%, in %u extents\n", size, holds,
           100.0 * (double)bytes / (double)LIMIT, stats().extents);
    same(error, EDDY_EAGAIN);
    check(bytes >= LIMIT / 10 * 9);
    check(stats().shared_bytes <= LIMIT + 4 * MIB);
    release_all();
}

static void age_leaves(enum eddy_reliability reliability)
{
    static const size_t sizes[] = {64 * KIB, MIB, 300 * KIB, 3 * MIB, 20 * KIB, 64 * KIB};
    start(reliability);
    age();
    same(stats().extents, EDDY_EXTENTS_MAX);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        nine_tenths_can_be_held(sizes[i]);
    check(pair.writer->segment->all_later); /* numbers have changed hands */
    pair_close(&pair);
}

static void any_size_fits_an_aged_topic(void **state)
{
    (void)state;
    age_leaves(EDDY_RELIABLE);
}

static void so_it_does_for_best_effort_readers(void **state)
{
    (void)state;
    age_leaves(EDDY_BEST_EFFORT);
}

/* --- who looks where a sample was ----------------------------------------------------------------- */

enum { TIMES = 12 };

static void take_each(int wire, void *reliability)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(
        domain, "pair",
        &(struct eddy_reader_options){.reliability = *(enum eddy_reliability *)reliability});
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < TIMES; i++) {
        struct payload p = payload_await(reader);
        same(p.number, i);
        wire_say(wire, WIRE_DONE);
    }
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* The newest sample lies in an extent whose number another had before. */
static bool slot_is_in_a_later_one(struct eddy_segment *segment)
{
    uint64_t entry;
    enum eddy_entry_age age;
    must(eddy_logs_find(segment, eddy_logs_next(segment) - 1, &entry, &age));
    uint32_t x = eddy_entry_slot(entry) >> EDDY_INDEX_BITS;
    return eddy_extent_file(x, eddy_load_relaxed(&segment->control->extents[x])) != x;
}

/* It has mapped the extents of one number that have come and gone, and comes back to them. */
static void another_process_follows(enum eddy_reliability reliability)
{
    struct eddy_writer_options options = {.limit_bytes = LIMIT};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", &options);
    struct eddy_segment *segment = writer->segment;
    must(eddy_extent_add(segment, 200 * KIB, LIMIT));
    while (eddy_extent_count(segment) < EDDY_EXTENTS_MAX)
        must(eddy_extent_add(segment, 20 * MIB, LIMIT));
    struct child child = child_start(take_each, &reliability);
    wire_expect(child.wire, WIRE_READY);
    uint32_t later = 0;
    for (uint64_t i = 0; i < TIMES; i++) {
        payload_publish(writer, (i % 3 + 2) * 100 * KIB, 1, i);
        wire_expect(child.wire, WIRE_DONE);
        must(eddy_topic_trim(domain, eddy_writer_flink(writer), NULL));
        later += slot_is_in_a_later_one(segment);
        eddy_store_relaxed(&segment->exchanged, 0u);
        must(eddy_extent_exchange(segment, ((i + 1) % 3 + 2) * 100 * KIB, LIMIT / 2));
    }
    child_join(&child);
    check(later > 2); /* of those that the reader has mapped under a number */
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void who_has_mapped_others_finds_its_samples(void **state)
{
    (void)state;
    another_process_follows(EDDY_RELIABLE);
    another_process_follows(EDDY_BEST_EFFORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(any_size_fits_an_aged_topic),
        WORLD_TEST(who_has_mapped_others_finds_its_samples),
        WORLD_TEST(so_it_does_for_best_effort_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
