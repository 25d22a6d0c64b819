/* verify.c - see verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

static bool step_is_right(const struct trace_step *step, const struct machine_state *state,
                          const struct instruction *instruction)
{
    if (step->clock != state->clock || step->pc != state->pc || step->written != instruction->d)
        return false;
    return instruction->operation == LOAD ||
           step->value == machine_result(instruction, state->registers);
}

struct verdict verify_chunk(const struct trace_chunk *chunk, size_t bytes)
{
    struct verdict verdict = {.correct = bytes >= sizeof *chunk};
    if (!verdict.correct)
        return verdict;
    verdict.before = verdict.after = chunk->before;
    for (uint64_t room = trace_room(bytes); verdict.steps < room; verdict.steps++) {
        /* A copy: a tracer that runs wild may write into a chunk that it has given away. */
        struct trace_step step = chunk->steps[verdict.steps];
        const struct instruction *instruction = machine_at(verdict.after.pc);
        verdict.correct = instruction && step_is_right(&step, &verdict.after, instruction);
        if (!verdict.correct)
            break;
        machine_advance(&verdict.after, instruction, step.value);
    }
    return verdict;
}
