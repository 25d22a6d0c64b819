/* machine.h - a toy machine: what its instructions do, and the one program that it runs.
 *
 * The tracer executes it, the checker works out again what the tracer says; so both use this.
 * Register 0 is always zero.  LOAD and STORE go to the machine's memory at registers[a]: nobody
 * checks the address, as in code that was compiled for speed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_MACHINE_H
#define EXAMPLE_TRACE_MACHINE_H

#include <stdint.h>

enum { MACHINE_REGISTERS = 16, MACHINE_MEMORY = 65536 /* bytes */ };

/* A block is what lies between two branches; the program's longest is shorter than this. */
enum { MACHINE_LONGEST_BLOCK = 16 };
/* Steps of one round of the program's loop. */
enum { MACHINE_ROUND = 10 };

enum operation {
    ADD,    /* d = a + b + number */
    XOR,    /* d = a ^ b ^ number */
    MUL,    /* d = a * number */
    SHIFT,  /* d = a >> number */
    AND,    /* d = a & number */
    LOAD,   /* d = memory at a */
    STORE,  /* memory at a = b */
    BRANCH, /* to number, unless a is 0 */
    HALT
};

struct instruction {
    enum operation operation;
    uint8_t d, a, b; /* registers; d is 0 where nothing is written */
    uint64_t number;
};

/* What the machine is between two steps. */
struct machine_state {
    uint64_t clock; /* steps done */
    uint64_t pc;
    uint64_t registers[MACHINE_REGISTERS];
};

/* At the start: so many rounds of the loop; then it halts, or runs wild through its memory. */
void machine_start(struct machine_state *state, uint64_t rounds, int runs_wild);

/* The instruction at pc; NULL beyond the program's end. */
const struct instruction *machine_at(uint64_t pc);

/* What it writes to register d; not for LOAD. */
uint64_t machine_result(const struct instruction *instruction, const uint64_t *registers);

/* Goes on by one step, which writes `value` to register d. */
void machine_advance(struct machine_state *state, const struct instruction *instruction,
                     uint64_t value);

#endif
