/* past_test.c - history, and a writer that stops just after its sample is out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/image.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/point.h"

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
    struct eddy_topic_name topic = {.name = "past"};
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
        WORLD_TEST(a_scribbled_end_does_not_make_gathering_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
