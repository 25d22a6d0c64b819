/* orders_test.c - what the memory orders are for: who may touch a slot has seen all that was done
 * with it before.
 *
 * Every slot has a shadow (support/shadow.h).  All threads share one participant, hence one mapping
 * of the topic's control words.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>
#include <string.h>

enum { WRITERS = 2, EACH = SANITIZED ? 6000 : 40000, KEPT = 12, SLOTS = 1 << 22 };

static uint64_t shadows[SLOTS];
static eddy_domain *domain;
static atomic_uint writing; /* relaxed throughout: the test must not order what the engine should */

static unsigned still_writing(void)
{
    return atomic_load_explicit(&writing, memory_order_relaxed);
}

static uint64_t value_of(uint64_t author, uint64_t number)
{
    return author << 32 | number;
}

static void *write_all(void *argument)
{
    eddy_writer *writer = argument;
    uint64_t author = (uint64_t)(uintptr_t)writer, seed = author | 1, number = 0;
    while (number < EACH) {
        struct eddy_loan loan;
        uint64_t value = value_of(author, number);
        must(eddy_writer_loan(writer, sizeof value, patience(), &loan));
        shadow_write(&shadows[loan.slot], value);
        memcpy(loan.data, &value, sizeof value);
        if (payload_random(&seed) % 4 == 0) {
            must(eddy_writer_discard(writer, &loan));
            continue;
        }
        must(eddy_writer_publish(writer, &loan, sizeof value, patience()));
        number++;
    }
    atomic_fetch_sub_explicit(&writing, 1, memory_order_relaxed);
    return NULL;
}

static void is_undisturbed(const struct eddy_sample *sample)
{
    uint64_t value;
    same(sample->size, sizeof value);
    memcpy(&value, sample->data, sizeof value);
    same(shadow_read(&shadows[sample->slot]), value);
}

static void let_go(eddy_reader *reader, struct eddy_sample *sample)
{
    if (!sample->data)
        return;
    is_undisturbed(sample);
    must(eddy_reader_release(reader, sample));
    sample->data = NULL;
}

/* Takes up to `most`, and keeps a few for a while. */
static void take_some(eddy_reader *reader, unsigned most, uint64_t *seed)
{
    struct eddy_sample kept[KEPT] = {0};
    while (most > 0) {
        struct eddy_sample *place = &kept[payload_random(seed) % KEPT];
        let_go(reader, place);
        if (eddy_reader_take(reader, place) == EDDY_OK)
            is_undisturbed(place), most--;
        else if (still_writing() == 0)
            break;
    }
    for (int i = 0; i < KEPT; i++)
        let_go(reader, &kept[i]);
}

static void *read_all(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument | 1;
    take_some(argument, UINT32_MAX, &seed);
    return NULL;
}

/* Comes late again and again, for what is kept for it. */
static void *join_often(void *argument)
{
    uint64_t seed = 77;
    do {
        eddy_reader *reader = open_reader(domain, "orders", argument);
        take_some(reader, (unsigned)(payload_random(&seed) % 60), &seed);
        must(eddy_reader_close(reader));
    } while (still_writing() > 0);
    return NULL;
}

static void every_access_to_a_slot_is_ordered(const struct eddy_writer_options *options)
{
    static const struct eddy_reader_options reliable = {.depth = 16};
    static const struct eddy_reader_options best_effort = {.reliability = EDDY_BEST_EFFORT};
    static struct eddy_reader_options late = {.history = UINT32_MAX, .depth = 16};
    eddy_writer *writers[WRITERS];
    pthread_t threads[WRITERS + 3];
    size_t count = 0;
    domain = open_domain();
    eddy_reader *readers[] = {open_reader(domain, "orders", &reliable),
                              open_reader(domain, "orders", &best_effort)};
    atomic_store(&writing, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = open_writer(domain, "orders", &options[i]);
    for (int i = 0; i < 2; i++)
        threads[count++] = thread_start(read_all, readers[i]);
    threads[count++] = thread_start(join_often, &late);
    for (int i = 0; i < WRITERS; i++)
        threads[count++] = thread_start(write_all, writers[i]);
    while (count > 0)
        thread_join(threads[--count]);
    for (int i = 0; i < WRITERS; i++)
        must(eddy_writer_close(writers[i]));
    for (int i = 0; i < 2; i++)
        must(eddy_reader_close(readers[i]));
    must(eddy_domain_close(domain));
}

static void with_history_of_each_writer(void **state)
{
    (void)state;
    static const struct eddy_writer_options options[WRITERS] = {{.history = 4}, {0}};
    every_access_to_a_slot_is_ordered(options);
}

static void with_history_of_the_topic(void **state)
{
    (void)state;
    static const struct eddy_writer_options options[WRITERS] = {
        {.history_kind = EDDY_HISTORY_TOPIC, .history = 6}, {.limit_bytes = 1 << 20}};
    every_access_to_a_slot_is_ordered(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(with_history_of_each_writer),
        WORLD_TEST(with_history_of_the_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
