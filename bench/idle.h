/* idle.h - what listeners cost whose topic has no sample.
 *
 *   idle_run: open all, then count in every slice how often the threads that wait went to sleep
 *
 * Each had to be woken for that; what the kernel counts is how often it gave its core away by
 * itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_IDLE_H
#define BENCH_IDLE_H

#include "slice.h"

struct idle_transport {
    const char *thread; /* the name that threads have which wait in the transport */
    void (*open)(unsigned listeners, int argc, char **argv); /* what follows LISTENERS */
};

/* PROGRAM LISTENERS ...; {"wakeups", "threads"}: of all these threads, in the slice. */
int idle_run(const struct idle_transport *transport, int argc, char **argv);

#endif
