/* watch_test.c - who comes, goes, dies, is stopped and let go of is told of, each once, in time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/usage.h"
#include "support/world.h"

#include "allocator/segment/endpoint.h"
#include "transport/topic/reader.h"

#include <eddy/watch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A pair whose reader is watched with; its writer has been told of. */
struct scene {
    struct pair pair;
    eddy_watch *watch;
    eddy_waitset *waitset;
    struct eddy_member_change last;
};

static struct eddy_member_change next_change(const struct scene *s)
{
    struct eddy_member_change change;
    void *context;
    size_t count;
    uint64_t deadline = patience();
    int error;
    while ((error = eddy_watch_take(s->watch, &change)) == EDDY_EAGAIN)
        must(eddy_waitset_wait(s->waitset, deadline, &context, 1, &count));
    must(error);
    return change;
}

/* The next change is this, of one of that kind. */
static void expect_change(struct scene *s, enum eddy_change what, bool is_writer)
{
    s->last = next_change(s);
    if (s->last.change != what || s->last.is_writer != is_writer)
        check_fail(CHECK_HERE("expect_change"), "change %d of %s %u, not %d", (int)s->last.change,
                   s->last.is_writer ? "writer" : "reader", s->last.seat, (int)what);
}

/* The event says so, before anybody looks. */
static void expect_news(struct scene *s, enum eddy_change what, bool is_writer)
{
    void *context;
    size_t count;
    must(eddy_waitset_wait(s->waitset, patience(), &context, 1, &count));
    expect_change(s, what, is_writer);
}

static void expect_nothing(const struct scene *s)
{
    struct eddy_member_change change;
    must_fail(eddy_watch_take(s->watch, &change), EDDY_EAGAIN);
    void *context;
    size_t count;
    int error = eddy_waitset_wait(s->waitset, EDDY_POLL, &context, 1, &count);
    if (!error) /* news of what it has seen already may still be under way */
        error = eddy_watch_take(s->watch, &change);
    must_fail(error, EDDY_EAGAIN);
}

static struct scene scene_open(const struct eddy_watch_options *options)
{
    struct scene s = {.pair = pair_open(NULL, NULL)};
    must(eddy_waitset_open(s.pair.domain, &s.waitset));
    must(eddy_reader_watch(s.pair.reader, options, &s.watch));
    must(eddy_waitset_attach_event(s.waitset, eddy_watch_event(s.watch), EDDY_WAIT_LEVEL, NULL));
    expect_change(&s, EDDY_CAME, true);
    expect_nothing(&s);
    return s;
}

static void scene_close(struct scene *s)
{
    must(eddy_watch_close(s->watch));
    must(eddy_waitset_close(s->waitset));
    pair_close(&s->pair);
}

/* --- coming and going -------------------------------------------------------------------------- */

static void who_comes_and_goes_is_told_of(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    struct eddy_reader_options saying = {.blob = "first", .blob_size = 5};
    eddy_reader *reader = open_reader(s.pair.domain, "pair", &saying);
    expect_news(&s, EDDY_CAME, false);
    struct eddy_member_change came = s.last;
    same(came.seat, 1);
    same(came.participant, eddy_reader_participant(reader));
    same(came.pid, (uint64_t)getpid());
    check(*came.name && came.blob_size == 5 && memcmp(came.blob, "first", 5) == 0);
    expect_nothing(&s);
    must(eddy_reader_close(reader));
    expect_news(&s, EDDY_GONE, false);
    same(s.last.holder, came.holder);
    check(s.last.blob_size == 5 && memcmp(s.last.blob, "first", 5) == 0);
    expect_nothing(&s);
    scene_close(&s);
}

/* The same participant's on the same seat, with nobody looking in between. */
static void another_in_its_place_is_another(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    eddy_writer *writer = open_writer(s.pair.domain, "pair", NULL);
    expect_change(&s, EDDY_CAME, true);
    uint32_t seat = s.last.seat, holder = s.last.holder;
    must(eddy_writer_close(writer));
    writer = open_writer(s.pair.domain, "pair", NULL);
    expect_change(&s, EDDY_GONE, true);
    check(s.last.seat == seat && s.last.holder == holder);
    expect_change(&s, EDDY_CAME, true);
    check(s.last.seat == seat && s.last.holder == holder + 1);
    expect_nothing(&s);
    for (int i = 0; i < 3; i++)
        must(eddy_reader_close(open_reader(s.pair.domain, "pair", NULL)));
    expect_nothing(&s); /* as if they had never come */
    must(eddy_writer_close(writer));
    scene_close(&s);
}

static void a_writer_watches_readers(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_watch *watch, *second;
    struct eddy_member_change change;
    must(eddy_writer_watch(pair.writer, NULL, &watch));
    must_fail(eddy_writer_watch(pair.writer, NULL, &second), EDDY_EBUSY);
    must(eddy_reader_watch(pair.reader, NULL, &second));
    must(eddy_watch_take(watch, &change));
    check(change.change == EDDY_CAME && !change.is_writer && change.seat == 0);
    must_fail(eddy_watch_take(watch, &change), EDDY_EAGAIN); /* it is not told of itself */
    must_fail(eddy_writer_close(pair.writer), EDDY_EBUSY);
    must(eddy_watch_close(watch));
    must(eddy_watch_take(second, &change));
    check(change.change == EDDY_CAME && change.is_writer);
    must(eddy_watch_close(second));
    must(eddy_watch_close(NULL));
    must_fail(eddy_writer_watch(pair.writer, &(struct eddy_watch_options){.flags = 1}, &watch),
              EDDY_EINVAL);
    must_fail(eddy_writer_watch(NULL, NULL, &watch), EDDY_EINVAL);
    pair_close(&pair);
}

/* --- other processes ------------------------------------------------------------------------------ */

/* Does as it is told. */
enum order { OPEN = 10, CLOSE, LEAVE };

static void member(int wire, void *argument)
{
    (void)argument;
    struct eddy_writer_options saying = {.blob = "a child", .blob_size = 7};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = NULL;
    for (uint64_t order; (order = wire_hear(wire)) != LEAVE;) {
        if (order == OPEN)
            writer = open_writer(domain, "pair", &saying);
        else
            must(eddy_writer_close(writer));
        wire_say(wire, WIRE_DONE);
    }
    must(eddy_domain_close(domain));
}

static void tell_member(const struct child *child, enum order order)
{
    wire_say(child->wire, order);
    wire_expect(child->wire, WIRE_DONE);
}

static void a_death_is_told_of_at_once(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    uint64_t worst = 0;
    for (int i = 0; i < 5; i++) {
        struct child child = child_start(member, NULL);
        tell_member(&child, OPEN);
        expect_change(&s, EDDY_CAME, true);
        same(s.last.pid, (uint64_t)child.pid);
        uint64_t began = eddy_now();
        check(kill(child.pid, SIGKILL) == 0);
        expect_change(&s, EDDY_DIED, true);
        uint64_t took = eddy_now() - began;
        worst = took > worst ? took : worst;
        same(s.last.pid, (uint64_t)child.pid);
        check(s.last.blob_size == 7 && memcmp(s.last.blob, "a child", 7) == 0);
        child_kill(&child);
        must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
        expect_nothing(&s); /* once, whoever reaps it */
    }
    print_message("worst of 5: %.2f ms\n", (double)worst / 1e6);
    scene_close(&s);
}

/* Reaped, and its seat given away, before the watch looks. */
static void who_died_and_was_followed_has_died(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    struct child child = child_start(member, NULL);
    tell_member(&child, OPEN);
    expect_change(&s, EDDY_CAME, true);
    uint32_t seat = s.last.seat;
    child_kill(&child);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    eddy_writer *writer = open_writer(s.pair.domain, "pair", NULL);
    expect_change(&s, EDDY_DIED, true);
    expect_change(&s, EDDY_CAME, true);
    same(s.last.seat, seat);
    must(eddy_writer_close(writer));
    expect_change(&s, EDDY_GONE, true);
    scene_close(&s);
}

static void who_closes_and_ends_has_gone(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    struct child child = child_start(member, NULL);
    tell_member(&child, OPEN);
    expect_change(&s, EDDY_CAME, true);
    tell_member(&child, CLOSE);
    wire_say(child.wire, LEAVE);
    child_join(&child);
    expect_change(&s, EDDY_GONE, true);
    expect_nothing(&s);
    scene_close(&s);
}

static void who_is_stopped_is_told_of_if_asked_for(void **state)
{
    (void)state;
    struct scene s = scene_open(&(struct eddy_watch_options){.stops_ns = 2 * MILLISECOND});
    struct child child = child_start(member, NULL);
    tell_member(&child, OPEN);
    expect_change(&s, EDDY_CAME, true);
    child_stop(&child);
    expect_change(&s, EDDY_STOPPED, true);
    child_continue(&child);
    expect_change(&s, EDDY_CONTINUED, true);
    child_stop(&child);
    expect_change(&s, EDDY_STOPPED, true);
    check(kill(child.pid, SIGKILL) == 0);
    s.last = next_change(&s);
    if (s.last.change == EDDY_CONTINUED) /* it runs for a moment, to its end */
        s.last = next_change(&s);
    check(s.last.change == EDDY_DIED && s.last.is_writer);
    child_kill(&child);
    scene_close(&s);
}

static void who_is_let_go_of_and_comes_back_is_told_of(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    eddy_reader *slow = open_reader(s.pair.domain, "pair", NULL);
    expect_change(&s, EDDY_CAME, false);
    struct eddy_sample sample;
    for (int i = 0; i < 2; i++) {
        must(eddy_writer_let_go(s.pair.writer, s.last.seat, s.last.participant));
        expect_news(&s, EDDY_LET_GO, false);
        expect_nothing(&s);
        must_fail(eddy_reader_take(slow, &sample), EDDY_ELETGO);
        expect_news(&s, EDDY_CAME_BACK, false);
        expect_nothing(&s);
    }
    must(eddy_writer_let_go(s.pair.writer, s.last.seat, s.last.participant));
    must_fail(eddy_reader_take(slow, &sample), EDDY_ELETGO);
    expect_change(&s, EDDY_LET_GO, false); /* with nobody looking in between */
    expect_change(&s, EDDY_CAME_BACK, false);
    expect_nothing(&s);
    must(eddy_reader_close(slow));
    scene_close(&s);
}

/* --- what a program may do -------------------------------------------------------------------------- */

static void it_hears_after_all_descriptors_are_closed(void **state)
{
    (void)state;
    if (SANITIZED)
        return; /* there the watchman shares them */
    struct scene s = scene_open(NULL);
    for (int fd = 3; fd < 1000; fd++)
        close(fd);
    struct child child = child_start(member, NULL);
    tell_member(&child, OPEN);
    expect_change(&s, EDDY_CAME, true);
    check(kill(child.pid, SIGKILL) == 0);
    expect_change(&s, EDDY_DIED, true);
    child_kill(&child);
    scene_close(&s);
}

static void in_child(int wire, void *scene)
{
    struct scene *s = scene;
    struct eddy_member_change change;
    eddy_watch *watch;
    (void)wire;
    must_fail(eddy_watch_take(s->watch, &change), EDDY_EFORKED);
    must_fail(eddy_reader_watch(s->pair.reader, NULL, &watch), EDDY_EFORKED);
    must_fail(eddy_watch_close(s->watch), EDDY_EFORKED);
}

static void a_forked_child_has_no_part_in_it(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    struct child child = child_start(in_child, &s);
    child_join(&child);
    eddy_writer *writer = open_writer(s.pair.domain, "pair", NULL);
    expect_change(&s, EDDY_CAME, true);
    must(eddy_writer_close(writer));
    expect_change(&s, EDDY_GONE, true);
    scene_close(&s);
}

static void a_watch_that_nothing_happens_to_never_wakes(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    unsigned long before, after, ticks;
    void *context;
    size_t count;
    usage_of_process(getpid(), &ticks, &before);
    must_fail(eddy_waitset_wait(s.waitset, eddy_deadline(100 * MILLISECOND), &context, 1, &count),
              EDDY_ETIMEDOUT);
    usage_of_process(getpid(), &ticks, &after);
    check(after - before <= 2);
    scene_close(&s);
}

/* The files are removed under it, as systemd's RemoveIPC does: closing comes to an end. */
static void it_closes_after_the_files_are_removed(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s/* %s/.e*", world_dir(), world_dir());
    check(system(command) == 0);
    must(eddy_watch_close(s.watch));
    must_fail(eddy_reader_watch(s.pair.reader, NULL, &s.watch), EDDY_ESYS);
    must(eddy_waitset_close(s.waitset));
    pair_close(&s.pair);
}

/* What it is told may be anything; that is all. */
static void scribbled_words_are_told_of_and_no_more(void **state)
{
    (void)state;
    struct scene s = scene_open(NULL);
    struct eddy_segment *segment = s.pair.reader->segment;
    uint64_t random = 1, told = 0, sum = 0;
    for (int i = 0; i < 5000; i++) {
        struct eddy_member_change change = {0};
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t seat = (uint32_t)(random >> 58);
        eddy_store_relaxed(eddy_presence_of(segment, random >> 57 & 1, seat),
                           random << 7 ^ random >> 19);
        if (seat > 1) /* those of the pair stay theirs */
            eddy_store_relaxed(random >> 56 & 1 ? &segment->readers[seat].owner
                                                : &segment->writers[seat].owner,
                               random & 2 ? eddy_reader_participant(s.pair.reader) : 0);
        eddy_or_relaxed(&segment->control->reader_bits[0], eddy_seat_bit(seat));
        eddy_or_relaxed(&segment->control->writer_bits[0], eddy_seat_bit(seat));
        int error = eddy_watch_take(s.watch, &change);
        check(error == EDDY_OK || error == EDDY_EAGAIN);
        told += error == EDDY_OK;
        check(change.blob_size <= EDDY_BLOB_MAX);
        for (size_t b = 0; b < change.blob_size; b++)
            sum += ((const unsigned char *)change.blob)[b];
    }
    check(told > 100 && sum < UINT64_MAX);
    for (uint32_t seat = 2; seat < 64; seat++) {
        eddy_store_relaxed(&segment->readers[seat].owner, 0u);
        eddy_store_relaxed(&segment->writers[seat].owner, 0u);
    }
    scene_close(&s);
}

enum { MANY = 300 };

static void many_come_at_once(void **state)
{
    (void)state;
    static eddy_reader *readers[MANY];
    struct scene s = scene_open(NULL);
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT, .blob_size = 4};
    for (unsigned i = 0; i < MANY; i++) {
        options.blob = &i;
        readers[i] = open_reader(s.pair.domain, "pair", &options);
    }
    uint64_t began = eddy_now();
    for (unsigned i = 0; i < MANY; i++) {
        expect_change(&s, EDDY_CAME, false);
        same(s.last.seat, i + 1);
        check(s.last.blob_size == 4 && memcmp(s.last.blob, &i, 4) == 0);
    }
    print_message("told of each in %.1f us\n", (double)(eddy_now() - began) / 1e3 / MANY);
    for (unsigned i = 0; i < MANY; i++)
        must(eddy_reader_close(readers[i]));
    for (unsigned i = 0; i < MANY; i++)
        expect_change(&s, EDDY_GONE, false);
    expect_nothing(&s);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_comes_and_goes_is_told_of),
        WORLD_TEST(another_in_its_place_is_another),
        WORLD_TEST(a_writer_watches_readers),
        WORLD_TEST(a_death_is_told_of_at_once),
        WORLD_TEST(who_died_and_was_followed_has_died),
        WORLD_TEST(who_closes_and_ends_has_gone),
        WORLD_TEST(who_is_stopped_is_told_of_if_asked_for),
        WORLD_TEST(who_is_let_go_of_and_comes_back_is_told_of),
        WORLD_TEST(it_hears_after_all_descriptors_are_closed),
        WORLD_TEST(a_forked_child_has_no_part_in_it),
        WORLD_TEST(a_watch_that_nothing_happens_to_never_wakes),
        WORLD_TEST(it_closes_after_the_files_are_removed),
        WORLD_TEST(scribbled_words_are_told_of_and_no_more),
        WORLD_TEST(many_come_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
