/* batches.c - what it costs to publish to many readers that keep up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "batches.h"

#include <stdio.h>
#include <stdlib.h>

struct batches {
    const struct batches_transport *transport;
    struct bench_record record;
};

static void batches_slice(void *context, unsigned milliseconds)
{
    struct batches *batches = context;
    const struct batches_transport *t = batches->transport;
    uint64_t end = bench_ticks() + bench_ticks_of(milliseconds);
    while (bench_ticks() < end && !bench_record_full(&batches->record)) {
        uint64_t before = bench_ticks();
        t->publish(BATCH);
        bench_record_add(&batches->record, bench_ticks() - before);
        t->drain(BATCH);
    }
    bench_record_print_ns(&batches->record, BATCH);
}

int batches_run(const struct batches_transport *transport, int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s READERS SIZE\n", argv[0]);
        return 2;
    }
    struct batches batches = {.transport = transport};
    bench_record_create(&batches.record);
    transport->open((unsigned)strtoul(argv[1], NULL, 10), bench_size(argv[2]));
    bench_pin(0); /* only now: threads that a transport starts run where there is room */
    bench_serve(batches_slice, &batches);
    if (transport->close) {
        transport->close();
    }
    return 0;
}
