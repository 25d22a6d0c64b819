/* blob_test.c - what readers, writers and topics say of themselves: blobs, and the text of a type.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/image.h"
#include "support/look.h"
#include "support/world.h"

#include "allocator/segment/endpoint.h"
#include "transport/topic/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char bytes[EDDY_TYPE_TEXT_MAX + 1];

/* Different for each seed, and at each place. */
static const unsigned char *bytes_like(unsigned seed)
{
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256 + seed);
    return bytes;
}

static struct eddy_reader_options saying(unsigned seed, size_t size)
{
    return (struct eddy_reader_options){.blob = bytes_like(seed), .blob_size = size};
}

static const struct eddy_topic_report *only_topic(const eddy_snapshot *snapshot)
{
    same(eddy_snapshot_topics(snapshot), 1);
    const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, 0);
    same(topic->error, 0);
    return topic;
}

static void says_bytes(const struct eddy_member_info *member, unsigned seed, size_t size)
{
    same(member->blob_size, size);
    check((member->blob == NULL) == (size == 0));
    check(size == 0 || memcmp(member->blob, bytes_like(seed), size) == 0);
}

/* Shared memory that the control file has. */
static uint64_t control_bytes(const char *id)
{
    char path[300];
    struct stat status;
    snprintf(path, sizeof path, "%s/%.32s.seg", world_dir(), id);
    check(stat(path, &status) == 0);
    return (uint64_t)status.st_blocks * 512;
}

/* --- blobs ----------------------------------------------------------------------------------- */

static void blobs_of_all_sizes_are_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 64, EDDY_BLOB_MAX};
    eddy_domain *domain = open_domain();
    eddy_reader *readers[4];
    struct eddy_writer_options writing = {.blob = bytes_like(9), .blob_size = 33};
    eddy_writer *writer = open_writer(domain, "said", &writing);
    for (unsigned i = 0; i < 4; i++) {
        struct eddy_reader_options options = saying(i, sizes[i]);
        readers[i] = open_reader(domain, "said", &options);
    }
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_topic_report *topic = only_topic(snapshot);
    same(topic->member_count, 5);
    says_bytes(&topic->members[0], 9, 33);
    for (unsigned i = 0; i < 4; i++) {
        same(topic->members[i + 1].holder, 1);
        says_bytes(&topic->members[i + 1], i, sizes[i]);
    }
    eddy_snapshot_free(snapshot);
    for (unsigned i = 0; i < 4; i++)
        must(eddy_reader_close(readers[i]));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_blob_that_is_too_long_is_refused(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_topic_identity topic = {.name = "said"};
    struct eddy_reader_options reading = saying(0, EDDY_BLOB_MAX + 1);
    struct eddy_writer_options writing = {.blob = bytes, .blob_size = EDDY_BLOB_MAX + 1};
    eddy_reader *reader;
    eddy_writer *writer;
    must_fail(eddy_reader_open(domain, &topic, &reading, &reader), EDDY_EINVAL);
    says("4096");
    must_fail(eddy_writer_open(domain, &topic, &writing, &writer), EDDY_EINVAL);
    writing = (struct eddy_writer_options){.blob_size = 1};
    must_fail(eddy_writer_open(domain, &topic, &writing, &writer), EDDY_EINVAL);
    topic.type_text = bytes;
    topic.type_text_size = EDDY_TYPE_TEXT_MAX + 1;
    must_fail(eddy_writer_open(domain, &topic, NULL, &writer), EDDY_EINVAL);
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 0);
    eddy_snapshot_free(snapshot);
    must(eddy_domain_close(domain));
}

/* The next on the same seat does not get it, nor does its memory stay. */
static void a_blob_goes_with_who_has_said_it(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    const char *id = pair.reader->segment->id;
    uint64_t before = control_bytes(id);
    for (unsigned round = 1; round <= 3; round++) {
        struct eddy_reader_options options = saying(round, round == 2 ? 0 : EDDY_BLOB_MAX);
        eddy_reader *reader = open_reader(pair.domain, "pair", &options);
        same(reader->seat_id, 1);
        eddy_snapshot *snapshot = snapshot_now();
        const struct eddy_member_info *member = &only_topic(snapshot)->members[2];
        same(member->holder, round);
        says_bytes(member, round, options.blob_size);
        eddy_snapshot_free(snapshot);
        same(control_bytes(id), before + options.blob_size);
        must(eddy_reader_close(reader));
        same(control_bytes(id), before);
    }
    check(before + EDDY_BLOB_MAX <= 256 << 10);
    pair_close(&pair);
}

static void say_and_stay(int wire, void *writes)
{
    eddy_domain *domain = open_domain();
    struct eddy_reader_options reading = saying(5, EDDY_BLOB_MAX);
    struct eddy_writer_options writing = {.blob = bytes, .blob_size = EDDY_BLOB_MAX};
    if (writes)
        open_writer(domain, "pair", &writing);
    else
        open_reader(domain, "pair", &reading);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_DONE); /* never said */
}

static void the_blob_of_the_dead_is_reaped(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t before = control_bytes(pair.reader->segment->id);
    for (int writes = 0; writes < 2; writes++) {
        struct child child = child_start(say_and_stay, writes ? &pair : NULL);
        wire_expect(child.wire, WIRE_READY);
        same(control_bytes(pair.reader->segment->id), before + EDDY_BLOB_MAX);
        child_kill(&child);
        struct eddy_gc_report report;
        must(eddy_gc(NULL, &report));
        same(report.members_reaped, 1);
        same(control_bytes(pair.reader->segment->id), before);
    }
    pair_close(&pair);
}

static void without_room_in_a_file_it_is_an_error(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct rlimit before, low = {1 << 20, 1 << 20};
    struct eddy_topic_identity topic = {.name = "pair"};
    struct eddy_reader_options options = saying(0, 1);
    eddy_reader *reader;
    check(getrlimit(RLIMIT_FSIZE, &before) == 0);
    low.rlim_max = before.rlim_max;
    check(setrlimit(RLIMIT_FSIZE, &low) == 0);
    must_fail(eddy_reader_open(pair.domain, &topic, &options, &reader), EDDY_ELIMIT);
    says("ulimit -f");
    check(setrlimit(RLIMIT_FSIZE, &before) == 0);
    must(eddy_reader_open(pair.domain, &topic, &options, &reader));
    must(eddy_reader_close(reader));
    pair_close(&pair);
}

/* --- the text of a type ------------------------------------------------------------------------ */

static void the_text_is(const eddy_reader *reader, const char *text)
{
    char found[100] = "";
    size_t size, expected = strlen(text);
    must(eddy_reader_type_text(reader, found, sizeof found, &size));
    same(size, expected);
    check(memcmp(found, text, expected) == 0 && found[expected] == 0);
}

static eddy_reader *open_typed(eddy_domain *domain, const char *text)
{
    eddy_reader *reader;
    struct eddy_topic_identity topic = {
        .name = "typed", .type_text = text, .type_text_size = text ? strlen(text) : 0};
    must(eddy_reader_open(domain, &topic, NULL, &reader));
    return reader;
}

static void the_first_text_stays(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain(), *other = open_domain();
    eddy_reader *silent = open_typed(domain, NULL);
    the_text_is(silent, "");
    eddy_reader *first = open_typed(other, "struct frame { long n; };");
    the_text_is(silent, "struct frame { long n; };");
    eddy_reader *second = open_typed(domain, "something else");
    the_text_is(second, "struct frame { long n; };");
    must(eddy_reader_close(first));
    must(eddy_domain_close(other)); /* who gave it may go */
    the_text_is(second, "struct frame { long n; };");
    eddy_snapshot *snapshot = snapshot_now();
    check(strcmp(only_topic(snapshot)->type_text, "struct frame { long n; };") == 0);
    same(only_topic(snapshot)->type_text_size, 25);
    eddy_snapshot_free(snapshot);
    must(eddy_reader_close(second));
    must(eddy_reader_close(silent));
    eddy_reader *again = open_typed(domain, "something else"); /* another topic of that name */
    the_text_is(again, "something else");
    must(eddy_reader_close(again));
    must(eddy_domain_close(domain));
}

static void the_longest_text_is_read_in_part_or_whole(void **state)
{
    (void)state;
    static unsigned char found[EDDY_TYPE_TEXT_MAX];
    eddy_domain *domain = open_domain();
    struct eddy_topic_identity topic = {
        .name = "typed", .type_text = bytes_like(3), .type_text_size = EDDY_TYPE_TEXT_MAX};
    struct eddy_writer_options deep = {
        .history_kind = EDDY_HISTORY_TOPIC, .history = 4000, .blob = bytes, .blob_size = 4096};
    eddy_writer *writer;
    size_t size = 0;
    must(eddy_writer_open(domain, &topic, &deep, &writer)); /* its log is a longer one */
    must(eddy_writer_type_text(writer, found, 10, &size));
    same(size, EDDY_TYPE_TEXT_MAX);
    check(memcmp(found, bytes, 10) == 0 && found[10] == 0);
    for (int i = 0; i < 9000; i++)
        must(eddy_writer_write(writer, "x", 1, EDDY_POLL));
    must(eddy_writer_type_text(writer, found, sizeof found, &size));
    check(memcmp(found, bytes, sizeof found) == 0);
    must(eddy_writer_type_text(writer, NULL, 0, &size));
    same(size, EDDY_TYPE_TEXT_MAX);
    eddy_snapshot *snapshot = snapshot_now();
    says_bytes(&only_topic(snapshot)->members[0], 3, 4096);
    eddy_snapshot_free(snapshot);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void nothing_lies_where_something_else_does(void **state)
{
    (void)state;
    for (uint64_t control = 4096; control < 9 << 20; control += 4096 * 37) {
        uint64_t text = eddy_type_text_offset(control), end = text + EDDY_TYPE_TEXT_MAX;
        check(text >= control);
        for (uint32_t shift = 13; shift <= EDDY_LOG_MAX_SHIFT; shift++) {
            check(eddy_longer_log_offset(control, shift) >= end);
            end = eddy_longer_log_offset(control, shift) + (8ull << shift);
        }
        check(eddy_blob_offset(control, false, 0) >= end);
        same(eddy_blob_offset(control, true, 7), eddy_blob_offset(control, false, 7) + 4096);
        same(eddy_blob_offset(control, false, 8), eddy_blob_offset(control, true, 7) + 4096);
    }
}

/* --- hostile ------------------------------------------------------------------------------------ */

/* A snapshot ends, whatever the words say; what it shows is no longer than it may be. */
static void look_around(void)
{
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_topic_report *topic = only_topic(snapshot);
    check(topic->type_text_size <= EDDY_TYPE_TEXT_MAX);
    for (size_t i = 0; i < topic->member_count; i++)
        check(topic->members[i].blob_size <= EDDY_BLOB_MAX);
    eddy_snapshot_free(snapshot);
}

static void scribbled_sizes_and_short_files_are_nothing_said(void **state)
{
    (void)state;
    static const uint64_t words[] = {1ull << 32 | 2u << 13 | 4097, 1ull << 32 | 2u << 13 | 8191,
                                     UINT64_MAX, 1ull << 32 | 2u << 13 | 4096};
    eddy_domain *domain = open_domain();
    struct eddy_reader_options options = saying(1, 100);
    struct eddy_writer_options writing = {.blob = bytes, .blob_size = EDDY_BLOB_MAX};
    eddy_reader *reader = open_reader(domain, "said", &options);
    eddy_writer *writer = open_writer(domain, "said", &writing); /* its blob lies behind */
    struct eddy_segment *s = reader->segment;
    _Atomic uint64_t *word = eddy_presence_of(s, false, 0);
    uint64_t was = eddy_load_relaxed(word);
    size_t size;
    char path[300], found[100];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        eddy_store_relaxed(word, words[i]);
        eddy_store_relaxed(&s->control->type_text, (uint32_t)(words[i] * 7));
        look_around();
    }
    eddy_store_relaxed(word, was);
    eddy_store_relaxed(&s->control->type_text, 50u);
    snprintf(path, sizeof path, "%s/%s.seg", world_dir(), s->id);
    check(truncate(path, (off_t)s->control_bytes) == 0);
    look_around();
    must_fail(eddy_reader_type_text(reader, found, sizeof found, &size), EDDY_ESEGMENT);
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* --- many ---------------------------------------------------------------------------------------- */

enum { MANY = 1000 };

static void a_thousand_say_something(void **state)
{
    (void)state;
    static eddy_reader *readers[MANY];
    eddy_domain *domain = open_domain();
    uint64_t began = eddy_now();
    for (unsigned i = 0; i < MANY; i++) {
        struct eddy_reader_options options = {
            .reliability = EDDY_BEST_EFFORT, .blob = &i, .blob_size = sizeof i};
        readers[i] = open_reader(domain, "said", &options);
    }
    uint64_t opened = eddy_now();
    eddy_snapshot *snapshot = snapshot_now();
    uint64_t looked = eddy_now();
    const struct eddy_topic_report *topic = only_topic(snapshot);
    same(topic->member_count, MANY);
    for (unsigned i = 0; i < MANY; i++)
        check(topic->members[i].blob_size == 4 && memcmp(topic->members[i].blob, &i, 4) == 0);
    eddy_snapshot_free(snapshot);
    print_message("opened in %.1f us each, looked at in %.1f us each\n",
                  (double)(opened - began) / 1e3 / MANY, (double)(looked - opened) / 1e3 / MANY);
    for (unsigned i = 0; i < MANY; i++)
        must(eddy_reader_close(readers[i]));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(blobs_of_all_sizes_are_read),
        WORLD_TEST(a_blob_that_is_too_long_is_refused),
        WORLD_TEST(a_blob_goes_with_who_has_said_it),
        WORLD_TEST(the_blob_of_the_dead_is_reaped),
        WORLD_TEST(without_room_in_a_file_it_is_an_error),
        WORLD_TEST(the_first_text_stays),
        WORLD_TEST(the_longest_text_is_read_in_part_or_whole),
        cmocka_unit_test(nothing_lies_where_something_else_does),
        WORLD_TEST(scribbled_sizes_and_short_files_are_nothing_said),
        WORLD_TEST(a_thousand_say_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
