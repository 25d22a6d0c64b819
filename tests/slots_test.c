/* slots_test.c - slots without topics: what each call does, and what it must never do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"
#include "support/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t nobody[] = {0}, first[] = {1}, both[] = {3};

/* --- creating and attaching ------------------------------------------------------------------ */

static void both_sides_see_the_same_sizes(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slots_info made, found;
    must(eddy_slots_describe(p.writer, &made));
    must(eddy_slots_describe(p.reader, &found));
    same(made.slot_count, 4);
    same(found.slot_count, 4);
    same(made.slot_bytes, 128);
    same(made.slot_capacity, 64);
    same(found.slot_capacity, 64);
    same(made.attached, 2);
    same(made.readers, 1);
    check(made.shared_bytes >= 4 * 128 && made.shared_bytes < 100000);
    slots_pair_close(&p);
}

static void mode_of(const char *path, unsigned wanted)
{
    struct stat info;
    check(lstat(path, &info) == 0);
    same(info.st_mode & 07777, wanted);
}

static void flink_and_object_are_the_owners_alone(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    struct slots_pair p = slots_pair_open(4, 64, 0);
    mode_of(eddy_slots_flink(p.writer), 0600);
    mode_of(eddy_slots_object(p.writer), 0600);
    umask(mask);
    slots_pair_close(&p);
}

static void folders_on_the_way_are_made(void **state)
{
    (void)state;
    char path[512], made[512];
    struct eddy_slots_options options = {.slot_count = 1, .slot_capacity = 1};
    eddy_slots *slots;
    snprintf(path, sizeof path, "%s/a/b/deep.flink", world_dir());
    snprintf(made, sizeof made, "%s/a/b", world_dir());
    must(eddy_slots_create(NULL, path, &options, &slots));
    mode_of(made, 0700);
    must(eddy_slots_close(slots));
    check(rmdir(made) == 0);
    *strrchr(made, '/') = 0;
    check(rmdir(made) == 0);
}

static void numbers_beyond_a_limit_are_refused(void **state)
{
    (void)state;
    eddy_slots *slots;
    const struct eddy_slots_options wrong[] = {
        {.slot_count = EDDY_SLOTS_MAX + 1ull},
        {.slot_count = 1ull << 32, .slot_capacity = 64},
        {.slot_count = 1, .slot_capacity = EDDY_SLOTS_CAPACITY_MAX + 1ull},
        {.slot_count = 1, .slot_capacity = UINT64_MAX},
        {.slot_count = 1, .readers = EDDY_SLOTS_READERS_MAX + 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        must_fail(eddy_slots_create(NULL, slots_path("x"), &wrong[i], &slots), EDDY_ETOOBIG);
    must_fail(eddy_slots_create(NULL, slots_path("x"), &(struct eddy_slots_options){0}, &slots),
              EDDY_EINVAL);
    must_fail(eddy_slots_create(NULL, "/dev/shm/nosuffix",
                                &(struct eddy_slots_options){.slot_count = 1}, &slots),
              EDDY_EINVAL);
    /* More memory than there is: an error here, not a signal later. */
    struct eddy_slots_options huge = {.slot_count = EDDY_SLOTS_MAX,
                                      .slot_capacity = EDDY_SLOTS_CAPACITY_MAX};
    must_fail(eddy_slots_create(NULL, slots_path("x"), &huge, &slots), EDDY_ENOMEM);
    same(world_files(), 0);
}

static void a_living_creator_keeps_its_path(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    eddy_slots *other;
    must_fail(eddy_slots_create(NULL, eddy_slots_flink(p.writer),
                                &(struct eddy_slots_options){.slot_count = 1}, &other),
              EDDY_EEXIST);
    says("alive");
    must(slots_publish(p.writer, nobody, "still", 6));
    slots_pair_close(&p);
}

static void the_last_to_leave_removes_it(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    char path[512];
    eddy_slots *late;
    snprintf(path, sizeof path, "%s", eddy_slots_flink(p.writer));
    must(slots_publish(p.writer, nobody, "left", 5));
    must(eddy_slots_close(p.writer));
    must(eddy_slots_attach(NULL, path, NULL, &late));
    check(slots_hear(p.reader, 0, "left", 5));
    must(eddy_slots_close(p.reader));
    must(eddy_slots_close(late));
    must_fail(eddy_slots_attach(NULL, path, NULL, &late), EDDY_ENOENT);
    check(access(path, F_OK) != 0);
}

static void a_flink_of_another_kind_is_refused(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct pair topic = pair_open(NULL, NULL);
    eddy_slots *slots;
    eddy_reader *reader;
    must_fail(eddy_slots_attach(NULL, eddy_writer_flink(topic.writer), NULL, &slots), EDDY_EFLINK);
    says("topic");
    must_fail(eddy_slots_create(NULL, eddy_writer_flink(topic.writer),
                                &(struct eddy_slots_options){.slot_count = 1}, &slots),
              EDDY_EFLINK);
    must_fail(eddy_reader_attach(NULL, eddy_slots_flink(p.writer), NULL, &reader), EDDY_EFLINK);
    says("slots");
    pair_close(&topic);
    slots_pair_close(&p);
}

static void another_type_is_refused_before_a_slot_is_read(void **state)
{
    (void)state;
    struct eddy_slots_options options = {.slot_count = 1, .slot_capacity = 8, .type_hash = {1, 2}};
    const uint8_t other[16] = {1, 3}, any[16] = {0};
    eddy_slots *made, *found;
    must(eddy_slots_create(NULL, slots_path("typed"), &options, &made));
    must_fail(eddy_slots_attach(NULL, slots_path("typed"), other, &found), EDDY_ETYPE);
    must(eddy_slots_attach(NULL, slots_path("typed"), any, &found));
    must(eddy_slots_close(found));
    must(eddy_slots_attach(NULL, slots_path("typed"), options.type_hash, &found));
    must(eddy_slots_close(found));
    must(eddy_slots_close(made));
}

/* --- reserving, committing ------------------------------------------------------------------- */

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    const uint8_t bytes[] = {1, 2, 3, 4};
    must(slots_publish(p.writer, first, bytes, 4));
    check(slots_hear(p.reader, 0, bytes, 4));
    slots_pair_close(&p);
}

static void in_place_is_byte_for_byte_the_same(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slot_loan loan;
    struct eddy_slot_sample sample;
    must(eddy_slots_loan(p.writer, first, 1, EDDY_POLL, &loan));
    same(loan.size, 64);
    memcpy(loan.data, "in place", 8);
    must(eddy_slots_publish(p.writer, &loan, 8, NULL));
    must(eddy_slots_next_unread(p.reader, 0, &sample));
    same(sample.size, 8);
    check(sample.data == NULL);
    must(eddy_slots_hold(p.reader, &sample));
    check(memcmp(sample.data, "in place", 8) == 0);
    must(eddy_slots_release(p.reader, &sample));
    slots_pair_close(&p);
}

static void slots_are_whole_lines(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(7, 100, 0);
    struct eddy_slot_loan loan;
    for (int i = 0; i < 7; i++) {
        must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
        same((uintptr_t)loan.data % 64, 0);
        memset(loan.data, i, 100);
        must(eddy_slots_publish(p.writer, &loan, 100, NULL));
    }
    for (int i = 0; i < 7; i++) {
        uint8_t wanted[100];
        memset(wanted, i, sizeof wanted);
        check(slots_hear(p.reader, 0, wanted, 100));
    }
    slots_pair_close(&p);
}

static void numbers_rise_by_one(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    uint64_t before = 0;
    for (int i = 0; i < 300; i++) {
        struct eddy_slot_loan loan;
        uint64_t sn;
        must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
        must(eddy_slots_publish_copy(p.writer, &loan, "x", 1, &sn));
        same(sn, before + 1);
        same(eddy_slots_generation(p.reader), sn);
        before = sn;
    }
    slots_pair_close(&p);
}

static void what_is_too_long_uses_no_number(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slot_loan loan;
    uint64_t sn = 77;
    char bytes[65] = {0};
    must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
    must_fail(eddy_slots_publish_copy(p.writer, &loan, bytes, 65, &sn), EDDY_ETOOBIG);
    must_fail(eddy_slots_publish(p.writer, &loan, SIZE_MAX, &sn), EDDY_ETOOBIG);
    same(sn, 77);
    same(eddy_slots_generation(p.writer), 0);
    must(eddy_slots_publish_copy(p.writer, &loan, bytes, 64, &sn));
    same(sn, 1);
    slots_pair_close(&p);
}

static void a_loan_ends_once(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slot_loan loan, again;
    must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
    must_fail(eddy_slots_publish_copy(p.reader, &loan, "thief", 6, NULL), EDDY_ESTALE);
    must_fail(eddy_slots_discard(p.reader, &loan), EDDY_ESTALE);
    must(eddy_slots_publish_copy(p.writer, &loan, "once", 5, NULL));
    must_fail(eddy_slots_publish_copy(p.writer, &loan, "twice", 6, NULL), EDDY_ESTALE);
    must_fail(eddy_slots_discard(p.writer, &loan), EDDY_ESTALE);
    /* Nor when the slot is on loan anew. */
    for (uint32_t i = 0; i < 4; i++) {
        must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &again));
        must_fail(eddy_slots_publish_copy(p.writer, &loan, "twice", 6, NULL), EDDY_ESTALE);
        must(eddy_slots_publish_copy(p.writer, &again, "good", 5, NULL));
    }
    same(eddy_slots_generation(p.writer), 5);
    slots_pair_close(&p);
}

static void a_sample_without_bytes_is_one(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(2, 64, 0);
    must(slots_publish(p.writer, first, NULL, 0));
    must(slots_publish(p.writer, first, "x", 1));
    must_fail(slots_publish(p.writer, first, "y", 1), EDDY_EAGAIN);
    check(slots_hear(p.reader, 0, "", 0));
    check(slots_hear(p.reader, 0, "x", 1));
    slots_pair_close(&p);
}

static void wrong_indexes_are_errors(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 40);
    struct slots_pair other = slots_pair_open_at("other", 4, 64, 0);
    struct eddy_slot_loan loan;
    struct eddy_slot_state look;
    struct eddy_slot_sample sample;
    uint64_t mask = 1ull << 40, far[] = {0, 1};
    must_fail(eddy_slots_loan(p.writer, &mask, 1, EDDY_POLL, &loan), EDDY_EBOUNDS);
    must_fail(eddy_slots_loan(p.writer, far, 2, EDDY_POLL, &loan), EDDY_EBOUNDS);
    must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
    must_fail(eddy_slots_discard(other.writer, &loan), EDDY_EINVAL);
    loan.slot = 4;
    must_fail(eddy_slots_publish_copy(p.writer, &loan, "x", 1, NULL), EDDY_EBOUNDS);
    must_fail(eddy_slots_discard(p.writer, &loan), EDDY_EBOUNDS);
    must_fail(eddy_slots_look(p.writer, 4, &look), EDDY_EBOUNDS);
    must_fail(eddy_slots_read_mask(p.writer, 4, &mask, 1), EDDY_EBOUNDS);
    must_fail(eddy_slots_next_unread(p.reader, 40, &sample), EDDY_EBOUNDS);
    must_fail(eddy_slots_next_unread(p.reader, 39, &sample), EDDY_EINVAL);
    must_fail(eddy_slots_join(p.reader, 40, NULL), EDDY_EBOUNDS);
    must_fail(eddy_slots_let_go(p.writer, 40), EDDY_EBOUNDS);
    sample = (struct eddy_slot_sample){.slot = 4, .sn = 1};
    must_fail(eddy_slots_hold(p.reader, &sample), EDDY_EINVAL);
    slots_pair_close(&other);
    slots_pair_close(&p);
}

static void nothing_free_is_said_at_once_or_at_the_deadline(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(2, 64, 0);
    struct eddy_slot_loan loan;
    must(slots_publish(p.writer, NULL, "1", 1));
    must(slots_publish(p.writer, NULL, "2", 1));
    must_fail(eddy_slots_loan(p.writer, NULL, 0, EDDY_POLL, &loan), EDDY_EAGAIN);
    uint64_t start = eddy_now();
    must_fail(eddy_slots_loan(p.writer, NULL, 0, eddy_deadline(20 * MILLISECOND), &loan),
              EDDY_ETIMEDOUT);
    check(eddy_now() - start >= 20 * MILLISECOND);
    check(slots_hear(p.reader, 0, "1", 1));
    must(eddy_slots_loan(p.writer, NULL, 0, EDDY_POLL, &loan));
    must(eddy_slots_discard(p.writer, &loan));
    slots_pair_close(&p);
}

/* --- the domain ------------------------------------------------------------------------------ */

static void a_given_domain_must_be_the_flinks_folder(void **state)
{
    (void)state;
    struct eddy_slots_options options = {.slot_count = 1, .slot_capacity = 8};
    eddy_domain *domain = open_domain();
    eddy_slots *slots;
    must_fail(eddy_slots_create(domain, "/dev/shm/x.flink", &options, &slots), EDDY_EINVAL);
    must(eddy_slots_create(domain, slots_path("given"), &options, &slots));
    must_fail(eddy_domain_close(domain), EDDY_EBUSY);
    must(slots_publish(slots, both, "x", 1));
    must(eddy_slots_close(slots));
    must(eddy_domain_close(domain));
}

static void slots_are_no_topics(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    eddy_snapshot *snapshot;
    struct eddy_gc_report report;
    must(eddy_snapshot_take(NULL, &snapshot));
    same(eddy_snapshot_topics(snapshot), 0);
    eddy_snapshot_free(snapshot);
    must(eddy_gc(NULL, &report));
    same(report.files_removed, 0);
    same(report.files_refused, 0);
    must(slots_publish(p.writer, nobody, "there", 6));
    slots_pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(both_sides_see_the_same_sizes),
        WORLD_TEST(flink_and_object_are_the_owners_alone),
        WORLD_TEST(folders_on_the_way_are_made),
        WORLD_TEST(numbers_beyond_a_limit_are_refused),
        WORLD_TEST(a_living_creator_keeps_its_path),
        WORLD_TEST(the_last_to_leave_removes_it),
        WORLD_TEST(a_flink_of_another_kind_is_refused),
        WORLD_TEST(another_type_is_refused_before_a_slot_is_read),
        WORLD_TEST(what_is_written_is_read),
        WORLD_TEST(in_place_is_byte_for_byte_the_same),
        WORLD_TEST(slots_are_whole_lines),
        WORLD_TEST(numbers_rise_by_one),
        WORLD_TEST(what_is_too_long_uses_no_number),
        WORLD_TEST(a_loan_ends_once),
        WORLD_TEST(a_sample_without_bytes_is_one),
        WORLD_TEST(wrong_indexes_are_errors),
        WORLD_TEST(nothing_free_is_said_at_once_or_at_the_deadline),
        WORLD_TEST(a_given_domain_must_be_the_flinks_folder),
        WORLD_TEST(slots_are_no_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
