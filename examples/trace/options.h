/* options.h - the checker's command line.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_OPTIONS_H
#define EXAMPLE_TRACE_OPTIONS_H

#include <stdint.h>

enum misfortune { NONE, CRASH, KILL, STALL };

struct options {
    uint32_t slots;
    uint64_t slot_bytes;
    unsigned workers;
    uint64_t rounds; /* of the traced program's loop */
    enum misfortune misfortune;
};

/* Ends the program when something in it is wrong. */
struct options options_parse(int argc, char **argv);

#endif
