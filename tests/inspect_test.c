/* inspect_test.c - looking in from outside, and clearing away what the dead have left.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/look.h"
#include "support/payload.h"
#include "support/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct eddy_topic_report *find_topic(const eddy_snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *report = eddy_snapshot_topic(snapshot, i);
        if (report->error == 0 && strcmp(report->name, name) == 0)
            return report;
    }
    check_fail(CHECK_HERE("find_topic"), "no topic \"%s\"", name);
}

static const struct eddy_member_info *find_member(const struct eddy_topic_report *report,
                                                  bool is_writer)
{
    for (size_t i = 0; i < report->member_count; i++)
        if (report->members[i].is_writer == is_writer)
            return &report->members[i];
    check_fail(CHECK_HERE("find_member"), "no such member of \"%s\"", report->name);
}

static void a_folder_that_is_not_there_has_no_topics(void **state)
{
    (void)state;
    eddy_snapshot *snapshot;
    char dir[128];
    snprintf(dir, sizeof dir, "%s/nowhere", world_dir());
    must(eddy_snapshot_take(dir, &snapshot));
    same(eddy_snapshot_topics(snapshot), 0);
    check(eddy_snapshot_topic(snapshot, 0) == NULL);
    eddy_snapshot_free(snapshot);
    eddy_snapshot_free(NULL);
    check(access(dir, F_OK) != 0);
    snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 0);
    eddy_snapshot_free(snapshot);
    world_must_be_empty();
}

static void a_snapshot_shows_topics_with_their_names(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_topic_identity odd = {.name = "a/b\nc", .type = "T", .scope = "7"};
    eddy_writer *writer, *plain = open_writer(domain, "plain", NULL);
    must(eddy_writer_open(domain, &odd, NULL, &writer));
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 2);
    const struct eddy_topic_report *report = find_topic(snapshot, "a/b\nc");
    check(strcmp(report->type, "T") == 0);
    check(strcmp(report->scope, "7") == 0);
    check(strcmp(report->flink, eddy_writer_flink(writer)) == 0);
    report = find_topic(snapshot, "plain");
    check(strcmp(report->type, "") == 0 && strcmp(report->scope, "") == 0);
    eddy_snapshot_free(snapshot);
    must(eddy_writer_close(writer));
    must(eddy_writer_close(plain));
    must(eddy_domain_close(domain));
}

static void a_snapshot_shows_what_members_have_done(void **state)
{
    (void)state;
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 7},
                                 &(struct eddy_reader_options){.depth = 32});
    struct eddy_sample held[3];
    for (uint64_t i = 0; i < 10; i++)
        payload_publish(pair.writer, 100, 1, i);
    for (size_t i = 0; i < 3; i++)
        must(eddy_reader_take(pair.reader, &held[i]));
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_topic_report *report = find_topic(snapshot, "pair");
    same(report->member_count, 2);
    same(report->stats.published, 10);
    same(report->stats.published_bytes, 1000);
    const struct eddy_member_info *writer = find_member(report, true);
    same(writer->samples, 10);
    same(writer->bytes, 1000);
    same(writer->depth, 7);
    same(writer->held, 7);
    same((uint64_t)writer->pid, (uint64_t)getpid());
    check(writer->state == EDDY_MEMBER_ALIVE && writer->reliable);
    const struct eddy_member_info *reader = find_member(report, false);
    same(reader->samples, 3);
    same(reader->held, 3);
    same(reader->behind, 7);
    same(reader->depth, 32);
    check(reader->state == EDDY_MEMBER_ALIVE && reader->reliable);
    eddy_snapshot_free(snapshot);
    for (size_t i = 0; i < 3; i++)
        must(eddy_reader_release(pair.reader, &held[i]));
    pair_close(&pair);
}

static void a_snapshot_shows_what_programs_note(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 32});
    struct eddy_notes notes = {.reliability = EDDY_NOTED_BEST_EFFORT, .waiting = 3, .given_up = 2};
    must(eddy_writer_note(pair.writer, &notes));
    must(eddy_reader_note(pair.reader, &notes));
    static const struct eddy_notes wrong[] = {{.reliability = (enum eddy_noted)9}, {.reserved = 1}};
    must_fail(eddy_writer_note(pair.writer, NULL), EDDY_EINVAL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        must_fail(eddy_writer_note(pair.writer, &wrong[i]), EDDY_EINVAL);
        must_fail(eddy_reader_note(pair.reader, &wrong[i]), EDDY_EINVAL);
    }
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_topic_report *report = find_topic(snapshot, "pair");
    check(!find_member(report, true)->reliable);
    const struct eddy_member_info *reader = find_member(report, false);
    check(!reader->reliable);
    same(reader->waiting, 3);
    same(reader->given_up, 2);
    eddy_snapshot_free(snapshot);
    must(eddy_reader_note(pair.reader, &(struct eddy_notes){.waiting = 0}));
    snapshot = snapshot_now();
    check(find_member(find_topic(snapshot, "pair"), false)->reliable);
    eddy_snapshot_free(snapshot);
    must_fail(eddy_reader_note(pair.reader, &(struct eddy_notes){.reserved = 1}), EDDY_EINVAL);
    must_fail(eddy_writer_note(pair.writer, NULL), EDDY_EINVAL);
    pair_close(&pair);
}

static void participants_have_the_names_they_chose(void **state)
{
    (void)state;
    eddy_domain *domain;
    must(eddy_domain_open(&(struct eddy_domain_options){.name = "camera"}, &domain));
    eddy_writer *writer = open_writer(domain, "n", NULL);
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_member_info *member = find_member(find_topic(snapshot, "n"), true);
    check(strcmp(member->name, "camera") == 0);
    eddy_snapshot_free(snapshot);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    const char *long_name = "0123456789012345678901234567890123456789";
    must(eddy_domain_open(&(struct eddy_domain_options){.name = long_name}, &domain));
    writer = open_writer(domain, "n", NULL);
    snapshot = snapshot_now();
    member = find_member(find_topic(snapshot, "n"), true);
    check(strlen(member->name) == 39 && strncmp(member->name, long_name, 39) == 0);
    eddy_snapshot_free(snapshot);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void member_process(int wire, void *argument)
{
    (void)argument;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    must(eddy_writer_discard(pair.writer, &loan));
    pair_close(&pair);
}

static enum eddy_member_state state_of_writer(void)
{
    eddy_snapshot *snapshot = snapshot_now();
    enum eddy_member_state state = find_member(find_topic(snapshot, "pair"), true)->state;
    eddy_snapshot_free(snapshot);
    return state;
}

static void the_dead_are_shown_dead_and_cleared_away(void **state)
{
    (void)state;
    struct eddy_gc_report report = {0};
    struct child child = child_start(member_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    check(state_of_writer() == EDDY_MEMBER_ALIVE);
    must(eddy_gc(NULL, &report));
    same(report.topics_removed, 0);
    same(report.members_reaped, 0);
    check(state_of_writer() == EDDY_MEMBER_ALIVE);
    child_kill(&child);
    check(state_of_writer() == EDDY_MEMBER_DEAD);
    must(eddy_gc(NULL, &report));
    same(report.topics_removed, 1);
    check(report.members_reaped >= 1);
    check(report.files_removed >= 1);
    check(report.bytes_freed > 0);
    world_must_be_empty();
    must(eddy_gc(NULL, &report));
    same(report.topics_removed, 0);
    same(report.bytes_freed, 0);
}

static void a_living_process_is_not_disturbed(void **state)
{
    (void)state;
    struct child child = child_start(member_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    for (int i = 0; i < 20; i++)
        must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

static void files_that_are_not_eddys_are_left_alone(void **state)
{
    (void)state;
    char path[128];
    struct eddy_gc_report report = {0};
    struct child child = child_start(member_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    snprintf(path, sizeof path, "%s/letter.txt", world_dir());
    int file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    check(file >= 0 && write(file, "dear", 4) == 4 && close(file) == 0);
    must(eddy_gc(NULL, &report));
    same(report.topics_removed, 1);
    same(world_files(), 1);
    check(unlink(path) == 0);
}

static void take_when_told(int wire, void *unused)
{
    (void)unused;
    struct pair pair = pair_open(NULL, NULL);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    payload_await(pair.reader);
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_DONE);
    must(eddy_reader_close(pair.reader));
    must(eddy_writer_close(pair.writer));
    must(eddy_domain_close(pair.domain));
}

/* Readers of other processes that have still to take what this writer has published. */
static void a_writer_knows_who_has_still_to_take(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct child child = child_start(take_when_told, NULL);
    wire_expect(child.wire, WIRE_READY);
    same(eddy_writer_awaited(pair.writer), 0); /* nothing is published */
    payload_publish(pair.writer, 64, 1, 1);
    same(eddy_writer_awaited(pair.writer), 1); /* not the reader of our own */
    wire_say(child.wire, WIRE_GO);
    wire_expect(child.wire, WIRE_DONE);
    same(eddy_writer_awaited(pair.writer), 0);
    wire_say(child.wire, WIRE_DONE);
    child_join(&child);
    payload_publish(pair.writer, 64, 1, 2);
    child = child_start(take_when_told, NULL);
    wire_expect(child.wire, WIRE_READY);
    payload_publish(pair.writer, 64, 1, 3);
    same(eddy_writer_awaited(pair.writer), 1);
    child_kill(&child);
    same(eddy_writer_awaited(pair.writer), 0); /* the dead take nothing */
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_folder_that_is_not_there_has_no_topics),
        WORLD_TEST(a_snapshot_shows_topics_with_their_names),
        WORLD_TEST(a_snapshot_shows_what_members_have_done),
        WORLD_TEST(a_snapshot_shows_what_programs_note),
        WORLD_TEST(participants_have_the_names_they_chose),
        WORLD_TEST(the_dead_are_shown_dead_and_cleared_away),
        WORLD_TEST(a_living_process_is_not_disturbed),
        WORLD_TEST(files_that_are_not_eddys_are_left_alone),
        WORLD_TEST(a_writer_knows_who_has_still_to_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
