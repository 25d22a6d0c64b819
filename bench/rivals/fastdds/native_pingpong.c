/* native_pingpong.c - ping-pong through Fast DDS, payloads written and read whole.
 *
 *   PROGRAM SIZE waitset DOMAIN data-sharing|shm
 *
 * There is no mode that polls: samples come in by a thread of Fast DDS, which needs a core, too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"
#include "side.h"

#include <stdio.h>
#include <stdlib.h>

static struct fastdds_options options = {.depth = 16, .writers = 1};
static struct fastdds_writer *writer;
static struct fastdds_reader *reader;

static void side_open(const struct pair_side *side)
{
    options.size = side->size;
    fastdds_open(&options);
    writer = fastdds_writer_open(side->is_ping ? "ping" : "pong");
    reader = fastdds_reader_open(side->is_ping ? "pong" : "ping", NULL);
}

static void side_connect(void)
{
    fastdds_writer_connect(writer, 1);
    fastdds_reader_connect(reader, 1);
}

static void side_send(uint64_t seq)
{
    void *sample = fastdds_loan(writer);
    bench_fill(sample, options.size, seq);
    fastdds_write(writer, sample);
}

static uint64_t side_receive(void)
{
    const void *sample;
    while (!(sample = fastdds_take(reader))) {
        fastdds_wait(reader, -1);
    }
    return bench_drain(sample, options.size);
}

static void side_release(void)
{
    fastdds_release(reader);
}

int main(int argc, char **argv)
{
    static const struct pair_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .receive = side_receive,
        .release = side_release,
        .close = fastdds_close,
    };
    if (argc != 5) {
        fprintf(stderr, "usage: %s SIZE waitset DOMAIN data-sharing|shm\n", argv[0]);
        return 2;
    }
    options.domain = (unsigned)strtoul(argv[3], NULL, 10);
    options.way = argv[4];
    return pair_run(&transport, 3, argv);
}
