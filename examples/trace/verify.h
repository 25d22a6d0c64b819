/* verify.h - is a chunk of the trace what the program does?
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_VERIFY_H
#define EXAMPLE_TRACE_VERIFY_H

#include "trace.h"

#include <stdbool.h>

struct verdict {
    bool correct;
    uint64_t steps;              /* that are correct */
    struct machine_state before; /* as the chunk says */
    struct machine_state after;
};

/* Works out every step again.  What was loaded is believed: the memory is not in the trace. */
struct verdict verify_chunk(const struct trace_chunk *chunk, size_t bytes);

#endif
