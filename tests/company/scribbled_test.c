/* scribbled_test.c - a member of the group writes other ids over the owners of seats (spec/trust.md): a
 * living participant is taken for dead.  What it reads stays inside, its calls end, and its errors say
 * why; who opens anew is served.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/look.h"
#include "support/payload.h"
#include "support/world.h"

#include "discovery/registry.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

enum { SIZE = 70000, KEPT = 3, TRIES = 20 };

static struct pair pair;
static struct eddy_sample held[KEPT];
static struct eddy_loan loan;

static void start(enum eddy_reliability reliability)
{
    pair = pair_open(&(struct eddy_writer_options){.history = 2},
                     &(struct eddy_reader_options){.reliability = reliability, .depth = 4});
    for (uint64_t i = 0; i < KEPT; i++) {
        payload_publish(pair.writer, SIZE, 1, i);
        must(eddy_reader_take(pair.reader, &held[i]));
    }
    must(eddy_writer_loan(pair.writer, SIZE, EDDY_POLL, &loan));
}

/* Everybody else comes by: looks, reaps, and uses what there is. */
static void others_come_by(int wire, void *unused)
{
    (void)unused;
    eddy_snapshot_free(snapshot_now());
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    eddy_reader *reader =
        open_reader(domain, "pair", &(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT});
    for (uint64_t i = 0; i < TRIES; i++) {
        struct eddy_loan one;
        if (eddy_writer_loan(writer, SIZE, EDDY_POLL, &one) == EDDY_OK) {
            payload_fill(one.data, SIZE, 2, i);
            if (eddy_writer_publish(writer, &one, SIZE, EDDY_POLL) != EDDY_OK)
                must(eddy_writer_discard(writer, &one));
        }
    }
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    wire_say(wire, WIRE_DONE);
}

static void is_an_answer(int error)
{
    static const int answers[] = {EDDY_OK,     EDDY_EAGAIN, EDDY_ESTALE,   EDDY_ESEGMENT,
                                  EDDY_ELIMIT, EDDY_ELETGO, EDDY_ETIMEDOUT};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (error == answers[i]) {
            check(error == EDDY_OK || error == EDDY_EAGAIN || *eddy_last_error());
            return;
        }
    check_fail(CHECK_HERE("is_an_answer"), "%s", eddy_error_name(error));
}

static uint64_t read_all(const struct eddy_sample *sample)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sample->size; i++)
        sum += ((const uint8_t *)sample->data)[i];
    return sum;
}

/* As its owner would, who knows of nothing. */
static void go_on(void)
{
    struct eddy_sample sample;
    uint64_t sum = 0;
    for (int i = 0; i < KEPT; i++) {
        sum += read_all(&held[i]);
        is_an_answer(eddy_reader_release(pair.reader, &held[i]));
    }
    for (int i = 0; i < TRIES; i++) {
        int error = eddy_reader_take(pair.reader, &sample);
        is_an_answer(error);
        if (error)
            continue;
        sum += read_all(&sample);
        is_an_answer(eddy_reader_release(pair.reader, &sample));
    }
    is_an_answer(eddy_writer_publish(pair.writer, &loan, SIZE, eddy_deadline(MILLISECOND)));
    is_an_answer(eddy_writer_discard(pair.writer, &loan));
    for (int i = 0; i < TRIES; i++) {
        int error = eddy_writer_loan(pair.writer, SIZE, EDDY_POLL, &loan);
        is_an_answer(error);
        if (error == EDDY_OK)
            is_an_answer(eddy_writer_publish(pair.writer, &loan, SIZE, EDDY_POLL));
    }
    (void)sum;
}

static void scribble(uint64_t id, bool reader, bool writer)
{
    struct child child;
    if (reader)
        eddy_store_relaxed(&pair.reader->seat->owner, id);
    if (writer)
        eddy_store_relaxed(&pair.writer->seat->owner, id);
    child = child_start(others_come_by, NULL);
    wire_expect(child.wire, WIRE_DONE);
    child_join(&child);
    go_on();
}

static void play(enum eddy_reliability reliability)
{
    /* Of nobody, of one that there never was, of none that there could be, void. */
    uint64_t mine, ids[] = {0, 0, UINT64_MAX >> 1, EDDY_OWNER_REAPING, UINT64_MAX};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        for (int who = 1; who <= 3; who++) {
            start(reliability);
            mine = eddy_load_relaxed(&pair.writer->seat->owner);
            scribble(i == 1 ? mine ^ 1ull << 40 : ids[i], who & 1, who & 2);
            is_an_answer(eddy_reader_close(pair.reader));
            is_an_answer(eddy_writer_close(pair.writer));
            must(eddy_domain_close(pair.domain));
            (void)eddy_gc(NULL, &(struct eddy_gc_report){0});
        }
    pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, SIZE, 1, 7); /* who opens anew */
    same(payload_take(pair.reader).number, 7);
    pair_close(&pair);
}

static void a_reliable_reader_and_its_writer_go_on(void **state)
{
    (void)state;
    play(EDDY_RELIABLE);
}

static void so_does_a_best_effort_reader(void **state)
{
    (void)state;
    play(EDDY_BEST_EFFORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_reliable_reader_and_its_writer_go_on),
        WORLD_TEST(so_does_a_best_effort_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
