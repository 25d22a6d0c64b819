/* paced.h - what a listener costs whose topic has a sample now and then.
 *
 *   paced_run forks: the writer on core 0 (the parent, which has the turns), the listener on core 1
 *   a quarter of each slice warms up; then the processor time of the listening process is taken
 *
 * The writer spins until the next sample is due, so that the pace is exact; a sample is the time at
 * which it was written, in ticks.
 *
 * Threads: the listener's samples may be taken by a thread of the transport.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PACED_H
#define BENCH_PACED_H

#include "slice.h"

/* One transport.  Functions end the program with bench_fail when something does not work. */
struct paced_transport {
    void (*open)(bool listens, int argc, char **argv); /* what follows PERIOD_US */
    void (*connect)(void);                             /* returns once the other side is there */
    void (*send)(uint64_t at);
    void (*listen)(void); /* tells paced_took of each sample, until paced_is_over */
    void (*close)(void);
};

void paced_took(uint64_t at);

/* True from shortly before the last sample on. */
bool paced_is_over(void);

/* Returns when it is over. */
void paced_sleep_until_over(void);

/* PROGRAM PERIOD_US ...; {"cpu_us", "p50_us", "p99_us", "n"}: of one sample. */
int paced_run(const struct paced_transport *transport, int argc, char **argv);

#endif
