/* ring_memory_test.c - who may write what of a ring, what it is called, and where its memory goes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void write_on_a_chunk(int wire, void *argument)
{
    (void)wire;
    (void)argument;
    struct eddy_chunk chunk = ring_take(ring_attach("ring", EDDY_RING_CONSUMER), 0);
    *(volatile unsigned char *)chunk.data = 1;
}

static void a_consumer_that_writes_a_chunk_is_stopped_by_the_hardware(void **state)
{
    (void)state;
    bool hung;
    eddy_ring *producer = ring_create("ring", EDDY_RING_PRODUCER, 2, 200);
    ring_publish(producer, 200, 0);
    struct child child = child_start(write_on_a_chunk, NULL);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    must(eddy_ring_close(producer));
}

static uint64_t memory_of(const eddy_ring *ring)
{
    struct eddy_ring_info info;
    must(eddy_ring_describe(ring, &info));
    return info.shared_bytes;
}

static void released_memory_goes_back_if_asked(void **state)
{
    (void)state;
    enum { BIG = 1 << 20 };
    struct eddy_ring_options options = {.slot_bytes = BIG,
                                        .slots = 3,
                                        .role = EDDY_RING_PRODUCER,
                                        .flags = EDDY_RING_SPARSE | EDDY_RING_PUNCH};
    struct eddy_chunk first, second;
    struct ring_pair p;
    must(eddy_ring_create(NULL, "ring", &options, &p.producer));
    p.consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    uint64_t empty = memory_of(p.producer);
    ring_publish(p.producer, BIG, 0);
    ring_publish(p.producer, BIG, 1);
    same(memory_of(p.producer), empty + 2 * BIG);
    first = ring_take(p.consumer, 0);
    second = ring_take(p.consumer, 1);
    must(eddy_ring_release(p.consumer, &second));
    same(memory_of(p.producer), empty + BIG);
    struct payload whole;
    check(payload_whole(first.data, first.size, &whole)); /* the neighbour's is untouched */
    must(eddy_ring_release(p.consumer, &first));
    same(memory_of(p.producer), empty);
    ring_publish(p.producer, BIG, 2);
    first = ring_take(p.consumer, 2);
    must(eddy_ring_release(p.consumer, &first));
    ring_pair_close(&p);
}

static void giving_back_needs_a_ring_without_promises(void **state)
{
    (void)state;
    eddy_ring *ring;
    struct eddy_ring_options options = {
        .slot_bytes = 4096, .slots = 1, .role = EDDY_RING_PRODUCER, .flags = EDDY_RING_PUNCH};
    must_fail(eddy_ring_create(NULL, "ring", &options, &ring), EDDY_EINVAL);
    says("SPARSE");
}

static void names_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const none[] = {"",    "/",    "a/b", "..",           "_a",   ".a",
                                       "a b", "a\nb", "//a", "\xc3\xa4ther", "a/..", "-"};
    struct eddy_ring_options options = {.slot_bytes = 64, .slots = 1, .role = EDDY_RING_PRODUCER};
    char name[65];
    eddy_ring *ring;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        must_fail(eddy_ring_create(NULL, none[i], &options, &ring), EDDY_EINVAL);
        must_fail(eddy_ring_attach(NULL, none[i], EDDY_RING_CONSUMER, NULL, &ring), EDDY_EINVAL);
    }
    memset(name, 'n', sizeof name);
    name[64] = 0;
    must_fail(eddy_ring_create(NULL, name, &options, &ring), EDDY_EINVAL);
    name[63] = 0;
    must(eddy_ring_create(NULL, name, &options, &ring));
    must(eddy_ring_close(ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_consumer_that_writes_a_chunk_is_stopped_by_the_hardware),
        WORLD_TEST(released_memory_goes_back_if_asked),
        WORLD_TEST(giving_back_needs_a_ring_without_promises),
        WORLD_TEST(names_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
