/* slots_readers_test.c - slots that allow many readers cost what those that are there cost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"

#include <stdio.h>

enum { SLOTS = 64, FEW = 64, MANY = 4096, SLICES = 100, STEPS = 200 };

static double cost_of_commit(uint32_t readers)
{
    struct slots_pair pair =
        slots_pair_open_at(readers == FEW ? "few" : "many", SLOTS, 64, readers);
    double best = 1e9;
    for (int slice = 0; slice < SLICES; slice++) {
        uint64_t began = eddy_now();
        for (int i = 0; i < STEPS; i++) {
            must(slots_publish(pair.writer, (const uint64_t[]){0}, "x", 1));
        }
        double took = (double)(eddy_now() - began) / STEPS;
        best = took < best ? took : best;
    }
    slots_pair_close(&pair);
    return best;
}

/* Nothing is had, nobody is dead. */
static double cost_of_poll(uint32_t readers)
{
    struct slots_pair pair = slots_pair_open_at(readers == FEW ? "few" : "many", 4, 64, readers);
    struct eddy_slot_loan loan;
    while (eddy_slots_loan(pair.writer, NULL, 0, EDDY_POLL, &loan) == EDDY_OK)
        continue;
    uint64_t began = eddy_now(), calls = 0;
    while (eddy_now() - began < SECOND / 4) {
        must_fail(eddy_slots_loan(pair.writer, NULL, 0, EDDY_POLL, &loan), EDDY_EAGAIN);
        calls++;
    }
    double cost = (double)(eddy_now() - began) / (double)calls;
    slots_pair_close(&pair);
    return cost;
}

static void readers_that_are_not_there_cost_little(void **state)
{
    (void)state;
    double few = cost_of_commit(FEW), many = cost_of_commit(MANY);
    printf("reserve and commit: %.0f ns for %d readers, %.0f for %d\n", few, FEW, many, MANY);
    check(many < 5 * few);
    few = cost_of_poll(FEW), many = cost_of_poll(MANY);
    printf("a poll in vain: %.0f ns for %d readers, %.0f for %d\n", few, FEW, many, MANY);
    check(many < 10 * few && many < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(readers_that_are_not_there_cost_little)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
