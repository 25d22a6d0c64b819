/* publish.c - loan and write through Fast DDS, for readers that keep up.
 *
 *   PROGRAM READERS SIZE DOMAIN data-sharing|shm
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "batches.h"
#include "side.h"

#include <stdio.h>
#include <stdlib.h>

static struct fastdds_options options = {.depth = 2 * BATCH, .writers = 1};
static struct fastdds_writer *writer;
static struct fastdds_reader **readers;
static unsigned reader_count;

static void all_open(unsigned count, size_t size)
{
    options.size = size;
    fastdds_open(&options);
    reader_count = count;
    readers = calloc(count + 1, sizeof(struct fastdds_reader *));
    for (unsigned r = 0; r < count; r++) {
        readers[r] = fastdds_reader_open("publish", NULL);
    }
    writer = fastdds_writer_open("publish");
    fastdds_writer_connect(writer, count);
    for (unsigned r = 0; r < count; r++) {
        fastdds_reader_connect(readers[r], 1);
    }
}

static void all_publish(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t *sample = fastdds_loan(writer);
        *sample = i;
        fastdds_write(writer, sample);
    }
}

static void reader_drain(unsigned r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const uint64_t *sample;
        while (!(sample = fastdds_take(readers[r]))) {
            if (!fastdds_wait(readers[r], 5000)) {
                bench_fail("reader %u lost sample %u", r, i);
            }
        }
        if (*sample != i) {
            bench_fail("reader %u got sample %u instead of %u", r, (unsigned)*sample, i);
        }
        fastdds_release(readers[r]);
    }
}

static void all_drain(unsigned count)
{
    for (unsigned r = 0; r < reader_count; r++) {
        reader_drain(r, count);
    }
}

int main(int argc, char **argv)
{
    static const struct batches_transport transport = {
        .open = all_open,
        .publish = all_publish,
        .drain = all_drain,
        .close = fastdds_close,
    };
    if (argc != 5) {
        fprintf(stderr, "usage: %s READERS SIZE DOMAIN data-sharing|shm\n", argv[0]);
        return 2;
    }
    options.domain = (unsigned)strtoul(argv[3], NULL, 10);
    options.way = argv[4];
    return batches_run(&transport, 3, argv);
}
