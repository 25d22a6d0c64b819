/* slots_stress_test.c - threads that reserve, commit, discard, take, copy, mark, join and leave on
 * one segment, all at once.
 *
 * They share one handle, so that ThreadSanitizer sees every access to the slots at one address.
 * EDDY_TEST_SEED repeats a run's choices, EDDY_TEST_SECONDS makes it longer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/slots_pair.h"
#include "support/thread.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WRITERS = 3, KEPT = 3, CAPACITY = 600 };

static eddy_slots *slots;
static atomic_bool finished;
static atomic_uint_fast64_t committed, taken;

struct actor {
    pthread_t thread;
    uint64_t seed, author;
    uint64_t since; /* what was committed later, it must not miss */
    bool gated;     /* the writer waits for who has joined; else it overwrites */
    bool counts_on_all;
};

static bool over(void)
{
    return atomic_load_explicit(&finished, memory_order_relaxed);
}

static int reserve(const struct actor *actor, struct eddy_slot_loan *loan)
{
    static const uint64_t nobody[] = {0};
    return actor->gated ? eddy_slots_loan(slots, NULL, 0, eddy_deadline(5 * MILLISECOND), loan)
                        : eddy_slots_loan(slots, nobody, 1, EDDY_POLL, loan);
}

static void *write_until_over(void *argument)
{
    struct actor *actor = argument;
    uint64_t number = 0;
    char bytes[CAPACITY];
    while (!over()) {
        struct eddy_slot_loan loan;
        size_t size = sizeof(struct payload) +
                      payload_random(&actor->seed) % (CAPACITY - sizeof(struct payload));
        int error = reserve(actor, &loan);
        if (error) {
            check(error == EDDY_EAGAIN || error == EDDY_ETIMEDOUT);
            continue;
        }
        bool in_place = payload_random(&actor->seed) % 2;
        payload_fill(in_place ? loan.data : bytes, size, actor->author, number);
        if (payload_random(&actor->seed) % 16 == 0) {
            must(eddy_slots_discard(slots, &loan));
            continue;
        }
        must(in_place ? eddy_slots_publish(slots, &loan, size, NULL)
                      : eddy_slots_publish_copy(slots, &loan, bytes, size, NULL));
        number++;
        atomic_fetch_add_explicit(&committed, 1, memory_order_relaxed);
    }
    return NULL;
}

struct progress {
    uint64_t next[WRITERS], last_sn;
};

static void follow(struct progress *progress, const struct actor *actor, const void *data,
                   const struct eddy_slot_sample *sample)
{
    struct payload payload;
    check(payload_whole(data, sample->size, &payload));
    check(payload.author < WRITERS && payload.number >= progress->next[payload.author]);
    check(sample->sn > progress->last_sn);
    if (actor->counts_on_all && sample->sn > actor->since + 1)
        same(sample->sn, progress->last_sn + 1);
    progress->next[payload.author] = payload.number + 1;
    progress->last_sn = sample->sn;
    atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
}

/* Takes in place, and keeps some for a while. */
static void take_a_while(struct actor *actor, uint32_t reader, unsigned stay)
{
    struct eddy_slot_sample kept[KEPT] = {{0}};
    struct progress progress = {{0}, 0};
    for (unsigned i = 0; i < stay && !over(); i++) {
        struct eddy_slot_sample *sample = &kept[payload_random(&actor->seed) % KEPT];
        if (sample->data)
            must(eddy_slots_release(slots, sample));
        int error = eddy_slots_take(slots, reader, eddy_deadline(5 * MILLISECOND), sample);
        if (!error)
            follow(&progress, actor, sample->data, sample);
        else
            check(error == EDDY_ETIMEDOUT);
    }
    for (int i = 0; i < KEPT; i++)
        if (kept[i].data)
            must(eddy_slots_release(slots, &kept[i]));
}

/* Finds, copies, marks; what is overwritten meanwhile is passed over. */
static void copy_a_while(struct actor *actor, uint32_t reader, unsigned stay)
{
    struct progress progress = {{0}, 0};
    for (unsigned i = 0; i < stay && !over(); i++) {
        struct eddy_slot_sample sample;
        char copy[CAPACITY];
        uint64_t generation = eddy_slots_generation(slots);
        int error = eddy_slots_next_unread(slots, reader, &sample);
        if (error == EDDY_EAGAIN) {
            error = eddy_slots_wait(slots, generation, eddy_deadline(5 * MILLISECOND));
            check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
            continue;
        }
        must(error);
        error = eddy_slots_read(slots, &sample, copy, sizeof copy);
        if (!error)
            follow(&progress, actor, copy, &sample);
        if (!error)
            error = eddy_slots_mark_read(slots, &sample);
        bool may_miss = !actor->counts_on_all || sample.sn <= actor->since;
        check(error == EDDY_OK || (error == EDDY_ESTALE && may_miss));
    }
}

static void *read_until_over(void *argument)
{
    struct actor *actor = argument;
    while (!over()) {
        uint32_t reader;
        unsigned stay =
            actor->counts_on_all ? UINT32_MAX : (unsigned)(payload_random(&actor->seed) % 500);
        must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &reader));
        actor->since = eddy_slots_generation(slots);
        if (actor->author % 2)
            take_a_while(actor, reader, stay);
        else
            copy_a_while(actor, reader, stay);
        must(eddy_slots_leave(slots, reader));
    }
    return NULL;
}

static void let_it_run(void)
{
    const char *given = getenv("EDDY_TEST_SECONDS");
    double seconds = given ? strtod(given, NULL) : 1.5;
    uint64_t deadline = eddy_deadline((uint64_t)(seconds * (double)SECOND)), last = 0;
    while (eddy_slots_wait(slots, last, deadline) == EDDY_OK && eddy_now() < deadline)
        last = eddy_slots_generation(slots);
}

static void run(struct actor *actors, size_t count, uint64_t seed)
{
    slots = slots_create("slots", 10, CAPACITY, 200);
    atomic_store(&finished, false);
    atomic_store(&committed, 0);
    atomic_store(&taken, 0);
    for (size_t i = 0; i < count; i++) {
        actors[i].seed = seed + i * 7919 + 1;
        actors[i].author = i;
        actors[i].thread =
            thread_start(i < WRITERS ? write_until_over : read_until_over, &actors[i]);
    }
    let_it_run();
    atomic_store(&finished, true);
    for (size_t i = 0; i < count; i++)
        thread_join(actors[i].thread);
    printf("%llu committed, %llu taken\n", (unsigned long long)committed,
           (unsigned long long)taken);
    check(atomic_load(&committed) > 100);
    check(atomic_load(&taken) > 100);
    must(eddy_slots_close(slots));
}

static void gated_writers_lose_nothing(void **state)
{
    (void)state;
    struct actor actors[] = {
        {.gated = true},         {.gated = true}, {.gated = true}, {.counts_on_all = true},
        {.counts_on_all = true}, {.seed = 0},     {.seed = 0}};
    run(actors, sizeof actors / sizeof *actors, payload_seed());
}

static void writers_without_gates_tear_nothing(void **state)
{
    (void)state;
    struct actor actors[] = {{.gated = false}, {.gated = false}, {.gated = true},
                             {.seed = 0},      {.seed = 0},      {.seed = 0}};
    run(actors, sizeof actors / sizeof *actors, payload_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(gated_writers_lose_nothing),
        WORLD_TEST(writers_without_gates_tear_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
