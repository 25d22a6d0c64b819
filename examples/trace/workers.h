/* workers.h - threads that check chunks and give them back, in any order.
 *
 *   workers_start -> workers_give (each chunk that was taken) ... -> workers_end
 *
 * Each chunk is checked by itself.  At the end the chunks must fit together: where one stops, the
 * next begins.
 *
 * Threads: workers_give is called by one thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_WORKERS_H
#define EXAMPLE_TRACE_WORKERS_H

#include "machine.h"

#include <eddy/ring.h>

struct workers;

/* At most `most` chunks are in work at a time: the ring has no more. */
struct workers *workers_start(eddy_ring *ring, unsigned threads, uint32_t most);

void workers_give(struct workers *workers, const struct eddy_chunk *chunk);

struct workers_result {
    uint64_t chunks, steps;
    uint64_t late; /* chunks given back after a newer one */
    bool correct;
};
/* Waits for the last chunk; the first one has to begin at `start`. */
struct workers_result workers_end(struct workers *workers, const struct machine_state *start);

#endif
