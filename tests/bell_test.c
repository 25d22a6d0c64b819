/* bell_test.c - bells that several sleep on, from inside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include "allocator/wait/futex.h"

/* One who armed the bell, looked, and is about to sleep; it is rung; another arms it. */
static void a_ring_is_not_lost_on_one_because_another_arms(void **state)
{
    (void)state;
    _Atomic uint32_t bell = 0;
    uint32_t first = eddy_bell_arm(&bell);
    eddy_bell_ring(&bell);
    uint32_t second = eddy_bell_arm(&bell);
    check(eddy_bell_wait(&bell, first, eddy_deadline(MILLISECOND)));
    check(!eddy_bell_wait(&bell, second, eddy_deadline(MILLISECOND)));
}

static void a_bell_that_nobody_armed_is_left_alone(void **state)
{
    (void)state;
    _Atomic uint32_t bell = 0;
    eddy_bell_ring(&bell);
    same(bell, 0);
    (void)eddy_bell_arm(&bell);
    eddy_bell_ring(&bell);
    same(bell & 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_ring_is_not_lost_on_one_because_another_arms),
        WORLD_TEST(a_bell_that_nobody_armed_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
