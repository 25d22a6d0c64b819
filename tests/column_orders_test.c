/* column_orders_test.c - a reader's first bit in a column is seen by who claims the slot.
 *
 * A column begins once an extent, so here each of the 63 begins with every segment: one thread pins
 * a slot for a seat of each, another tries to claim the slot afterwards, which nothing tells it but
 * the columns.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"
#include "support/segment.h"
#include "support/thread.h"
#include "support/world.h"
#include "transport/topic/reader.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

enum { ROUNDS = 6, COLUMNS = EDDY_SEATS_MAX / 64 };

static struct eddy_segment *segment;
static atomic_uint pinned; /* relaxed throughout: the test must not order what the engine should */

static struct eddy_place slot_of(uint32_t column)
{
    struct eddy_place p;
    must(eddy_slot_find(segment, eddy_slot_id(0, column), &p));
    return p;
}

/* As one who joins does (transport/topic/topic.c). */
static void sit_down(uint32_t seat)
{
    eddy_or_seq(&segment->control->reader_groups, 1ull << seat / 64);
}

static void *pin_all(void *unused)
{
    for (uint32_t c = 1; c < COLUMNS; c++) {
        struct eddy_reader reader = {.segment = segment, .seat_id = 64 * c};
        struct eddy_place p = slot_of(c);
        sit_down(reader.seat_id);
        must(eddy_columns_make(segment, c));
        must(eddy_reader_pin(&reader, &p, 1));
        atomic_store_explicit(&pinned, c, memory_order_relaxed);
    }
    return unused;
}

/* Of the same process, so that the column is mapped by another thread. */
static void *pin_beside(void *unused)
{
    for (uint32_t c = 1; c < COLUMNS; c++) {
        struct eddy_reader reader = {.segment = segment, .seat_id = 64 * c + 1};
        struct eddy_place p = slot_of(COLUMNS + c);
        while (atomic_load_explicit(&pinned, memory_order_relaxed) < c)
            sched_yield();
        must(eddy_reader_pin(&reader, &p, 1));
    }
    return unused;
}

static void *claim_all(void *unused)
{
    for (uint32_t c = 1; c < COLUMNS; c++) {
        struct eddy_place p = slot_of(c);
        while (atomic_load_explicit(&pinned, memory_order_relaxed) < c)
            sched_yield();
        check(!eddy_slot_claim(segment, &p, 1, &(struct eddy_limit){.below = UINT64_MAX}));
    }
    return unused;
}

/* visited: the columns are there, of readers that have gone. */
static void once(int dir, bool visited)
{
    struct eddy_place place;
    segment = segment_create(dir, "columns", 1 << 30);
    must(eddy_slot_grow(segment, 64, 1, &place));
    eddy_slot_give_up(place.slot);
    for (uint32_t i = 1; i < 2 * COLUMNS; i++)
        eddy_store_relaxed(&slot_of(i).slot->sn, 1u);
    for (uint32_t c = 1; visited && c < COLUMNS; c++)
        check(eddy_extent_column(segment, place.extent, c, true) != NULL);
    atomic_store(&pinned, 0);
    pthread_t threads[] = {thread_start(pin_all, NULL), thread_start(pin_beside, NULL),
                           thread_start(claim_all, NULL)};
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    segment_destroy(dir, segment);
}

static void play(bool visited)
{
    int dir = open(world_dir(), O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    for (int round = 0; round < ROUNDS; round++)
        once(dir, visited);
    close(dir);
}

static void who_pins_first_in_a_column_is_seen(void **state)
{
    (void)state;
    play(false);
}

static void who_pins_where_others_have_been_is_seen(void **state)
{
    (void)state;
    play(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_pins_first_in_a_column_is_seen),
        WORLD_TEST(who_pins_where_others_have_been_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
