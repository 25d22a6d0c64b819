/* tracer.c - executes the program and writes down what each step does: the producer of the ring.
 *
 *   attach -> watch crashes -> loan, write in place, publish ... -> finish -> close
 *
 * checker starts it.  When the checker dies, it learns so from its next loan and ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "must.h"
#include "trace.h"

#include <argp.h>
#include <eddy/eddy.h>
#include <eddy/ring.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

struct options {
    const char *ring;
    uint64_t rounds;
    bool crash;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    char *end = NULL;
    switch (key) {
    case 'r':
        options->rounds = strtoull(arg, &end, 10);
        if (*arg < '1' || *arg > '9' || *end != '\0')
            argp_error(state, "'%s' is not a number from 1 on", arg);
        return 0;
    case 'c':
        options->crash = true;
        return 0;
    case ARGP_KEY_ARG:
        options->ring = arg;
        return 0;
    case ARGP_KEY_END:
        if (options->ring == NULL)
            argp_error(state, "which ring?  checker starts this program and tells it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static struct options parse_all(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"rounds", 'r', "N", 0, "Rounds of the program's loop, 10 steps each", 0},
        {"crash", 'c', NULL, 0, "Afterwards the program runs wild through its memory", 0},
        {0}};
    static const struct argp argp = {
        .options = table,
        .parser = parse,
        .args_doc = "RING",
        .doc = "Executes a toy program and writes its trace into a ring; started by checker."};
    struct options options = {.rounds = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return options;
}

/* As much again behind it may not be touched: a program that runs wild is caught there. */
static char *memory_of_machine(void)
{
    char *memory =
        mmap(NULL, 2 * (size_t)MACHINE_MEMORY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, MACHINE_MEMORY, PROT_READ | PROT_WRITE) != 0) {
        perror("memory of the machine");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static uint64_t execute(const struct instruction *instruction, const uint64_t *registers,
                        char *memory)
{
    uint64_t value = 0;
    switch (instruction->operation) {
    case LOAD:
        memcpy(&value, memory + registers[instruction->a], sizeof value);
        return value;
    case STORE:
        memcpy(memory + registers[instruction->a], &registers[instruction->b], sizeof value);
        return 0;
    default:
        return machine_result(instruction, registers);
    }
}

/* Executes until the chunk is full enough; false: until the program's end. */
static bool fill(struct machine_state *state, char *memory, struct trace_chunk *chunk,
                 uint64_t enough, uint64_t *count)
{
    bool ends_block = false;
    uint64_t steps = 0;
    chunk->before = *state;
    while (steps < enough || !ends_block) {
        const struct instruction *instruction = machine_at(state->pc);
        if (instruction->operation == HALT)
            break;
        uint64_t value = execute(instruction, state->registers, memory);
        chunk->steps[steps++] = (struct trace_step){.clock = state->clock,
                                                    .pc = (uint32_t)state->pc,
                                                    .written = instruction->d,
                                                    .value = value};
        machine_advance(state, instruction, value);
        ends_block = instruction->operation == BRANCH;
    }
    *count = steps;
    return machine_at(state->pc)->operation != HALT;
}

/* False: the checker is gone, so nobody needs the rest. */
static bool trace(eddy_ring *ring, const struct options *options)
{
    struct machine_state state;
    char *memory = memory_of_machine();
    machine_start(&state, options->rounds, options->crash);
    for (bool runs = true; runs;) {
        struct eddy_chunk chunk;
        uint64_t steps;
        int result = eddy_ring_loan(ring, EDDY_FOREVER, &chunk); /* waits while there is no room */
        if (result == EDDY_EPEERGONE)
            return false;
        must_be_done(result, "eddy_ring_loan");
        runs = fill(&state, memory, chunk.data, trace_enough(chunk.size), &steps);
        size_t bytes = sizeof(struct trace_chunk) + steps * sizeof(struct trace_step);
        must(eddy_ring_publish(ring, &chunk, bytes));
    }
    must(eddy_ring_finish(ring));
    printf("tracer: %" PRIu64 " steps, sum %016" PRIx64 "\n", state.clock, state.registers[2]);
    return true;
}

int main(int argc, char **argv)
{
    struct options options = parse_all(argc, argv);
    /* What is to be known of a crash, the checker is told; a core would hold the whole ring. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});

    eddy_domain *domain = NULL;
    eddy_ring *ring = NULL;
    must(eddy_domain_open(NULL, &domain));
    must(eddy_ring_attach(domain, options.ring, EDDY_RING_PRODUCER, NULL, &ring));
    must(eddy_ring_watch_crashes(ring));
    bool whole = trace(ring, &options);
    if (!whole)
        fputs("tracer: the checker is gone\n", stderr);
    must(eddy_ring_close(ring)); /* if the checker is gone, the ring goes now */
    must(eddy_domain_close(domain));
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}
