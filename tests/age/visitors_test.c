/* visitors_test.c - a topic that many readers and writers have visited is as good as a fresh one.
 *
 * Many come, take samples and hold some, and go, and one that may be a million samples behind.  Then
 * publishing, publishing large samples, a round trip and opening are compared with the same on
 * another topic that nobody has visited, in turns.
 * EDDY_LONG=1: as many as a topic has seats.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { VISITORS = 1000, MOST = 4090, SLICES = 300, STEPS = 40, LARGE = 65536 };

enum step { SMALL_ONES, LARGE_ONES, ROUND_TRIP, OPENING, KINDS };

static const char *const names[KINDS] = {"publish 64 B", "publish 64 KiB", "write, take, release",
                                         "open and close"};

static eddy_reader *readers[MOST];
static eddy_writer *writers[MOST];

struct topic {
    const char *name;
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    uint64_t best[KINDS];
};

static void publish(eddy_writer *writer, size_t size)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, size, patience(), &loan));
    must(eddy_writer_publish(writer, &loan, size, patience()));
}

static size_t visitors(void)
{
    return getenv("EDDY_LONG") ? MOST : VISITORS;
}

/* The longest log that there can be stays. */
static void be_visited_by_a_deep_one(struct topic *topic)
{
    struct eddy_reader_options deep = {.depth = 1 << 20};
    eddy_reader *reader = open_reader(topic->domain, topic->name, &deep);
    same(eddy_reader_depth(reader), deep.depth);
    for (int i = 0; i < 5000; i++)
        publish(topic->writer, 64);
    must(eddy_reader_close(reader));
}

/* Half of them reliable; each takes one sample, small or large, and every tenth never lets it go. */
static void be_visited(struct topic *topic)
{
    static const struct eddy_reader_options kinds[] = {
        {.reliability = EDDY_BEST_EFFORT, .depth = 4}, {.depth = 4}};
    struct eddy_sample sample;
    size_t count = visitors();
    for (size_t i = 0; i < count; i++) {
        readers[i] = open_reader(topic->domain, topic->name, &kinds[i % 2]);
        writers[i] = open_writer(topic->domain, topic->name, NULL);
    }
    publish(writers[0], LARGE);
    publish(writers[1], 64);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 2; k++) {
            must(eddy_reader_take(readers[i], &sample));
            if (i % 10)
                must(eddy_reader_release(readers[i], &sample));
        }
    for (size_t i = 0; i < count; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_writer_close(writers[i]));
    }
}

static void do_once(struct topic *topic, enum step step)
{
    struct eddy_sample sample;
    if (step == SMALL_ONES || step == LARGE_ONES)
        publish(topic->writer, step == SMALL_ONES ? 64 : LARGE);
    if (step == ROUND_TRIP) {
        publish(topic->writer, 64);
        must(eddy_reader_take(topic->reader, &sample));
        must(eddy_reader_release(topic->reader, &sample));
    }
    if (step == OPENING)
        must(eddy_reader_close(open_reader(topic->domain, topic->name, NULL)));
}

static void measure(struct topic *topic, enum step step)
{
    if (step == ROUND_TRIP)
        topic->reader =
            open_reader(topic->domain, topic->name, &(struct eddy_reader_options){.depth = 4});
    uint64_t before = eddy_now();
    for (int i = 0; i < STEPS; i++)
        do_once(topic, step);
    uint64_t took = eddy_now() - before;
    if (took < topic->best[step])
        topic->best[step] = took;
    if (step == ROUND_TRIP)
        must(eddy_reader_close(topic->reader));
}

static void open_topic(struct topic *topic)
{
    topic->domain = open_domain();
    topic->writer = open_writer(topic->domain, topic->name, NULL);
    for (int step = 0; step < KINDS; step++)
        topic->best[step] = UINT64_MAX;
}

static void visitors_leave_no_trace(void **state)
{
    (void)state;
    struct topic fresh = {.name = "fresh"}, aged = {.name = "aged"};
    open_topic(&aged);
    be_visited(&aged);
    be_visited_by_a_deep_one(&aged);
    open_topic(&fresh);
    for (unsigned step = 0; step < KINDS; step++)
        for (int slice = 0; slice < SLICES; slice++) {
            measure(&fresh, step);
            measure(&aged, step);
        }
    for (unsigned step = 0; step < KINDS; step++) {
        printf("%s: %.3f us, %.3f on a fresh topic\n", names[step],
               (double)aged.best[step] / 1000 / STEPS, (double)fresh.best[step] / 1000 / STEPS);
        check((double)aged.best[step] <= 1.2 * (double)fresh.best[step] + 200);
    }
    must(eddy_writer_close(fresh.writer));
    must(eddy_writer_close(aged.writer));
    must(eddy_domain_close(fresh.domain));
    must(eddy_domain_close(aged.domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(visitors_leave_no_trace)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
