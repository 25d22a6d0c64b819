/* What a subscriber holds is found again, whatever was added and removed in between.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"
#include "transport/iceoryx/holding.h"

#define KEYS  512u
#define STEPS 200000u

static bool present[KEYS];
static uint32_t round_of[KEYS];

/* Payloads as they come: some equally far apart, some not. */
static const void *payload_at(uint32_t key)
{
    static uint64_t apart[KEYS];
    static uint64_t seed = 7;
    if (apart[key] == 0) {
        apart[key] = key % 2 == 0 ? 4096 + 128 * (uint64_t)key : payload_random(&seed) << 3;
    }
    return (const void *)(uintptr_t)apart[key];
}

static void add(struct eddy_holding *holding, uint32_t key, uint32_t number)
{
    struct eddy_held held = {.sample = {.data = payload_at(key), .slot = number}};
    must(eddy_holding_add(holding, &held));
    present[key] = true;
    round_of[key] = number;
}

static void take_out(struct eddy_holding *holding, uint32_t key)
{
    struct eddy_held held;
    same(eddy_holding_remove(holding, payload_at(key), &held), present[key]);
    if (present[key]) {
        check(held.sample.data == payload_at(key));
        same(held.sample.slot, round_of[key]);
    }
    present[key] = false;
}

static void test_what_was_added_is_found(void **state)
{
    (void)state;
    struct eddy_holding holding = {NULL, 0, 0};
    uint64_t seed = payload_seed();
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t key = (uint32_t)(payload_random(&seed) % KEYS);
        bool adds = payload_random(&seed) % 100 < (step / 2000 % 2 == 0 ? 70u : 30u);
        if (adds && !present[key]) {
            add(&holding, key, step);
        } else if (!adds) {
            take_out(&holding, key);
        }
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        take_out(&holding, key);
    }
    same(holding.count, 0);
    eddy_holding_free(&holding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_was_added_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
