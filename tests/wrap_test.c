/* wrap_test.c - what years of publishing lead to: numbers beyond 32 bits, counters that wrap, and
 * the last number of all.
 *
 * A topic is taken to where it would be then before anybody reads it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

enum { ROUNDS = 3000 };

/* As if all before `sn` (as applications count) had been published and taken long ago. */
static void begin_at(eddy_writer *writer, uint64_t sn)
{
    struct eddy_control *c = writer->segment->control;
    uint64_t n = writer->segment->first_sn + sn - 1;
    eddy_store_seq(&c->next_sn, n);
    eddy_store_seq(&c->min_cursor, n);
    eddy_store_seq(&c->untaken, n);
    eddy_store_seq(&c->untaken_deep, n);
    eddy_store_seq(&c->gate, n);
}

struct crowd {
    eddy_domain *domain;
    eddy_writer *writer, *other;
    eddy_reader *reliable, *skipping, *deep, *keeping;
};

static struct crowd crowd_at(uint64_t sn)
{
    struct eddy_writer_options writing = {.history = 3};
    struct eddy_reader_options skipping = {.reliability = EDDY_BEST_EFFORT};
    struct eddy_reader_options deep = {.reliability = EDDY_BEST_EFFORT,
                                       .flags = EDDY_READER_BEYOND_DEPTH};
    struct crowd c = {.domain = open_domain()};
    c.writer = open_writer(c.domain, "old", &writing);
    begin_at(c.writer, sn);
    c.other = open_writer(c.domain, "old", &writing);
    c.reliable = open_reader(c.domain, "old", NULL);
    c.skipping = open_reader(c.domain, "old", &skipping);
    c.deep = open_reader(c.domain, "old", &deep);
    c.keeping = open_reader(c.domain, "old", NULL);
    return c;
}

static void crowd_close(struct crowd *c)
{
    must(eddy_reader_close(c->keeping));
    must(eddy_reader_close(c->deep));
    must(eddy_reader_close(c->skipping));
    must(eddy_reader_close(c->reliable));
    must(eddy_writer_close(c->other));
    must(eddy_writer_close(c->writer));
    must(eddy_domain_close(c->domain));
}

static void take_number(eddy_reader *reader, uint64_t sn, uint64_t number)
{
    struct eddy_sample sample;
    must(eddy_reader_take(reader, &sample));
    same(sample.sn, sn);
    same(payload_of(&sample).number, number);
    must(eddy_reader_release(reader, &sample));
    must_fail(eddy_reader_release(reader, &sample), EDDY_ESTALE);
}

/* Keeps each for a few rounds, so that it lies pinned across the border. */
static void keep_number(eddy_reader *reader, struct eddy_sample *place, uint64_t sn,
                        uint64_t number)
{
    if (place->data)
        must(eddy_reader_release(reader, place));
    must(eddy_reader_take(reader, place));
    same(place->sn, sn);
    same(payload_of(place).number, number);
}

/* `count` samples up to the last, `sn`, which is `number`. */
static void late_reader_gets(struct crowd *c, uint64_t sn, uint64_t number, uint64_t count)
{
    struct eddy_reader_options late = {.history = UINT32_MAX};
    eddy_reader *reader = open_reader(c->domain, "old", &late);
    struct eddy_sample sample = {0};
    for (uint64_t i = 0, before = 0; i < count; i++, before = sample.sn) {
        must(eddy_reader_take(reader, &sample));
        check(sample.sn > before);
        same(sn - sample.sn, number - payload_of(&sample).number);
        must(eddy_reader_release(reader, &sample));
    }
    same(sample.sn, sn);
    must_fail(eddy_reader_take(reader, &sample), EDDY_EAGAIN);
    must(eddy_reader_close(reader));
}

static void pass_number(uint64_t border)
{
    struct crowd c = crowd_at(border - ROUNDS / 2);
    struct eddy_sample kept[7] = {0};
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t sn = border - ROUNDS / 2 + i;
        payload_publish(i % 3 ? c.writer : c.other, 40 + i % 300, 1, i);
        take_number(c.reliable, sn, i);
        take_number(c.skipping, sn, i);
        take_number(c.deep, sn, i);
        keep_number(c.keeping, &kept[i % 7], sn, i);
        if (i % 100 == 99)
            late_reader_gets(&c, sn, i, 6); /* 3 of each writer */
    }
    same(eddy_reader_lost(c.skipping) + eddy_reader_lost(c.deep), 0);
    crowd_close(&c);
}

static void numbers_pass_32_bits(void **state)
{
    (void)state;
    pass_number(UINT64_C(1) << 31);
    pass_number(UINT64_C(1) << 32);
    pass_number((UINT64_C(1) << 32) * 1000);
}

/* A million samples a second for a day, and for a century. */
static void numbers_of_a_day_and_of_a_century_are_like_others(void **state)
{
    (void)state;
    pass_number(UINT64_C(86400) * 1000000);
    pass_number(UINT64_C(100) * 366 * 86400 * 1000000);
}

/* Where the lap in an entry passes 32 bits. */
static void laps_pass_32_bits(void **state)
{
    (void)state;
    pass_number((UINT64_C(1) << 32) * EDDY_LOG_MIN);
}

static uint64_t last_number(eddy_writer *writer)
{
    return eddy_log_last_sn(writer->log) - writer->segment->first_sn + 1;
}

static void publish_is_refused(eddy_writer *writer)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, 64, patience(), &loan));
    must_fail(eddy_writer_publish(writer, &loan, 64, patience()), EDDY_ELIMIT);
    says("sequence numbers");
    must(eddy_writer_discard(writer, &loan));
}

/* The last number is published and read; then every try is refused, and nothing wraps. */
static void after_the_last_number(const struct eddy_reader_options *reading)
{
    enum { LEFT = 200 };
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "old", NULL);
    uint64_t last = last_number(writer);
    begin_at(writer, last - LEFT + 1);
    eddy_reader *reader = open_reader(domain, "old", reading);
    for (uint64_t i = 0; i < LEFT; i++) {
        payload_publish(writer, 64, 1, i);
        take_number(reader, last - LEFT + 1 + i, i);
    }
    for (int i = 0; i < 3; i++) {
        publish_is_refused(writer);
        must_fail(eddy_reader_take(reader, &(struct eddy_sample){0}), EDDY_EAGAIN);
    }
    eddy_writer *second = open_writer(domain, "old", NULL);
    publish_is_refused(second);
    must(eddy_writer_close(second));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void the_last_number_is_followed_by_an_error(void **state)
{
    (void)state;
    after_the_last_number(NULL);
    after_the_last_number(&(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT});
}

/* The topic begins anew when it was closed everywhere, as the message says. */
static void closed_everywhere_the_numbers_begin_anew(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    begin_at(writer, last_number(writer) + 1);
    publish_is_refused(writer);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 64, 1, 0);
    take_number(pair.reader, 1, 0);
    pair_close(&pair);
}

/* A writer's own count of samples goes with each in 32 bits, for late readers. */
static void a_writers_own_count_wraps(void **state)
{
    (void)state;
    struct crowd c = crowd_at(1000);
    c.writer->published = UINT32_MAX - 5;
    for (uint64_t i = 0; i < 12; i++) {
        payload_publish(c.writer, 64, 1, i);
        if (i >= 2)
            late_reader_gets(&c, 1000 + i, i, 3);
    }
    crowd_close(&c);
}

static bool age_ticket(struct eddy_segment *segment, const struct eddy_place *place, uint32_t id,
                       void *context)
{
    (void)segment, (void)id, (void)context;
    eddy_store_seq(&place->slot->ticket, UINT32_MAX - 3);
    return true;
}

/* Each slot counts its loans in 32 bits. */
static void the_loans_of_a_slot_wrap(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_sample kept[5] = {0};
    payload_publish(pair.writer, 64, 1, 0);
    take_number(pair.reader, 1, 0);
    must(eddy_slots_each(pair.writer->segment, age_ticket, NULL));
    pair.writer->has_spare = false; /* its loan has another ticket now */
    for (uint64_t i = 1; i < ROUNDS; i++) {
        payload_publish(pair.writer, 64, 1, i);
        keep_number(pair.reader, &kept[i % 5], i + 1, i);
    }
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(numbers_pass_32_bits),
        WORLD_TEST(numbers_of_a_day_and_of_a_century_are_like_others),
        WORLD_TEST(laps_pass_32_bits),
        WORLD_TEST(the_last_number_is_followed_by_an_error),
        WORLD_TEST(closed_everywhere_the_numbers_begin_anew),
        WORLD_TEST(a_writers_own_count_wraps),
        WORLD_TEST(the_loans_of_a_slot_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
