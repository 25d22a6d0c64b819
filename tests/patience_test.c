/* patience_test.c - a writer waits for best-effort readers that promise more than the log can keep.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>

enum { MANY = 6000, LITTLE = 4 };

static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *reader;
static atomic_bool is_over;

/* What the reader is assured of is little, so that the topic's log is no longer than it must be. */
static void start(uint64_t patience_ns, enum eddy_noted noted, uint32_t depth)
{
    struct eddy_writer_options writing = {.patience_ns = patience_ns};
    struct eddy_reader_options reading = {
        .reliability = EDDY_BEST_EFFORT, .depth = depth, .flags = EDDY_READER_BEYOND_DEPTH};
    domain = open_domain();
    writer = open_writer(domain, "deep", &writing);
    reader = open_reader(domain, "deep", &reading);
    must(eddy_reader_note(reader, &(struct eddy_notes){.reliability = noted}));
    same(eddy_reader_depth(reader), depth);
    atomic_store(&is_over, false);
}

static void finish(void)
{
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void publish_many(size_t size)
{
    for (uint64_t i = 0; i < MANY; i++)
        payload_publish(writer, size, 1, i);
}

/* Begins when the writer is ahead, and takes each sample slowly. */
static void *take_slowly(void *unused)
{
    struct eddy_topic_stats stats;
    do {
        must(eddy_reader_stats(reader, &stats));
    } while (stats.published == 0);
    uint64_t start = eddy_deadline(2 * MILLISECOND);
    while (eddy_now() < start)
        continue;
    for (uint64_t taken = 0; taken < MANY && !atomic_load(&is_over); taken++) {
        same(payload_await(reader).number, taken);
        for (uint64_t until = eddy_deadline(2000); eddy_now() < until;)
            continue;
    }
    return unused;
}

static void is_waited_for(uint32_t depth, size_t size)
{
    start(SECOND, EDDY_NOTED_RELIABLE, depth);
    pthread_t thread = thread_start(take_slowly, NULL);
    publish_many(size);
    thread_join(thread);
    same(eddy_reader_lost(reader), 0);
    finish();
}

static void a_patient_writer_waits_for_a_deep_reader(void **state)
{
    (void)state;
    is_waited_for(LITTLE, 64);
}

static void a_patient_writer_waits_for_a_reader_of_large_samples(void **state)
{
    (void)state;
    is_waited_for(LITTLE, 70000);
    is_waited_for(1, 1000);
}

/* One that does not move is given up once, not for each sample. */
static void a_reader_that_stands_still_is_waited_for_once(void **state)
{
    (void)state;
    start(50 * MILLISECOND, EDDY_NOTED_RELIABLE, LITTLE);
    uint64_t before = eddy_now();
    publish_many(64);
    uint64_t took = eddy_now() - before;
    check(took >= 50 * MILLISECOND && took < 2 * SECOND);
    finish();
}

static void nobody_waits_for_who_promises_nothing(void **state)
{
    (void)state;
    start(10 * SECOND, EDDY_NOTED_BEST_EFFORT, LITTLE);
    uint64_t before = eddy_now();
    publish_many(64);
    check(eddy_now() - before < 5 * SECOND);
    finish();
}

static void who_is_not_patient_does_not_wait(void **state)
{
    (void)state;
    start(0, EDDY_NOTED_RELIABLE, LITTLE);
    publish_many(64);
    struct eddy_sample sample;
    must(eddy_reader_take(reader, &sample));
    check(eddy_reader_lost(reader) > 0);
    must(eddy_reader_release(reader, &sample));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_patient_writer_waits_for_a_deep_reader),
        WORLD_TEST(a_patient_writer_waits_for_a_reader_of_large_samples),
        WORLD_TEST(a_reader_that_stands_still_is_waited_for_once),
        WORLD_TEST(nobody_waits_for_who_promises_nothing),
        WORLD_TEST(who_is_not_patient_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
