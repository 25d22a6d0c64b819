/* together_test.c - groups: loaned, published, taken and released many at once; the newest alone; and
 * samples that are written from several pieces.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

enum { SIZE = sizeof(struct payload), DEPTH = 64 };

static const struct eddy_reader_options best_effort = {.reliability = EDDY_BEST_EFFORT,
                                                       .depth = DEPTH};

static size_t loan_some(eddy_writer *writer, struct eddy_loan *loans, size_t max, uint64_t number)
{
    size_t count = 0;
    must(eddy_writer_loan_many(writer, SIZE, loans, max, EDDY_POLL, &count));
    check(count >= 1 && count <= max);
    for (size_t i = 0; i < count; i++)
        payload_fill(loans[i].data, SIZE, 1, number + i);
    return count;
}

static void publish_together(eddy_writer *writer, size_t count, uint64_t number)
{
    struct eddy_loan loans[DEPTH];
    size_t published = 0;
    same(loan_some(writer, loans, count, number), count);
    must(eddy_writer_publish_many(writer, loans, count, NULL, EDDY_POLL, &published));
    same(published, count);
}

static size_t take_together(eddy_reader *reader, struct eddy_sample *samples, size_t max,
                            uint64_t number)
{
    size_t count = 0;
    must(eddy_reader_take_many(reader, samples, max, &count));
    check(count >= 1 && count <= max);
    for (size_t i = 0; i < count; i++) {
        same(payload_of(&samples[i]).number, number + i);
        check(i == 0 || samples[i].sn == samples[i - 1].sn + 1);
    }
    return count;
}

static uint64_t held(void)
{
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(world_dir(), &snapshot));
    const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, 0);
    uint64_t samples = 0;
    for (size_t i = 0; i < topic->member_count; i++)
        samples += topic->members[i].is_writer ? 0 : topic->members[i].held;
    eddy_snapshot_free(snapshot);
    return samples;
}

/* --- groups ----------------------------------------------------------------------------------- */

static void a_group_goes_through_whole(const struct eddy_reader_options *reading)
{
    struct eddy_sample samples[DEPTH];
    struct pair pair = pair_open(NULL, reading);
    for (uint64_t round = 0; round < 200; round++) {
        size_t count = 1 + round % 32;
        publish_together(pair.writer, count, 100 * round);
        for (size_t taken = 0, n; taken < count; taken += n) {
            n = take_together(pair.reader, samples, DEPTH, 100 * round + taken);
            same(held(), n);
            must(eddy_reader_release_many(pair.reader, samples, n));
        }
        size_t none;
        must_fail(eddy_reader_take_many(pair.reader, samples, DEPTH, &none), EDDY_EAGAIN);
    }
    same(held(), 0);
    same(eddy_reader_lost(pair.reader), 0);
    pair_close(&pair);
}

static void groups_go_through_whole_whatever_the_reader(void **state)
{
    (void)state;
    a_group_goes_through_whole(&(struct eddy_reader_options){.depth = DEPTH});
    a_group_goes_through_whole(&best_effort);
    a_group_goes_through_whole(
        &(struct eddy_reader_options){.depth = DEPTH, .flags = EDDY_READER_SHARED});
}

static void a_reliable_reader_takes_half_of_its_depth_at_most(void **state)
{
    (void)state;
    struct eddy_sample samples[DEPTH];
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 8});
    publish_together(pair.writer, 8, 0);
    same(take_together(pair.reader, samples, DEPTH, 0), 4);
    /* The first of them stands for all: there is no more room than before. */
    must_fail(eddy_writer_write(pair.writer, samples, SIZE, EDDY_POLL), EDDY_EAGAIN);
    must(eddy_reader_release_many(pair.reader, samples, 4));
    publish_together(pair.writer, 4, 8);
    same(take_together(pair.reader, samples, 1, 4), 1);
    must(eddy_reader_release(pair.reader, &samples[0]));
    pair_close(&pair);
    pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 1});
    publish_together(pair.writer, 1, 0);
    same(take_together(pair.reader, samples, DEPTH, 0), 1);
    pair_close(&pair);
}

/* What is given back first is the room of all before it only when these are, too. */
static void a_group_is_given_back_in_any_order(void **state)
{
    (void)state;
    static const unsigned order[] = {3, 0, 2, 1, 7, 5, 4, 6};
    static const unsigned room[] = {0, 1, 1, 4, 4, 4, 6, 8};
    struct eddy_sample samples[DEPTH];
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 16});
    publish_together(pair.writer, 16, 0);
    same(take_together(pair.reader, samples, 8, 0), 8);
    for (size_t i = 0, used = 0; i < 8; i++) {
        must(eddy_reader_release(pair.reader, &samples[order[i]]));
        must_fail(eddy_reader_release(pair.reader, &samples[order[i]]), EDDY_ESTALE);
        for (; used < room[i]; used++)
            payload_publish(pair.writer, SIZE, 1, 16 + used);
        must_fail(eddy_writer_write(pair.writer, samples, SIZE, EDDY_POLL), EDDY_EAGAIN);
    }
    for (uint64_t i = 8; i < 24; i++)
        same(payload_take(pair.reader).number, i);
    pair_close(&pair);
}

/* Taking more while some of a group is held pins that, and the writer has its room. */
static void what_is_kept_of_a_group_stays_whole(void **state)
{
    (void)state;
    struct eddy_sample samples[DEPTH], kept[8];
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 16});
    publish_together(pair.writer, 16, 0);
    same(take_together(pair.reader, kept, 8, 0), 8);
    must(eddy_reader_release(pair.reader, &kept[0]));
    must(eddy_reader_release(pair.reader, &kept[5]));
    uint64_t next = 8;
    for (uint64_t round = 0; round < 200; round++) {
        size_t n = take_together(pair.reader, samples, 8, next);
        publish_together(pair.writer, 8, next + 8);
        must(eddy_reader_release_many(pair.reader, samples, n));
        next += n;
    }
    for (size_t i = 1; i < 8; i++)
        if (i != 5)
            same(payload_of(&kept[i]).number, i);
    same(held(), 6);
    struct eddy_sample some[] = {kept[1], kept[5], kept[2], kept[0], kept[3]};
    must_fail(eddy_reader_release_many(pair.reader, some, 5), EDDY_ESTALE);
    must_fail(eddy_reader_release(pair.reader, &kept[3]), EDDY_ESTALE);
    must(eddy_reader_release(pair.reader, &kept[7]));
    same(held(), 2);
    pair_close(&pair);
}

static void another_readers_group_is_refused(void **state)
{
    (void)state;
    struct eddy_sample samples[DEPTH];
    struct pair pair = pair_open(NULL, NULL);
    eddy_reader *other = open_reader(pair.domain, "pair", NULL);
    publish_together(pair.writer, 4, 0);
    same(take_together(pair.reader, samples, 4, 0), 4);
    must_fail(eddy_reader_release_many(other, samples, 4), EDDY_ESTALE);
    struct eddy_sample theirs[4];
    same(take_together(other, theirs, 4, 0), 4);
    must_fail(eddy_reader_release_many(other, samples, 4), EDDY_ESTALE);
    must(eddy_reader_release_many(pair.reader, samples, 4));
    must(eddy_reader_release_many(other, theirs, 4));
    must(eddy_reader_close(other));
    pair_close(&pair);
}

/* --- all or some ------------------------------------------------------------------------------- */

static void as_many_as_there_is_room_for_are_published(void **state)
{
    (void)state;
    struct eddy_loan loans[DEPTH];
    struct eddy_sample samples[DEPTH];
    size_t published = 99;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 10});
    same(loan_some(pair.writer, loans, 16, 0), 16);
    must(eddy_writer_publish_many(pair.writer, loans, 16, NULL, EDDY_POLL, &published));
    same(published, 10);
    published = 99;
    must_fail(eddy_writer_publish_many(pair.writer, loans + 10, 6, NULL, EDDY_POLL, &published),
              EDDY_EAGAIN);
    same(published, 99);
    same(take_together(pair.reader, samples, 4, 0), 4);
    must(eddy_reader_release_many(pair.reader, samples, 4));
    must(eddy_writer_publish_many(pair.writer, loans + 10, 6, NULL, EDDY_POLL, &published));
    same(published, 4);
    must(eddy_writer_discard(pair.writer, &loans[14]));
    must_fail(eddy_writer_publish_many(pair.writer, loans + 15, 1, NULL, EDDY_POLL, &published),
              EDDY_EAGAIN);
    must(eddy_writer_discard(pair.writer, &loans[15]));
    for (uint64_t i = 4; i < 14; i++)
        same(payload_take(pair.reader).number, i);
    pair_close(&pair);
}

static void a_loan_in_the_middle_that_is_none_ends_the_group(void **state)
{
    (void)state;
    struct eddy_loan loans[8];
    size_t published;
    struct pair pair = pair_open(NULL, NULL);
    same(loan_some(pair.writer, loans, 8, 0), 8);
    must(eddy_writer_discard(pair.writer, &loans[5]));
    must(eddy_writer_publish_many(pair.writer, loans, 8, NULL, EDDY_POLL, &published));
    same(published, 5);
    must_fail(eddy_writer_publish_many(pair.writer, loans + 5, 3, NULL, EDDY_POLL, &published),
              EDDY_ESTALE);
    must_fail(eddy_writer_publish_many(pair.writer, loans, 1, NULL, EDDY_POLL, &published),
              EDDY_ESTALE);
    must_fail(eddy_writer_publish_many(pair.writer, loans, 0, NULL, EDDY_POLL, &published),
              EDDY_EINVAL);
    must(eddy_writer_publish_many(pair.writer, loans + 6, 2, NULL, EDDY_POLL, &published));
    same(published, 2);
    for (uint64_t i = 0; i < 8; i++)
        if (i != 5)
            same(payload_take(pair.reader).number, i);
    pair_close(&pair);
}

static void loans_are_as_many_as_the_limit_allows(void **state)
{
    (void)state;
    enum { LARGE = 1 << 20, LIMIT = 4 << 20 };
    struct eddy_loan loans[8];
    size_t count;
    struct pair pair = pair_open(&(struct eddy_writer_options){.limit_bytes = LIMIT},
                                 &(struct eddy_reader_options){.limit_bytes = LIMIT});
    must(eddy_writer_loan_many(pair.writer, LARGE, loans, 8, EDDY_POLL, &count));
    check(count >= 2 && count < 8);
    size_t none;
    must_fail(eddy_writer_loan_many(pair.writer, LARGE, loans + count, 8 - count, EDDY_POLL, &none),
              EDDY_EAGAIN);
    must_fail(eddy_writer_loan_many(pair.writer, LARGE, loans, 0, EDDY_POLL, &none), EDDY_EINVAL);
    for (size_t i = 0; i < count; i++)
        must(eddy_writer_discard(pair.writer, &loans[i]));
    must(eddy_writer_loan_many(pair.writer, LARGE, loans, 1, EDDY_POLL, &count));
    pair_close(&pair);
}

/* Late readers get the same as if each had been published alone; sizes can be made less. */
static void a_group_becomes_history(void **state)
{
    (void)state;
    struct eddy_loan loans[8];
    size_t published;
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 3}, NULL);
    same(loan_some(pair.writer, loans, 8, 0), 8);
    loans[7].size = 8;
    must(eddy_writer_publish_many(pair.writer, loans, 8, NULL, EDDY_POLL, &published));
    same(published, 8);
    eddy_reader *late =
        open_reader(pair.domain, "pair", &(struct eddy_reader_options){.history = UINT32_MAX});
    struct eddy_sample samples[8];
    size_t count;
    must(eddy_reader_take_many(late, samples, 8, &count));
    same(count, 3);
    same(payload_of(&samples[0]).number, 5);
    same(samples[2].size, 8);
    must(eddy_reader_release_many(late, samples, 3));
    must(eddy_reader_close(late));
    pair_close(&pair);
}

/* --- the newest -------------------------------------------------------------------------------- */

static void the_newest_is_taken_and_the_others_passed_over(const struct eddy_reader_options *o)
{
    struct pair pair = pair_open(NULL, o);
    struct eddy_sample kept, sample;
    for (uint64_t round = 0, number = 0; round < 20; round++) {
        publish_together(pair.writer, DEPTH / 2, number);
        number += DEPTH / 2;
        must(eddy_reader_take_latest(pair.reader, &sample));
        same(payload_of(&sample).number, number - 1);
        same(held(), round ? 2 : 1);
        if (round == 0)
            kept = sample;
        else
            must(eddy_reader_release(pair.reader, &sample));
        must_fail(eddy_reader_take_latest(pair.reader, &sample), EDDY_EAGAIN);
    }
    same(payload_of(&kept).number, DEPTH / 2 - 1);
    must(eddy_reader_release(pair.reader, &kept));
    same(eddy_reader_lost(pair.reader), 0);
    pair_close(&pair);
}

static void the_newest_is_taken_whatever_the_reader(void **state)
{
    (void)state;
    the_newest_is_taken_and_the_others_passed_over(&(struct eddy_reader_options){.depth = DEPTH});
    the_newest_is_taken_and_the_others_passed_over(&best_effort);
    the_newest_is_taken_and_the_others_passed_over(
        &(struct eddy_reader_options){.depth = DEPTH, .flags = EDDY_READER_SHARED});
}

static void the_newest_of_the_past_is_taken_where_nothing_came_since(void **state)
{
    (void)state;
    const struct eddy_reader_options late = {.history = UINT32_MAX};
    struct eddy_sample sample;
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 5}, NULL);
    publish_together(pair.writer, 8, 0);
    eddy_reader *first = open_reader(pair.domain, "pair", &late);
    must(eddy_reader_take_latest(first, &sample));
    same(payload_of(&sample).number, 7);
    must(eddy_reader_close(first));
    eddy_reader *second = open_reader(pair.domain, "pair", &late);
    publish_together(pair.writer, 4, 8);
    must(eddy_reader_take_latest(second, &sample));
    same(payload_of(&sample).number, 11);
    must_fail(eddy_reader_take(second, &sample), EDDY_EAGAIN);
    must(eddy_reader_close(second));
    pair_close(&pair);
}

/* --- pieces ------------------------------------------------------------------------------------ */

static void pieces_lie_one_behind_the_other(void **state)
{
    (void)state;
    char text[] = "one two three";
    struct eddy_sample sample;
    struct pair pair = pair_open(NULL, NULL);
    const struct iovec pieces[] = {{text, 4}, {NULL, 0}, {text + 4, 4}, {text + 8, 6}};
    must(eddy_writer_write_pieces(pair.writer, pieces, 4, EDDY_POLL));
    must(eddy_writer_write_pieces(pair.writer, NULL, 0, EDDY_POLL));
    must(eddy_reader_take(pair.reader, &sample));
    same(sample.size, sizeof text);
    check(memcmp(sample.data, text, sizeof text) == 0);
    must(eddy_reader_release(pair.reader, &sample));
    must(eddy_reader_take(pair.reader, &sample));
    same(sample.size, 0);
    const struct iovec nowhere[] = {{text, 1}, {NULL, 1}}, many[] = {{text, SIZE_MAX}, {text, 2}};
    must_fail(eddy_writer_write_pieces(pair.writer, nowhere, 2, EDDY_POLL), EDDY_EINVAL);
    must_fail(eddy_writer_write_pieces(pair.writer, many, 2, EDDY_POLL), EDDY_ETOOBIG);
    pair_close(&pair);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct eddy_loan loans[4];
    struct eddy_sample samples[4];
    size_t count;
    struct pair pair = pair_open(NULL, NULL);
    must_fail(eddy_writer_loan_many(pair.writer, SIZE, loans, 0, EDDY_POLL, &count), EDDY_EINVAL);
    must_fail(eddy_writer_publish_many(pair.writer, loans, 0, NULL, EDDY_POLL, &count),
              EDDY_EINVAL);
    must_fail(eddy_reader_take_many(pair.reader, samples, 0, &count), EDDY_EINVAL);
    must_fail(eddy_writer_loan_many(pair.writer, SIZE_MAX / 2, loans, 4, EDDY_POLL, &count),
              EDDY_ETOOBIG);
    /* The first that is refused ends a group; where it is the first of all, so does the call. */
    struct eddy_publication what[4] = {{.flags = UINT32_MAX}};
    same(loan_some(pair.writer, loans, 4, 1), 4);
    must_fail(eddy_writer_publish_many(pair.writer, loans, 4, what, EDDY_POLL, &count),
              EDDY_EINVAL);
    for (size_t i = 0; i < 4; i++)
        must(eddy_writer_discard(pair.writer, &loans[i]));
    pair_close(&pair);
}

static void who_was_let_go_of_is_told_before_or_after_a_group(void **state)
{
    (void)state;
    struct eddy_sample samples[8];
    size_t count = 0;
    struct pair pair = pair_open(NULL, NULL);
    publish_together(pair.writer, 8, 1);
    same(take_together(pair.reader, samples, 4, 1), 4);
    must(eddy_writer_let_go(pair.writer, 0, 0));
    must(eddy_reader_release_many(pair.reader, samples, 4));
    must_fail(eddy_reader_take_many(pair.reader, samples, 8, &count), EDDY_ELETGO);
    publish_together(pair.writer, 3, 100);
    same(take_together(pair.reader, samples, 8, 100), 3);
    must(eddy_reader_release_many(pair.reader, samples, 3));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(groups_go_through_whole_whatever_the_reader),
        WORLD_TEST(a_reliable_reader_takes_half_of_its_depth_at_most),
        WORLD_TEST(a_group_is_given_back_in_any_order),
        WORLD_TEST(what_is_kept_of_a_group_stays_whole),
        WORLD_TEST(another_readers_group_is_refused),
        WORLD_TEST(as_many_as_there_is_room_for_are_published),
        WORLD_TEST(a_loan_in_the_middle_that_is_none_ends_the_group),
        WORLD_TEST(loans_are_as_many_as_the_limit_allows),
        WORLD_TEST(a_group_becomes_history),
        WORLD_TEST(the_newest_is_taken_whatever_the_reader),
        WORLD_TEST(the_newest_of_the_past_is_taken_where_nothing_came_since),
        WORLD_TEST(pieces_lie_one_behind_the_other),
        WORLD_TEST(what_makes_no_sense_is_refused),
        WORLD_TEST(who_was_let_go_of_is_told_before_or_after_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
