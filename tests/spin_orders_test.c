/* spin_orders_test.c - several threads wait at one place, and learn there at once.
 *
 * Under ThreadSanitizer, which sees what only one of them may have.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/wait/spin.h"

enum { THREADS = 3, ROUNDS = SANITIZED ? 3000 : 200000, LONGEST = 10000000 };

static struct eddy_spin spin;

/* A made-up wait: time is each thread's own. */
static uint64_t wait_once(uint64_t now, uint64_t takes)
{
    struct eddy_spun how = {.limit = eddy_spin_limit(&spin), .begin = now, .end = now + takes};
    check(how.limit <= LONGEST);
    how.found = how.limit >= takes;
    how.looked = now + (how.found ? takes : how.limit);
    eddy_spin_learn(&spin, &how);
    return how.end;
}

static void *wait_often(void *seed)
{
    uint64_t now = 1000 * SECOND;
    for (int i = 0; i < ROUNDS; i++)
        now = wait_once(now, payload_random(seed) % 100000) + 1000;
    return NULL;
}

static void threads_that_learn_at_once_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t seeds[THREADS];
    eddy_spin_init(&spin, 0);
    spin.may = true;
    for (uint64_t i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        threads[i] = thread_start(wait_often, &seeds[i]);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    check(!spin.busy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(threads_that_learn_at_once_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
