/* stress_test.c - threads that publish, read, keep, skip, come and go on one topic, all at once.
 *
 * Run it under ThreadSanitizer and AddressSanitizer.  EDDY_TEST_SEED repeats a run's choices,
 * EDDY_TEST_SECONDS makes it longer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { WRITERS = 3, KEPT = 40, LARGEST = 3000 };

static atomic_bool finished;
static atomic_uint_fast64_t published, taken;

struct actor {
    pthread_t thread;
    uint64_t seed, author;
    struct eddy_reader_options reading;
    struct eddy_writer_options writing;
    uint64_t wait_ns; /* 0: it never waits */
    bool joins_often;
};

static bool over(void)
{
    return atomic_load_explicit(&finished, memory_order_relaxed);
}

/* Publishes; now and then discards or holds two loans; gives up a sample when it may not wait. */
static void *write_until_over(void *argument)
{
    struct actor *actor = argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "stress", &actor->writing);
    uint64_t number = 0;
    while (!over()) {
        struct eddy_loan loan;
        uint64_t deadline = actor->wait_ns ? eddy_deadline(actor->wait_ns) : EDDY_POLL;
        size_t size = sizeof(struct payload) + payload_random(&actor->seed) % LARGEST;
        if (eddy_writer_loan(writer, size, deadline, &loan) != EDDY_OK)
            continue;
        payload_fill(loan.data, size, actor->author, number);
        bool discard = payload_random(&actor->seed) % 16 == 0;
        if (!discard && eddy_writer_publish(writer, &loan, size, deadline) == EDDY_OK) {
            number++;
            atomic_fetch_add_explicit(&published, 1, memory_order_relaxed);
            continue;
        }
        must(eddy_writer_discard(writer, &loan));
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    return NULL;
}

struct keeper {
    struct eddy_sample samples[KEPT];
    struct payload was[KEPT];
    uint64_t next[WRITERS], last_sn;
    bool gapless;
};

static void let_go(struct keeper *keeper, eddy_reader *reader, size_t at)
{
    if (!keeper->samples[at].data)
        return;
    same(payload_of(&keeper->samples[at]).sum, keeper->was[at].sum);
    must(eddy_reader_release(reader, &keeper->samples[at]));
    keeper->samples[at].data = NULL;
}

/* Takes one sample into this place and checks it against all that came before. */
static void take_into(struct keeper *keeper, eddy_reader *reader, size_t at)
{
    struct eddy_sample *sample = &keeper->samples[at];
    let_go(keeper, reader, at);
    must(eddy_reader_take(reader, sample));
    struct payload payload = payload_of(sample);
    check(sample->sn > keeper->last_sn);
    check(!keeper->gapless || keeper->last_sn == 0 || sample->sn == keeper->last_sn + 1);
    check(payload.author < WRITERS && payload.number >= keeper->next[payload.author]);
    keeper->next[payload.author] = payload.number + 1;
    keeper->last_sn = sample->sn;
    keeper->was[at] = payload;
    atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
}

static void read_a_while(struct actor *actor, eddy_domain *domain)
{
    struct keeper keeper = {.gapless = actor->reading.reliability == EDDY_RELIABLE &&
                                       actor->reading.history == 0};
    eddy_reader *reader = open_reader(domain, "stress", &actor->reading);
    unsigned stay =
        actor->joins_often ? (unsigned)(payload_random(&actor->seed) % 500) : UINT32_MAX;
    for (unsigned i = 0; i < stay && !over(); i++) {
        if (eddy_reader_wait(reader, eddy_deadline(50 * MILLISECOND)) != EDDY_OK)
            continue;
        take_into(&keeper, reader, (size_t)(payload_random(&actor->seed) % KEPT));
    }
    bool leave_them_to_close = payload_random(&actor->seed) % 2 == 0;
    for (size_t at = 0; at < KEPT && !leave_them_to_close; at++)
        let_go(&keeper, reader, at);
    must(eddy_reader_close(reader));
}

static void *read_until_over(void *argument)
{
    struct actor *actor = argument;
    eddy_domain *domain = open_domain();
    while (!over())
        read_a_while(actor, domain);
    must(eddy_domain_close(domain));
    return NULL;
}

static void let_it_run(void)
{
    const char *given = getenv("EDDY_TEST_SECONDS");
    double seconds = given ? strtod(given, NULL) : 1.5;
    eddy_event *never;
    eddy_waitset *waitset;
    eddy_domain *domain = open_domain();
    void *found;
    size_t count;
    must(eddy_event_open(&never));
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_event(waitset, never, EDDY_WAIT_LEVEL, NULL));
    uint64_t deadline = eddy_deadline((uint64_t)(seconds * (double)SECOND));
    must_fail(eddy_waitset_wait(waitset, deadline, &found, 1, &count), EDDY_ETIMEDOUT);
    must(eddy_event_close(never));
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
}

static void run(struct actor *actors, size_t count, uint64_t seed)
{
    atomic_store(&finished, false);
    atomic_store(&published, 0);
    atomic_store(&taken, 0);
    for (size_t i = 0; i < count; i++) {
        actors[i].seed = seed + i * 7919 + 1;
        bool writes = i < WRITERS;
        actors[i].author = i;
        actors[i].thread = thread_start(writes ? write_until_over : read_until_over, &actors[i]);
    }
    let_it_run();
    atomic_store(&finished, true);
    for (size_t i = 0; i < count; i++)
        thread_join(actors[i].thread);
    check(atomic_load(&published) > 100);
    check(atomic_load(&taken) > 100);
}

static void everything_at_once_is_whole_and_in_order(void **state)
{
    (void)state;
    struct actor actors[] = {
        {.wait_ns = 50 * MILLISECOND},
        {.writing = {.history = 5}, .wait_ns = 100 * MILLISECOND},
        {.wait_ns = 0},
        {.reading = {.reliability = EDDY_RELIABLE}},
        {.reading = {.reliability = EDDY_RELIABLE, .depth = 3, .history = 4}, .joins_often = true},
        {.reading = {.reliability = EDDY_BEST_EFFORT}},
        {.reading = {.reliability = EDDY_BEST_EFFORT,
                     .flags = EDDY_READER_BEYOND_DEPTH,
                     .history = 10},
         .joins_often = true},
    };
    run(actors, sizeof actors / sizeof *actors, payload_seed());
}

static void a_small_topic_under_pressure_is_whole_and_in_order(void **state)
{
    (void)state;
    struct actor actors[] = {
        {.writing = {.limit_bytes = 2u << 20}, .wait_ns = 5 * MILLISECOND},
        {.writing = {.limit_bytes = 2u << 20, .history_kind = EDDY_HISTORY_TOPIC, .history = 10}},
        {.writing = {.limit_bytes = 2u << 20}, .wait_ns = MILLISECOND},
        {.reading = {.limit_bytes = 2u << 20, .depth = 2}},
        {.reading = {.limit_bytes = 2u << 20, .reliability = EDDY_BEST_EFFORT, .depth = 1}},
        {.reading = {.limit_bytes = 2u << 20, .history = 10}, .joins_often = true},
    };
    run(actors, sizeof actors / sizeof *actors, payload_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(everything_at_once_is_whole_and_in_order),
        WORLD_TEST(a_small_topic_under_pressure_is_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
