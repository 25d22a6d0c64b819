/* floor_channel.c - chunks handed over with nothing but two flags in shared memory: what no
 * transport between two processes can go below.
 *
 *   flags   the slots of a ring, and on either side a counter that the other side spins on: no
 *           lengths, no sleeping, no checks, nobody who could die
 *   single  the same memory written and then read by one process: no other core takes part
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flags {
    _Alignas(128) _Atomic uint64_t written;
    _Alignas(128) _Atomic uint64_t read;
};

struct channel {
    struct flags *flags;
    char *slots;
    size_t size, step;
    uint64_t count, slot_count;
    uint64_t seen; /* producer: what it last saw of flags->read */
};

/* The alignment that a ring of such slots has. */
static size_t step_of(size_t size)
{
    size_t unit = size < (2u << 20) ? 64 : 2u << 20;
    return (size + unit - 1) / unit * unit;
}

static void flags_share(struct channel *channel, const struct channel_shape *shape)
{
    channel->size = shape->size;
    channel->step = step_of(shape->size);
    channel->slot_count = shape->slots;
    channel->flags = bench_share(sizeof *channel->flags);
    channel->slots = bench_share(channel->step * shape->slots);
}

static void flags_open(struct channel *channel, const struct channel_shape *shape, bool produces)
{
    (void)channel;
    (void)shape;
    (void)produces;
}

static char *slot_of(const struct channel *channel)
{
    return channel->slots + channel->count % channel->slot_count * channel->step;
}

static void flags_send(struct channel *channel, uint64_t seq)
{
    while (channel->count - channel->seen == channel->slot_count) {
        channel->seen = atomic_load_explicit(&channel->flags->read, memory_order_acquire);
    }
    bench_fill(slot_of(channel), channel->size, seq);
    channel->count++;
    atomic_store_explicit(&channel->flags->written, channel->count, memory_order_release);
}

static uint64_t flags_receive(struct channel *channel)
{
    while (channel->seen == channel->count) {
        channel->seen = atomic_load_explicit(&channel->flags->written, memory_order_acquire);
    }
    return bench_drain(slot_of(channel), channel->size);
}

static void flags_release(struct channel *channel)
{
    channel->count++;
    atomic_store_explicit(&channel->flags->read, channel->count, memory_order_release);
}

/* --- one process ------------------------------------------------------------------------------ */

#define LEAST 3u /* chunks in a slice */

static void single_slice(void *context, unsigned milliseconds)
{
    struct channel *channel = context;
    uint64_t begin = bench_ticks(), end = begin + bench_ticks_of(milliseconds), first;
    first = channel->count;
    while (bench_ticks() < end || channel->count - first < LEAST) {
        bench_fill(slot_of(channel), channel->size, channel->count);
        bench_drain(slot_of(channel), channel->size);
        channel->count++;
    }
    double ticks = (double)(bench_ticks() - begin);
    double ns = ticks / bench_ticks_per_ns() / (double)(channel->count - first);
    printf("{\"ns\": %.2f, \"chunks_per_s\": %.4f, \"bytes_per_s\": %.0f}\n", ns, 1e9 / ns,
           1e9 / ns * (double)channel->size);
    fflush(stdout);
}

static int single_run(char **argv)
{
    struct channel channel = {0};
    struct channel_shape shape = {.size = bench_size(argv[2])};
    shape.slots = (unsigned)strtoul(argv[3], NULL, 10);
    if (shape.slots < 1) {
        bench_fail("%s: give at least one slot", argv[3]);
    }
    flags_share(&channel, &shape);
    bench_pin(0);
    bench_serve(single_slice, &channel);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct channel_transport transport = {
        .bytes = sizeof(struct channel),
        .share = flags_share,
        .open = flags_open,
        .send = flags_send,
        .receive = flags_receive,
        .release = flags_release,
    };
    if (argc == 5 && strcmp(argv[1], "stream") == 0 && strcmp(argv[4], "single") == 0) {
        return single_run(argv);
    }
    return channel_run(&transport, argc, argv);
}
