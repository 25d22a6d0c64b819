/* leave_test.c - closing, exiting and what stays behind: nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void the_last_to_leave_a_topic_removes_its_files(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    unsigned before = world_files();
    eddy_writer *writer = open_writer(domain, "n", NULL);
    eddy_reader *reader = open_reader(domain, "n", NULL);
    for (size_t size = 64; size < 4u << 20; size *= 4) {
        payload_publish(writer, size, 1, 1);
        payload_take(reader);
    }
    check(world_files() > before + 2);
    must(eddy_writer_close(writer));
    check(world_files() > before);
    must(eddy_reader_close(reader));
    same(world_files(), before);
    must(eddy_domain_close(domain));
    world_must_be_empty();
}

static void a_topic_that_comes_again_begins_anew(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_reader *anchor = open_reader(domain, "another", NULL);
    for (int round = 0; round < 50; round++) {
        struct eddy_sample sample;
        struct eddy_topic_identity name = {.name = "n", .type = round % 2 ? "T" : "U"};
        eddy_writer *writer;
        eddy_reader *reader;
        must(eddy_writer_open(domain, &name, &(struct eddy_writer_options){.history = 2}, &writer));
        must(eddy_reader_open(domain, &name, &(struct eddy_reader_options){.history = 9}, &reader));
        must_fail(eddy_reader_take(reader, &sample), EDDY_EAGAIN);
        payload_publish(writer, 64, 1, 1);
        must(eddy_reader_take(reader, &sample));
        same(sample.sn, 1);
        must(eddy_reader_close(reader));
        must(eddy_writer_close(writer));
    }
    must(eddy_reader_close(anchor));
    must(eddy_domain_close(domain));
}

static void what_a_closed_writer_published_is_still_delivered(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    for (uint64_t i = 0; i < 30; i++)
        payload_publish(pair.writer, 200, 1, i);
    must(eddy_writer_close(pair.writer));
    pair.writer = open_writer(pair.domain, "pair", NULL);
    eddy_writer *greedy = open_writer(pair.domain, "pair", NULL);
    struct eddy_loan loan;
    for (int i = 0; i < 500; i++)
        must(eddy_writer_loan(greedy, 200, patience(), &loan));
    for (uint64_t i = 0; i < 30; i++)
        same(payload_take(pair.reader).number, i);
    must(eddy_writer_close(greedy));
    pair_close(&pair);
}

static struct pair left_open; /* reachable: what exit leaves is no leak of the program's */

static void exiting_process(int wire, void *argument)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    left_open = pair_open(NULL, NULL);
    payload_publish(left_open.writer, 100, 1, 7);
    must(eddy_reader_take(left_open.reader, &sample));
    must(eddy_writer_loan(left_open.writer, 100, patience(), &loan));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    if (*(bool *)argument)
        exit(0);
    _exit(0);
}

static void run_exiting(bool properly)
{
    struct child child = child_start(exiting_process, &properly);
    wire_expect(child.wire, WIRE_READY);
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

/* main returns, and the program never closed anything. */
static void a_program_that_just_ends_leaves_nothing(void **state)
{
    (void)state;
    run_exiting(true);
    world_must_be_empty();
}

/* Not even the library had a chance: the next to come and go clears it away. */
static void what_an_abrupt_end_leaves_goes_with_the_next(void **state)
{
    (void)state;
    run_exiting(false);
    check(world_files() > 0);
    must(eddy_domain_close(open_domain()));
    world_must_be_empty();
}

static void ending_does_not_disturb_those_who_stay(void **state)
{
    (void)state;
    for (int properly = 0; properly < 2; properly++) {
        struct pair pair = pair_open(NULL, NULL);
        run_exiting(properly == 1);
        same(payload_take(pair.reader).number, 7);
        payload_publish(pair.writer, 100, 2, 1);
        same(payload_take(pair.reader).author, 2);
        pair_close(&pair);
        world_must_be_empty();
    }
}

static void null_handles_may_be_closed(void **state)
{
    (void)state;
    must(eddy_writer_close(NULL));
    must(eddy_reader_close(NULL));
    must(eddy_waitset_close(NULL));
    must(eddy_event_close(NULL));
    must(eddy_domain_close(NULL));
}

static void a_folder_that_was_removed_is_made_again(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    pair_close(&pair);
    check(rmdir(world_dir()) == 0);
    pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 100, 1, 1);
    same(payload_take(pair.reader).number, 1);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_last_to_leave_a_topic_removes_its_files),
        WORLD_TEST(a_topic_that_comes_again_begins_anew),
        WORLD_TEST(what_a_closed_writer_published_is_still_delivered),
        WORLD_TEST(a_program_that_just_ends_leaves_nothing),
        WORLD_TEST(what_an_abrupt_end_leaves_goes_with_the_next),
        WORLD_TEST(ending_does_not_disturb_those_who_stay),
        WORLD_TEST(null_handles_may_be_closed),
        WORLD_TEST(a_folder_that_was_removed_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
