/* floor_stream.c - writers and readers with nothing but counters in shared memory: what no transport
 * from several to several can go beyond.
 *
 * Each writer has a ring of slots of its own.  A counter says how many it has written, and one for
 * each reader how many of them that has read; no lengths, no order among writers, nobody who could
 * die.  Who waits gives its core to the others there; a reader that has done so in vain for long
 * sleeps, as the slices of the other contenders come between its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define SIDE  64u
#define SLOTS 64u   /* as deep as the readers of the transports */
#define VAIN  4096u /* above a millisecond: within a slice samples come sooner */

struct counter {
    _Alignas(128) _Atomic uint64_t count;
};

static struct shared {
    _Atomic unsigned writers, readers; /* so many have come */
    struct counter written[SIDE], read[SIDE][SIDE];
} * shared;
static unsigned writer_count, reader_count, me;
static char *slots;
static unsigned vain;
static size_t size;
static uint64_t count[SIDE], seen; /* a writer's own is the first */

static char *slot_of(unsigned writer, uint64_t number)
{
    return slots + (writer * SLOTS + number % SLOTS) * size;
}

static void side_open(bool is_writer, size_t bytes)
{
    (void)bytes;
    me = atomic_fetch_add(is_writer ? &shared->writers : &shared->readers, 1);
}

/* How many of ours the slowest reader has read. */
static uint64_t slowest(void)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < reader_count; i++) {
        uint64_t read = atomic_load_explicit(&shared->read[i][me].count, memory_order_acquire);
        least = read < least ? read : least;
    }
    return least;
}

static void side_publish(uint64_t seq)
{
    while (count[0] - seen == SLOTS && count[0] - (seen = slowest()) == SLOTS) {
        sched_yield();
    }
    bench_fill(slot_of(me, count[0]), size, seq);
    atomic_store_explicit(&shared->written[me].count, ++count[0], memory_order_release);
}

static bool side_take(void)
{
    for (unsigned i = 0; i < writer_count; i++) {
        if (atomic_load_explicit(&shared->written[i].count, memory_order_acquire) != count[i]) {
            bench_drain(slot_of(i, count[i]), size);
            atomic_store_explicit(&shared->read[me][i].count, ++count[i], memory_order_release);
            vain = 0;
            return true;
        }
    }
    if (vain++ < VAIN) {
        sched_yield();
    } else {
        usleep(1000);
    }
    return false;
}

static void side_close(void)
{
}

int main(int argc, char **argv)
{
    static const struct stream_transport transport = {
        .open = side_open,
        .publish = side_publish,
        .take = side_take,
        .close = side_close,
    };
    if (argc == 4) {
        writer_count = stream_side(argv[1]);
        reader_count = stream_side(argv[2]);
        size = bench_size(argv[3]);
        shared = bench_share(sizeof *shared);
        slots = bench_share(writer_count * SLOTS * size);
    }
    return stream_run(&transport, argc, argv);
}
