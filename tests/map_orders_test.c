/* map_orders_test.c - what one thread has mapped others may use: extents, columns, the growth of a
 * region and the rights to its pages.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <eddy/region.h>
#include <sched.h>
#include <stdio.h>

enum { ROUNDS = SANITIZED ? 12 : 60, READERS = 3, SIZES = 12, PAGE = 4096, PAGES = 200 };
enum { IDLE = 64 }; /* readers whose bits lie in the slots, not in columns */

/* Samples of ever larger sizes lie in ever more extents. */
static size_t size_of(uint64_t number)
{
    return (size_t)64 << number;
}

static void write_one_of_each_size(int wire, void *argument)
{
    static const struct eddy_writer_options keep = {.history_kind = EDDY_HISTORY_TOPIC,
                                                    .history = SIZES};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, argument, &keep);
    for (uint64_t i = 0; i < SIZES; i++)
        payload_publish(writer, size_of(i), 1, i);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void *take_all(void *argument)
{
    for (uint64_t i = 0; i < SIZES; i++) {
        struct payload payload = payload_await(argument);
        same(payload.number, i);
        same(payload.size, size_of(i));
    }
    return NULL;
}

static void close_readers(eddy_reader *readers[], int count)
{
    for (int i = 0; i < count; i++)
        must(eddy_reader_close(readers[i]));
}

/* The writer is another process, so the readers' threads are the first to map its extents here. */
static void take_from_another_process(eddy_domain *domain, const char *topic)
{
    pthread_t threads[READERS];
    eddy_reader *readers[READERS];
    for (int i = 0; i < READERS; i++)
        readers[i] = open_reader(domain, topic, &(struct eddy_reader_options){.depth = SIZES});
    struct child child = child_start(write_one_of_each_size, (void *)(uintptr_t)topic);
    wire_expect(child.wire, WIRE_READY);
    for (int i = 0; i < READERS; i++)
        threads[i] = thread_start(take_all, readers[i]);
    for (int i = 0; i < READERS; i++)
        thread_join(threads[i]);
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
    close_readers(readers, READERS);
}

static pthread_barrier_t meeting; /* so that all come to an extent at once */

static void *take_together(void *argument)
{
    for (uint64_t i = 0; i < SIZES; i++) {
        pthread_barrier_wait(&meeting);
        same(payload_take(argument).number, i);
    }
    return NULL;
}

/* The first whose bit lies in a column maps it for all of the process. */
static void take_with_columns(eddy_domain *domain, const char *topic)
{
    static const struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT,
                                                       .depth = SIZES};
    pthread_t threads[READERS];
    eddy_reader *readers[IDLE + READERS];
    eddy_writer *writer = open_writer(domain, topic, NULL);
    for (int i = 0; i < IDLE + READERS; i++)
        readers[i] = open_reader(domain, topic, &options);
    for (uint64_t i = 0; i < SIZES; i++)
        payload_publish(writer, size_of(i), 1, i);
    for (int i = 0; i < READERS; i++)
        threads[i] = thread_start(take_together, readers[IDLE + i]);
    for (int i = 0; i < READERS; i++)
        thread_join(threads[i]);
    close_readers(readers, IDLE + READERS);
    must(eddy_writer_close(writer));
}

static void *write_together(void *argument)
{
    for (uint64_t i = 0; i < SIZES; i++) {
        pthread_barrier_wait(&meeting);
        payload_publish(argument, size_of(i), 1, i);
    }
    return NULL;
}

/* The first that writes to an extent maps it for all writers of the process. */
static void write_by_all(eddy_domain *domain, const char *topic)
{
    pthread_t threads[READERS];
    eddy_writer *writers[READERS];
    for (int i = 0; i < READERS; i++)
        writers[i] = open_writer(domain, topic, NULL);
    for (int i = 0; i < READERS; i++)
        threads[i] = thread_start(write_together, writers[i]);
    for (int i = 0; i < READERS; i++)
        thread_join(threads[i]);
    for (int i = 0; i < READERS; i++)
        must(eddy_writer_close(writers[i]));
}

/* All are mapped but once, so each round has a topic of its own. */
static void map_often(void (*once)(eddy_domain *domain, const char *topic))
{
    eddy_domain *domain = open_domain();
    pthread_barrier_init(&meeting, NULL, READERS);
    for (int round = 0; round < ROUNDS; round++) {
        char topic[32];
        snprintf(topic, sizeof topic, "map %d", round);
        once(domain, topic);
    }
    pthread_barrier_destroy(&meeting);
    must(eddy_domain_close(domain));
}

static void extents_are_mapped_when_they_are_seen(void **state)
{
    (void)state;
    map_often(take_from_another_process);
}

static void extents_are_mapped_when_they_are_written_to(void **state)
{
    (void)state;
    map_often(write_by_all);
}

static void columns_are_mapped_when_they_are_seen(void **state)
{
    (void)state;
    map_often(take_with_columns);
}

/* --- regions --------------------------------------------------------------------------------- */

static eddy_region *region;
static uint64_t shadows[PAGES + 1];

static void *follow_growth(void *argument)
{
    (void)argument;
    uint64_t seen = 0;
    while (seen < PAGES) {
        seen = eddy_region_bytes(region) / PAGE;
        same(shadow_read(&shadows[seen]), seen);
        sched_yield();
    }
    return NULL;
}

static void open_region(const struct eddy_region_options *options)
{
    char path[256];
    snprintf(path, sizeof path, "%s/region", world_dir());
    must(eddy_region_create_path(path, options, &region));
    world_is_dirty();
}

static void a_region_is_mapped_as_far_as_it_says(void **state)
{
    (void)state;
    open_region(&(struct eddy_region_options){.bytes = PAGE, .limit_bytes = PAGES * PAGE});
    shadow_write(&shadows[1], 1);
    pthread_t thread = thread_start(follow_growth, NULL);
    for (uint64_t pages = 2; pages <= PAGES; pages++) {
        shadow_write(&shadows[pages], pages);
        must(eddy_region_grow(region, pages * PAGE));
    }
    thread_join(thread);
    must(eddy_region_close(region));
}

static void *wait_for_rights(void *argument)
{
    uint64_t *shadow = argument;
    while (!eddy_region_writable_data(region))
        sched_yield();
    same(shadow_read(shadow), 1);
    return NULL;
}

static void a_region_may_be_written_when_it_says_so(void **state)
{
    (void)state;
    static uint64_t before[PAGES];
    open_region(&(struct eddy_region_options){.bytes = PAGE});
    for (int round = 0; round < PAGES; round++) {
        must(eddy_region_protect(region, EDDY_MAP_READ));
        pthread_t thread = thread_start(wait_for_rights, &before[round]);
        shadow_write(&before[round], 1);
        must(eddy_region_protect(region, EDDY_MAP_READ_WRITE));
        thread_join(thread);
    }
    must(eddy_region_close(region));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(extents_are_mapped_when_they_are_seen),
        WORLD_TEST(extents_are_mapped_when_they_are_written_to),
        WORLD_TEST(columns_are_mapped_when_they_are_seen),
        WORLD_TEST(a_region_is_mapped_as_far_as_it_says),
        WORLD_TEST(a_region_may_be_written_when_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
