/* many_topics_test.c - what a topic costs does not grow with the topics beside it.
 *
 * A process opens few topics, then many, and compares for each of them: opening, opening once more,
 * statistics, a snapshot, closing.  EDDY_LONG=1: 4,000.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/look.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { FEW = 60, MANY = 1500, MOST = 4000, ROUNDS = 3 };

/* The few are warm in all caches; what looks at all others costs 20 times as much and more. */
#define LEEWAY 8

enum step { OPENING, AGAIN, STATISTICS, SNAPSHOT, CLOSING, STEPS };

static const char *const names[STEPS] = {"open", "open once more", "statistics", "snapshot",
                                         "close"};

static eddy_writer *writers[MOST];
static eddy_reader *readers[MOST];

static void name_topic(size_t i, char name[32])
{
    snprintf(name, 32, "topic %zu", i);
}

static void open_one(eddy_domain *domain, size_t i)
{
    char name[32];
    name_topic(i, name);
    writers[i] = open_writer(domain, name, NULL);
    must(eddy_writer_write(writers[i], name, sizeof name, patience()));
}

static void open_again(eddy_domain *domain, size_t i)
{
    char name[32];
    name_topic(i, name);
    readers[i] = open_reader(domain, name, NULL);
}

static void take_statistics(eddy_domain *domain, size_t i)
{
    struct eddy_topic_stats stats;
    (void)domain;
    must(eddy_writer_stats(writers[i], &stats));
    same(stats.published, 1);
    check(stats.shared_bytes > 8192);
}

static void close_one(eddy_domain *domain, size_t i)
{
    (void)domain;
    must(eddy_reader_close(readers[i]));
    must(eddy_writer_close(writers[i]));
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* ns for a topic, the median of all: whatever else the machine does. */
static double each(eddy_domain *domain, size_t count, void (*act)(eddy_domain *, size_t))
{
    static uint64_t took[MOST];
    for (size_t i = 0; i < count; i++) {
        uint64_t began = eddy_now();
        act(domain, i);
        took[i] = eddy_now() - began;
    }
    qsort(took, count, sizeof *took, compare);
    return (double)took[count / 2];
}

static double snapshot_each(size_t count)
{
    uint64_t least = UINT64_MAX;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began = eddy_now();
        eddy_snapshot *snapshot = snapshot_now();
        uint64_t took = eddy_now() - began;
        least = took < least ? took : least;
        same(eddy_snapshot_topics(snapshot), count);
        eddy_snapshot_free(snapshot);
    }
    return (double)least / (double)count;
}

static void live(double cost[STEPS], size_t count)
{
    eddy_domain *domain = open_domain();
    cost[OPENING] = each(domain, count, open_one);
    cost[AGAIN] = each(domain, count, open_again);
    cost[STATISTICS] = each(domain, count, take_statistics);
    cost[SNAPSHOT] = snapshot_each(count);
    cost[CLOSING] = each(domain, count, close_one);
    must(eddy_domain_close(domain));
}

static void a_topic_costs_the_same_among_many(void **state)
{
    (void)state;
    double few[STEPS], many[STEPS];
    size_t count = getenv("EDDY_LONG") ? MOST : MANY;
    live(few, FEW);
    live(many, count);
    for (int step = 0; step < STEPS; step++) {
        printf("%s: %.1f us each of %zu, %.1f of %d\n", names[step], many[step] / 1000, count,
               few[step] / 1000, FEW);
        check(many[step] <= LEEWAY * few[step]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(a_topic_costs_the_same_among_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
