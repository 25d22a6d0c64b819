/* floor.c - what the machine itself costs, under any shared-memory transport.
 *
 *   spin    a flag and a payload to the other core and back, both sides spinning
 *   sleep   the same with each side asleep in a futex until it is woken
 *   atomic  one uncontended atomic addition (no second process)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Payload buffers in use, one after the other: as many as stay warm in a first-level cache. */
#define MOST_BUFFERS 16u
#define WARM_BYTES   65536u

struct way {
    _Alignas(128) _Atomic uint32_t flag;
    _Alignas(128) char payload[];
};

static struct way *ways[2], *out, *in;
static size_t way_payload, payload_step, buffers;
static uint32_t sent, received;
static bool sleeps;

static void floor_share(size_t size)
{
    way_payload = size;
    payload_step = (size + 127) / 128 * 128;
    buffers = WARM_BYTES / payload_step;
    buffers = buffers > MOST_BUFFERS ? MOST_BUFFERS : buffers > 0 ? buffers : 1;
    for (unsigned i = 0; i < 2; i++) {
        ways[i] = bench_share(sizeof(struct way) + buffers * payload_step);
    }
}

static void floor_open(const struct pair_side *side)
{
    out = ways[!side->is_ping];
    in = ways[side->is_ping];
    sleeps = strcmp(side->mode, "sleep") == 0;
}

static void floor_send(uint64_t seq)
{
    sent++;
    bench_fill(out->payload + sent % buffers * payload_step, way_payload, seq);
    atomic_store_explicit(&out->flag, sent, memory_order_release);
    if (sleeps) {
        bench_wake(&out->flag);
    }
}

static uint64_t floor_receive(void)
{
    if (sleeps) {
        bench_sleep_while(&in->flag, received);
    }
    while (atomic_load_explicit(&in->flag, memory_order_acquire) == received) {
    }
    received++;
    return bench_drain(in->payload + received % buffers * payload_step, way_payload);
}

#define ADDITIONS 1000

static void atomic_slice(void *context, unsigned milliseconds)
{
    static _Atomic uint64_t word;
    struct bench_record *record = context;
    uint64_t before = bench_ticks(), end = before + bench_ticks_of(milliseconds);
    while (before < end && !bench_record_full(record)) {
        for (unsigned i = 0; i < ADDITIONS; i++) {
            atomic_fetch_add(&word, 1);
        }
        uint64_t after = bench_ticks();
        bench_record_add(record, after - before);
        before = after;
    }
    bench_record_print_ns(record, ADDITIONS);
}

int main(int argc, char **argv)
{
    static const struct pair_transport transport = {
        .share = floor_share,
        .open = floor_open,
        .send = floor_send,
        .receive = floor_receive,
    };
    if (argc == 2 && strcmp(argv[1], "atomic") == 0) {
        struct bench_record record;
        bench_record_create(&record);
        bench_pin(0);
        bench_serve(atomic_slice, &record);
        return 0;
    }
    return pair_run(&transport, argc, argv);
}
