/* channel.h - one way from one process to another, for large chunks: how many, and how fast.
 *
 *   stream    producer (core 0) -> consumer (core 1); the producer never pauses, nothing is lost
 *   pingpong  two channels between two processes, see pair.h
 *
 * Payloads are written and read whole.  Before anything is timed, every slot is used once: what
 * that costs in page faults is told apart from what a chunk costs from then on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_CHANNEL_H
#define BENCH_CHANNEL_H

#include "slice.h"

struct channel_shape {
    size_t size;      /* of a chunk */
    unsigned slots;   /* chunks that may be under way, where the transport lets one choose */
    const char *mode; /* the transport's own word for how it works */
    unsigned number;  /* which of the two */
};

struct channel; /* one end of it, each transport's own */

/* One transport.  Functions end the program with bench_fail when something does not work. */
struct channel_transport {
    size_t bytes; /* of a struct channel, which begins as zeros */
    /* In the parent, before the fork; may be NULL. */
    void (*share)(struct channel *channel, const struct channel_shape *shape);
    /* A consumer's end is opened before the producer's end of the other channel. */
    void (*open)(struct channel *channel, const struct channel_shape *shape, bool produces);
    void (*send)(struct channel *channel, uint64_t seq);
    uint64_t (*receive)(struct channel *channel); /* the payload is read when it returns */
    void (*release)(struct channel *channel);     /* may be NULL */
    void (*close)(struct channel *channel);       /* may be NULL */
};

/* PROGRAM stream SIZE SLOTS MODE    {"ns", "chunks_per_s", "bytes_per_s", "cpu_us", "faults",
 *                                    "first_faults", "preempted"}: all but the rates are
 *                                    for one chunk; preempted: how often others had a core
 * PROGRAM pingpong SIZE SLOTS MODE  {"p50_us", "p99_us", "n"}: one way */
int channel_run(const struct channel_transport *transport, int argc, char **argv);

#endif
