/* machine.c - see machine.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <stddef.h>
#include <string.h>

/* r1 random number, r2 sum, r3 to r5 scratch, r6 rounds to go, r7 whether to run wild */
enum { LOOP = 0, WILD = 12 };
static const struct instruction program[] = {
    {MUL, 1, 1, 0, 6364136223846793005u}, /* LOOP: the next random number */
    {ADD, 1, 1, 0, 1442695040888963407u},
    {SHIFT, 3, 1, 0, 40},
    {AND, 4, 3, 0, MACHINE_MEMORY - 8}, /* an address in the memory */
    {LOAD, 5, 4, 0, 0},
    {XOR, 5, 5, 1, 0},
    {STORE, 0, 4, 5, 0},
    {ADD, 2, 2, 5, 0},
    {ADD, 6, 6, 0, UINT64_MAX}, /* one round less */
    {BRANCH, 0, 6, 0, LOOP},
    {BRANCH, 0, 7, 0, WILD},
    {HALT, 0, 0, 0, 0},
    {STORE, 0, 8, 2, 0}, /* WILD: from address 0 on, and never stops */
    {ADD, 8, 8, 0, 8},
    {BRANCH, 0, 8, 0, WILD},
};

void machine_start(struct machine_state *state, uint64_t rounds, int runs_wild)
{
    memset(state, 0, sizeof *state);
    state->registers[1] = 88172645463325252u;
    state->registers[6] = rounds;
    state->registers[7] = runs_wild != 0;
}

const struct instruction *machine_at(uint64_t pc)
{
    return pc < sizeof program / sizeof *program ? &program[pc] : NULL;
}

uint64_t machine_result(const struct instruction *instruction, const uint64_t *registers)
{
    uint64_t a = registers[instruction->a], b = registers[instruction->b];
    switch (instruction->operation) {
    case ADD:
        return a + b + instruction->number;
    case XOR:
        return a ^ b ^ instruction->number;
    case MUL:
        return a * instruction->number;
    case SHIFT:
        return a >> instruction->number;
    case AND:
        return a & instruction->number;
    default:
        return 0;
    }
}

void machine_advance(struct machine_state *state, const struct instruction *instruction,
                     uint64_t value)
{
    int jumps = instruction->operation == BRANCH && state->registers[instruction->a] != 0;
    state->registers[instruction->d] = value;
    state->registers[0] = 0;
    state->pc = jumps ? instruction->number : state->pc + 1;
    state->clock++;
}
