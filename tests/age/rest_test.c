/* rest_test.c - bits that killed readers have left in slots without memory keep nobody from giving these
 * memory again.
 *
 * A reader sets its bit, then looks whether the slot still has its sample; killed in between, it leaves
 * the bit behind, perhaps in an extent at rest, where nobody who reaps it looks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include "allocator/segment/block.h"
#include "transport/topic/writer.h"

enum { KIB = 1 << 10, ONE = 100 * KIB, OTHER = 300 * KIB, BIT = 7, FAR_BIT = 70 };

static const uint64_t LIMIT = 64 * 1024 * (uint64_t)KIB;

static eddy_domain *domain;
static eddy_writer *writer;
static struct eddy_segment *segment;

/* Every number has an extent, the first one for fewer samples of ONE. */
static void start(void)
{
    domain = open_domain();
    writer = open_writer(domain, "rest", &(struct eddy_writer_options){.limit_bytes = LIMIT});
    segment = writer->segment;
    must(eddy_extent_add(segment, ONE, LIMIT));
    while (eddy_extent_count(segment) < EDDY_EXTENTS_MAX)
        must(eddy_extent_add(segment, 20 * 1024 * KIB, LIMIT));
}

static void stop(void)
{
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* The first number gets an extent for samples of so many bytes. */
static struct eddy_place exchange_for(size_t size)
{
    struct eddy_place p;
    segment->exchanged = 0;
    must(eddy_extent_exchange(segment, size, LIMIT));
    must(eddy_slot_first(segment, 0, &p));
    check(p.extent->capacity >= size && p.extent->capacity < size + size / 4);
    return p;
}

static void leave_bits(const struct eddy_place *p)
{
    _Atomic uint64_t *column = eddy_extent_column(segment, p->extent, FAR_BIT / 64, true);
    check(column != NULL);
    for (uint32_t i = 0; i < p->extent->count; i++) {
        eddy_or_seq(&p->extent->first[i].mask, eddy_seat_bit(BIT));
        eddy_or_seq(&column[i], eddy_seat_bit(FAR_BIT));
    }
}

/* All slots of the extent can be had. */
static void can_be_had(const struct eddy_place *p)
{
    struct eddy_place got;
    for (uint32_t i = 0; i < p->extent->count && i < 20; i++) {
        must(eddy_slot_grow(segment, ONE, writer->me, &got));
        check(got.extent == p->extent);
        same(eddy_load_seq(&got.slot->mask), 0);
        check(!eddy_slot_held(segment, &got));
    }
}

/* One who joins now, and has the seats' groups looked at. */
static void with_groups(void (*play)(void))
{
    start();
    uint64_t groups = eddy_or_seq(&segment->control->reader_groups, 3u);
    play();
    eddy_store_seq(&segment->control->reader_groups, groups);
    stop();
}

static void leave_bits_at_rest(void)
{
    struct eddy_place one = exchange_for(ONE), again; /* with slots for all of the limit */
    (void)exchange_for(OTHER);
    leave_bits(&one); /* of readers that came for a sample that is not there any more */
    again = exchange_for(ONE);
    check(again.extent == one.extent);
    can_be_had(&again);
}

static void what_the_dead_left_at_rest_is_forgotten(void **state)
{
    (void)state;
    with_groups(leave_bits_at_rest);
}

static void leave_bits_of_the_void(void)
{
    struct eddy_place one;
    must(eddy_slot_first(segment, 0, &one));
    leave_bits(&one);
    eddy_store_seq(&segment->readers[BIT].owner, EDDY_OWNER_REAPING);
    must(eddy_segment_reserve_seat(segment, false, 64));
    eddy_store_seq(&segment->readers[FAR_BIT].owner, EDDY_OWNER_REAPING);
    can_be_had(&one);
    eddy_store_seq(&segment->readers[BIT].owner, 0);
    eddy_store_seq(&segment->readers[FAR_BIT].owner, 0);
}

static void what_is_still_to_be_reaped_is_in_nobodys_way(void **state)
{
    (void)state;
    with_groups(leave_bits_of_the_void);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_the_dead_left_at_rest_is_forgotten),
        WORLD_TEST(what_is_still_to_be_reaped_is_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
