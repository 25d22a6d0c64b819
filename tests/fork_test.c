/* fork_test.c - after fork the child has no part in the parent's handles.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <sys/prctl.h>
#include <unistd.h>

struct everything {
    struct pair pair;
    eddy_waitset *waitset;
    struct eddy_loan loan;
    struct eddy_sample sample;
};

static struct everything open_everything(void)
{
    struct everything all = {.pair = pair_open(NULL, NULL)};
    must(eddy_waitset_open(all.pair.domain, &all.waitset));
    must(eddy_waitset_attach_reader(all.waitset, all.pair.reader, EDDY_WAIT_LEVEL, NULL));
    payload_publish(all.pair.writer, 100, 1, 1);
    payload_publish(all.pair.writer, 100, 1, 2);
    must(eddy_reader_take(all.pair.reader, &all.sample));
    must(eddy_writer_loan(all.pair.writer, 100, patience(), &all.loan));
    payload_fill(all.loan.data, 100, 1, 3);
    return all;
}

/* The parent goes on as if nothing had happened. */
static void close_everything(struct everything *all)
{
    must(eddy_writer_publish(all->pair.writer, &all->loan, 100, patience()));
    same(payload_of(&all->sample).number, 1);
    must(eddy_reader_release(all->pair.reader, &all->sample));
    same(payload_take(all->pair.reader).number, 2);
    same(payload_take(all->pair.reader).number, 3);
    must_fail(eddy_reader_wait(all->pair.reader, EDDY_POLL), EDDY_EAGAIN);
    must(eddy_waitset_close(all->waitset));
    pair_close(&all->pair);
}

static void use_groups(struct everything *all)
{
    struct eddy_loan loans[2] = {all->loan};
    struct eddy_sample samples[2] = {all->sample};
    size_t count;
    must_fail(eddy_writer_loan_many(all->pair.writer, 100, loans, 2, patience(), &count),
              EDDY_EFORKED);
    must_fail(eddy_writer_publish_many(all->pair.writer, loans, 1, NULL, patience(), &count),
              EDDY_EFORKED);
    must_fail(eddy_reader_take_many(all->pair.reader, samples, 2, &count), EDDY_EFORKED);
    must_fail(eddy_reader_release_many(all->pair.reader, samples, 1), EDDY_EFORKED);
    must_fail(eddy_reader_take_latest(all->pair.reader, samples), EDDY_EFORKED);
}

static void use_writer(struct everything *all)
{
    use_groups(all);
    struct eddy_loan loan;
    struct eddy_loan_options options = {.size = 8};
    must_fail(eddy_writer_loan(all->pair.writer, 100, patience(), &loan), EDDY_EFORKED);
    must_fail(eddy_writer_loan_with(all->pair.writer, &options, patience(), &loan), EDDY_EFORKED);
    must_fail(eddy_writer_publish(all->pair.writer, &all->loan, 100, patience()), EDDY_EFORKED);
    must_fail(eddy_writer_discard(all->pair.writer, &all->loan), EDDY_EFORKED);
    must_fail(eddy_writer_write(all->pair.writer, "x", 1, patience()), EDDY_EFORKED);
    struct eddy_topic_stats stats;
    struct eddy_reservation ahead = {.size = 100, .count = 1};
    must_fail(eddy_writer_stats(all->pair.writer, &stats), EDDY_EFORKED);
    must_fail(eddy_writer_note(all->pair.writer, &(struct eddy_notes){0}), EDDY_EFORKED);
    must_fail(eddy_writer_inherit(all->pair.writer, all->pair.writer, patience()), EDDY_EFORKED);
    must_fail(eddy_writer_reserve(all->pair.writer, &ahead), EDDY_EFORKED);
    must_fail(eddy_writer_close(all->pair.writer), EDDY_EFORKED);
}

static void use_reader(struct everything *all)
{
    struct eddy_sample sample;
    must_fail(eddy_reader_take(all->pair.reader, &sample), EDDY_EFORKED);
    must_fail(eddy_reader_take_latest(all->pair.reader, &sample), EDDY_EFORKED);
    must_fail(eddy_reader_release(all->pair.reader, &all->sample), EDDY_EFORKED);
    must_fail(eddy_reader_wait(all->pair.reader, EDDY_POLL), EDDY_EFORKED);
    must_fail(eddy_reader_wait(all->pair.reader, patience()), EDDY_EFORKED);
    check(!eddy_reader_ready(all->pair.reader));
    must_fail(eddy_reader_prefault(all->pair.reader, 0), EDDY_EFORKED);
    must_fail(eddy_reader_note(all->pair.reader, &(struct eddy_notes){0}), EDDY_EFORKED);
    must_fail(eddy_reader_stop(all->pair.reader), EDDY_EFORKED);
    must_fail(eddy_reader_close(all->pair.reader), EDDY_EFORKED);
}

static void use_waitset(struct everything *all)
{
    void *found;
    size_t count;
    eddy_event *event;
    must(eddy_event_open(&event));
    must_fail(eddy_waitset_wait(all->waitset, EDDY_POLL, &found, 1, &count), EDDY_EFORKED);
    must_fail(eddy_waitset_wait(all->waitset, patience(), &found, 1, &count), EDDY_EFORKED);
    must_fail(eddy_waitset_attach_event(all->waitset, event, EDDY_WAIT_LEVEL, NULL), EDDY_EFORKED);
    must(eddy_event_close(event));
    must_fail(eddy_waitset_close(all->waitset), EDDY_EFORKED);
}

static void use_everything(int wire, void *argument)
{
    (void)wire;
    struct everything *all = argument;
    struct eddy_topic_identity name = {.name = "pair"};
    eddy_writer *writer;
    eddy_reader *reader;
    eddy_waitset *waitset;
    must_fail(eddy_writer_open(all->pair.domain, &name, NULL, &writer), EDDY_EFORKED);
    must_fail(eddy_reader_open(all->pair.domain, &name, NULL, &reader), EDDY_EFORKED);
    must_fail(eddy_waitset_open(all->pair.domain, &waitset), EDDY_EFORKED);
    use_waitset(all);
    use_writer(all);
    use_reader(all);
    must_fail(eddy_domain_close(all->pair.domain), EDDY_EFORKED);
}

static void every_call_in_the_child_is_an_error_and_the_parent_goes_on(void **state)
{
    (void)state;
    struct everything all = open_everything();
    struct child child = child_start(use_everything, &all);
    child_join(&child);
    close_everything(&all);
}

static void exit_process(int wire, void *argument)
{
    (void)wire, (void)argument;
}

static void a_child_that_just_ends_changes_nothing(void **state)
{
    (void)state;
    struct everything all = open_everything();
    for (int i = 0; i < 20; i++) {
        struct child child = child_start(exit_process, NULL);
        child_join(&child);
    }
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();
        if (pid == 0)
            execl("/bin/true", "true", (char *)NULL);
        child_join(&(struct child){.pid = pid, .wire = -1});
    }
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    close_everything(&all);
}

static void own_participant(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    eddy_writer *writer = open_writer(domain, "answer", NULL);
    wire_say(wire, WIRE_READY);
    same(payload_await(reader).number, 42);
    payload_publish(writer, 64, 1, 43);
    wire_expect(wire, WIRE_DONE);
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void the_child_may_open_handles_of_its_own(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_reader *answers = open_reader(pair.domain, "answer", NULL);
    struct child child = child_start(own_participant, NULL);
    wire_expect(child.wire, WIRE_READY);
    payload_publish(pair.writer, 64, 1, 42);
    same(payload_await(answers).number, 43);
    wire_say(child.wire, WIRE_DONE);
    child_join(&child);
    must(eddy_reader_close(answers));
    pair_close(&pair);
}

static int lifeline[2]; /* the survivor lives as long as the test holds the other end */

static void outlive_the_parent(int wire, void *argument)
{
    (void)argument;
    char byte;
    prctl(PR_SET_PDEATHSIG, 0);
    close(lifeline[1]);
    wire_say(wire, WIRE_READY);
    while (read(lifeline[0], &byte, 1) > 0)
        continue;
}

/* Forks a child that lives on, and waits to be killed. */
static void parent_of_a_survivor(int wire, void *argument)
{
    (void)argument;
    struct eddy_writer_options options = {.limit_bytes = 1 << 20};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "orphan", &options);
    struct eddy_loan loan;
    while (eddy_writer_loan(writer, 4096, EDDY_POLL, &loan) == EDDY_OK)
        continue;
    struct child survivor = child_start(outlive_the_parent, NULL);
    wire_expect(survivor.wire, WIRE_READY);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* The lock that says "alive" must not live on in a forked child. */
static void a_forked_child_does_not_keep_its_dead_parent_alive(void **state)
{
    (void)state;
    check(pipe(lifeline) == 0);
    struct child parent = child_start(parent_of_a_survivor, NULL);
    struct eddy_gc_report report = {0};
    wire_expect(parent.wire, WIRE_READY);
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "orphan", NULL);
    child_kill(&parent);
    must(eddy_gc(NULL, &report));
    same(report.members_reaped, 1);
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, 4096, patience(), &loan));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    close(lifeline[0]);
    close(lifeline[1]);
}

static void *open_and_close(void *argument)
{
    (void)argument;
    for (;;)
        must(eddy_domain_close(open_domain()));
    return NULL;
}

/* Forks children that live on, at any moment of a thread that opens and closes. */
static void parent_of_many(int wire, void *argument)
{
    (void)argument;
    thread_start(open_and_close, NULL);
    for (int i = 0; i < 40; i++)
        wire_expect(child_start(outlive_the_parent, NULL).wire, WIRE_READY);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void children_forked_while_a_thread_opens_hold_no_lock(void **state)
{
    (void)state;
    check(pipe(lifeline) == 0);
    struct child parent = child_start(parent_of_many, NULL);
    wire_expect(parent.wire, WIRE_READY);
    child_kill(&parent);
    must(eddy_domain_close(open_domain())); /* who leaves alone leaves nothing */
    world_must_be_empty();
    close(lifeline[0]);
    close(lifeline[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(every_call_in_the_child_is_an_error_and_the_parent_goes_on),
        WORLD_TEST(a_child_that_just_ends_changes_nothing),
        WORLD_TEST(the_child_may_open_handles_of_its_own),
        WORLD_TEST(a_forked_child_does_not_keep_its_dead_parent_alive),
        WORLD_TEST(children_forked_while_a_thread_opens_hold_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
