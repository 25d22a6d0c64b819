/* join_stress_test.c - readers that come and go on a topic whose slots are used again at once.
 *
 * With nobody else to heed, writers may claim all that was published; a reader that joins just then
 * must find everything from its first sample on, in one piece: the join against the gate, pins
 * against claims, seats that pass from hand to hand.  Each slot has a shadow (support/shadow.h).
 * All threads share one participant.  EDDY_TEST_SEED repeats a run's choices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITERS = 2,
    JOINERS = 3,
    IDLE = 64, /* readers in the first column of the masks */
    EACH = SANITIZED ? 2000 : 20000,
    KEPT = 4,
    STAY = 24,
    SHORTLY = 2,
    SLOTS = 1 << 22,
    BIG = 20 << 10 /* so big that a writer takes the slot it published last, if it may */
};

static uint64_t shadows[SLOTS], seed;
static eddy_domain *domain;
static size_t size_each;
static atomic_uint writing; /* relaxed throughout: the test must not order what the engine should */

struct joiner {
    struct eddy_reader_options options;
    uint64_t seed;
    unsigned stay; /* so many samples at most */
    bool gapless;
};

static unsigned still_writing(void)
{
    return atomic_load_explicit(&writing, memory_order_relaxed);
}

/* The writer's author and number are what a sample says. */
struct word {
    uint64_t author, number;
};

static void *write_all(void *argument)
{
    struct word word = {.author = (uint64_t)(uintptr_t)argument};
    while (word.number < EACH) {
        struct eddy_loan loan;
        must(eddy_writer_loan(argument, size_each, patience(), &loan));
        shadow_write(&shadows[loan.slot], word.number);
        memcpy(loan.data, &word, sizeof word);
        must(eddy_writer_publish(argument, &loan, size_each, patience()));
        word.number++;
    }
    atomic_fetch_sub_explicit(&writing, 1, memory_order_relaxed);
    return NULL;
}

static struct word look(const struct eddy_sample *sample)
{
    struct word word;
    same(sample->size, size_each);
    memcpy(&word, sample->data, sizeof word);
    same(shadow_read(&shadows[sample->slot]), word.number);
    return word;
}

static void let_go(eddy_reader *reader, struct eddy_sample *sample)
{
    if (!sample->data)
        return;
    look(sample);
    must(eddy_reader_release(reader, sample));
    sample->data = NULL;
}

/* Of each writer the numbers, one behind the other. */
struct followed {
    uint64_t authors[WRITERS], next[WRITERS];
};

static void follow(struct followed *f, struct word word, bool gapless)
{
    int at = 0;
    while (at < WRITERS - 1 && f->authors[at] && f->authors[at] != word.author)
        at++;
    if (f->authors[at] == word.author && gapless)
        same(word.number, f->next[at]);
    check(f->authors[at] == 0 || word.number >= f->next[at]);
    f->authors[at] = word.author;
    f->next[at] = word.number + 1;
}

static void stay_a_while(eddy_reader *reader, struct joiner *joiner)
{
    struct eddy_sample kept[KEPT] = {0};
    struct followed followed = {{0}, {0}};
    for (unsigned left = 1 + (unsigned)(payload_random(&joiner->seed) % joiner->stay); left;
         left--) {
        struct eddy_sample *sample = &kept[payload_random(&joiner->seed) % KEPT];
        let_go(reader, sample);
        while (eddy_reader_take(reader, sample) != EDDY_OK)
            if (still_writing() == 0)
                goto out;
        follow(&followed, look(sample), joiner->gapless);
    }
out:
    for (int i = 0; i < KEPT; i++)
        let_go(reader, &kept[i]);
}

static void *join_often(void *argument)
{
    struct joiner *joiner = argument;
    do {
        eddy_reader *reader = open_reader(domain, "join", &joiner->options);
        stay_a_while(reader, joiner);
        must(eddy_reader_close(reader));
    } while (still_writing() > 0);
    return NULL;
}

static void run(const struct eddy_writer_options *options, const struct joiner *like, size_t size)
{
    struct joiner joiners[JOINERS];
    eddy_writer *writers[WRITERS];
    pthread_t threads[WRITERS + JOINERS];
    size_t count = 0;
    seed = payload_seed();
    size_each = size;
    atomic_store(&writing, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = open_writer(domain, "join", options);
    for (int i = 0; i < JOINERS; i++) {
        joiners[i] = *like;
        joiners[i].seed = seed + (uint64_t)i * 7919 + 1;
        threads[count++] = thread_start(join_often, &joiners[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        threads[count++] = thread_start(write_all, writers[i]);
    while (count > 0)
        thread_join(threads[--count]);
    for (int i = 0; i < WRITERS; i++)
        must(eddy_writer_close(writers[i]));
}

static void who_joins_misses_nothing_from_then_on(void **state)
{
    (void)state;
    static const struct eddy_writer_options options = {0};
    static const struct joiner like = {.options = {.depth = 8}, .stay = STAY, .gapless = true};
    domain = open_domain();
    run(&options, &like, sizeof(struct word));
    must(eddy_domain_close(domain));
}

static void who_joins_keeps_even_the_newest_slot(void **state)
{
    (void)state;
    static const struct eddy_writer_options options = {0};
    static const struct joiner like = {.options = {.depth = 4}, .stay = SHORTLY, .gapless = true};
    domain = open_domain();
    run(&options, &like, BIG);
    must(eddy_domain_close(domain));
}

static void who_may_lose_samples_finds_none_torn(void **state)
{
    (void)state;
    static const struct eddy_writer_options options = {0};
    static const struct joiner like = {.options = {.reliability = EDDY_BEST_EFFORT, .depth = 1},
                                       .stay = STAY};
    domain = open_domain();
    run(&options, &like, BIG);
    must(eddy_domain_close(domain));
}

static void history_goes_on_without_a_gap(void **state)
{
    (void)state;
    static const struct eddy_writer_options options = {.history = 3};
    static const struct joiner like = {
        .options = {.depth = 8, .history = 10}, .stay = STAY, .gapless = true};
    domain = open_domain();
    run(&options, &like, sizeof(struct word));
    must(eddy_domain_close(domain));
}

static void history_of_the_topic_goes_on_without_a_gap(void **state)
{
    (void)state;
    static const struct eddy_writer_options options = {.history_kind = EDDY_HISTORY_TOPIC,
                                                       .history = 6};
    static const struct joiner like = {
        .options = {.depth = 8, .history = 10}, .stay = STAY, .gapless = true};
    domain = open_domain();
    run(&options, &like, sizeof(struct word));
    must(eddy_domain_close(domain));
}

/* The joiners' bits are beyond those that a slot has room for. */
static void samples_are_held_by_seats_in_columns(void **state)
{
    (void)state;
    static const struct eddy_writer_options options = {0};
    static const struct joiner like = {.options = {.reliability = EDDY_BEST_EFFORT, .depth = 1},
                                       .stay = STAY};
    eddy_reader *idle[IDLE];
    domain = open_domain();
    for (int i = 0; i < IDLE; i++)
        idle[i] = open_reader(domain, "join", &like.options);
    run(&options, &like, BIG);
    for (int i = 0; i < IDLE; i++)
        must(eddy_reader_close(idle[i]));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_joins_misses_nothing_from_then_on),
        WORLD_TEST(who_joins_keeps_even_the_newest_slot),
        WORLD_TEST(who_may_lose_samples_finds_none_torn),
        WORLD_TEST(history_goes_on_without_a_gap),
        WORLD_TEST(history_of_the_topic_goes_on_without_a_gap),
        WORLD_TEST(samples_are_held_by_seats_in_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
