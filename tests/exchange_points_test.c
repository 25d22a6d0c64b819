/* exchange_points_test.c - kill -9, or a long stop, wherever an extent takes over the number of another:
 * no number is lost, no sample either, and the others go on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/points.h"
#include "support/world.h"

#include "allocator/segment/block.h"
#include "transport/topic/writer.h"

#include <string.h>

enum { MIB = 1 << 20, LIMIT = 32 * MIB, LARGE = 3 * MIB, OTHER = 5 * MIB / 4, TIMES = 2 };

static const struct eddy_writer_options writing = {.limit_bytes = LIMIT};

static struct pair ours;

/* All numbers are taken. */
static void start(void)
{
    struct eddy_reader_options reading = {.limit_bytes = LIMIT};
    ours = pair_open(&writing, &reading);
    struct eddy_segment *s = ours.writer->segment;
    for (uint64_t size = 0; eddy_extent_count(s) < EDDY_EXTENTS_MAX; size += size / 16) {
        size = size < 20000 || size > MIB ? 20000 : size;
        must(eddy_extent_add(s, size, LIMIT));
    }
}

static void exchange_for(eddy_writer *writer, size_t size)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, size, EDDY_POLL, &loan));
    memset(loan.data, 1, size);
    must(eddy_writer_discard(writer, &loan));
}

static void actor(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", &writing);
    points_arm();
    exchange_for(writer, LARGE);
    exchange_for(writer, OTHER);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* All of the limit can be had, of any size, and what is published arrives. */
static void all_can_be_had(size_t size)
{
    static struct eddy_sample held[LIMIT / 20000];
    struct eddy_loan loan;
    size_t count = 0;
    int error;
    while ((error = eddy_writer_loan(ours.writer, size, EDDY_POLL, &loan)) == EDDY_OK) {
        memset(loan.data, (int)count, 8);
        must(eddy_writer_publish(ours.writer, &loan, size, patience()));
        must(eddy_reader_take(ours.reader, &held[count]));
        same(held[count].size, size);
        same(*(const uint8_t *)held[count].data, count & 0xff);
        count++;
    }
    must_fail(error, EDDY_EAGAIN);
    check(count * size > LIMIT / 5 * 4);
    while (count-- > 0)
        must(eddy_reader_release(ours.reader, &held[count]));
}

static void no_number_is_closed(void)
{
    const struct eddy_control *c = ours.writer->segment->control;
    for (uint32_t i = 0; i < EDDY_EXTENTS_MAX; i++)
        check(!(eddy_load_seq(&c->extents[i]) & EDDY_EXTENT_CLOSED));
}

/* Whether or not another slot will do. */
static void waits_for_nobody(size_t size)
{
    struct eddy_loan loan;
    uint64_t began = eddy_now();
    int error = eddy_writer_loan(ours.writer, size, EDDY_POLL, &loan);
    check(eddy_now() - began < SECOND);
    if (error)
        must_fail(error, EDDY_EAGAIN);
    else
        must(eddy_writer_discard(ours.writer, &loan));
}

static void others_go_on(void)
{
    exchange_for(ours.writer, 20000); /* which needs no exchange */
    waits_for_nobody(9 * MIB / 4);    /* which does */
}

static bool play(const char *point, unsigned time, enum blow blow)
{
    start();
    plan = (struct points_plan){point, time, blow};
    bool struck = points_play(actor, NULL, others_go_on);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    all_can_be_had(MIB / 2);
    all_can_be_had(LARGE);
    all_can_be_had(20000);
    all_can_be_had(OTHER);
    if (!(struck && blow == KILL)) /* else the next who exchanges opens it */
        no_number_is_closed();
    pair_close(&ours);
    plan = (struct points_plan){0};
    world_must_be_empty();
    return struck;
}

static void strike(enum blow blow)
{
    for (size_t i = 0; i < points_all_count; i++)
        for (unsigned time = 1; time <= TIMES; time++)
            if (strncmp(points_all[i], "exchange:", 9) == 0 && !play(points_all[i], time, blow))
                check_fail(CHECK_HERE("strike"), "nobody comes to %s", points_all[i]);
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
