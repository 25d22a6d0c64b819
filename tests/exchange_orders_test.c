/* exchange_orders_test.c - of one who gives a slot memory and one who gives the number of its extent to
 * another, one sees the other; and samples of ever other sizes arrive whole while numbers change hands.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"
#include "support/hook.h"
#include "support/payload.h"
#include "support/segment.h"
#include "support/thread.h"
#include "support/world.h"
#include "transport/topic/writer.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { MIB = 1 << 20, LIMIT = 16 * MIB, SMALL = 65536, OTHER = 80000, ROUNDS = 300, SAMPLES = 400 };
/* Extents of smaller ones have so many slots that the machine of tests/orders/weak.h has too few words. */
enum { LEAST = SANITIZED ? 4000 : 100 };

static struct eddy_segment *segment;
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint stage;

/* All numbers but one are taken by extents that are in use. */
static void take_all_numbers(struct eddy_segment *s, uint64_t size)
{
    while (eddy_extent_count(s) < EDDY_EXTENTS_MAX)
        must(eddy_extent_add(s, size, LIMIT));
}

static void meet(void)
{
    unsigned both = atomic_fetch_add_explicit(&stage, 1, memory_order_relaxed) / 2 * 2 + 2;
    while (atomic_load_explicit(&stage, memory_order_relaxed) < both)
        sched_yield();
}

static void *give_memory(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct eddy_place p;
        meet();
        int error = eddy_slot_grow(segment, i % 2 ? OTHER : SMALL, 1, &p);
        meet(); /* both are done */
        if (error == EDDY_OK) {
            check(eddy_extent_is_open(segment, p.extent));
            eddy_slot_discard(segment, &p);
        }
    }
    return unused;
}

static void *exchange(void *unused)
{
    for (int i = 0; i < ROUNDS; i++) {
        meet();
        eddy_store_relaxed(&segment->exchanged, 0u); /* always the same number */
        (void)eddy_extent_exchange(segment, i % 2 ? SMALL : OTHER, LIMIT / 2);
        meet();
    }
    return unused;
}

static void who_has_memory_has_its_number(void **state)
{
    (void)state;
    int dir = open(world_dir(), O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    segment = segment_create(dir, "exchange", LIMIT);
    must(eddy_extent_add(segment, SMALL, LIMIT));
    must(eddy_extent_add(segment, OTHER, LIMIT));
    take_all_numbers(segment, MIB / 2);
    atomic_store(&stage, 0);
    pthread_t threads[] = {thread_start(give_memory, NULL), thread_start(exchange, NULL)};
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    segment_destroy(dir, segment);
    close(dir);
}

/* Between the look whether anybody has a slot and the exchange: the other way round is the case above. */
static struct eddy_place late;
static bool late_has_slot;

static void come_late(const char *point)
{
    if (strcmp(point, "exchange:made") != 0)
        return;
    eddy_point_hook = NULL;
    late_has_slot = eddy_slot_grow(segment, SMALL, 2, &late) == EDDY_OK;
}

static void who_comes_late_is_sent_away(void **state)
{
    (void)state;
    int dir = open(world_dir(), O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    segment = segment_create(dir, "exchange", LIMIT);
    must(eddy_extent_add(segment, SMALL, LIMIT));
    take_all_numbers(segment, 8 * MIB);
    eddy_point_hook = come_late;
    must(eddy_extent_exchange(segment, OTHER, LIMIT / 2));
    check(eddy_point_hook == NULL);
    check(!late_has_slot || eddy_extent_is_open(segment, late.extent));
    segment_destroy(dir, segment);
    close(dir);
}

/* --- samples ---------------------------------------------------------------------------------- */

static const struct eddy_writer_options writing = {.limit_bytes = LIMIT};

static void *publish_any(void *number)
{
    uint64_t seed = (uintptr_t)number, author = seed;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "sizes", &writing);
    for (uint64_t i = 0; i < SAMPLES; i++)
        payload_publish(writer, LEAST + (payload_random(&seed) % 900 << payload_random(&seed) % 12),
                        author, i);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    return NULL;
}

static void *take_all(void *unused)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader =
        open_reader(domain, "sizes", &(struct eddy_reader_options){.reliability = EDDY_RELIABLE});
    uint64_t next[3] = {0};
    atomic_fetch_add(&stage, 1);
    while (next[1] < SAMPLES || next[2] < SAMPLES) {
        must(eddy_reader_wait(reader, patience()));
        struct payload p = payload_take(reader);
        same(p.number, next[p.author]);
        next[p.author]++;
    }
    atomic_fetch_add(&stage, 1); /* over */
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    return unused;
}

static void *take_some(void *unused)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader =
        open_reader(domain, "sizes",
                    &(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT, .depth = 50});
    uint64_t next[3] = {0};
    struct eddy_sample sample;
    atomic_fetch_add(&stage, 1);
    while (atomic_load(&stage) < 3) {
        if (eddy_reader_wait(reader, eddy_deadline(MILLISECOND)) != EDDY_OK ||
            eddy_reader_take(reader, &sample) != EDDY_OK)
            continue;
        struct payload p = payload_of(&sample);
        check(p.number >= next[p.author]);
        next[p.author] = p.number + 1;
        must(eddy_reader_release(reader, &sample));
    }
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    return unused;
}

static void samples_arrive_whole_meanwhile(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "sizes", &writing);
    take_all_numbers(writer->segment, 8 * MIB); /* of no use to what comes */
    atomic_store(&stage, 0);
    pthread_t readers[] = {thread_start(take_all, NULL), thread_start(take_some, NULL)};
    while (atomic_load(&stage) < 2)
        sched_yield();
    pthread_t writers[] = {thread_start(publish_any, (void *)1),
                           thread_start(publish_any, (void *)2)};
    for (int i = 0; i < 2; i++) {
        thread_join(writers[i]);
        thread_join(readers[i]);
    }
    check(writer->segment->all_later || eddy_extent_count(writer->segment) == EDDY_EXTENTS_MAX);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_has_memory_has_its_number),
        WORLD_TEST(who_comes_late_is_sent_away),
        WORLD_TEST(samples_arrive_whole_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
