/* options.c - see options.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "trace.h"

#include <argp.h>
#include <eddy/ring.h>
#include <stdlib.h>

/* Unless told otherwise, the trace fills the ring so many times. */
#define LAPS 4

static uint64_t number(const char *arg, uint64_t least, uint64_t most, struct argp_state *state)
{
    char *end = NULL;
    uint64_t value = strtoull(arg, &end, 10), unit = 1;
    if (*end == 'k' || *end == 'M' || *end == 'G') {
        unit = *end == 'k' ? 1u << 10 : *end == 'M' ? 1u << 20 : 1u << 30;
        end++;
    }
    if (*arg < '0' || *arg > '9' || *end != '\0' || value < (least + unit - 1) / unit ||
        value > most / unit)
        argp_error(state, "'%s' is not a number from %llu to %llu (k, M and G may follow it)", arg,
                   (unsigned long long)least, (unsigned long long)most);
    return value * unit;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 's':
        options->slots = (uint32_t)number(arg, 1, EDDY_RING_SLOTS_MAX, state);
        return 0;
    case 'b':
        options->slot_bytes = number(arg, TRACE_SMALLEST_SLOT, UINT64_C(1) << 40, state);
        return 0;
    case 'w':
        options->workers = (unsigned)number(arg, 1, 1024, state);
        return 0;
    case 'r':
        options->rounds = number(arg, 1, UINT64_C(1) << 60, state);
        return 0;
    case CRASH:
    case KILL:
    case STALL:
        options->misfortune = (enum misfortune)key;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': there are no arguments, only options", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

struct options options_parse(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"slots", 's', "N", 0, "Chunks that may be under way; default 5", 0},
        {"slot-bytes", 'b', "BYTES", 0, "Room in each; default 256M", 0},
        {"workers", 'w', "N", 0, "Threads that check; default 2", 0},
        {"rounds", 'r', "N", 0,
         "Rounds of the traced program's loop, 10 steps each; default: what fills the ring 4 times",
         0},
        {"crash", CRASH, NULL, 0, "The traced program ends with a wild write", 1},
        {"kill", KILL, NULL, 0, "The tracer is killed at its first chunk", 1},
        {"stall", STALL, NULL, 0, "The tracer is stopped at its first chunk, for a while", 1},
        {0}};
    static const struct argp argp = {
        .options = table,
        .parser = parse,
        .doc = "Starts a tracer, and checks the trace that comes through a ring while it is being "
               "written.\vShared memory is used up to slots x slot-bytes."};
    struct options options = {.slots = 5, .slot_bytes = 256u << 20, .workers = 2};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (options.rounds == 0)
        options.rounds = LAPS * options.slots * (trace_enough(options.slot_bytes) / MACHINE_ROUND);
    return options;
}
