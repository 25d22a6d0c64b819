/* ring_flip_test.c - who changes a word each time right before we swap it does not hold us for ever.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_pair.h"

#include "allocator/point.h"
#include "transport/ring/ring.h"

#include <string.h>

void (*eddy_point_hook)(const char *name);

static eddy_ring *victim;

/* Between two values that are both sound. */
static void flip_taken(const char *name)
{
    if (strcmp(name, "ring-take:looked") == 0)
        eddy_store_relaxed(&victim->header->taken, eddy_load_relaxed(&victim->header->taken) ^ 1);
}

static void a_take_that_loses_each_swap_ends(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    struct ring_pair p = ring_pair_open(4, 64);
    ring_publish(p.producer, 64, 0);
    ring_publish(p.producer, 64, 1);
    victim = p.consumer;
    eddy_point_hook = flip_taken;
    must_fail(eddy_ring_take(p.consumer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    says("scribbled on");
    eddy_point_hook = NULL;
    eddy_store_relaxed(&victim->header->taken, 0);
    for (uint64_t i = 0; i < 2; i++) {
        chunk = ring_take(p.consumer, i);
        must(eddy_ring_release(p.consumer, &chunk));
    }
    ring_pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(a_take_that_loses_each_swap_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
