/* vain_test.c - a writer that does not wait, and has looked for room in vain, has it with the first call
 * after somebody made some.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/world.h"

#include <string.h>

enum { BYTES = 20 << 10, LIMIT = 1 << 20, MOST = 64 }; /* more than a writer looks at each time */

static const struct eddy_writer_options few = {.limit_bytes = LIMIT};
static const struct eddy_reader_options reliable = {.depth = 64},
                                        best_effort = {.reliability = EDDY_BEST_EFFORT,
                                                       .depth = 64};
static eddy_domain *domain;
static eddy_writer *writer, *other;
static eddy_reader *reader, *idle;
static struct eddy_sample held[MOST];
static struct eddy_loan others_loan;
static size_t count;

static int ask(size_t bytes)
{
    struct eddy_loan loan;
    int error = eddy_writer_loan(writer, bytes, EDDY_POLL, &loan);
    if (!error)
        must(eddy_writer_discard(writer, &loan));
    return error;
}

static void publish(void)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, BYTES, EDDY_POLL, &loan));
    must(eddy_writer_publish(writer, &loan, BYTES, EDDY_POLL));
}

static void in_vain(void)
{
    for (int i = 0; i < 3; i++)
        must_fail(ask(BYTES), EDDY_EAGAIN);
}

/* The reader holds all but for what another writer has on loan. */
static void fill(const struct eddy_reader_options *options)
{
    domain = open_domain();
    writer = open_writer(domain, "vain", &few);
    other = open_writer(domain, "vain", &few);
    reader = open_reader(domain, "vain", options);
    idle = NULL;
    must(eddy_writer_loan(other, BYTES, EDDY_POLL, &others_loan));
    for (count = 0; ask(BYTES) == EDDY_OK; count++) {
        publish();
        must(eddy_reader_take(reader, &held[count]));
    }
    in_vain();
}

static void empty(void)
{
    must(eddy_reader_close(reader));
    must(eddy_reader_close(idle));
    must(eddy_writer_close(other));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- what makes room -------------------------------------------------------------------------- */

static void release_first(void)
{
    must(eddy_reader_release(reader, &held[0]));
}

static void release_last(void) /* which is under the cursor of a reliable one */
{
    must(eddy_reader_release(reader, &held[count - 1]));
}

static void release_many(void)
{
    must(eddy_reader_release_many(reader, held, count - 1));
}

static void discard(void)
{
    must(eddy_writer_discard(other, &others_loan));
}

/* The only reader that there is holds others. */
static void publish_what_nobody_waits_for(void)
{
    must(eddy_writer_publish(other, &others_loan, BYTES, EDDY_POLL));
}

static void close_the_reader(void)
{
    must(eddy_reader_close(reader));
    reader = NULL;
}

static void close_the_writer(void)
{
    must(eddy_writer_close(other));
    other = NULL;
}

static void raise_the_limit(void)
{
    idle = open_reader(domain, "vain", &(struct eddy_reader_options){.limit_bytes = 2 * LIMIT});
}

static void want_less(void)
{
    must(ask(64)); /* for which there is room left */
}

static void had_at_once(const struct eddy_reader_options *options, void (*make_room)(void))
{
    fill(options);
    make_room();
    must(ask(BYTES));
    empty();
}

static void what_is_let_go_of_is_had_by_the_next_call(void **state)
{
    static void (*const ways[])(void) = {release_first,  release_last,     release_many,
                                         discard,        close_the_reader, close_the_writer,
                                         raise_the_limit};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        had_at_once(&reliable, ways[i]);
        had_at_once(&best_effort, ways[i]);
    }
    had_at_once(&best_effort, publish_what_nobody_waits_for);
}

static void who_wants_less_is_not_refused_for_more(void **state)
{
    (void)state;
    fill(&reliable);
    want_less();
    in_vain();
    must_fail(ask(2 * LIMIT), EDDY_ETOOBIG);
    empty();
}

/* Samples that a reliable reader has not taken. */
static void fill_untaken(uint64_t hold_up_ns)
{
    domain = open_domain();
    writer = open_writer(domain, "vain", &few);
    other = NULL;
    idle = NULL;
    reader = open_reader(domain, "vain",
                         &(struct eddy_reader_options){.depth = 64, .hold_up_ns = hold_up_ns});
    while (ask(BYTES) == EDDY_OK)
        publish();
    in_vain();
}

static void so_is_what_a_reader_takes(void **state)
{
    (void)state;
    struct eddy_sample sample;
    fill_untaken(0);
    must(eddy_reader_take(reader, &sample));
    in_vain();
    must(eddy_reader_release(reader, &sample));
    must(ask(BYTES));
    empty();
}

static void so_is_what_one_has_that_is_let_go_of(void **state)
{
    (void)state;
    fill_untaken(0);
    must(eddy_writer_let_go(writer, 0, 0));
    must(ask(BYTES));
    empty();
}

static void so_is_what_one_leaves_that_stops(void **state)
{
    (void)state;
    fill_untaken(0);
    must(eddy_reader_stop(reader));
    must(ask(BYTES));
    empty();
}

/* --- the dead --------------------------------------------------------------------------------- */

static void hold_all(int wire, void *options)
{
    struct eddy_sample sample;
    eddy_reader *mine = open_reader(open_domain(), "vain", options);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    while (eddy_reader_take(mine, &sample) == EDDY_OK)
        continue;
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO);
}

/* Nobody tells of a death. */
static void what_the_dead_held_is_had_soon(void **state)
{
    struct eddy_reader_options options = reliable;
    (void)state;
    domain = open_domain();
    writer = open_writer(domain, "vain", &few);
    struct child child = child_start(hold_all, &options);
    wire_expect(child.wire, WIRE_READY);
    while (ask(BYTES) == EDDY_OK)
        publish();
    wire_say(child.wire, WIRE_GO);
    wire_expect(child.wire, WIRE_DONE);
    in_vain();
    child_kill(&child);
    uint64_t began = eddy_now();
    while (ask(BYTES) != EDDY_OK)
        check(eddy_now() - began < 5 * SECOND);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_is_let_go_of_is_had_by_the_next_call),
        WORLD_TEST(who_wants_less_is_not_refused_for_more),
        WORLD_TEST(so_is_what_a_reader_takes),
        WORLD_TEST(so_is_what_one_has_that_is_let_go_of),
        WORLD_TEST(so_is_what_one_leaves_that_stops),
        WORLD_TEST(what_the_dead_held_is_had_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
