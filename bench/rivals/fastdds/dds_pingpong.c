/* dds_pingpong.c - ping-pong of two Fast DDS programs, as Cyclone DDS does it beside it.
 *
 *   PROGRAM SIZE waitset|listener DOMAIN data-sharing|shm
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"
#include "side.h"

static struct fastdds_writer *writer;
static struct fastdds_reader *reader;

static void side_open(const struct answers_side *side)
{
    struct fastdds_options options = {
        .size = side->size, .domain = side->domain, .way = side->way, .depth = 16, .writers = 1};
    fastdds_open(&options);
    writer = fastdds_writer_open(side->is_ping ? "ping" : "pong");
    reader = fastdds_reader_open(side->is_ping ? "pong" : "ping",
                                 side->listens ? answers_exchange : NULL);
}

static void side_connect(void)
{
    fastdds_writer_connect(writer, 1);
    fastdds_reader_connect(reader, 1);
}

static void side_send(uint64_t seq)
{
    uint64_t *sample = fastdds_loan(writer);
    *sample = seq;
    fastdds_write(writer, sample);
}

static bool side_take(uint64_t *seq)
{
    const uint64_t *sample = fastdds_take(reader);
    if (sample) {
        *seq = *sample;
        fastdds_release(reader);
    }
    return sample;
}

static void side_wait(void)
{
    fastdds_wait(reader, -1);
}

int main(int argc, char **argv)
{
    static const struct answers_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .take = side_take,
        .wait = side_wait,
        .close = fastdds_close,
    };
    return answers_run(&transport, argc, argv);
}
