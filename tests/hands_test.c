/* hands_test.c - samples released and loans discarded by other threads than took them, while those go
 * on.  Run it under ThreadSanitizer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { HANDS = 3, BOXES = 64, WRITERS = 2, LARGEST = 800, ENOUGH = 1000 };

/* Things that go from one thread to others: each box has nothing, or one. */
struct box {
    _Atomic(void *) thing;
};
static struct box samples[BOXES], loans[BOXES];
static atomic_bool finished, emptied;

/* A copy goes into a box, if one of some is free. */
static bool put(struct box *boxes, const void *thing, size_t bytes, uint64_t *seed)
{
    void *copy = malloc(bytes);
    check(copy != NULL);
    memcpy(copy, thing, bytes);
    for (int tries = 0; tries < 4; tries++) {
        void *none = NULL;
        if (atomic_compare_exchange_strong(&boxes[payload_random(seed) % BOXES].thing, &none, copy))
            return true;
    }
    free(copy);
    return false;
}

static void *get(struct box *boxes, uint64_t *seed)
{
    return atomic_exchange(&boxes[payload_random(seed) % BOXES].thing, NULL);
}

struct scene {
    eddy_domain *domain;
    eddy_writer *writers[WRITERS];
    eddy_reader *reader;
    atomic_uint released;
};

struct hand {
    pthread_t thread;
    struct scene *scene;
    uint64_t seed;
    unsigned which;
};

static void release(struct scene *scene, struct eddy_sample *sample)
{
    (void)payload_of(sample); /* whole until now */
    must(eddy_reader_release(scene->reader, sample));
    atomic_fetch_add_explicit(&scene->released, 1, memory_order_relaxed);
    free(sample);
}

static void *release_until_over(void *argument)
{
    struct hand *hand = argument;
    while (!atomic_load(&emptied)) {
        struct eddy_sample *sample = get(samples, &hand->seed);
        if (sample)
            release(hand->scene, sample);
        struct eddy_loan *loan = get(loans, &hand->seed);
        if (loan)
            must(eddy_writer_discard(hand->scene->writers[loan->size % WRITERS], loan));
        free(loan);
    }
    return NULL;
}

/* Publishes, and now and then leaves a loan to others. */
static void *write_until_over(void *argument)
{
    struct hand *hand = argument;
    eddy_writer *writer = hand->scene->writers[hand->which];
    for (uint64_t number = 0; !atomic_load(&finished);) {
        struct eddy_loan loan;
        size_t size = sizeof(struct payload) + payload_random(&hand->seed) % LARGEST;
        size -= size % WRITERS;
        if (eddy_writer_loan(writer, size + hand->which, eddy_deadline(5 * MILLISECOND), &loan) !=
            EDDY_OK)
            continue;
        payload_fill(loan.data, size, hand->which, number);
        if (payload_random(&hand->seed) % 8 == 0 && put(loans, &loan, sizeof loan, &hand->seed))
            continue;
        if (eddy_writer_publish(writer, &loan, size, eddy_deadline(5 * MILLISECOND)) == EDDY_OK)
            number++;
        else
            must(eddy_writer_discard(writer, &loan));
    }
    return NULL;
}

static void take_one(struct scene *scene, uint64_t *last, uint64_t *seed)
{
    struct eddy_sample sample;
    if (eddy_reader_wait(scene->reader, eddy_deadline(20 * MILLISECOND)) != EDDY_OK)
        return;
    int error = payload_random(seed) % 8 ? eddy_reader_take(scene->reader, &sample)
                                         : eddy_reader_take_latest(scene->reader, &sample);
    if (error == EDDY_EAGAIN)
        return;
    must(error);
    check(sample.sn > *last);
    *last = sample.sn;
    if (!put(samples, &sample, sizeof sample, seed)) {
        must(eddy_reader_release(scene->reader, &sample));
        atomic_fetch_add_explicit(&scene->released, 1, memory_order_relaxed);
    }
}

static void empty(struct scene *scene)
{
    for (int i = 0; i < BOXES; i++) {
        struct eddy_sample *sample = atomic_exchange(&samples[i].thing, NULL);
        struct eddy_loan *loan = atomic_exchange(&loans[i].thing, NULL);
        if (sample)
            release(scene, sample);
        if (loan)
            must(eddy_writer_discard(scene->writers[loan->size % WRITERS], loan));
        free(loan);
    }
}

static uint64_t held(void)
{
    eddy_snapshot *snapshot;
    must(eddy_snapshot_take(world_dir(), &snapshot));
    const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, 0);
    uint64_t count = 0;
    for (size_t i = 0; i < topic->member_count; i++)
        count += topic->members[i].is_writer ? 0 : topic->members[i].held;
    eddy_snapshot_free(snapshot);
    return count;
}

static void close_scene(struct scene *scene)
{
    for (int i = 0; i < WRITERS; i++)
        must(eddy_writer_close(scene->writers[i]));
    must(eddy_reader_close(scene->reader));
    must(eddy_domain_close(scene->domain));
}

static void many_hands(const struct eddy_reader_options *reading, uint64_t milliseconds)
{
    struct hand hands[HANDS], writers[WRITERS];
    uint64_t seed = payload_seed(), last = 0;
    struct scene scene = {.domain = open_domain()};
    const struct eddy_writer_options writing = {.limit_bytes = 1u << 20};
    atomic_store(&finished, false);
    atomic_store(&emptied, false);
    scene.reader = open_reader(scene.domain, "hands", reading);
    for (unsigned i = 0; i < WRITERS; i++)
        scene.writers[i] = open_writer(scene.domain, "hands", &writing);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct hand){.scene = &scene, .seed = seed + i + 100, .which = i};
        writers[i].thread = thread_start(write_until_over, &writers[i]);
    }
    for (unsigned i = 0; i < HANDS; i++) {
        hands[i] = (struct hand){.scene = &scene, .seed = seed + i + 1};
        hands[i].thread = thread_start(release_until_over, &hands[i]);
    }
    uint64_t end = eddy_deadline(milliseconds * MILLISECOND), hung = patience();
    while (eddy_now() < end || (atomic_load(&scene.released) < ENOUGH && eddy_now() < hung))
        take_one(&scene, &last, &seed);
    atomic_store(&finished, true);
    for (int i = 0; i < WRITERS; i++)
        thread_join(writers[i].thread);
    atomic_store(&emptied, true);
    for (int i = 0; i < HANDS; i++)
        thread_join(hands[i].thread);
    empty(&scene);
    check(atomic_load(&scene.released) >= ENOUGH);
    same(held(), 0);
    close_scene(&scene);
}

static void what_a_reliable_reader_took_is_released_by_others(void **state)
{
    (void)state;
    many_hands(&(struct eddy_reader_options){.depth = 16, .flags = EDDY_READER_SHARED}, 400);
}

static void what_a_best_effort_reader_took_is_released_by_others(void **state)
{
    (void)state;
    many_hands(&(struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT,
                                             .depth = 16,
                                             .flags = EDDY_READER_SHARED},
               400);
}

/* A sample that is released twice, by whatever thread, is refused the second time. */
static void *release_again(void *argument)
{
    struct scene *scene = argument;
    struct eddy_sample *sample = atomic_load(&samples[0].thing);
    must_fail(eddy_reader_release(scene->reader, sample), EDDY_ESTALE);
    return NULL;
}

static void once_is_enough(void **state)
{
    (void)state;
    struct eddy_sample sample;
    struct scene scene = {.domain = open_domain()};
    scene.reader = open_reader(scene.domain, "hands",
                               &(struct eddy_reader_options){.flags = EDDY_READER_SHARED});
    for (int i = 0; i < WRITERS; i++)
        scene.writers[i] = open_writer(scene.domain, "hands", NULL);
    payload_publish(scene.writers[0], 100, 1, 0);
    must(eddy_reader_take(scene.reader, &sample));
    must(eddy_reader_release(scene.reader, &sample));
    atomic_store(&samples[0].thing, &sample);
    thread_join(thread_start(release_again, &scene));
    atomic_store(&samples[0].thing, NULL);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_a_reliable_reader_took_is_released_by_others),
        WORLD_TEST(what_a_best_effort_reader_took_is_released_by_others),
        WORLD_TEST(once_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
