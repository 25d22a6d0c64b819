/* answers.h - ping-pong of two DDS programs, by a listener or by a thread that waits in a wait set.
 *
 *   ping (the parent, which has the turns) sends 1; whatever comes is answered: n by n from pong,
 *   n by n + 1 from ping, until the slice is over
 *
 * Fixed-size types, through loans where there are some.  Only the first word of a payload is
 * written and read: what is measured is the transport.  Each process has a core, with all threads
 * that DDS starts in it.
 *
 * Threads: with a listener, samples are answered by a thread of DDS.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ANSWERS_H
#define BENCH_ANSWERS_H

#include "slice.h"

struct answers_side {
    bool is_ping;
    bool listens; /* or else waits */
    size_t size;
    unsigned domain;
    const char *way; /* how samples are to travel; "" if the program was not told */
};

/* One DDS.  Functions end the program with bench_fail when something does not work. */
struct answers_transport {
    void (*open)(const struct answers_side *side); /* a listener calls answers_exchange */
    void (*connect)(void);                         /* returns once the other side is there */
    void (*send)(uint64_t seq);
    bool (*take)(uint64_t *seq); /* false: there is nothing (more) */
    void (*wait)(void);          /* returns when there may be something to take */
    void (*close)(void);
};

/* Takes all there is and answers it. */
void answers_exchange(void);

/* PROGRAM SIZE waitset|listener DOMAIN [WAY] */
int answers_run(const struct answers_transport *transport, int argc, char **argv);

#endif
