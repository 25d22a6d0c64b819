/* key_history_test.c - late readers get the last samples of each key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

static const struct eddy_writer_options by_key = {.history_kind = EDDY_HISTORY_KEY, .history = 2};
static const struct eddy_reader_options all = {.history = UINT32_MAX};

static eddy_domain *domain;
static eddy_writer *writer;

static void start(const struct eddy_writer_options *options)
{
    domain = open_domain();
    writer = open_writer(domain, "keys", options);
}

static void finish(void)
{
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static struct eddy_publication about(uint64_t key, uint32_t flags)
{
    struct eddy_publication what = {.flags = flags};
    memcpy(what.key + 4, &key, sizeof key);
    return what;
}

/* The author of a sample is its key. */
static void publish_on(eddy_writer *on, uint64_t key, uint64_t number, uint32_t flags)
{
    struct eddy_publication what = about(key, flags);
    struct eddy_loan loan;
    must(eddy_writer_loan(on, sizeof(struct payload), patience(), &loan));
    payload_fill(loan.data, loan.size, key, number);
    must(eddy_writer_publish_with(on, &loan, loan.size, &what, patience()));
}

static void publish(uint64_t key, uint64_t number)
{
    publish_on(writer, key, number, 0);
}

struct wanted {
    uint64_t key, number;
};

static void late_reader_gets(const struct eddy_reader_options *options, const struct wanted *wanted,
                             size_t count)
{
    struct eddy_sample sample;
    eddy_reader *late = open_reader(domain, "keys", options);
    for (size_t i = 0; i < count; i++) {
        struct payload payload = payload_take(late);
        same(payload.author, wanted[i].key);
        same(payload.number, wanted[i].number);
    }
    must_fail(eddy_reader_take(late, &sample), EDDY_EAGAIN);
    must(eddy_reader_close(late));
}

static void a_late_reader_gets_the_last_n_of_each_key(void **state)
{
    (void)state;
    start(&by_key);
    publish(1, 0);
    publish(2, 0);
    for (uint64_t i = 1; i < 10; i++)
        publish(1, i);
    publish(3, 0);
    const struct wanted wanted[] = {{2, 0}, {1, 8}, {1, 9}, {3, 0}};
    late_reader_gets(&all, wanted, 4);
    const struct wanted newest[] = {{2, 0}, {1, 9}, {3, 0}};
    late_reader_gets(&(struct eddy_reader_options){.history = 1}, newest, 3);
    finish();
}

static void a_key_that_has_ended_leaves_nothing(void **state)
{
    (void)state;
    start(&by_key);
    for (uint64_t i = 0; i < 3; i++) {
        publish(1, i);
        publish(2, i);
    }
    publish_on(writer, 1, 3, EDDY_PUBLISH_ENDS_KEY);
    const struct wanted others[] = {{2, 1}, {2, 2}};
    late_reader_gets(&all, others, 2);
    publish(1, 4);
    const struct wanted again[] = {{2, 1}, {2, 2}, {1, 4}};
    late_reader_gets(&all, again, 3);
    publish_on(writer, 3, 0, EDDY_PUBLISH_ENDS_KEY); /* one that nobody has heard of */
    late_reader_gets(&all, again, 3);
    finish();
}

static void each_writer_keeps_its_own(void **state)
{
    (void)state;
    start(&by_key);
    eddy_writer *other = open_writer(domain, "keys", &by_key);
    eddy_writer *whole = open_writer(domain, "keys", &(struct eddy_writer_options){.history = 1});
    for (uint64_t i = 0; i < 3; i++) {
        publish(1, i);
        publish_on(other, 1, 10 + i, 0);
        publish_on(whole, 1, 20 + i, 0);
    }
    publish_on(writer, 1, 3, EDDY_PUBLISH_ENDS_KEY);
    const struct wanted wanted[] = {{1, 11}, {1, 12}, {1, 22}};
    late_reader_gets(&all, wanted, 3);
    must(eddy_writer_close(other));
    late_reader_gets(&all, &wanted[2], 1);
    must(eddy_writer_close(whole));
    finish();
}

/* Header, data and their alignments are what they are without keys. */
static void keys_leave_headers_and_data_as_they_are(void **state)
{
    (void)state;
    start(&by_key);
    static const size_t alignments[] = {8, 64, 4096};
    for (size_t i = 0; i < 3; i++) {
        struct eddy_loan_options plan = {
            .size = 100, .alignment = alignments[i], .header_size = 61, .header_alignment = 8};
        struct eddy_publication what = about(i, 0);
        struct eddy_loan loan;
        must(eddy_writer_loan_with(writer, &plan, patience(), &loan));
        check((uintptr_t)loan.data % alignments[i] == 0);
        memset(loan.header, 0x55, 61);
        payload_fill(loan.data, loan.size, 7, i);
        must(eddy_writer_publish_with(writer, &loan, loan.size, &what, patience()));
    }
    eddy_reader *late = open_reader(domain, "keys", &all);
    for (uint64_t i = 0; i < 3; i++) {
        struct eddy_sample sample;
        must(eddy_reader_take(late, &sample));
        check((uintptr_t)sample.data % alignments[i] == 0);
        same(payload_of(&sample).number, i);
        same(sample.header_size, 61);
        for (size_t at = 0; at < 61; at++)
            same(((const unsigned char *)sample.header)[at], 0x55);
        must(eddy_reader_release(late, &sample));
    }
    must(eddy_reader_close(late));
    finish();
}

enum { MANY = 20000 };

/* ... in about the time that a few take each: what is asked of a key does not grow with the others. */
static void there_may_be_many_keys(void **state)
{
    (void)state;
    start(&(struct eddy_writer_options){.history_kind = EDDY_HISTORY_KEY, .history = 1});
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t key = 0; key < MANY; key++)
            publish(key, round);
    eddy_reader *late = open_reader(domain, "keys", &all);
    for (uint64_t key = 0; key < MANY; key++) {
        struct payload payload = payload_take(late);
        same(payload.author, key);
        same(payload.number, 1);
    }
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    for (uint64_t key = 0; key < MANY; key++)
        publish_on(writer, key, 2, EDDY_PUBLISH_ENDS_KEY);
    late_reader_gets(&all, NULL, 0);
    finish();
}

static void what_it_does_not_know_is_refused(void **state)
{
    (void)state;
    start(&by_key);
    struct eddy_loan loan;
    struct eddy_publication odd = about(1, 2), more = {.reserved = 1};
    must(eddy_writer_loan(writer, 8, patience(), &loan));
    must_fail(eddy_writer_publish_with(writer, &loan, 8, &odd, patience()), EDDY_EINVAL);
    must_fail(eddy_writer_publish_with(writer, &loan, 8, &more, patience()), EDDY_EINVAL);
    must(eddy_writer_discard(writer, &loan));
    struct eddy_writer_options deep = {.history = EDDY_HISTORY_MAX + 1};
    eddy_writer *none;
    must_fail(eddy_writer_open(domain, &(struct eddy_topic_identity){.name = "keys"}, &deep, &none),
              EDDY_EINVAL);
    finish();
}

enum { KEYS = 5 };

/* Numbers rise by one for each key; now and then a key ends. */
static void streaming_process(int wire, void *unused)
{
    (void)unused;
    struct eddy_writer_options options = by_key;
    eddy_domain *mine = open_domain();
    eddy_writer *streaming = open_writer(mine, "keys", &options);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0;; i++)
        publish_on(streaming, i % KEYS, i / KEYS, i % 13 == 0 ? EDDY_PUBLISH_ENDS_KEY : 0);
}

/* Joins a running stream many times: from a key's first sample on, a reliable reader misses none. */
static void joining_a_stream_leaves_no_gap_in_any_key(void **state)
{
    (void)state;
    start(&by_key);
    struct child child = child_start(streaming_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    for (int round = 0; round < 100; round++) {
        eddy_reader *late = open_reader(domain, "keys", &all);
        uint64_t next[KEYS] = {0};
        for (int i = 0; i < 200; i++) {
            struct payload payload = payload_await(late);
            if (next[payload.author])
                same(payload.number, next[payload.author]);
            next[payload.author] = payload.number + 1;
        }
        must(eddy_reader_close(late));
    }
    child_kill(&child);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_late_reader_gets_the_last_n_of_each_key),
        WORLD_TEST(a_key_that_has_ended_leaves_nothing),
        WORLD_TEST(each_writer_keeps_its_own),
        WORLD_TEST(keys_leave_headers_and_data_as_they_are),
        WORLD_TEST(there_may_be_many_keys),
        WORLD_TEST(what_it_does_not_know_is_refused),
        WORLD_TEST(joining_a_stream_leaves_no_gap_in_any_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
