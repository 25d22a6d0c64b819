/* segment_test.c - whatever the shared memory holds: success or a clear error, no crash, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/vandal.h"
#include "support/world.h"

#include <stdio.h>
#include <string.h>

static char flink[512];

/* Keeps the topic alive, with samples unread, held, kept for late readers and on loan. */
static void host_process(int wire, void *argument)
{
    (void)argument;
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 4},
                                 &(struct eddy_reader_options){.limit_bytes = 16u << 20});
    eddy_reader *idle = open_reader(pair.domain, "pair", NULL);
    struct eddy_sample sample;
    struct eddy_loan loan;
    (void)idle;
    for (uint64_t i = 0; i < 12; i++)
        payload_publish(pair.writer, 200, 1, i);
    must(eddy_reader_take(pair.reader, &sample));
    must(eddy_writer_loan(pair.writer, 200, patience(), &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void find_flink(void)
{
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(NULL, &snapshot));
    same(eddy_snapshot_topics(snapshot), 1);
    snprintf(flink, sizeof flink, "%s", eddy_snapshot_topic(snapshot, 0)->flink);
    eddy_snapshot_free(snapshot);
}

/* --- a visitor ------------------------------------------------------------------------------- */

static struct {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader, *late;
} visit;

static void enter(void)
{
    struct eddy_topic_identity name = {.name = "pair"};
    struct eddy_reader_options reading = {.reliability = EDDY_BEST_EFFORT, .history = UINT32_MAX};
    memset(&visit, 0, sizeof visit);
    is_an_answer(eddy_domain_open(NULL, &visit.domain));
    if (!visit.domain)
        return;
    is_an_answer(eddy_writer_open(visit.domain, &name, NULL, &visit.writer));
    is_an_answer(eddy_reader_open(visit.domain, &name, NULL, &visit.reader));
    is_an_answer(eddy_reader_attach(visit.domain, flink, &reading, &visit.late));
}

static void publish_some(eddy_writer *writer)
{
    for (int i = 0; i < 3; i++) {
        struct eddy_loan loan;
        int error = eddy_writer_loan(writer, 200, eddy_deadline(MILLISECOND / 2), &loan);
        is_an_answer(error);
        if (error != EDDY_OK)
            return;
        memset(loan.data, 'v', 200);
        error = eddy_writer_publish(writer, &loan, 200, eddy_deadline(MILLISECOND / 2));
        is_an_answer(error);
        if (error != EDDY_OK)
            is_an_answer(eddy_writer_discard(writer, &loan));
    }
}

/* Reads all that it is given, so that a wrong size or place would be noticed. */
static void take_some(eddy_reader *reader)
{
    volatile unsigned char sum = 0;
    is_an_answer(eddy_reader_wait(reader, EDDY_POLL));
    for (int i = 0; i < 40; i++) {
        struct eddy_sample sample;
        int error = eddy_reader_take(reader, &sample);
        is_an_answer(error);
        if (error != EDDY_OK)
            return;
        for (size_t at = 0; at < sample.size; at += 64)
            sum = (unsigned char)(sum + ((const unsigned char *)sample.data)[at]);
        for (size_t at = 0; at < sample.header_size; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)sample.header)[at]);
        is_an_answer(eddy_reader_release(reader, &sample));
    }
}

static void work(void)
{
    struct eddy_topic_stats stats;
    eddy_snapshot *snapshot = NULL;
    if (visit.writer) {
        publish_some(visit.writer);
        is_an_answer(eddy_writer_stats(visit.writer, &stats));
    }
    if (visit.late)
        take_some(visit.late);
    if (visit.reader)
        take_some(visit.reader);
    is_an_answer(eddy_snapshot_take(NULL, &snapshot));
    eddy_snapshot_free(snapshot);
}

static void leave(void)
{
    if (!visit.domain)
        return;
    is_an_answer(eddy_reader_close(visit.late));
    is_an_answer(eddy_reader_close(visit.reader));
    is_an_answer(eddy_writer_close(visit.writer));
    must(eddy_domain_close(visit.domain));
}

static bool act(size_t offset, uint64_t value)
{
    (void)offset, (void)value;
    work();
    leave();
    return true;
}

/* All words of a file's first page; then those that are in use. */
static bool is_target(size_t offset, uint64_t was)
{
    return offset < 4096 || was != 0;
}

static void visit_all(enum vandal_moment moment, const char *suffix)
{
    vandal_start(&(struct vandal_object){.host = host_process,
                                         .suffix = suffix,
                                         .fewest = 500,
                                         .is_target = is_target,
                                         .enter = enter,
                                         .act = act});
    find_flink();
    vandal_visit_all(moment);
    vandal_finish();
}

static void attaching_to_any_control_file_is_safe(void **state)
{
    (void)state;
    visit_all(BEFORE_ATTACH, ".seg");
}

static void scribbles_on_a_control_file_in_use_are_safe(void **state)
{
    (void)state;
    visit_all(WHILE_ATTACHED, ".seg");
}

static void attaching_to_any_extent_is_safe(void **state)
{
    (void)state;
    visit_all(BEFORE_ATTACH, ".x0");
}

static void scribbles_on_an_extent_in_use_are_safe(void **state)
{
    (void)state;
    visit_all(WHILE_ATTACHED, ".x0");
}

static void joining_any_registry_is_safe(void **state)
{
    (void)state;
    visit_all(BEFORE_ATTACH, "registry");
}

static void scribbles_on_a_registry_in_use_are_safe(void **state)
{
    (void)state;
    visit_all(WHILE_ATTACHED, "registry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(attaching_to_any_control_file_is_safe),
        WORLD_TEST(scribbles_on_a_control_file_in_use_are_safe),
        WORLD_TEST(attaching_to_any_extent_is_safe),
        WORLD_TEST(scribbles_on_an_extent_in_use_are_safe),
        WORLD_TEST(joining_any_registry_is_safe),
        WORLD_TEST(scribbles_on_a_registry_in_use_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
