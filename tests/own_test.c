/* own_test.c - a reader that wants nothing of its own participant: it gets nothing of it, and does not
 * hold it up; and whether a sample's writer lives.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

enum { SIZE = sizeof(struct payload), DEPTH = 8, OWN = 1, OTHER = 2, LIMIT = 4 << 20 };

static const struct eddy_writer_options polite = {.limit_bytes = LIMIT};
static const struct eddy_reader_options choosy = {.depth = DEPTH, .flags = EDDY_READER_NOT_OWN};

/* A participant with both, and a writer of another. */
struct company {
    struct pair own;
    eddy_domain *domain;
    eddy_writer *other;
};

static struct company meet(const struct eddy_reader_options *reading)
{
    struct company c = {.own = pair_open(&polite, reading), .domain = open_domain()};
    c.other = open_writer(c.domain, "pair", &polite);
    return c;
}

static void part(struct company *c)
{
    must(eddy_writer_close(c->other));
    must(eddy_domain_close(c->domain));
    pair_close(&c->own);
}

static void publish(eddy_writer *writer, uint64_t author, uint64_t from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        payload_publish(writer, SIZE, author, from + i);
}

static void nothing_for(eddy_reader *reader)
{
    struct eddy_sample sample;
    check(!eddy_reader_ready(reader));
    must_fail(eddy_reader_wait(reader, eddy_deadline(MILLISECOND)), EDDY_ETIMEDOUT);
    must_fail(eddy_reader_take(reader, &sample), EDDY_EAGAIN);
    must_fail(eddy_reader_take_latest(reader, &sample), EDDY_EAGAIN);
}

static void only_what_others_write_is_taken(const struct eddy_reader_options *reading)
{
    struct company c = meet(reading);
    for (uint64_t i = 0; i < 3000; i += 2) {
        publish(c.own.writer, OWN, i, i % 7);
        nothing_for(c.own.reader);
        publish(c.other, OTHER, i, 1);
        publish(c.own.writer, OWN, i, i % 3);
        publish(c.other, OTHER, i + 1, 1);
        publish(c.own.writer, OWN, i, i % 5);
        check(eddy_reader_ready(c.own.reader));
        for (uint64_t n = 0; n < 2; n++) {
            struct payload payload = payload_take(c.own.reader);
            same(payload.author, OTHER);
            same(payload.number, i + n);
        }
        if (i % 400 == 0)
            nothing_for(c.own.reader);
    }
    same(eddy_reader_lost(c.own.reader), 0);
    part(&c);
}

static void only_what_others_write_is_taken_whatever_the_reader(void **state)
{
    (void)state;
    struct eddy_reader_options reading = choosy;
    reading.depth = 32;
    only_what_others_write_is_taken(&reading);
    reading.reliability = EDDY_BEST_EFFORT;
    only_what_others_write_is_taken(&reading);
    reading.flags |= EDDY_READER_SHARED;
    only_what_others_write_is_taken(&reading);
}

/* Far more than the depth, the log and the limit have room for, and nobody takes. */
static void its_own_writers_are_not_held_up(void **state)
{
    (void)state;
    struct company c = meet(&choosy);
    publish(c.own.writer, OWN, 0, 70000);
    nothing_for(c.own.reader);
    publish(c.other, OTHER, 0, DEPTH);
    must_fail(eddy_writer_write(c.other, "x", 1, EDDY_POLL), EDDY_EAGAIN);
    publish(c.own.writer, OWN, 0, 500); /* while it is behind with what others wrote */
    for (uint64_t i = 0; i < DEPTH; i++)
        same(payload_take(c.own.reader).number, i);
    nothing_for(c.own.reader);
    publish(c.own.writer, OWN, 0, 5000);
    part(&c);
}

/* Of large samples, where the slots are what there is too little of. */
static void its_own_writers_have_their_slots_back(void **state)
{
    (void)state;
    struct company c = meet(&choosy);
    for (uint64_t i = 0; i < 64; i++)
        payload_publish(c.own.writer, 512 << 10, OWN, i);
    publish(c.other, OTHER, 0, 1);
    same(payload_take(c.own.reader).author, OTHER);
    part(&c);
}

static void another_reader_holds_them_up_as_ever(void **state)
{
    (void)state;
    struct company c = meet(&choosy);
    eddy_reader *other =
        open_reader(c.domain, "pair", &(struct eddy_reader_options){.depth = DEPTH});
    publish(c.own.writer, OWN, 0, DEPTH);
    must_fail(eddy_writer_write(c.own.writer, "x", 1, EDDY_POLL), EDDY_EAGAIN);
    same(payload_take(other).number, 0);
    publish(c.own.writer, OWN, DEPTH, 1);
    must(eddy_reader_close(other));
    part(&c);
}

static void the_newest_of_others_is_taken(void **state)
{
    (void)state;
    struct eddy_reader_options reading = choosy;
    for (int best_effort = 0; best_effort < 2; best_effort++) {
        struct eddy_sample sample;
        reading.reliability = best_effort ? EDDY_BEST_EFFORT : EDDY_RELIABLE;
        struct company c = meet(&reading);
        publish(c.other, OTHER, 0, 3);
        publish(c.own.writer, OWN, 0, 4);
        must(eddy_reader_take_latest(c.own.reader, &sample));
        same(payload_of(&sample).author, OTHER);
        same(payload_of(&sample).number, 2);
        must(eddy_reader_release(c.own.reader, &sample));
        nothing_for(c.own.reader);
        part(&c);
    }
}

static void history_of_its_own_is_left_out(void **state)
{
    (void)state;
    struct eddy_domain *domain = open_domain(), *others = open_domain();
    const struct eddy_writer_options keeps = {.history = 2};
    eddy_writer *own = open_writer(domain, "pair", &keeps);
    eddy_writer *other = open_writer(others, "pair", &keeps);
    publish(own, OWN, 0, 1);
    publish(other, OTHER, 1, 1);
    publish(own, OWN, 2, 1);
    eddy_reader *reader = open_reader(
        domain, "pair",
        &(struct eddy_reader_options){.history = UINT32_MAX, .flags = EDDY_READER_NOT_OWN});
    same(payload_take(reader).number, 1);
    nothing_for(reader);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(own));
    must(eddy_writer_close(other));
    must(eddy_domain_close(others));
    must(eddy_domain_close(domain));
}

/* --- does this writer live? -------------------------------------------------------------------- */

static void write_and_live(int wire, void *unused)
{
    (void)unused;
    eddy_domain *domain = open_domain();
    publish(open_writer(domain, "pair", NULL), OTHER, 0, 1);
    wire_say(wire, WIRE_READY);
    (void)wire_hear(wire);
}

static void a_writer_lives_until_it_does_not(void **state)
{
    (void)state;
    struct eddy_sample sample;
    struct pair pair = pair_open(NULL, NULL);
    publish(pair.writer, OWN, 0, 1);
    must(eddy_reader_take(pair.reader, &sample));
    check(eddy_reader_knows_writer(pair.reader, &sample));
    must(eddy_reader_release(pair.reader, &sample));
    struct child child = child_start(write_and_live, NULL);
    wire_expect(child.wire, WIRE_READY);
    must(eddy_reader_take(pair.reader, &sample));
    check(eddy_reader_knows_writer(pair.reader, &sample));
    child_stop(&child);
    check(eddy_reader_knows_writer(pair.reader, &sample));
    child_kill(&child);
    check(!eddy_reader_knows_writer(pair.reader, &sample));
    same(payload_of(&sample).author, OTHER);
    must(eddy_reader_release(pair.reader, &sample));
    publish(pair.writer, OWN, 0, 1);
    must(eddy_reader_take(pair.reader, &sample));
    must(eddy_writer_close(pair.writer));
    check(!eddy_reader_knows_writer(pair.reader, &sample));
    eddy_writer *next = open_writer(pair.domain, "pair", NULL); /* in the same place */
    check(!eddy_reader_knows_writer(pair.reader, &sample));
    must(eddy_writer_close(next));
    must(eddy_reader_release(pair.reader, &sample));
    must(eddy_reader_close(pair.reader));
    must(eddy_domain_close(pair.domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(only_what_others_write_is_taken_whatever_the_reader),
        WORLD_TEST(its_own_writers_are_not_held_up),
        WORLD_TEST(its_own_writers_have_their_slots_back),
        WORLD_TEST(another_reader_holds_them_up_as_ever),
        WORLD_TEST(the_newest_of_others_is_taken),
        WORLD_TEST(history_of_its_own_is_left_out),
        WORLD_TEST(a_writer_lives_until_it_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
