/* pair.c - ping-pong between two processes over some transport.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST (UINT64_C(1) << 63) /* in a sequence number: the slice ends here */

struct control {
    _Atomic uint32_t turn; /* slices begun */
    _Atomic uint32_t quit;
};

struct pair {
    const struct pair_transport *transport;
    struct pair_side side;
    struct control *control;
    struct bench_record record;
};

static void nothing(void)
{
}

static void call(void (*function)(void))
{
    if (function) {
        function();
    }
}

static void turn_begin(struct control *control)
{
    atomic_fetch_add(&control->turn, 1);
    bench_wake(&control->turn);
}

static void ping_slice(void *context, unsigned milliseconds)
{
    struct pair *pair = context;
    const struct pair_transport *t = pair->transport;
    void (*release)(void) = t->release ? t->release : nothing;
    bool last = false;
    turn_begin(pair->control);
    uint64_t before = bench_ticks(), end = before + bench_ticks_of(milliseconds);
    for (uint64_t seq = 1; !last; seq++) {
        last = before >= end || bench_record_full(&pair->record);
        uint64_t expected = last ? seq | LAST : seq;
        t->send(expected);
        uint64_t got = t->receive();
        uint64_t after = bench_ticks();
        if (got != expected) {
            bench_fail("sample %llx came where %llx was due", (unsigned long long)got,
                       (unsigned long long)expected);
        }
        if (!last) {
            bench_record_add(&pair->record, after - before);
        }
        before = after;
        release();
    }
    bench_record_print_us(&pair->record, 2);
}

static void pong(struct pair *pair)
{
    const struct pair_transport *t = pair->transport;
    void (*release)(void) = t->release ? t->release : nothing;
    for (uint32_t turn = 0;; turn++) {
        bench_sleep_while(&pair->control->turn, turn);
        if (atomic_load(&pair->control->quit)) {
            return;
        }
        uint64_t seq;
        do {
            seq = t->receive();
            t->send(seq);
            release();
        } while (!(seq & LAST));
    }
}

static void finish(struct pair *pair, pid_t child)
{
    atomic_store(&pair->control->quit, 1);
    turn_begin(pair->control);
    waitpid(child, NULL, 0);
}

int pair_run(const struct pair_transport *transport, int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s SIZE MODE\n", argv[0]);
        return 2;
    }
    struct pair pair = {.transport = transport};
    pair.side.size = bench_size(argv[1]);
    pair.side.mode = argv[2];
    pair.control = bench_share(sizeof *pair.control);
    if (transport->share) {
        transport->share(pair.side.size);
    }
    pid_t child = bench_fork();
    pair.side.is_ping = child != 0;
    transport->open(&pair.side);
    call(transport->connect);
    bench_pin(child == 0); /* only now: with one core to run on, a transport might never spin */
    if (child == 0) {
        pong(&pair);
    } else {
        bench_record_create(&pair.record);
        bench_serve(ping_slice, &pair);
        finish(&pair, child);
    }
    call(transport->close);
    return 0;
}
