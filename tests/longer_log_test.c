/* longer_log_test.c - a reader gets the depth that it asks for, whoever came first with whatever log.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include "allocator/segment/logs.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

#include <eddy/inspect.h>

#include <string.h>

enum { FIRST = EDDY_LOG_MIN, LONGEST = EDDY_LOG_MAX };

static const struct eddy_reader_options skipping = {.reliability = EDDY_BEST_EFFORT};

/* The topic is made by who wants nothing special. */
static eddy_writer *first_writer(eddy_domain *domain)
{
    eddy_writer *writer = open_writer(domain, "deep", NULL);
    same(eddy_logs_length(writer->segment), FIRST);
    return writer;
}

static eddy_reader *deep_reader(eddy_domain *domain, uint32_t depth)
{
    eddy_reader *reader =
        open_reader(domain, "deep", &(struct eddy_reader_options){.depth = depth});
    same(eddy_reader_depth(reader), depth);
    return reader;
}

static int publish(eddy_writer *writer, uint64_t number)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, sizeof(struct payload), patience(), &loan));
    payload_fill(loan.data, loan.size, 1, number);
    int error = eddy_writer_publish(writer, &loan, loan.size, EDDY_POLL);
    if (error)
        must(eddy_writer_discard(writer, &loan));
    return error;
}

static void publish_many(eddy_writer *writer, uint64_t from, uint64_t until)
{
    for (uint64_t i = from; i < until; i++)
        must(publish(writer, i));
}

static void take_many(eddy_reader *reader, uint64_t from, uint64_t until)
{
    for (uint64_t i = from; i < until; i++)
        same(payload_take(reader).number, i);
}

static void the_deepest_reader_gets_all_of_the_smallest_log(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = first_writer(domain);
    eddy_reader *reader = deep_reader(domain, LONGEST);
    publish_many(writer, 0, LONGEST);
    must_fail(publish(writer, LONGEST), EDDY_EAGAIN);
    take_many(reader, 0, LONGEST);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_best_effort_reader_is_assured_of_its_depth(void **state)
{
    (void)state;
    struct eddy_reader_options deep = skipping;
    deep.depth = 10 * FIRST;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = first_writer(domain);
    eddy_reader *reader = open_reader(domain, "deep", &deep);
    same(eddy_reader_depth(reader), deep.depth);
    publish_many(writer, 0, deep.depth);
    take_many(reader, 0, deep.depth);
    same(eddy_reader_lost(reader), 0);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* `published` before the first log ends, `unread` of them not taken: all come, and once. */
static void go_on(uint64_t published, uint64_t unread)
{
    eddy_domain *domain = open_domain(), *other = open_domain();
    eddy_writer *writer = first_writer(domain), *distant = open_writer(other, "deep", NULL);
    eddy_reader *all = deep_reader(domain, FIRST), *newest = open_reader(other, "deep", &skipping);
    for (uint64_t i = 0; i < published - unread; i++) {
        must(publish(writer, i));
        same(payload_take(all).number, i);
        same(payload_take(newest).number, i);
    }
    publish_many(writer, published - unread, published);
    eddy_reader *deep = deep_reader(domain, 3 * FIRST);
    check(eddy_logs_length(distant->segment) >= 3 * FIRST);
    publish_many(distant, published, published + FIRST - unread);
    must_fail(publish(writer, 0), EDDY_EAGAIN); /* `all` is as far behind as it may be */
    take_many(all, published - unread, published + FIRST - unread);
    must(eddy_reader_close(all));
    publish_many(writer, published + FIRST - unread, published + 3 * FIRST - 10);
    take_many(deep, published, published + 3 * FIRST - 10);
    uint64_t next = published + 3 * FIRST - 10 - eddy_reader_depth(newest);
    same(payload_take(newest).number, next);
    same(eddy_reader_lost(newest), next - (published - unread));
    must(eddy_reader_close(newest));
    must(eddy_reader_close(deep));
    must(eddy_writer_close(distant));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
}

/* Also where the reader that is behind needs what the mark stands on. */
static void all_go_on_when_the_log_is_made_longer(void **state)
{
    static const uint64_t cases[][2] = {{0, 0},
                                        {1, 1},
                                        {700, 300},
                                        {FIRST, FIRST},
                                        {FIRST + 1, 0},
                                        {5 * FIRST + 17, FIRST},
                                        {5 * FIRST + 17, FIRST - 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        go_on(cases[i][0], cases[i][1]);
}

/* What a deep reader would like to have was gone before: it is not taken for what is to come. */
static void what_was_gone_before_is_lost(void **state)
{
    (void)state;
    struct eddy_reader_options deep = skipping;
    deep.flags = EDDY_READER_BEYOND_DEPTH;
    struct eddy_sample sample;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = first_writer(domain);
    eddy_reader *behind = open_reader(domain, "deep", &deep);
    publish_many(writer, 0, 3 * FIRST);
    eddy_reader *all = deep_reader(domain, 3 * FIRST);
    publish_many(writer, 3 * FIRST, 3 * FIRST + 10);
    check(eddy_reader_ready(behind));
    must(eddy_reader_wait(behind, EDDY_POLL));
    must(eddy_reader_take(behind, &sample));
    check(payload_of(&sample).number >= 2 * FIRST);
    same(eddy_reader_lost(behind) + 1, sample.sn);
    must(eddy_reader_release(behind, &sample));
    must(eddy_reader_close(all));
    must(eddy_reader_close(behind));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_log_is_made_longer_again_and_again(void **state)
{
    (void)state;
    enum { EACH = 300 };
    uint64_t number = 0;
    eddy_domain *domain = open_domain(), *other = open_domain();
    eddy_writer *writer = first_writer(domain), *distant = open_writer(other, "deep", NULL);
    eddy_reader *last = deep_reader(other, FIRST), *next;
    for (uint32_t depth = 4 * FIRST; depth <= LONGEST / 8; depth *= 2) {
        publish_many(depth & 8 * FIRST ? writer : distant, number, number + EACH);
        next = deep_reader(depth & 16 * FIRST ? domain : other, depth);
        same(eddy_logs_length(writer->segment), depth < 8 * FIRST ? 8 * FIRST : depth);
        take_many(last, number, number + EACH);
        must(eddy_reader_close(last));
        number += EACH;
        last = next;
    }
    must(eddy_reader_close(last));
    must(eddy_writer_close(distant));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
}

/* Both of what is not taken yet, and of what nobody has looked at. */
static void history_outlives_the_log_that_it_came_by(void **state)
{
    (void)state;
    enum { KEPT = 400 };
    struct eddy_writer_options keeping = {.history_kind = EDDY_HISTORY_TOPIC, .history = KEPT};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "deep", &keeping);
    publish_many(writer, 0, 3 * FIRST);
    eddy_reader *deep = deep_reader(domain, 20 * FIRST);
    for (uint64_t more = 0; more < 3; more++) {
        eddy_reader *late =
            open_reader(domain, "deep", &(struct eddy_reader_options){.history = UINT32_MAX});
        take_many(late, 3 * FIRST + more - KEPT, 3 * FIRST + more);
        must(eddy_reader_close(late));
        must(publish(writer, 3 * FIRST + more));
    }
    must(eddy_reader_close(deep));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_longer_history_makes_the_log_longer(void **state)
{
    (void)state;
    enum { KEPT = 5 * FIRST };
    eddy_domain *domain = open_domain();
    eddy_writer *first = first_writer(domain);
    struct eddy_writer_options keeping = {.history_kind = EDDY_HISTORY_TOPIC, .history = KEPT};
    eddy_writer *writer = open_writer(domain, "deep", &keeping);
    publish_many(first, 0, KEPT + 100);
    eddy_reader *late =
        open_reader(domain, "deep", &(struct eddy_reader_options){.history = UINT32_MAX});
    take_many(late, 100, KEPT + 100);
    must(eddy_reader_close(late));
    must(eddy_writer_close(writer));
    must(eddy_writer_close(first));
    must(eddy_domain_close(domain));
}

/* --- limits ---------------------------------------------------------------------------------- */

static struct eddy_member_info seen_of_reader(void)
{
    struct eddy_member_info found = {0};
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(NULL, &snapshot));
    const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, 0);
    for (size_t i = 0; i < topic->member_count; i++)
        if (!topic->members[i].is_writer)
            found = topic->members[i];
    eddy_snapshot_free(snapshot);
    return found;
}

/* There can be as many of the smallest samples as the limit has room for; no more can be unread. */
static void a_depth_beyond_the_limit_is_told(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 20 };
    struct eddy_writer_options limited = {.limit_bytes = LIMIT};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "deep", &limited);
    eddy_reader *reader =
        open_reader(domain, "deep", &(struct eddy_reader_options){.depth = LONGEST});
    same(eddy_reader_depth(reader), LIMIT / 128);
    check(seen_of_reader().shallow && seen_of_reader().depth == LIMIT / 128);
    must(eddy_reader_close(reader));
    reader = deep_reader(domain, LIMIT / 128);
    check(!seen_of_reader().shallow);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void who_asks_for_a_higher_limit_gets_it(void **state)
{
    (void)state;
    struct eddy_writer_options limited = {.limit_bytes = 1 << 20};
    struct eddy_reader_options deep = {.depth = LONGEST, .limit_bytes = 1 << 28};
    struct eddy_topic_stats stats;
    struct eddy_loan loan;
    eddy_domain *domain = open_domain(), *other = open_domain();
    eddy_writer *writer = open_writer(domain, "deep", &limited);
    must_fail(eddy_writer_loan(writer, 2 << 20, patience(), &loan), EDDY_ETOOBIG);
    eddy_reader *reader = open_reader(other, "deep", &deep);
    same(eddy_reader_depth(reader), LONGEST);
    must(eddy_writer_loan(writer, 2 << 20, patience(), &loan));
    must(eddy_writer_discard(writer, &loan));
    eddy_writer *frugal = open_writer(other, "deep", &limited);
    must(eddy_writer_stats(frugal, &stats));
    same(stats.limit_bytes, 1 << 28);
    must(eddy_writer_close(frugal));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_deepest_reader_gets_all_of_the_smallest_log),
        WORLD_TEST(a_best_effort_reader_is_assured_of_its_depth),
        WORLD_TEST(all_go_on_when_the_log_is_made_longer),
        WORLD_TEST(what_was_gone_before_is_lost),
        WORLD_TEST(a_log_is_made_longer_again_and_again),
        WORLD_TEST(history_outlives_the_log_that_it_came_by),
        WORLD_TEST(a_longer_history_makes_the_log_longer),
        WORLD_TEST(a_depth_beyond_the_limit_is_told),
        WORLD_TEST(who_asks_for_a_higher_limit_gets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
