/* throughput.c - writers and readers of Fast DDS at full speed; they keep all, and writers wait.
 *
 *   PROGRAM WRITERS READERS SIZE DOMAIN data-sharing|shm
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "side.h"
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>

static struct fastdds_options options = {.depth = 64, .blocks = true};
static struct fastdds_writer *writer;
static struct fastdds_reader *reader;
static unsigned reader_count;

static void side_open(bool is_writer, size_t size)
{
    options.size = size;
    fastdds_open(&options);
    if (is_writer) {
        writer = fastdds_writer_open("throughput");
        fastdds_writer_connect(writer, reader_count);
    } else {
        reader = fastdds_reader_open("throughput", NULL);
    }
}

static void side_publish(uint64_t seq)
{
    void *sample = fastdds_loan(writer);
    bench_fill(sample, options.size, seq);
    fastdds_write(writer, sample);
}

static bool side_take(void)
{
    const void *sample = fastdds_take(reader);
    if (!sample) {
        fastdds_wait(reader, 100);
        return false;
    }
    bench_drain(sample, options.size);
    fastdds_release(reader);
    return true;
}

int main(int argc, char **argv)
{
    static const struct stream_transport transport = {
        .open = side_open,
        .publish = side_publish,
        .take = side_take,
        .close = fastdds_close,
    };
    if (argc != 6) {
        fprintf(stderr, "usage: %s WRITERS READERS SIZE DOMAIN data-sharing|shm\n", argv[0]);
        return 2;
    }
    options.writers = (unsigned)strtoul(argv[1], NULL, 10);
    reader_count = (unsigned)strtoul(argv[2], NULL, 10);
    options.domain = (unsigned)strtoul(argv[4], NULL, 10);
    options.way = argv[5];
    return stream_run(&transport, 4, argv);
}
