/* slots_death_orders_test.c - who comes after the dead has seen all that they did: slots.
 *
 * Threads that are participants of their own write, read, join and leave, and die in the middle of
 * it; whoever finds no room takes back what they held.  Every slot has a shadow (support/shadow.h);
 * a reader that outlives them sees every sample once, in order, and each author's without a gap.
 * Deaths need the machine of tests/orders/weak.h (support/life.h).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/life.h"
#include "support/payload.h"
#include "support/shadow.h"
#include "support/slots_pair.h"
#include "support/thread.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum { MORTALS = 3, LIVES = SANITIZED ? 200 : 60, TURNS = 40, SLOTS = 6, READERS = 70 };
enum { STEPS = 80000, AUTHORS = 1 + MORTALS * LIVES };

static char path[512];
static uint64_t shadows[SLOTS];
static uint64_t next_of[AUTHORS]; /* what the surviving reader expects of each author */
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint authors, dying, deaths;

struct author {
    eddy_slots *slots;
    uint64_t name, number, seed;
    uint32_t reader;
    bool reads;
};

static unsigned still_dying(void)
{
    return atomic_load_explicit(&dying, memory_order_relaxed);
}

static void write_one(struct author *a)
{
    struct eddy_slot_loan loan;
    uint64_t value = a->name << 32 | a->number;
    int error = eddy_slots_loan(a->slots, NULL, 0, EDDY_POLL, &loan);
    if (error == EDDY_EAGAIN)
        return;
    must(error);
    shadow_write_apart(&shadows[loan.slot], value);
    if (payload_random(&a->seed) % 8 == 0) {
        must(eddy_slots_discard(a->slots, &loan));
        return;
    }
    must(eddy_slots_publish_copy(a->slots, &loan, &value, sizeof value, NULL));
    a->number++;
}

static uint64_t value_of(const struct eddy_slot_sample *sample)
{
    uint64_t value;
    same(sample->size, sizeof value);
    memcpy(&value, sample->data, sizeof value);
    same(shadow_read_apart(&shadows[sample->slot]), value);
    return value;
}

static void read_some(struct author *a)
{
    struct eddy_slot_sample sample;
    while (a->reads && eddy_slots_take(a->slots, a->reader, EDDY_POLL, &sample) == EDDY_OK) {
        value_of(&sample);
        if (payload_random(&a->seed) % 4)
            must(eddy_slots_release(a->slots, &sample));
        else
            must(eddy_slots_leave(a->slots, a->reader)), a->reads = false;
    }
}

static void maybe_join(struct author *a)
{
    if (a->reads || payload_random(&a->seed) % 4)
        return;
    must(eddy_slots_join(a->slots, EDDY_SLOTS_ANY_READER, &a->reader));
    a->reads = true;
}

static void live_and_write(eddy_domain *domain, void *argument)
{
    uint64_t *seed = argument;
    struct author a = {.name = atomic_fetch_add_explicit(&authors, 1, memory_order_relaxed),
                       .seed = payload_random(seed)};
    must(eddy_slots_attach(domain, path, NULL, &a.slots));
    for (int turn = 0; turn < TURNS; turn++) {
        maybe_join(&a);
        write_one(&a);
        read_some(&a);
    }
    must(eddy_slots_close(a.slots));
}

/* Attaching alone takes more than 2,000 steps. */
static uint64_t steps_to_live(uint64_t *seed)
{
    return 1 + payload_random(seed) % STEPS;
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
    struct author a = {.slots = argument,
                       .name = atomic_fetch_add_explicit(&authors, 1, memory_order_relaxed),
                       .seed = 99};
    while (still_dying() > 0)
        write_one(&a);
    return NULL;
}

static void *read_on(void *argument)
{
    eddy_slots *slots = argument;
    struct eddy_slot_sample sample;
    uint64_t last = 0;
    int error = EDDY_OK;
    while (still_dying() > 0 || !error) {
        error = eddy_slots_take(slots, 0, EDDY_POLL, &sample);
        if (error) {
            must_fail(error, EDDY_EAGAIN);
            sched_yield();
            continue;
        }
        uint64_t value = value_of(&sample);
        same(sample.sn, ++last);
        same(value & UINT32_MAX, next_of[value >> 32]++);
        must(eddy_slots_release(slots, &sample));
    }
    printf("%llu samples\n", (unsigned long long)last);
    return NULL;
}

static void what_the_dead_held_is_had_by_others(void **state)
{
    (void)state;
    pthread_t threads[MORTALS + 2];
    size_t count = 0;
    snprintf(path, sizeof path, "%s", slots_path("slots"));
    eddy_slots *writer = slots_create("slots", SLOTS, sizeof(uint64_t), READERS);
    eddy_slots *reader = slots_attach("slots");
    must(eddy_slots_join(reader, 0, NULL));
    atomic_store(&dying, MORTALS);
    threads[count++] = thread_start(read_on, reader);
    threads[count++] = thread_start(write_on, writer);
    for (uintptr_t i = 1; i <= MORTALS; i++)
        threads[count++] = thread_start(die_often, (void *)i);
    while (count > 0)
        thread_join(threads[--count]);
    printf("%u of %d died\n", atomic_load(&deaths), MORTALS * LIVES);
    must(eddy_slots_close(reader));
    must(eddy_slots_close(writer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_the_dead_held_is_had_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
