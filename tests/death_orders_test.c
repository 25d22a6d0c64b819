/* death_orders_test.c - who comes after the dead has seen all that they did.
 *
 * Threads that are participants of their own write and read a topic and die in the middle of it;
 * the next to come, or who waits for room, takes back what they held.  Every slot has a shadow
 * (support/shadow.h); a reader that outlives them sees each author's samples in order, without a
 * gap.  Deaths need the machine of tests/orders/weak.h (support/life.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/life.h"
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { MORTALS = 3, LIVES = SANITIZED ? 250 : 60, STEPS = 6000, TURNS = 40, KEPT = 3 };
enum { ROOM = 2000 }; /* of a sample: few slots, so that each is soon used again */
enum { SLOTS = 1 << 22, AUTHORS = 2 + MORTALS * LIVES };

static uint64_t shadows[SLOTS];
static uint32_t next_of[AUTHORS]; /* what the surviving reader expects of each author */
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint authors, dying, deaths;

static const struct eddy_writer_options writing = {.history = 3, .limit_bytes = 100 << 10};
static const struct eddy_reader_options reading = {.depth = 16};
static const struct eddy_reader_options late = {.depth = 16, .history = 4};

static unsigned still_dying(void)
{
    return atomic_load_explicit(&dying, memory_order_relaxed);
}

struct author {
    eddy_writer *writer;
    uint64_t name, number, seed;
};

static void write_one(struct author *a)
{
    struct eddy_loan loan;
    uint64_t value = a->name << 32 | a->number;
    int error = eddy_writer_loan(a->writer, ROOM, eddy_deadline(2 * MILLISECOND), &loan);
    if (error == EDDY_ETIMEDOUT)
        return;
    must(error);
    shadow_write_apart(&shadows[loan.slot], value);
    memcpy(loan.data, &value, sizeof value);
    error = payload_random(&a->seed) % 4 ? eddy_writer_publish(a->writer, &loan, sizeof value,
                                                               eddy_deadline(2 * MILLISECOND))
                                         : EDDY_ETIMEDOUT;
    if (error == EDDY_ETIMEDOUT) {
        must(eddy_writer_discard(a->writer, &loan));
        return;
    }
    must(error);
    a->number++;
}

static uint64_t value_of(const struct eddy_sample *sample)
{
    uint64_t value;
    same(sample->size, sizeof value);
    memcpy(&value, sample->data, sizeof value);
    same(shadow_read_apart(&shadows[sample->slot]), value);
    return value;
}

static void let_go(eddy_reader *reader, struct eddy_sample *sample)
{
    if (!sample->data)
        return;
    value_of(sample);
    must(eddy_reader_release(reader, sample));
    sample->data = NULL;
}

/* Takes what there is, and holds some of it for a while. */
static void take_some(eddy_reader *reader, struct eddy_sample held[KEPT], uint64_t *seed,
                      void (*see)(uint64_t value))
{
    for (;;) {
        struct eddy_sample *place = &held[payload_random(seed) % KEPT];
        let_go(reader, place);
        if (eddy_reader_take(reader, place) != EDDY_OK)
            return;
        uint64_t value = value_of(place);
        if (see)
            see(value);
    }
}

static void live_and_write(eddy_domain *domain, void *argument)
{
    uint64_t *seed = argument;
    struct eddy_sample held[KEPT] = {0};
    bool reads = payload_random(seed) % 4 != 0;
    eddy_reader *reader =
        reads ? open_reader(domain, "deaths", payload_random(seed) % 4 ? &reading : &late) : NULL;
    struct author a = {.writer = open_writer(domain, "deaths", &writing),
                       .name = atomic_fetch_add_explicit(&authors, 1, memory_order_relaxed),
                       .seed = payload_random(seed)};
    for (int turn = 0; turn < TURNS; turn++) {
        if (reads)
            take_some(reader, held, seed, NULL);
        write_one(&a);
    }
    for (int i = 0; i < KEPT; i++)
        let_go(reader, &held[i]);
    if (reads)
        must(eddy_reader_close(reader));
    must(eddy_writer_close(a.writer));
}

/* Some die young: while they join, and take back what others held. */
static uint64_t steps_to_live(uint64_t *seed)
{
    return 1 + payload_random(seed) % (payload_random(seed) % 3 ? STEPS : STEPS / 10);
}

static void *die_often(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument * 7919;
    for (int i = 0; i < LIVES; i++)
        if (!life_lead(live_and_write, &seed, steps_to_live(&seed)))
            atomic_fetch_add_explicit(&deaths, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&dying, 1, memory_order_relaxed);
    return NULL;
}

static void *write_on(void *argument)
{
    eddy_domain *domain = argument;
    struct author a = {.writer = open_writer(domain, "deaths", &writing),
                       .name = atomic_fetch_add_explicit(&authors, 1, memory_order_relaxed),
                       .seed = 99};
    while (still_dying() > 0)
        write_one(&a);
    must(eddy_writer_close(a.writer));
    must(eddy_domain_close(domain));
    return NULL;
}

static void comes_next(uint64_t value)
{
    same(value & UINT32_MAX, next_of[value >> 32]++);
}

static void *read_on(void *argument)
{
    struct eddy_sample held[KEPT] = {0};
    uint64_t seed = 5;
    while (still_dying() > 0)
        take_some(argument, held, &seed, comes_next);
    for (int i = 0; i < KEPT; i++)
        let_go(argument, &held[i]);
    return NULL;
}

static void what_the_dead_held_is_had_by_others(void **state)
{
    (void)state;
    pthread_t threads[MORTALS + 2];
    size_t count = 0;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "deaths", &(struct eddy_reader_options){.depth = 64});
    atomic_store(&dying, MORTALS);
    threads[count++] = thread_start(read_on, reader);
    threads[count++] = thread_start(write_on, open_domain());
    for (uintptr_t i = 1; i <= MORTALS; i++)
        threads[count++] = thread_start(die_often, (void *)i);
    while (count > 0)
        thread_join(threads[--count]);
    printf("%u of %d died\n", atomic_load(&deaths), MORTALS * LIVES);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_the_dead_held_is_had_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
