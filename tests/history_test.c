/* history_test.c - what a late reader gets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

static const struct eddy_writer_options per_writer = {.history = 5};
static const struct eddy_writer_options per_topic = {.history_kind = EDDY_HISTORY_TOPIC,
                                                     .history = 5};
static const struct eddy_reader_options all = {.history = UINT32_MAX};

static eddy_domain *domain;
static eddy_reader *anchor; /* keeps the topic alive, and takes all at once */

static void start(void)
{
    domain = open_domain();
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT};
    anchor = open_reader(domain, "late", &options);
}

static void finish(void)
{
    must(eddy_reader_close(anchor));
    must(eddy_domain_close(domain));
}

static void publish_range(eddy_writer *writer, uint64_t author, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        payload_publish(writer, 128, author, i);
}

static void takes_range(eddy_reader *reader, uint64_t author, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct payload payload = payload_take(reader);
        same(payload.author, author);
        same(payload.number, i);
    }
}

/* A reader opened now finds this author's numbers [from, to), and nothing else. */
static void late_reader_gets(const struct eddy_reader_options *options, uint64_t author,
                             uint64_t from, uint64_t to)
{
    eddy_reader *late = open_reader(domain, "late", options);
    takes_range(late, author, from, to);
    check(!eddy_reader_ready(late));
    struct eddy_sample sample;
    must_fail(eddy_reader_take(late, &sample), EDDY_EAGAIN);
    must(eddy_reader_close(late));
}

/* A writer's seat goes to the next one of the same participant, or to who gives memory back. */
static void history_goes_with_its_writer_whoever_has_its_seat(void **state)
{
    (void)state;
    start();
    for (uint32_t round = 0; round < 3; round++) {
        eddy_writer *writer = open_writer(domain, "late", &per_writer);
        late_reader_gets(&all, round, 0, 0);
        publish_range(writer, round, 0, 2 + round);
        late_reader_gets(&all, round, 0, 2 + round);
        must(eddy_writer_close(writer));
        late_reader_gets(&all, round, 0, 0);
    }
    eddy_writer *other = open_writer(domain, "late", NULL);
    late_reader_gets(&all, 9, 0, 0);
    must(eddy_writer_close(other));
    finish();
}

static void without_history_a_late_reader_gets_nothing(void **state)
{
    (void)state;
    start();
    eddy_writer *writer = open_writer(domain, "late", NULL);
    publish_range(writer, 1, 0, 20);
    late_reader_gets(NULL, 1, 0, 0);
    late_reader_gets(&(struct eddy_reader_options){0}, 1, 0, 0);
    must(eddy_writer_close(writer));
    finish();
}

static void a_late_reader_gets_the_last_n(const struct eddy_writer_options *options)
{
    start();
    eddy_writer *writer = open_writer(domain, "late", options);
    late_reader_gets(&all, 1, 0, 0);
    publish_range(writer, 1, 0, 3);
    late_reader_gets(&all, 1, 0, 3);
    publish_range(writer, 1, 3, 500);
    late_reader_gets(&all, 1, 495, 500);
    late_reader_gets(&(struct eddy_reader_options){.history = 2}, 1, 498, 500);
    struct eddy_reader_options best_effort = all;
    best_effort.reliability = EDDY_BEST_EFFORT;
    late_reader_gets(&best_effort, 1, 495, 500);
    late_reader_gets(NULL, 1, 0, 0);
    must(eddy_writer_close(writer));
    finish();
}

static void a_late_reader_gets_the_last_n_of_a_writer(void **state)
{
    (void)state;
    a_late_reader_gets_the_last_n(&per_writer);
}

static void a_late_reader_gets_the_last_n_of_the_topic(void **state)
{
    (void)state;
    a_late_reader_gets_the_last_n(&per_topic);
}

static void writer_history_is_of_each_writer(void **state)
{
    (void)state;
    start();
    eddy_writer *quiet = open_writer(domain, "late", &per_writer);
    eddy_writer *busy = open_writer(domain, "late", &(struct eddy_writer_options){.history = 2});
    publish_range(quiet, 1, 0, 5);
    publish_range(busy, 2, 0, 1000);
    eddy_reader *late = open_reader(domain, "late", &all);
    takes_range(late, 1, 0, 5);
    takes_range(late, 2, 998, 1000);
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    must(eddy_writer_close(busy));
    must(eddy_writer_close(quiet));
    finish();
}

static void topic_history_is_the_last_n_whoever_wrote_them(void **state)
{
    (void)state;
    start();
    eddy_writer *first = open_writer(domain, "late", &per_topic);
    eddy_writer *second = open_writer(domain, "late", &per_topic);
    publish_range(first, 1, 0, 20);
    publish_range(second, 2, 0, 2);
    eddy_reader *late = open_reader(domain, "late", &all);
    takes_range(late, 1, 17, 20);
    takes_range(late, 2, 0, 2);
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    must(eddy_writer_close(second));
    must(eddy_writer_close(first));
    finish();
}

static void writer_history_goes_with_its_writer(void **state)
{
    (void)state;
    start();
    eddy_writer *leaving = open_writer(domain, "late", &per_writer);
    eddy_writer *staying = open_writer(domain, "late", &per_writer);
    publish_range(leaving, 1, 0, 5);
    publish_range(staying, 2, 0, 5);
    must(eddy_writer_close(leaving));
    late_reader_gets(&all, 2, 0, 5);
    must(eddy_writer_close(staying));
    late_reader_gets(&all, 2, 0, 0);
    finish();
}

/* Its order is that of the numbers, and not of the writers. */
static void topic_history_of_writers_in_turn_has_no_gap(void **state)
{
    (void)state;
    start();
    eddy_writer *first = open_writer(domain, "late", &per_topic);
    eddy_writer *second = open_writer(domain, "late", &per_topic);
    for (uint64_t i = 0; i < 20; i++) {
        publish_range(second, 2, i, i + 1);
        publish_range(first, 1, i, i + 1);
    }
    eddy_reader *late = open_reader(domain, "late", &all);
    takes_range(late, 1, 17, 18);
    for (uint64_t i = 18; i < 20; i++) {
        takes_range(late, 2, i, i + 1);
        takes_range(late, 1, i, i + 1);
    }
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    must(eddy_writer_close(second));
    must(eddy_writer_close(first));
    finish();
}

/* One writer keeps more of its own than another of the topic: a late reader gets both. */
static void a_writers_history_is_longer_than_the_topics(void **state)
{
    (void)state;
    start();
    eddy_writer *first = open_writer(domain, "late", &per_topic);
    eddy_writer *second = open_writer(domain, "late", &(struct eddy_writer_options){.history = 8});
    publish_range(first, 1, 0, 20);
    publish_range(second, 2, 0, 20);
    publish_range(first, 1, 20, 23);
    eddy_reader *late = open_reader(domain, "late", &all);
    takes_range(late, 2, 12, 20);
    takes_range(late, 1, 20, 23);
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    must(eddy_writer_close(second));
    must(eddy_writer_close(first));
    finish();
}

static void topic_history_outlives_its_writers(void **state)
{
    (void)state;
    start();
    eddy_writer *writer = open_writer(domain, "late", &per_topic);
    publish_range(writer, 1, 0, 50);
    must(eddy_writer_close(writer));
    late_reader_gets(&all, 1, 45, 50);
    finish();
}

static void writer_process(int wire, void *options)
{
    eddy_domain *mine = open_domain();
    eddy_writer *writer = open_writer(mine, "late", options);
    publish_range(writer, 1, 0, 50);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void history_of_a_killed_writer(struct eddy_writer_options options, uint64_t from)
{
    start();
    struct child child = child_start(writer_process, &options);
    wire_expect(child.wire, WIRE_READY);
    late_reader_gets(&all, 1, 45, 50);
    child_kill(&child);
    late_reader_gets(&all, 1, from, 50);
    finish();
}

static void writer_history_goes_with_a_killed_writer(void **state)
{
    (void)state;
    history_of_a_killed_writer(per_writer, 50);
}

static void topic_history_outlives_a_killed_writer(void **state)
{
    (void)state;
    history_of_a_killed_writer(per_topic, 45);
}

/* History first, then what came while it was read; nothing twice, nothing missing. */
static void history_comes_before_what_is_new(void **state)
{
    (void)state;
    start();
    eddy_writer *writer = open_writer(domain, "late", &per_writer);
    publish_range(writer, 1, 0, 30);
    eddy_reader *late = open_reader(domain, "late", &all);
    publish_range(writer, 1, 30, 40);
    takes_range(late, 1, 25, 28);
    publish_range(writer, 1, 40, 60);
    takes_range(late, 1, 28, 60);
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    must(eddy_writer_close(writer));
    finish();
}

/* Another writer takes every slot that it can get: history is not among them. */
static void history_survives_a_shortage(const struct eddy_writer_options *options)
{
    struct eddy_loan loan;
    domain = open_domain();
    struct eddy_reader_options reading = {.reliability = EDDY_BEST_EFFORT, .limit_bytes = 1 << 20};
    anchor = open_reader(domain, "late", &reading);
    eddy_writer *writer = open_writer(domain, "late", options);
    eddy_writer *hog = open_writer(domain, "late", NULL);
    publish_range(writer, 1, 0, 50);
    while (eddy_writer_loan(hog, 128, EDDY_POLL, &loan) == EDDY_OK)
        memset(loan.data, 'x', 128);
    late_reader_gets(&all, 1, 45, 50);
    must(eddy_writer_close(hog));
    must(eddy_writer_close(writer));
    finish();
}

static void writer_history_survives_a_shortage(void **state)
{
    (void)state;
    history_survives_a_shortage(&per_writer);
}

static void topic_history_survives_a_shortage(void **state)
{
    (void)state;
    history_survives_a_shortage(&per_topic);
}

static void history_does_not_hold_the_writer_up(void **state)
{
    (void)state;
    start();
    eddy_writer *writer = open_writer(domain, "late", &per_writer);
    publish_range(writer, 1, 0, 30);
    struct eddy_reader_options options = {.history = UINT32_MAX, .depth = 3};
    eddy_reader *late = open_reader(domain, "late", &options);
    publish_range(writer, 1, 30, 33);
    takes_range(late, 1, 25, 33);
    must(eddy_reader_close(late));
    must(eddy_writer_close(writer));
    finish();
}

/* A reader that closes with its history unread leaves nothing pinned. */
static void unread_history_is_let_go_on_close(void **state)
{
    (void)state;
    start();
    eddy_writer *writer = open_writer(domain, "late", &per_writer);
    struct eddy_topic_stats before, after;
    publish_range(writer, 1, 0, 100);
    must(eddy_writer_stats(writer, &before));
    for (int i = 0; i < 300; i++) {
        must(eddy_reader_close(open_reader(domain, "late", &all)));
        publish_range(writer, 1, 0, 3);
    }
    must(eddy_writer_stats(writer, &after));
    same(after.shared_bytes, before.shared_bytes);
    must(eddy_writer_close(writer));
    finish();
}

static void streaming_process(int wire, void *options)
{
    eddy_domain *mine = open_domain();
    eddy_writer *writer = open_writer(mine, "late", options);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0;; i++)
        payload_publish(writer, 128, 1, i);
}

/* Joins a running stream many times: from its first sample on, a reliable reader misses none. */
static void joining_a_stream_leaves_no_gap(struct eddy_writer_options options)
{
    start();
    struct child child = child_start(streaming_process, &options);
    wire_expect(child.wire, WIRE_READY);
    for (int round = 0; round < 100; round++) {
        eddy_reader *late = open_reader(domain, "late", &all);
        uint64_t next = payload_await(late).number;
        for (int i = 0; i < 200; i++)
            same(payload_await(late).number, ++next);
        must(eddy_reader_close(late));
    }
    child_kill(&child);
    finish();
}

static void joining_a_stream_leaves_no_gap_in_writer_history(void **state)
{
    (void)state;
    joining_a_stream_leaves_no_gap(per_writer);
}

static void joining_a_stream_leaves_no_gap_in_topic_history(void **state)
{
    (void)state;
    joining_a_stream_leaves_no_gap(per_topic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(without_history_a_late_reader_gets_nothing),
        WORLD_TEST(a_late_reader_gets_the_last_n_of_a_writer),
        WORLD_TEST(a_late_reader_gets_the_last_n_of_the_topic),
        WORLD_TEST(writer_history_is_of_each_writer),
        WORLD_TEST(topic_history_is_the_last_n_whoever_wrote_them),
        WORLD_TEST(writer_history_goes_with_its_writer),
        WORLD_TEST(topic_history_of_writers_in_turn_has_no_gap),
        WORLD_TEST(a_writers_history_is_longer_than_the_topics),
        WORLD_TEST(topic_history_outlives_its_writers),
        WORLD_TEST(writer_history_goes_with_a_killed_writer),
        WORLD_TEST(topic_history_outlives_a_killed_writer),
        WORLD_TEST(history_comes_before_what_is_new),
        WORLD_TEST(writer_history_survives_a_shortage),
        WORLD_TEST(topic_history_survives_a_shortage),
        WORLD_TEST(history_does_not_hold_the_writer_up),
        WORLD_TEST(history_goes_with_its_writer_whoever_has_its_seat),
        WORLD_TEST(unread_history_is_let_go_on_close),
        WORLD_TEST(joining_a_stream_leaves_no_gap_in_writer_history),
        WORLD_TEST(joining_a_stream_leaves_no_gap_in_topic_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
