/* past_test.c - history, and a writer that stops just after its sample is out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/image.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/point.h"
#include "transport/topic/writer.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { BEFORE = 3, A_LAP_AND_MORE = 3000 };

void (*eddy_point_hook)(const char *name);

static _Thread_local bool is_sleepy;
static atomic_bool sleeps, may_go_on;

/* The sleepy thread stops once its sample is in the log and nothing else is done. */
static void stop_when_swapped(const char *name)
{
    if (!is_sleepy || strcmp(name, "publish:swapped") != 0)
        return;
    is_sleepy = false;
    atomic_store(&sleeps, true);
    while (!atomic_load(&may_go_on))
        sched_yield();
}

static void *publish_and_sleep(void *argument)
{
    is_sleepy = true;
    payload_publish(argument, 100, 1, BEFORE);
    return NULL;
}

/* What the writer kept before has a gap behind it as long as nobody can tell of the sample. */
static void a_writer_that_was_stopped_for_a_lap_leaves_no_gap_in_its_history(void **state)
{
    (void)state;
    struct eddy_writer_options keeping = {.history = 2};
    struct eddy_reader_options late = {.history = 2};
    struct eddy_sample sample;
    eddy_domain *domain = open_domain();
    eddy_writer *sleepy = open_writer(domain, "past", &keeping);
    eddy_writer *busy = open_writer(domain, "past", NULL);
    for (uint64_t i = 0; i < BEFORE; i++)
        payload_publish(sleepy, 100, 1, i);
    eddy_point_hook = stop_when_swapped;
    pthread_t thread = thread_start(publish_and_sleep, sleepy);
    while (!atomic_load(&sleeps))
        sched_yield();
    for (uint64_t i = 0; i < A_LAP_AND_MORE; i++)
        payload_publish(busy, 100, 2, i);
    eddy_reader *reader = open_reader(domain, "past", &late);
    atomic_store(&may_go_on, true);
    thread_join(thread);
    eddy_point_hook = NULL;
    payload_publish(sleepy, 100, 1, BEFORE + 1);
    uint64_t expected = 0;
    while (eddy_reader_take(reader, &sample) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        check(payload.author == 1 && (expected == 0 || payload.number == expected));
        expected = payload.number + 1;
        must(eddy_reader_release(reader, &sample));
    }
    same(expected, BEFORE + 2);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(busy));
    must(eddy_writer_close(sleepy));
    must(eddy_domain_close(domain));
}

/* --- keys that end --------------------------------------------------------------------------- */

static const struct eddy_publication goes_on = {.key = {1}},
                                     ends = {.key = {1}, .flags = EDDY_PUBLISH_ENDS_KEY};
static const struct eddy_writer_options two_of_a_key = {.history_kind = EDDY_HISTORY_KEY,
                                                        .history = 2};
static const struct eddy_reader_options all = {.history = UINT32_MAX};

static eddy_writer *ending, *busy;

static void publish_key(uint64_t number, const struct eddy_publication *what)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(ending, 100, patience(), &loan));
    payload_fill(loan.data, loan.size, 1, number);
    must(eddy_writer_publish_with(ending, &loan, loan.size, what, patience()));
}

static void *end_and_sleep(void *unused)
{
    is_sleepy = true;
    publish_key(BEFORE, &ends);
    return unused;
}

static void make_busy(uint64_t samples)
{
    for (uint64_t i = 0; i < samples; i++)
        payload_publish(busy, 100, 2, i);
}

/* A key of `ending` has two samples and its end, which is out; nothing is let go yet.  The thread
 * sleeps there. */
static pthread_t end_a_key(eddy_domain *domain, void (*hook)(const char *))
{
    ending = open_writer(domain, "past", &two_of_a_key);
    busy = open_writer(domain, "past", NULL);
    atomic_store(&sleeps, false);
    atomic_store(&may_go_on, false);
    for (uint64_t i = 0; i < BEFORE; i++)
        publish_key(i, &goes_on);
    eddy_point_hook = hook;
    pthread_t thread = thread_start(end_and_sleep, NULL);
    while (!atomic_load(&sleeps))
        sched_yield();
    make_busy(1);
    return thread;
}

static void close_all(eddy_domain *domain, eddy_reader *reader)
{
    must(eddy_reader_close(reader));
    must(eddy_writer_close(busy));
    must(eddy_writer_close(ending));
    must(eddy_domain_close(domain));
}

/* Also when others publish meanwhile, so many that the log knows of the end no more. */
static void nothing_of_an_ended_key_is_history(uint64_t others)
{
    eddy_domain *domain = open_domain();
    pthread_t thread = end_a_key(domain, stop_when_swapped);
    make_busy(others);
    eddy_reader *reader = open_reader(domain, "past", &all);
    check(!eddy_reader_ready(reader));
    atomic_store(&may_go_on, true);
    thread_join(thread);
    eddy_point_hook = NULL;
    close_all(domain, reader);
}

static void a_key_ends_when_its_end_is_published(void **state)
{
    (void)state;
    nothing_of_an_ended_key_is_history(0);
}

static void a_key_ends_also_if_its_writer_is_stopped_for_a_lap(void **state)
{
    (void)state;
    nothing_of_an_ended_key_is_history(A_LAP_AND_MORE);
}

static pthread_t ending_thread;
static struct eddy_place newest; /* that is kept of the key */
static _Thread_local bool gathers;

/* The late reader has pinned what was kept of the key.  Before it comes to the end, that is gone: its
 * slot carries something else, and the log has passed it by. */
static void hide_the_end(const char *name)
{
    stop_when_swapped(name);
    if (!gathers || strcmp(name, "history:pinned") != 0 || !eddy_load_relaxed(&newest.slot->mask))
        return;
    gathers = false;
    atomic_store(&may_go_on, true);
    thread_join(ending_thread);
    make_busy(A_LAP_AND_MORE);
}

static void an_end_that_is_gone_before_it_is_seen_ends_the_key(void **state)
{
    (void)state;
    struct eddy_reader_options late = all;
    late.reliability = EDDY_BEST_EFFORT;
    eddy_domain *domain = open_domain();
    ending_thread = end_a_key(domain, hide_the_end);
    must(eddy_slot_find(ending->segment, ending->keep.last->slots[BEFORE % 2 ? 0 : 1], &newest));
    gathers = true;
    eddy_reader *reader = open_reader(domain, "past", &late);
    check(!gathers);
    eddy_point_hook = NULL;
    struct eddy_sample sample;
    while (eddy_reader_take(reader, &sample) == EDDY_OK) {
        same(payload_of(&sample).author, 2); /* not of the key */
        must(eddy_reader_release(reader, &sample));
    }
    close_all(domain, reader);
}

/* --- scribbled on ---------------------------------------------------------------------------- */

enum { NEXT_SN = 0x80 }; /* in a control file: spec/layout.md */

static struct image image;

static void scribble_while_it_gathers(const char *name)
{
    if (strcmp(name, "history:pinned") != 0)
        return;
    eddy_point_hook = NULL;
    for (size_t i = 0; i < image.count; i++)
        if (strstr(image.files[i].name, ".seg"))
            image_poke(&image, i, NEXT_SN, UINT64_C(1) << 61);
}

/* What comes behind a writer's history is looked for up to the end of the log: the log's, not what
 * next_sn says. */
static void a_scribbled_end_does_not_make_gathering_endless(void **state)
{
    (void)state;
    enum { SECONDS = 20 };
    struct eddy_writer_options keeping = {.history = 2};
    struct eddy_reader_options late = {.history = 2};
    eddy_reader *reader = NULL;
    struct eddy_topic_identity topic = {.name = "past"};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "past", &keeping);
    for (uint64_t i = 0; i < BEFORE; i++)
        payload_publish(writer, 100, 1, i);
    image_save(&image);
    eddy_point_hook = scribble_while_it_gathers;
    alarm(SECONDS);
    int error = eddy_reader_open(domain, &topic, &late, &reader);
    alarm(0);
    check(eddy_point_hook == NULL); /* it gathered */
    image_restore(&image);
    if (error == EDDY_OK)
        must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    image_drop(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_writer_that_was_stopped_for_a_lap_leaves_no_gap_in_its_history),
        WORLD_TEST(a_key_ends_when_its_end_is_published),
        WORLD_TEST(a_key_ends_also_if_its_writer_is_stopped_for_a_lap),
        WORLD_TEST(an_end_that_is_gone_before_it_is_seen_ends_the_key),
        WORLD_TEST(a_scribbled_end_does_not_make_gathering_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
