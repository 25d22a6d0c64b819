/* slots_ladder_test.c - whatever a segment of slots holds: success or an error, no crash, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"
#include "support/vandal.h"

#include <sys/stat.h>

static const uint64_t nobody[] = {0};

/* Keeps the segment alive, with samples read, unread, held and on loan, and readers beyond 64. */
static void host_process(int wire, void *argument)
{
    (void)argument;
    struct slots_pair p = slots_pair_open(8, 200, 130);
    struct eddy_slot_sample sample;
    struct eddy_slot_loan loan;
    must(eddy_slots_join(p.reader, 70, NULL));
    for (int i = 0; i < 5; i++)
        must(slots_publish(p.writer, nobody, "something", 10));
    must(eddy_slots_take(p.reader, 0, EDDY_POLL, &sample));
    check(slots_hear(p.reader, 70, "something", 10));
    must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* --- a visitor ------------------------------------------------------------------------------- */

static void write_some(eddy_slots *slots)
{
    for (int i = 0; i < 4; i++) {
        struct eddy_slot_loan loan;
        int error = eddy_slots_loan(slots, i % 2 ? NULL : nobody, i % 2 ? 0 : 1, EDDY_POLL, &loan);
        is_an_answer(error);
        if (error)
            continue;
        memset(loan.data, 'v', loan.size);
        is_an_answer(i == 3 ? eddy_slots_discard(slots, &loan)
                            : eddy_slots_publish(slots, &loan, 200, NULL));
    }
}

/* Reads all that it is given, so that a wrong size or place would be noticed. */
static void read_some(eddy_slots *slots, uint32_t reader)
{
    volatile unsigned char sum = 0;
    char copy[300];
    for (int i = 0; i < 12; i++) {
        struct eddy_slot_sample sample;
        int error = i % 3 == 2 ? eddy_slots_take_latest(slots, reader, &sample)
                               : eddy_slots_take(slots, reader, EDDY_POLL, &sample);
        is_an_answer(error);
        for (size_t at = 0; !error && at < sample.size; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)sample.data)[at]);
        if (!error)
            is_an_answer(eddy_slots_release(slots, &sample));
        if (eddy_slots_next_unread(slots, reader, &sample))
            continue;
        is_an_answer(eddy_slots_read(slots, &sample, copy, sizeof copy));
        is_an_answer(eddy_slots_mark_read(slots, &sample));
    }
}

static void look_at_all(eddy_slots *slots)
{
    struct eddy_slots_info report;
    is_an_answer(eddy_slots_describe(slots, &report));
    for (uint32_t i = 0; i < 8; i++) {
        struct eddy_slot_state look;
        uint64_t mask[3];
        is_an_answer(eddy_slots_look(slots, i, &look));
        is_an_answer(eddy_slots_read_mask(slots, i, mask, 3));
    }
    is_an_answer(eddy_slots_wait(slots, eddy_slots_generation(slots), EDDY_POLL));
}

static void work(eddy_slots *slots)
{
    uint32_t readers[2] = {0, 0};
    if (!slots)
        return;
    int first = eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &readers[0]);
    int second = eddy_slots_join(slots, 129, &readers[1]);
    is_an_answer(first);
    is_an_answer(second);
    write_some(slots);
    if (!first)
        read_some(slots, readers[0]);
    if (!second)
        read_some(slots, readers[1]);
    is_an_answer(eddy_slots_let_go(slots, 70));
    look_at_all(slots);
    if (!second)
        is_an_answer(eddy_slots_leave(slots, 129));
}

static eddy_slots *visited;

static void enter(void)
{
    visited = NULL;
    is_an_answer(eddy_slots_attach(NULL, slots_path("slots"), NULL, &visited));
}

static bool act(size_t offset, uint64_t value)
{
    (void)value;
    work(visited);
    is_an_answer(eddy_slots_close(visited));
    if (offset % 1024 == 0)
        is_an_answer(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    return true;
}

static bool is_target(size_t offset, uint64_t was)
{
    enum { MEMBERS_END = 4096 + 2048 * 8, HEADER_USED = 0x600 };
    return offset < HEADER_USED || (offset >= MEMBERS_END && offset < MEMBERS_END + 4096) ||
           was != 0;
}

static size_t own_values(uint64_t was, uint64_t values[VANDAL_OWN_VALUES])
{
    values[0] = was ^ (UINT64_C(1) << 16);
    values[1] = was ^ (UINT64_C(1) << 21);
    return 2;
}

static void is_refused(int error)
{
    eddy_slots *slots;
    must_fail(eddy_slots_attach(NULL, slots_path("slots"), NULL, &slots), error);
}

static const struct vandal_object segment = {.host = host_process,
                                             .suffix = ".slots",
                                             .is_refused = is_refused,
                                             .fewest = 1000,
                                             .is_target = is_target,
                                             .own_values = own_values,
                                             .enter = enter,
                                             .act = act};

/* --- claims ---------------------------------------------------------------------------------- */

static void attaching_to_any_segment_is_safe(void **state)
{
    (void)state;
    vandal_start(&segment);
    vandal_visit_all(BEFORE_ATTACH);
    vandal_finish();
}

static void scribbles_on_a_segment_in_use_are_safe(void **state)
{
    (void)state;
    vandal_start(&segment);
    vandal_visit_all(WHILE_ATTACHED);
    vandal_finish();
}

static void each_rung_has_its_error(void **state)
{
    (void)state;
    vandal_start(&segment);
    uint64_t counts = vandal_peek(0x40);
    vandal_word_gives(0, 0, EDDY_ESEGMENT);
    vandal_word_gives(8, 0x7fff, EDDY_EVERSION);
    vandal_word_gives(0x28, vandal_peek(0x28) + 4096, EDDY_ESEGMENT);
    vandal_word_gives(0x30, 1 << 20, EDDY_ESEGMENT);
    vandal_word_gives(0x40, counts - 8 + 1000000, EDDY_ESEGMENT); /* a million slots */
    vandal_word_gives(0x40, counts & 0xffffffff, EDDY_ESEGMENT);  /* no readers */
    vandal_word_gives(0x48, 1u << 31, EDDY_ESEGMENT);
    vandal_word_gives(0x50, 0, EDDY_ESEGMENT); /* another nonce than its name's */
    must(eddy_slots_close(slots_attach("slots")));
    vandal_finish();
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    vandal_start(&segment);
    vandal_file_is_short();
    vandal_finish();
}

static void links_and_strangers_files_are_refused(void **state)
{
    (void)state;
    eddy_slots *slots;
    vandal_start(&segment);
    vandal_file_is_none();
    check(chmod(world_dir(), 0722) == 0);
    is_refused(EDDY_EACCES);
    must_fail(eddy_slots_create(NULL, slots_path("new"),
                                &(struct eddy_slots_options){.slot_count = 1}, &slots),
              EDDY_EACCES);
    check(chmod(world_dir(), 0700) == 0);
    vandal_finish();
}

static void a_flink_may_hold_anything(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "eddy flink 1\n",
        "eddy flink 1\nkind: slots\n",
        "eddy flink 1\nkind: slots\nsegment: 0123\n",
        "eddy flink 1\nkind: rings\nsegment: 0123456789abcdef0123456789abcdef\n",
        "eddy flink 1\nkind: a kind with a long name\nsegment: 0123456789abcdef0123456789abcdef\n",
        "eddy flink 1\nkind: slots\nsegment: ../../../../../../../../../etc/pass\n",
    };
    eddy_slots *slots;
    world_is_dirty();
    eddy_domain *domain = open_domain();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *flink = fopen(slots_path("any"), "w");
        check(flink != NULL);
        fputs(texts[i], flink);
        fclose(flink);
        check(chmod(slots_path("any"), 0600) == 0);
        must_fail(eddy_slots_attach(NULL, slots_path("any"), NULL, &slots), EDDY_EFLINK);
    }
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(attaching_to_any_segment_is_safe),
        WORLD_TEST(scribbles_on_a_segment_in_use_are_safe),
        WORLD_TEST(each_rung_has_its_error),
        WORLD_TEST(a_file_cut_short_is_refused),
        WORLD_TEST(links_and_strangers_files_are_refused),
        WORLD_TEST(a_flink_may_hold_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
