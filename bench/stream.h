/* stream.h - how much goes through: writers that never pause, readers that lose nothing.
 *
 * Every writer and every reader is a process; writers run on the even cores, readers on the odd
 * ones.  Payloads are written and read whole.  Readers sleep while there is nothing to take.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include "slice.h"

struct stream_transport {
    void (*open)(bool is_writer, size_t size);
    void (*publish)(uint64_t seq); /* waits while a reader is behind */
    bool (*take)(void);            /* waits for at most 100 ms; false: nothing came */
    void (*close)(void);
};

/* "4": so many writers or readers.  Ends the program if that makes no sense. */
unsigned stream_side(const char *text);

/* Within publish or take: so many samples at once rather than one. */
void stream_moved(uint64_t samples);

/* PROGRAM WRITERS READERS SIZE; {"samples_per_s", "bytes_per_s", "taken_per_s", "cpu_us"}: processor
 * time of all processes for each sample published. */
int stream_run(const struct stream_transport *transport, int argc, char **argv);

#endif
