/* trace.h - what lies in a chunk of the trace.
 *
 *   struct trace_chunk, step, step, ...     as many steps as the published size has room for
 *
 * A chunk begins with the whole state of the machine: so each can be checked by itself, while
 * others are being checked or written.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_TRACE_H
#define EXAMPLE_TRACE_TRACE_H

#include "machine.h"

#include <stddef.h>
#include <stdint.h>

struct trace_step {
    uint64_t clock;
    uint32_t pc;
    uint32_t written; /* the register; 0: none */
    uint64_t value;
};

struct trace_chunk {
    struct machine_state before;
    struct trace_step steps[];
};

/* Steps that fit into a chunk of so many bytes. */
static inline uint64_t trace_room(size_t bytes)
{
    return bytes < sizeof(struct trace_chunk)
               ? 0
               : (bytes - sizeof(struct trace_chunk)) / sizeof(struct trace_step);
}

/* A chunk is published once so many are in it.  This is looked at where a block ends, not at every
 * step: the last tenth is for the block that had begun. */
static inline uint64_t trace_enough(size_t bytes)
{
    return trace_room(bytes) * 9 / 10;
}

/* A tenth of less would not hold a block. */
#define TRACE_SMALLEST_SLOT ((size_t)8192)

#endif
