/* block_orders_test.c - memory that comes and goes: of two who take the last of it one sees the other,
 * who writes to it again comes after who read it, and who joins has its column wherever slots are used.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"
#include "support/segment.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LARGE = 65536, ROUNDS = 40, COLUMNS = 12, TOPICS = 4 };

static struct eddy_segment *segment;
static int dir;
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint stage, got;
static uint64_t shadow;

static void create(uint64_t limit)
{
    dir = open(world_dir(), O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    segment = segment_create(dir, "blocks", limit);
}

static void destroy(void)
{
    segment_destroy(dir, segment);
    close(dir);
}

static void play(void *(*const *parts)(void *), int count)
{
    pthread_t threads[3];
    atomic_store(&stage, 0);
    atomic_store(&got, 0);
    for (int i = 0; i < count; i++)
        threads[i] = thread_start(parts[i], (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < count; i++)
        thread_join(threads[i]);
}

/* --- the last memory ------------------------------------------------------------------------- */

static void *take_the_last(void *me)
{
    struct eddy_place p;
    atomic_fetch_add_explicit(&stage, 1, memory_order_relaxed);
    while (atomic_load_explicit(&stage, memory_order_relaxed) < 2)
        sched_yield();
    if (eddy_slot_grow(segment, LARGE, (uint32_t)(uintptr_t)me, &p) == EDDY_OK)
        atomic_fetch_add_explicit(&got, 1, memory_order_relaxed);
    return NULL;
}

/* One of three that there is room for is had before: so the extent is there, and two are to be had. */
static void two_do_not_get_more_than_there_is(void **state)
{
    (void)state;
    static void *(*const parts[])(void *) = {take_the_last, take_the_last};
    for (int i = 0; i < ROUNDS; i++) {
        struct eddy_place p;
        create(4096 + 2 * LARGE);
        must(eddy_slot_grow(segment, LARGE, 9, &p));
        play(parts, 2);
        check(atomic_load(&got) <= 1);
        destroy();
    }
}

/* --- memory that is used again --------------------------------------------------------------- */

static void wait_for_stage(unsigned wanted)
{
    while (atomic_load_explicit(&stage, memory_order_relaxed) < wanted)
        sched_yield();
}

static void next_stage(void)
{
    atomic_fetch_add_explicit(&stage, 1, memory_order_relaxed);
}

static void get(uint32_t me, struct eddy_place *p)
{
    while (eddy_slot_grow(segment, LARGE, me, p) != EDDY_OK)
        sched_yield();
}

static void *use_and_discard(void *me)
{
    struct eddy_place p;
    for (unsigned i = 0; i < ROUNDS; i++) {
        get((uint32_t)(uintptr_t)me, &p);
        shadow_write(&shadow, i + 1);
        eddy_slot_discard(segment, &p);
    }
    return NULL;
}

static void who_gets_memory_comes_after_who_gave_it_back(void **state)
{
    (void)state;
    static void *(*const parts[])(void *) = {use_and_discard, use_and_discard};
    create(4096 + LARGE);
    play(parts, 2);
    destroy();
}

/* As whoever reaps does that cannot take the memory. */
static void *use_and_abandon(void *me)
{
    struct eddy_place p;
    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_for_stage(3 * i);
        get((uint32_t)(uintptr_t)me, &p);
        shadow_write(&shadow, i + 1);
        eddy_slot_withdraw(p.slot);
        next_stage();
    }
    return NULL;
}

static void *trim_abandoned(void *me)
{
    const struct eddy_limit all = {.below = UINT64_MAX};
    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_for_stage(3 * i + 1);
        while (eddy_blocks_trim(segment, (uint32_t)(uintptr_t)me, &all, UINT64_MAX, LARGE) == 0)
            sched_yield();
        next_stage();
    }
    return NULL;
}

static void *use_it_again(void *me)
{
    struct eddy_place p;
    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_for_stage(3 * i + 2);
        get((uint32_t)(uintptr_t)me, &p);
        shadow_write(&shadow, i + 1);
        eddy_slot_discard(segment, &p);
        next_stage();
    }
    return NULL;
}

static void so_it_does_where_the_dead_left_it(void **state)
{
    (void)state;
    static void *(*const parts[])(void *) = {use_and_abandon, trim_abandoned, use_it_again};
    create(4096 + LARGE);
    play(parts, 3);
    destroy();
}

/* --- columns --------------------------------------------------------------------------------- */

static size_t size_of(uint32_t c)
{
    return (size_t)LARGE * c; /* an extent each */
}

static void *join_all(void *unused)
{
    for (uint32_t c = 1; c < COLUMNS; c++) {
        wait_for_stage(2 * c - 1);
        /* As one who joins does (transport/topic.c). */
        eddy_or_seq(&segment->control->reader_groups, 1ull << c);
        must(eddy_columns_make(segment, c));
        next_stage();
    }
    return unused;
}

static void *add_all(void *unused)
{
    for (uint32_t c = 1; c < COLUMNS; c++) {
        wait_for_stage(2 * c - 2);
        next_stage();
        must(eddy_extent_add(segment, size_of(c), 1u << 30));
    }
    return unused;
}

static void *use_all(void *me)
{
    for (uint32_t c = 1; c < COLUMNS; c++) {
        struct eddy_place p;
        while (eddy_extent_count(segment) < c)
            sched_yield();
        must(eddy_slot_grow(segment, size_of(c), (uint32_t)(uintptr_t)me, &p));
    }
    return NULL;
}

static void who_joins_has_a_column_wherever_slots_are_used(void **state)
{
    (void)state;
    static void *(*const parts[])(void *) = {add_all, join_all, use_all};
    for (int i = 0; i < TOPICS; i++) {
        create(1u << 30);
        play(parts, 3);
        for (uint32_t x = 0; x < eddy_extent_count(segment); x++)
            if (eddy_extent_committed(&segment->extents[x]) > 0)
                same(eddy_load_seq(&segment->extents[x].header->columns),
                     eddy_load_seq(&segment->control->reader_groups));
        destroy();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(two_do_not_get_more_than_there_is),
        WORLD_TEST(who_gets_memory_comes_after_who_gave_it_back),
        WORLD_TEST(so_it_does_where_the_dead_left_it),
        WORLD_TEST(who_joins_has_a_column_wherever_slots_are_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
