/* cost_test.c - what must not grow with the number of readers, slots and topics.
 *
 * Times on a busy machine scatter upwards, so the least of many short slices is compared, and the
 * bounds leave room: a cost that grows with the number misses them by far.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <stdio.h>

enum { SLICES = 200, STEPS = 50, MOST = 1000 };

static eddy_domain *domain;
static eddy_writer *writers[MOST];
static eddy_reader *readers[MOST];
static eddy_waitset *waitset;

static void publish_one(void)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writers[0], 64, patience(), &loan));
    must(eddy_writer_publish(writers[0], &loan, 64, patience()));
}

static void drain(eddy_reader *reader)
{
    struct eddy_sample sample;
    while (eddy_reader_take(reader, &sample) == EDDY_OK)
        must(eddy_reader_release(reader, &sample));
}

static uint64_t least(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* ns for STEPS publications with so many readers on the topic. */
static uint64_t cost_of_publishing(size_t count)
{
    uint64_t best = UINT64_MAX;
    domain = open_domain();
    writers[0] = open_writer(domain, "cost", NULL);
    for (size_t i = 0; i < count; i++)
        readers[i] = open_reader(domain, "cost", NULL);
    for (int slice = 0; slice < SLICES; slice++) {
        uint64_t before = eddy_now();
        for (int step = 0; step < STEPS; step++)
            publish_one();
        best = least(best, eddy_now() - before);
        for (size_t i = 0; i < count; i++)
            drain(readers[i]);
    }
    for (size_t i = 0; i < count; i++)
        must(eddy_reader_close(readers[i]));
    must(eddy_writer_close(writers[0]));
    must(eddy_domain_close(domain));
    return best;
}

static void is_at_most(uint64_t many, uint64_t few, double factor, const char *what)
{
    printf("%s: %.1f against %.1f ns\n", what, (double)many / (double)STEPS,
           (double)few / (double)STEPS);
    check((double)many <= (double)few * factor + 2000);
}

static void publishing_costs_the_same_for_64_readers_as_for_1(void **state)
{
    (void)state;
    uint64_t few = cost_of_publishing(1);
    is_at_most(cost_of_publishing(64), few, 3, "publish, 64 readers against 1");
}

/* ns for STEPS round trips on a topic where `kept` slots are held by a reader. */
static uint64_t cost_of_reading(size_t kept)
{
    static struct eddy_sample hoard[4000];
    uint64_t best = UINT64_MAX;
    struct pair pair = pair_open(NULL, NULL);
    for (size_t i = 0; i < kept; i++) {
        payload_publish(pair.writer, 64, 1, i);
        must(eddy_reader_take(pair.reader, &hoard[i]));
    }
    for (int slice = 0; slice < SLICES; slice++) {
        uint64_t before = eddy_now();
        for (int step = 0; step < STEPS; step++) {
            struct eddy_loan loan;
            struct eddy_sample sample;
            must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
            must(eddy_writer_publish(pair.writer, &loan, 64, patience()));
            must(eddy_reader_take(pair.reader, &sample));
            must(eddy_reader_release(pair.reader, &sample));
        }
        best = least(best, eddy_now() - before);
    }
    for (size_t i = 0; i < kept; i++)
        must(eddy_reader_release(pair.reader, &hoard[i]));
    pair_close(&pair);
    return best;
}

static void a_round_trip_costs_the_same_for_4000_slots_as_for_4(void **state)
{
    (void)state;
    uint64_t few = cost_of_reading(4);
    is_at_most(cost_of_reading(4000), few, 4, "round trip, 4,000 slots against 4");
}

/* ns for STEPS publications that end a wait on so many topics. */
static uint64_t cost_of_waiting(size_t count)
{
    uint64_t best = UINT64_MAX;
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic %zu", i);
        readers[i] = open_reader(domain, name, NULL);
        writers[i] = open_writer(domain, name, NULL);
        must(eddy_waitset_attach_reader(waitset, readers[i], EDDY_WAIT_LEVEL, readers[i]));
    }
    for (int slice = 0; slice < SLICES; slice++) {
        uint64_t before = eddy_now();
        for (int step = 0; step < STEPS; step++) {
            void *found;
            size_t ready;
            publish_one();
            must(eddy_waitset_wait(waitset, EDDY_FOREVER, &found, 1, &ready));
            drain(found);
        }
        best = least(best, eddy_now() - before);
    }
    for (size_t i = 0; i < count; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_writer_close(writers[i]));
    }
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
    return best;
}

static void waiting_on_1000_topics_costs_what_waiting_on_one_does(void **state)
{
    (void)state;
    uint64_t few = cost_of_waiting(1);
    is_at_most(cost_of_waiting(MOST), few, 5, "wait, 1,000 topics against 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(publishing_costs_the_same_for_64_readers_as_for_1),
        WORLD_TEST(a_round_trip_costs_the_same_for_4000_slots_as_for_4),
        WORLD_TEST(waiting_on_1000_topics_costs_what_waiting_on_one_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
