/* many_test.c - no fixed small limits: topics, readers, writers, participants.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdio.h>
#include <sys/resource.h>

enum { TOPICS = 1000, MEMBERS = 1024 };

static eddy_domain *domain;
static eddy_writer *writers[MEMBERS];
static eddy_reader *readers[MEMBERS];

/* Few descriptors: a topic must not cost one for as long as it is open. */
static struct rlimit allow_few_descriptors(void)
{
    struct rlimit before, few;
    check(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = 256;
    check(setrlimit(RLIMIT_NOFILE, &few) == 0);
    return before;
}

static void a_process_may_have_1000_topics(void **state)
{
    (void)state;
    struct rlimit before = allow_few_descriptors();
    domain = open_domain();
    for (size_t i = 0; i < TOPICS; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic %zu", i);
        writers[i] = open_writer(domain, name, NULL);
        readers[i] = open_reader(domain, name, NULL);
    }
    for (uint64_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < TOPICS; i++)
            payload_publish(writers[i], 64, i, round);
        for (size_t i = 0; i < TOPICS; i++) {
            struct payload payload = payload_take(readers[i]);
            same(payload.author, i);
            same(payload.number, round);
        }
    }
    for (size_t i = 0; i < TOPICS; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_writer_close(writers[i]));
    }
    must(eddy_domain_close(domain));
    check(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

static void open_members(void)
{
    domain = open_domain();
    for (size_t i = 0; i < MEMBERS; i++) {
        readers[i] = open_reader(domain, "crowd", NULL);
        writers[i] = open_writer(domain, "crowd", NULL);
    }
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(writers[0], &stats));
    same(stats.writers, MEMBERS);
    same(stats.readers, MEMBERS);
    same(eddy_writer_readers(writers[MEMBERS - 1]), MEMBERS);
}

/* Live samples are few and small: so is the topic. */
static void close_members(void)
{
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(writers[0], &stats));
    check(stats.shared_bytes < 16u << 20);
    for (size_t i = 0; i < MEMBERS; i++) {
        must(eddy_writer_close(writers[i]));
        must(eddy_reader_close(readers[i]));
    }
    must(eddy_domain_close(domain));
}

static void a_topic_may_have_1024_readers_and_1024_writers(void **state)
{
    (void)state;
    enum { BURST = 32 };
    open_members();
    for (size_t from = 0; from < MEMBERS; from += BURST) {
        for (size_t i = from; i < from + BURST; i++)
            payload_publish(writers[i], 64, i, i);
        for (size_t reader = 0; reader < MEMBERS; reader++)
            for (size_t i = from; i < from + BURST; i++)
                same(payload_take(readers[reader]).author, i);
    }
    close_members();
}

/* Each of them keeps a sample of its own, whole, while the others go on. */
static void each_of_1024_readers_may_keep_samples(void **state)
{
    (void)state;
    static struct eddy_sample kept[MEMBERS];
    open_members();
    for (size_t i = 0; i < MEMBERS; i++) {
        payload_publish(writers[i], 64, i, i);
        for (size_t reader = 0; reader < MEMBERS; reader++) {
            if (reader == i)
                must(eddy_reader_take(readers[reader], &kept[reader]));
            else
                payload_take(readers[reader]);
        }
    }
    for (size_t i = 0; i < MEMBERS; i++) {
        same(payload_of(&kept[i]).author, i);
        must(eddy_reader_release(readers[i], &kept[i]));
    }
    close_members();
}

/* Seats are given again: coming and going does not use the topic up. */
static void members_may_come_and_go_without_end(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_topic_stats before, after;
    payload_publish(pair.writer, 64, 1, 0);
    payload_take(pair.reader);
    must(eddy_writer_stats(pair.writer, &before));
    for (uint64_t i = 0; i < (SANITIZED ? 1000 : 5000); i++) {
        eddy_reader *reader = open_reader(pair.domain, "pair", NULL);
        eddy_writer *writer = open_writer(pair.domain, "pair", NULL);
        payload_publish(writer, 64, 1, i);
        same(payload_take(reader).number, i);
        same(payload_take(pair.reader).number, i);
        must(eddy_writer_close(writer));
        must(eddy_reader_close(reader));
    }
    must(eddy_writer_stats(pair.writer, &after));
    same(after.shared_bytes, before.shared_bytes);
    same(after.readers, 1);
    same(after.writers, 1);
    pair_close(&pair);
}

static void participants_may_come_and_go_without_end(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        struct pair pair = pair_open(NULL, NULL);
        payload_publish(pair.writer, 64, 1, i);
        same(payload_take(pair.reader).number, i);
        pair_close(&pair);
    }
}

static void a_process_may_be_many_participants(void **state)
{
    (void)state;
    static struct pair pairs[100];
    for (size_t i = 0; i < 100; i++)
        pairs[i] = pair_open(NULL, NULL);
    payload_publish(pairs[17].writer, 64, 17, 1);
    for (size_t i = 0; i < 100; i++)
        same(payload_take(pairs[i].reader).author, 17);
    for (size_t i = 0; i < 100; i++)
        pair_close(&pairs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_process_may_have_1000_topics),
        WORLD_TEST(a_topic_may_have_1024_readers_and_1024_writers),
        WORLD_TEST(each_of_1024_readers_may_keep_samples),
        WORLD_TEST(members_may_come_and_go_without_end),
        WORLD_TEST(participants_may_come_and_go_without_end),
        WORLD_TEST(a_process_may_be_many_participants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
