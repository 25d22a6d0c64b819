/* with_test.c - what goes with a sample: a key, a word of the application, a time, the user header.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

enum { ALL = EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME };

static const struct eddy_publication about = {.key = {1, 2, 3, [15] = 16}, .word = 77, .time = 99};

static struct eddy_sample pass(const struct pair *pair, const struct eddy_loan_options *plan,
                               const struct eddy_publication *what)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    must(eddy_writer_loan_with(pair->writer, plan, EDDY_POLL, &loan));
    payload_fill(loan.data, sizeof(struct payload), 1, 5);
    if (loan.header_size)
        memset(loan.header, 'h', loan.header_size);
    must(eddy_writer_publish_with(pair->writer, &loan, sizeof(struct payload), what, EDDY_POLL));
    must(eddy_reader_take(pair->reader, &sample));
    same(payload_of(&sample).number, 5);
    return sample;
}

static void is_about(const struct eddy_sample *sample, uint32_t with)
{
    same(sample->with, with);
    check(!sample->key == !(with & EDDY_WITH_KEY));
    check(!sample->key || memcmp(sample->key, about.key, 16) == 0);
    same(sample->word, with & EDDY_WITH_WORD ? about.word : 0);
    same(sample->time, with & EDDY_WITH_TIME ? about.time : 0);
}

/* Each of them, with and without a header, for each sample or for one, at any alignment. */
static void all_that_is_asked_for_is_there_and_nothing_else(void **state)
{
    (void)state;
    for (uint32_t each = 0; each <= ALL; each++) {
        struct pair pair = pair_open(&(struct eddy_writer_options){.with = each}, NULL);
        for (uint32_t one = 0; one <= ALL; one++)
            for (size_t header = 0; header < 12; header += 11)
                for (size_t align = 0; align <= 4096; align = align ? align * 8 : 8) {
                    const struct eddy_loan_options plan = {.size = sizeof(struct payload),
                                                           .alignment = align,
                                                           .header_size = header,
                                                           .with = one};
                    struct eddy_sample sample = pass(&pair, &plan, &about);
                    is_about(&sample, each | one);
                    same(sample.header_size, header);
                    for (size_t i = 0; i < header; i++)
                        same(((const char *)sample.header)[i], 'h');
                    check(!align || (uintptr_t)sample.data % align == 0);
                    must(eddy_reader_release(pair.reader, &sample));
                }
        pair_close(&pair);
    }
}

static void a_time_is_when_it_was_published(void **state)
{
    (void)state;
    struct pair pair = pair_open(&(struct eddy_writer_options){.with = EDDY_WITH_TIME}, NULL);
    uint64_t before = eddy_now();
    payload_publish(pair.writer, sizeof(struct payload), 1, 0);
    uint64_t after = eddy_now();
    struct eddy_sample sample;
    must(eddy_reader_take(pair.reader, &sample));
    check(sample.time >= before && sample.time <= after);
    pair_close(&pair);
}

static void groups_have_their_own(void **state)
{
    (void)state;
    struct eddy_loan loans[4];
    struct eddy_sample samples[4];
    struct eddy_publication what[4] = {{.word = 1}, {.word = 2}, {.word = 3}, {.word = 4}};
    size_t count;
    struct pair pair = pair_open(&(struct eddy_writer_options){.with = EDDY_WITH_WORD}, NULL);
    must(eddy_writer_loan_many(pair.writer, 8, loans, 4, EDDY_POLL, &count));
    must(eddy_writer_publish_many(pair.writer, loans, 4, what, EDDY_POLL, &count));
    same(count, 4);
    must(eddy_reader_take_many(pair.reader, samples, 4, &count));
    for (uint64_t i = 0; i < count; i++)
        same(samples[i].word, i + 1);
    pair_close(&pair);
}

/* Late readers find it; so do those who read what another writer goes on with. */
static void history_has_it_too(void **state)
{
    (void)state;
    const struct eddy_writer_options by_key = {
        .history_kind = EDDY_HISTORY_KEY, .history = 1, .with = ALL};
    const struct eddy_reader_options late = {.history = UINT32_MAX};
    struct pair pair = pair_open(&by_key, NULL);
    struct eddy_sample sample =
        pass(&pair, &(struct eddy_loan_options){.size = sizeof(struct payload)}, &about);
    eddy_reader *reader = open_reader(pair.domain, "pair", &late);
    must(eddy_reader_take(reader, &sample));
    is_about(&sample, ALL);
    must(eddy_reader_close(reader));
    eddy_writer *heir = open_writer(pair.domain, "heir", &by_key);
    must(eddy_writer_inherit(heir, pair.writer, EDDY_POLL));
    reader = open_reader(pair.domain, "heir", &late);
    must(eddy_reader_take(reader, &sample));
    is_about(&sample, ALL);
    same(payload_of(&sample).number, 5);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(heir));
    pair_close(&pair);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    eddy_writer *none;
    struct eddy_loan loan;
    struct eddy_topic_identity name = {.name = "pair"};
    struct pair pair = pair_open(&(struct eddy_writer_options){.history = 1}, NULL);
    const struct eddy_writer_options unknown = {.with = ALL + 1}, odd = {.reserved = 1},
                                     keys = {.history = 1, .with = EDDY_WITH_KEY};
    must_fail(eddy_writer_open(pair.domain, &name, &unknown, &none), EDDY_EINVAL);
    must_fail(eddy_writer_open(pair.domain, &name, &odd, &none), EDDY_EINVAL);
    must_fail(eddy_writer_open(pair.domain, &name, &keys, &none), EDDY_EINVAL);
    const struct eddy_loan_options more = {.with = ALL + 1}, key = {.with = EDDY_WITH_KEY};
    must_fail(eddy_writer_loan_with(pair.writer, &more, EDDY_POLL, &loan), EDDY_EINVAL);
    must_fail(eddy_writer_loan_with(pair.writer, &key, EDDY_POLL, &loan), EDDY_EINVAL);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(all_that_is_asked_for_is_there_and_nothing_else),
        WORLD_TEST(a_time_is_when_it_was_published),
        WORLD_TEST(groups_have_their_own),
        WORLD_TEST(history_has_it_too),
        WORLD_TEST(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
