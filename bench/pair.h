/* pair.h - ping-pong between two processes over some transport.
 *
 *   pair_run forks: ping on core 0 (the parent, which has the turns), pong on core 1
 *   ping: send, receive, release, ...     pong: receive, send, release, ...
 *
 * A round trip has the clock read once; every transport goes through the same loop and the same
 * function pointers, the floor too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "slice.h"

struct pair_side {
    bool is_ping;
    size_t size;      /* of the payload; all of it is written and read */
    const char *mode; /* how to wait: the transport's word for it */
};

/* One transport.  Functions end the program with bench_fail when something does not work. */
struct pair_transport {
    void (*share)(size_t size); /* in the parent, before the fork; may be NULL */
    void (*open)(const struct pair_side *side);
    void (*connect)(void); /* returns once the other side is there; may be NULL */
    void (*send)(uint64_t seq);
    uint64_t (*receive)(void); /* waits as the mode says; the payload is read when it returns */
    void (*release)(void);     /* gives back what receive got; may be NULL */
    void (*close)(void);       /* may be NULL */
};

/* PROGRAM SIZE MODE */
int pair_run(const struct pair_transport *transport, int argc, char **argv);

#endif
