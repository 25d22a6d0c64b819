/* block_points_test.c - kill -9, or a long stop, wherever a block gets its memory, loses it or is
 * reserved: no slot is lost, none is without memory, and nothing is counted that is not there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/points.h"
#include "support/world.h"

#include "allocator/segment/block.h"
#include "transport/topic/writer.h"

#include <string.h>

enum { LIMIT = 1 << 20, MANY = 3000, LARGE = 70000, TIMES = 3 };

static const struct eddy_writer_options writing = {.limit_bytes = LIMIT};

static struct pair ours;
static uint64_t bare; /* bytes of the topic without samples */

static uint64_t shared_bytes(void)
{
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(ours.writer, &stats));
    return stats.shared_bytes;
}

static void start(void)
{
    struct eddy_reader_options reading = {.limit_bytes = LIMIT};
    ours = pair_open(&writing, &reading);
    bare = shared_bytes();
}

/* --- who is struck --------------------------------------------------------------------------- */

static void publish_of(eddy_writer *writer, size_t size)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, size, patience(), &loan));
    memset(loan.data, 1, size);
    must(eddy_writer_discard(writer, &loan));
}

static void get_memory(eddy_domain *domain, eddy_writer *writer)
{
    (void)domain;
    publish_of(writer, MANY);
    publish_of(writer, LARGE);
}

static void give_it_back(eddy_domain *domain, eddy_writer *writer)
{
    must(eddy_topic_trim(domain, eddy_writer_flink(writer), NULL));
}

static void reserve_some(eddy_domain *domain, eddy_writer *writer)
{
    (void)domain;
    must(eddy_writer_reserve(writer, &(struct eddy_reservation){.size = MANY, .count = 3}));
    must(eddy_writer_reserve(writer, &(struct eddy_reservation){.size = LARGE, .count = 2}));
}

struct deed {
    void (*do_it)(eddy_domain *domain, eddy_writer *writer);
    bool used_before; /* the topic has memory that is free */
};

static const struct deed deeds[] = {
    {get_memory, false}, {give_it_back, true}, {reserve_some, false}, {reserve_some, true}};

static void actor(int wire, void *argument)
{
    (void)wire;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", &writing);
    points_arm();
    ((const struct deed *)argument)->do_it(domain, writer);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- what must be so ------------------------------------------------------------------------- */

static bool is_sound(struct eddy_segment *s, const struct eddy_place *p, uint32_t id, void *context)
{
    const struct eddy_extent *x = p->extent;
    uint32_t block = p->index / x->block_slots, owner = eddy_slot_owner(p->slot);
    bool committed = eddy_load_seq(&x->blocks[block / 64].committed) >> block % 64 & 1;
    (void)s, (void)context;
    if (owner != 0 && owner != EDDY_SLOT_ABSENT && owner != ours.writer->me)
        check_fail(CHECK_HERE("is_sound"), "slot %#x is lost after %s", id, plan.point);
    if ((owner == EDDY_SLOT_ABSENT) == committed) /* what the dead left is trimmed by now */
        check_fail(CHECK_HERE("is_sound"), "slot %#x and its block disagree after %s", id,
                   plan.point);
    return true;
}

/* What counts as used is what the files have. */
static void nothing_is_counted_that_is_not_there(void)
{
    uint64_t bytes;
    must(eddy_blocks_bytes(ours.writer->segment, &bytes));
    same(bytes, shared_bytes() - bare);
}

/* All of the limit can be had, of either size. */
static void all_can_be_had(size_t size)
{
    static struct eddy_loan loans[LIMIT / MANY];
    size_t count = 0;
    int error;
    while ((error = eddy_writer_loan(ours.writer, size, eddy_deadline(MILLISECOND / 10),
                                     &loans[count])) == EDDY_OK)
        count++;
    must_fail(error, EDDY_ETIMEDOUT);
    check(count * size > LIMIT / 5 * 3);
    while (count-- > 0)
        must(eddy_writer_discard(ours.writer, &loans[count]));
}

static void others_go_on(void)
{
    get_memory(ours.domain, ours.writer);
    give_it_back(ours.domain, ours.writer);
}

static void play(const struct deed *deed, const char *point, unsigned time, enum blow blow)
{
    start();
    if (deed->used_before)
        get_memory(ours.domain, ours.writer);
    plan = (struct points_plan){point, time, blow};
    (void)points_play(actor, (void *)deed, others_go_on);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    give_it_back(ours.domain, ours.writer);
    must(eddy_slots_each(ours.writer->segment, is_sound, NULL));
    nothing_is_counted_that_is_not_there();
    if (deed->do_it != reserve_some) {
        all_can_be_had(LARGE);
        all_can_be_had(MANY);
    }
    pair_close(&ours);
    plan = (struct points_plan){0};
    world_must_be_empty();
}

static bool is_ours(const char *point)
{
    return strncmp(point, "block:", 6) == 0 || strncmp(point, "trim:", 5) == 0 ||
           strcmp(point, "claim:decided") == 0;
}

static void strike(enum blow blow)
{
    for (size_t i = 0; i < points_all_count; i++)
        for (size_t d = 0; d < sizeof deeds / sizeof *deeds && is_ours(points_all[i]); d++)
            for (unsigned time = 1; time <= TIMES; time++)
                play(&deeds[d], points_all[i], time, blow);
}

static void who_dies_there_leaves_all_to_the_others(void **state)
{
    (void)state;
    strike(KILL);
}

static void who_stops_there_holds_up_nobody(void **state)
{
    (void)state;
    strike(STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_dies_there_leaves_all_to_the_others),
        WORLD_TEST(who_stops_there_holds_up_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
