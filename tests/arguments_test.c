/* arguments_test.c - what is missing, or not known, is refused, by every call and with a sentence; and so
 * is whatever a forked child wants of its parent's handles.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/world.h"

#include <eddy/foreign.h>
#include <eddy/watch.h>
#include <stdio.h>
#include <stdlib.h>

#define refused(call)  must_fail(call, EDDY_EINVAL)
#define not_ours(call) must_fail(call, EDDY_EFORKED)

static const struct eddy_topic_identity identity = {.name = "pair"};

/* One of each. */
struct all {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    eddy_waitset *waitset;
    eddy_event *event;
    eddy_exporter *exporter;
    eddy_importer *importer;
    eddy_watch *watch;
    eddy_slots *slots;
    uint32_t slots_reader;
    char flink[512];
};

static struct all open_all(void)
{
    struct eddy_slots_options options = {.slot_count = 4, .slot_capacity = 100, .readers = 4};
    struct all a = {.domain = open_domain()};
    a.writer = open_writer(a.domain, "pair", NULL);
    a.reader = open_reader(a.domain, "pair", NULL);
    must(eddy_waitset_open(a.domain, &a.waitset));
    must(eddy_event_open(&a.event));
    must(eddy_exporter_open(a.writer, NULL, &a.exporter));
    must(eddy_importer_open(a.domain, NULL, &a.importer));
    must(eddy_reader_watch(a.reader, NULL, &a.watch));
    snprintf(a.flink, sizeof a.flink, "%s/slots.flink", world_dir());
    must(eddy_slots_create(a.domain, a.flink, &options, &a.slots));
    must(eddy_slots_join(a.slots, EDDY_SLOTS_ANY_READER, &a.slots_reader));
    return a;
}

static void close_all(const struct all *a)
{
    must(eddy_slots_close(a->slots));
    must(eddy_watch_close(a->watch));
    must(eddy_importer_close(a->importer));
    must(eddy_exporter_close(a->exporter));
    must(eddy_event_close(a->event));
    must(eddy_waitset_close(a->waitset));
    must(eddy_reader_close(a->reader));
    must(eddy_writer_close(a->writer));
    must(eddy_domain_close(a->domain));
}

static void topics_refuse(void **state)
{
    (void)state;
    struct all a = open_all();
    eddy_reader *reader;
    eddy_writer *writer;
    refused(eddy_domain_open(NULL, NULL));
    refused(eddy_writer_open(NULL, &identity, NULL, &writer));
    refused(eddy_writer_open(a.domain, NULL, NULL, &writer));
    refused(eddy_writer_open(a.domain, &identity, NULL, NULL));
    refused(eddy_reader_open(NULL, &identity, NULL, &reader));
    refused(eddy_reader_open(a.domain, NULL, NULL, &reader));
    refused(eddy_reader_open(a.domain, &identity, NULL, NULL));
    refused(eddy_reader_open(a.domain, &identity, &(struct eddy_reader_options){.flags = 1u << 30},
                             &reader));
    refused(eddy_reader_open(a.domain, &identity, &(struct eddy_reader_options){.reserved = 1},
                             &reader));
    refused(eddy_writer_open(a.domain, &identity, &(struct eddy_writer_options){.flags = 1u << 30},
                             &writer));
    refused(eddy_writer_open(
        a.domain, &(struct eddy_topic_identity){.name = "x", .flags = 1u << 30}, NULL, &writer));
    refused(eddy_writer_open(a.domain, &(struct eddy_topic_identity){.name = "x", .reserved = 1},
                             NULL, &writer));
    refused(eddy_reader_attach(a.domain, NULL, NULL, &reader));
    refused(eddy_reader_attach(a.domain, "", NULL, &reader));
    refused(eddy_reader_attach(a.domain, a.flink, NULL, NULL));
    refused(eddy_reader_note(a.reader, NULL));
    refused(eddy_reader_note(a.reader, &(struct eddy_notes){.reserved = 1}));
    refused(eddy_reader_note(a.reader, &(struct eddy_notes){.reliability = 99}));
    refused(eddy_gc(NULL, NULL));
    close_all(&a);
}

static void waiting_and_watching_refuse(void **state)
{
    (void)state;
    struct all a = open_all();
    eddy_waitset *waitset;
    eddy_watch *watch;
    struct eddy_member_change change;
    void *ready;
    size_t count;
    refused(eddy_waitset_open(NULL, &waitset));
    refused(eddy_waitset_open(a.domain, NULL));
    refused(eddy_waitset_wait(a.waitset, EDDY_POLL, NULL, 1, &count));
    refused(eddy_waitset_wait(a.waitset, EDDY_POLL, &ready, 1, NULL));
    refused(eddy_waitset_wait(a.waitset, EDDY_POLL, &ready, 0, &count));
    refused(eddy_event_open(NULL));
    refused(eddy_reader_watch(NULL, NULL, &watch));
    refused(eddy_reader_watch(a.reader, NULL, NULL));
    refused(eddy_writer_watch(NULL, NULL, &watch));
    refused(eddy_writer_watch(a.writer, NULL, NULL));
    refused(eddy_writer_watch(a.writer, &(struct eddy_watch_options){.flags = 1}, &watch));
    refused(eddy_writer_watch(a.writer, &(struct eddy_watch_options){.reserved = 1}, &watch));
    refused(eddy_watch_take(NULL, &change));
    refused(eddy_watch_take(a.watch, NULL));
    close_all(&a);
}

static void memory_of_others_is_refused(void **state)
{
    (void)state;
    struct all a = open_all();
    eddy_exporter *exporter;
    eddy_importer *importer;
    refused(eddy_exporter_open(NULL, NULL, &exporter));
    refused(eddy_exporter_open(a.writer, NULL, NULL));
    refused(
        eddy_exporter_open(a.writer, &(struct eddy_exporter_options){.reserved = 1}, &exporter));
    refused(eddy_exporter_add(a.exporter, 0, 0, NULL));
    refused(eddy_exporter_add(a.exporter, 0, 1u << 30, &(uint64_t){0}));
    refused(eddy_importer_open(NULL, NULL, &importer));
    refused(eddy_importer_open(a.domain, NULL, NULL));
    refused(eddy_importer_open(a.domain, &(struct eddy_importer_options){.flags = 1u << 30},
                               &importer));
    refused(
        eddy_importer_open(a.domain, &(struct eddy_importer_options){.reserved = 1}, &importer));
    close_all(&a);
}

static void slots_and_rings_refuse(void **state)
{
    (void)state;
    struct all a = open_all();
    const struct eddy_slots_options options = {.slot_count = 4, .slot_capacity = 100};
    const struct eddy_slots_options unknown = {
        .slot_count = 4, .slot_capacity = 100, .flags = 1u << 30};
    const struct eddy_ring_options ring_options = {
        .slot_bytes = 100, .slots = 4, .role = EDDY_RING_CONSUMER};
    eddy_slots *slots;
    eddy_ring *ring;
    refused(eddy_slots_create(a.domain, NULL, &options, &slots));
    refused(eddy_slots_create(a.domain, "", &options, &slots));
    refused(eddy_slots_create(a.domain, a.flink, NULL, &slots));
    refused(eddy_slots_create(a.domain, a.flink, &options, NULL));
    refused(eddy_slots_create(a.domain, a.flink, &unknown, &slots));
    refused(eddy_slots_attach(a.domain, NULL, NULL, &slots));
    refused(eddy_slots_attach(a.domain, "", NULL, &slots));
    refused(eddy_slots_attach(a.domain, a.flink, NULL, NULL));
    struct eddy_slot_loan loan;
    must(eddy_slots_loan(a.slots, NULL, 0, EDDY_POLL, &loan));
    refused(eddy_slots_publish_copy(a.slots, &loan, NULL, 1, NULL));
    must(eddy_slots_discard(a.slots, &loan));
    refused(eddy_ring_create(a.domain, NULL, &ring_options, &ring));
    refused(eddy_ring_create(a.domain, "ring", NULL, &ring));
    refused(eddy_ring_create(a.domain, "ring", &ring_options, NULL));
    refused(eddy_ring_attach(a.domain, NULL, EDDY_RING_PRODUCER, NULL, &ring));
    refused(eddy_ring_attach(a.domain, "ring", EDDY_RING_PRODUCER, NULL, NULL));
    refused(eddy_ring_attach(a.domain, "ring", EDDY_RING_PRODUCER,
                             &(struct eddy_ring_wanted){.flags = 1u << 30}, &ring));
    must(eddy_ring_create(a.domain, "ring", &ring_options, &ring));
    refused(eddy_ring_crash(ring, NULL));
    refused(eddy_ring_report_crash(ring, NULL));
    must(eddy_ring_close(ring));
    close_all(&a);
}

/* --- sizes ------------------------------------------------------------------------------------------ */

#define ODD 6u /* no struct's */

static void odd_sizes_of_what_opens_are_refused(void **state)
{
    (void)state;
    struct all a = open_all();
    _Alignas(16) static const char zeros[4096];
    const void *any = zeros;
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    eddy_slots *slots;
    eddy_ring *ring;
    eddy_region *region;
    void *handle;
    refused(eddy_domain_open_sized(any, ODD, &domain));
    refused(eddy_domain_open_sized(any, 0, &domain));
    refused(eddy_domain_open_sized(any, 1u << 20, &domain));
    refused(eddy_writer_open_sized(a.domain, &identity, sizeof identity, any, ODD, &writer));
    refused(eddy_writer_open_sized(a.domain, any, ODD, NULL, 0, &writer));
    refused(eddy_reader_open_sized(a.domain, &identity, sizeof identity, any, ODD, &reader));
    refused(eddy_reader_open_sized(a.domain, any, ODD, NULL, 0, &reader));
    refused(eddy_reader_attach_sized(a.domain, a.flink, any, ODD, &reader));
    refused(eddy_slots_create_sized(a.domain, a.flink, any, ODD, &slots));
    refused(eddy_ring_create_sized(a.domain, "ring", any, ODD, &ring));
    refused(eddy_ring_attach_sized(a.domain, "ring", EDDY_RING_PRODUCER, any, ODD, &ring));
    refused(eddy_region_create_sized(a.domain, "region", any, ODD, &region));
    refused(eddy_region_attach_sized(a.domain, "region", any, ODD, &region));
    refused(eddy_region_create_path_sized("region", any, ODD, &region));
    refused(eddy_region_attach_path_sized("region", any, ODD, &region));
    refused(eddy_region_create_nameless_sized(any, ODD, &region));
    refused(eddy_region_attach_fd_sized(0, 4096, any, ODD, &region));
    refused(eddy_region_receive_sized(0, any, ODD, EDDY_POLL, &region));
    refused(eddy_join_sized(a.domain, "region", any, ODD, NULL, &handle));
    refused(eddy_join_adopt_sized(any, ODD));
    close_all(&a);
}

static void odd_sizes_of_what_is_given_along_are_refused(void **state)
{
    (void)state;
    struct all a = open_all();
    _Alignas(16) static const char zeros[4096];
    const void *any = zeros;
    eddy_exporter *exporter;
    eddy_importer *importer;
    eddy_watch *watch;
    struct eddy_loan loan;
    size_t published;
    refused(eddy_writer_loan_with_sized(a.writer, any, ODD, EDDY_POLL, &loan));
    must(eddy_writer_loan(a.writer, 8, EDDY_POLL, &loan));
    refused(eddy_writer_publish_with_sized(a.writer, &loan, 8, any, ODD, EDDY_POLL));
    refused(eddy_writer_publish_many_sized(a.writer, &loan, 1, any, ODD, EDDY_POLL, &published));
    must(eddy_writer_discard(a.writer, &loan));
    refused(eddy_writer_note_sized(a.writer, any, ODD));
    refused(eddy_reader_note_sized(a.reader, any, ODD));
    refused(eddy_writer_watch_sized(a.writer, any, ODD, &watch));
    refused(eddy_writer_reserve_sized(a.writer, any, ODD));
    refused(eddy_exporter_open_sized(a.writer, any, ODD, &exporter));
    refused(eddy_exporter_publish_sized(a.exporter, any, ODD, NULL, 0, EDDY_POLL));
    refused(eddy_importer_open_sized(a.domain, any, ODD, &importer));
    close_all(&a);
}

/* A program of a later version: what it knows and we do not may be there, but not be set. */
static void longer_structs_are_taken_as_far_as_they_are_known(void **state)
{
    (void)state;
    struct {
        struct eddy_domain_options known;
        uint32_t later[4];
    } options = {.known = {.name = "later"}};
    eddy_domain *domain;
    must(eddy_domain_open_sized(&options.known, sizeof options, &domain));
    must(eddy_domain_close(domain));
    options.later[3] = 1;
    refused(eddy_domain_open_sized(&options.known, sizeof options, &domain));
}

/* --- messages --------------------------------------------------------------------------------------- */

static void messages_of_no_level_are_not_shown(void **state)
{
    (void)state;
    unsetenv("EDDY_LOG");
    eddy_log_say(EDDY_LOG_NONE, EDDY_LOG_DEBUG, "a level: that is none");
    eddy_log_say((enum eddy_log_level)99, EDDY_LOG_DEBUG, "another: that is none");
    for (int i = 0; i < 70; i++) /* more than are remembered as said already */
        eddy_log_say(EDDY_LOG_INFO, EDDY_LOG_INFO, "subject %d: shown once", i % 68);
    refused(eddy_log_set(NULL, NULL, EDDY_LOG_DEBUG));
}

/* --- a child -------------------------------------------------------------------------------------- */

static void wants_its_parents(int wire, void *argument)
{
    struct all *a = argument;
    (void)wire;
    eddy_watch *watch;
    eddy_exporter *exporter;
    eddy_importer *importer;
    eddy_ring *ring;
    struct eddy_member_change change;
    const struct eddy_ring_options ring_options = {
        .slot_bytes = 100, .slots = 4, .role = EDDY_RING_CONSUMER};
    struct eddy_slot_sample sample;
    not_ours(eddy_watch_take(a->watch, &change));
    not_ours(eddy_writer_watch(a->writer, NULL, &watch));
    not_ours(eddy_reader_watch(a->reader, NULL, &watch));
    not_ours(eddy_exporter_open(a->writer, NULL, &exporter));
    not_ours(eddy_exporter_add(a->exporter, 0, 0, &(uint64_t){0}));
    not_ours(eddy_importer_open(a->domain, NULL, &importer));
    not_ours(eddy_ring_create(a->domain, "ring", &ring_options, &ring));
    not_ours(eddy_waitset_attach_reader(a->waitset, a->reader, EDDY_WAIT_LEVEL, NULL));
    not_ours(eddy_waitset_detach_reader(a->waitset, a->reader));
    not_ours(eddy_waitset_detach_event(a->waitset, a->event));
    not_ours(eddy_slots_take(a->slots, a->slots_reader, EDDY_POLL, &sample));
    not_ours(eddy_slots_join(a->slots, EDDY_SLOTS_ANY_READER, &(uint32_t){0}));
    not_ours(eddy_slots_leave(a->slots, a->slots_reader));
}

static void a_child_is_refused_what_its_parent_has(void **state)
{
    (void)state;
    struct all a = open_all();
    struct child child = child_start(wants_its_parents, &a);
    child_join(&child);
    close_all(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(topics_refuse),
        WORLD_TEST(waiting_and_watching_refuse),
        WORLD_TEST(memory_of_others_is_refused),
        WORLD_TEST(slots_and_rings_refuse),
        WORLD_TEST(odd_sizes_of_what_opens_are_refused),
        WORLD_TEST(odd_sizes_of_what_is_given_along_are_refused),
        WORLD_TEST(longer_structs_are_taken_as_far_as_they_are_known),
        WORLD_TEST(messages_of_no_level_are_not_shown),
        WORLD_TEST(a_child_is_refused_what_its_parent_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
