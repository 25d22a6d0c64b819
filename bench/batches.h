/* batches.h - what it costs to publish to many readers that keep up.
 *
 *   timed: BATCH times loan and publish -> not timed: every reader takes and releases all of them
 *
 * One process, one thread: what is measured is the publisher's own work, not the other core's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_BATCHES_H
#define BENCH_BATCHES_H

#include "slice.h"

#define BATCH 32u /* half of a reader's depth, so that nobody ever waits */

struct batches_transport {
    void (*open)(unsigned readers, size_t size);
    void (*publish)(unsigned count); /* writes the first word of each payload */
    void (*drain)(unsigned count);   /* all readers; fails unless each got all of them */
    void (*close)(void);             /* may be NULL */
};

/* PROGRAM READERS SIZE */
int batches_run(const struct batches_transport *transport, int argc, char **argv);

#endif
