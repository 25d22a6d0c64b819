/* eddy_aged.c - what a topic costs that has been through much, beside a fresh one.
 *
 *   PROGRAM publish|take|join|memory OPENS   the topic is aged first; OPENS 0: it is fresh
 *
 * Ageing: thousands of readers and writers are there at once, take, hold and go; OPENS more come and
 * go one after the other; it grows by a hundred samples of 1 MiB that a reader holds, and is trimmed.
 * publish: loan and publish with one reader; take: take and release; join: open and close a reader;
 * memory: bytes after all that.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "slice.h"

#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 4000, LARGE = 1 << 20, LARGE_ONES = 100, BATCH = 32, SIZE = 64 };

static const struct eddy_topic_identity topic = {.name = "bench-aged"};
static eddy_domain *domain;
static eddy_writer *writer;
static eddy_reader *reader;
static struct bench_record record;

static void must(int rc)
{
    if (rc != EDDY_OK) {
        bench_fail("%s: %s", eddy_error_name(rc), eddy_last_error());
    }
}

static void publish(eddy_writer *by, size_t size)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(by, size, EDDY_FOREVER, &loan));
    *(uint64_t *)loan.data = size;
    must(eddy_writer_publish(by, &loan, size, EDDY_FOREVER));
}

static void take(eddy_reader *by)
{
    struct eddy_sample sample;
    must(eddy_reader_take(by, &sample));
    must(eddy_reader_release(by, &sample));
}

static eddy_reader *join(uint32_t depth)
{
    eddy_reader *opened;
    must(eddy_reader_open(domain, &topic, &(struct eddy_reader_options){.depth = depth}, &opened));
    return opened;
}

/* --- ageing ---------------------------------------------------------------------------------- */

/* All at once; every tenth reader goes with a sample in its hands. */
static void be_visited(unsigned count)
{
    eddy_reader **readers = calloc(count, sizeof *readers);
    eddy_writer **writers = calloc(count, sizeof *writers);
    if (!readers || !writers) {
        bench_fail("no memory");
    }
    for (unsigned i = 0; i < count; i++) {
        readers[i] = join(4);
        must(eddy_writer_open(domain, &topic, NULL, &writers[i]));
    }
    publish(writers[count / 2], SIZE);
    for (unsigned i = 0; i < count; i++) {
        struct eddy_sample sample;
        must(eddy_reader_take(readers[i], &sample));
        if (i % 10) {
            must(eddy_reader_release(readers[i], &sample));
        }
    }
    for (unsigned i = 0; i < count; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_writer_close(writers[i]));
    }
    free(readers);
    free(writers);
}

static void be_opened(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        must(eddy_reader_close(join(4)));
    }
}

static void grow_and_shrink(void)
{
    static struct eddy_sample held[LARGE_ONES];
    eddy_reader *hoarder = join(LARGE_ONES);
    uint64_t bytes;
    for (unsigned i = 0; i < LARGE_ONES; i++) {
        publish(writer, LARGE);
        must(eddy_reader_take(hoarder, &held[i]));
    }
    for (unsigned i = 0; i < LARGE_ONES; i++) {
        must(eddy_reader_release(hoarder, &held[i]));
    }
    must(eddy_reader_close(hoarder));
    publish(writer, SIZE); /* what is claimed ahead is small again */
    must(eddy_topic_trim(domain, eddy_writer_flink(writer), &bytes));
}

/* --- a slice --------------------------------------------------------------------------------- */

static void publish_batch(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        publish(writer, SIZE);
    }
}

static void take_batch(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        take(reader);
    }
}

static void join_batch(void)
{
    for (unsigned i = 0; i < BATCH; i++) {
        must(eddy_reader_close(join(4)));
    }
}

static const struct step {
    const char *name;
    void (*before)(void), (*timed)(void), (*after)(void);
} steps[] = {{"publish", NULL, publish_batch, take_batch},
             {"take", publish_batch, take_batch, NULL},
             {"join", NULL, join_batch, NULL}};

static void slice(void *context, unsigned milliseconds)
{
    const struct step *step = context;
    uint64_t end = bench_ticks() + bench_ticks_of(milliseconds);
    while (bench_ticks() < end && !bench_record_full(&record)) {
        if (step->before) {
            step->before();
        }
        uint64_t began = bench_ticks();
        step->timed();
        bench_record_add(&record, bench_ticks() - began);
        if (step->after) {
            step->after();
        }
    }
    bench_record_print_ns(&record, BATCH);
}

static void memory_slice(void *unused, unsigned milliseconds)
{
    struct eddy_topic_stats stats;
    (void)unused, (void)milliseconds;
    publish_batch();
    take_batch();
    must(eddy_writer_stats(writer, &stats));
    printf("{\"stats_bytes\": %llu}\n", (unsigned long long)stats.shared_bytes);
    fflush(stdout);
}

static void serve(const char *name)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(name, steps[i].name) == 0) {
            bench_serve(slice, (void *)(uintptr_t)&steps[i]);
            return;
        }
    }
    bench_serve(memory_slice, NULL); /* which is all that is left */
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s publish|take|join|memory OPENS\n", argv[0]);
        return 2;
    }
    unsigned long opens = strtoul(argv[2], NULL, 10);
    bench_record_create(&record);
    must(eddy_domain_open(NULL, &domain));
    must(eddy_writer_open(domain, &topic, NULL, &writer));
    if (opens > 0) {
        be_visited(MEMBERS);
        be_opened(opens);
        grow_and_shrink();
    }
    reader = join(2 * BATCH);
    bench_pin(0);
    serve(argv[1]);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    return 0;
}
