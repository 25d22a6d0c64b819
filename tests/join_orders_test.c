/* join_orders_test.c - who joins a topic is seen by its writers, be it the first or after others.
 *
 * Writers take the slot that they published last again as soon as they may, and look for readers
 * each time (transport/topic/claim.c, claim_warm).  A few samples on a fresh topic, so that what happens
 * once a topic happens often: the first seat of all, and one that another has had.  Each slot has a
 * shadow (support/shadow.h).  All threads share one participant.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/hook.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    WRITERS = 2,
    EACH = 60,
    DEPTH = 2 * WRITERS * EACH, /* more than there is: who may lose samples has no reason to */
    SLOTS = 1 << 22,
    BIG = 20 << 10
};

static uint64_t shadows[SLOTS];
static eddy_domain *domain;
static atomic_uint writing; /* relaxed throughout: the test must not order what the engine should */

struct joiner {
    struct eddy_reader_options options;
    unsigned joins, stay;
};

static unsigned still_writing(void)
{
    return atomic_load_explicit(&writing, memory_order_relaxed);
}

static void *write_all(void *argument)
{
    for (uint64_t number = 1; number <= EACH; number++) {
        struct eddy_loan loan;
        must(eddy_writer_loan(argument, BIG, patience(), &loan));
        shadow_write(&shadows[loan.slot], number);
        memcpy(loan.data, &number, sizeof number);
        must(eddy_writer_publish(argument, &loan, BIG, patience()));
    }
    atomic_fetch_sub_explicit(&writing, 1, memory_order_relaxed);
    return NULL;
}

static void look(const struct eddy_sample *sample)
{
    uint64_t number;
    memcpy(&number, sample->data, sizeof number);
    same(shadow_read(&shadows[sample->slot]), number);
}

/* Takes a few, one behind the other. */
static void stay_a_while(eddy_reader *reader, unsigned stay)
{
    struct eddy_sample sample;
    uint64_t next = 0;
    while (stay > 0) {
        if (eddy_reader_take(reader, &sample) != EDDY_OK) {
            if (still_writing() == 0)
                break;
            continue;
        }
        look(&sample);
        check(next == 0 || sample.sn == next);
        next = sample.sn + 1;
        must(eddy_reader_release(reader, &sample));
        stay--;
    }
    same(eddy_reader_lost(reader), 0);
}

static void *join_often(void *argument)
{
    const struct joiner *joiner = argument;
    for (unsigned joins = joiner->joins; joins > 0 && still_writing() > 0; joins--) {
        eddy_reader *reader = open_reader(domain, "join", &joiner->options);
        stay_a_while(reader, joiner->stay);
        must(eddy_reader_close(reader));
    }
    return NULL;
}

static void once(struct joiner *joiner)
{
    eddy_writer *writers[WRITERS];
    pthread_t threads[WRITERS + 1];
    atomic_store(&writing, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        writers[i] = open_writer(domain, "join", NULL);
    for (int i = 0; i < WRITERS; i++)
        threads[i] = thread_start(write_all, writers[i]);
    threads[WRITERS] = thread_start(join_often, joiner);
    for (int i = 0; i < WRITERS + 1; i++)
        thread_join(threads[i]);
    for (int i = 0; i < WRITERS; i++)
        must(eddy_writer_close(writers[i]));
}

static void play(int rounds, struct joiner *joiner)
{
    domain = open_domain();
    for (int round = 0; round < rounds; round++)
        once(joiner);
    must(eddy_domain_close(domain));
}

static void the_first_to_join_is_seen(void **state)
{
    (void)state;
    play(120, &(struct joiner){{.depth = DEPTH}, .joins = 1, .stay = 8});
}

static void who_joins_after_another_is_seen(void **state)
{
    (void)state;
    play(80, &(struct joiner){{.reliability = EDDY_BEST_EFFORT, .depth = DEPTH}, 20, 4});
}

/* --- a number that is seen early ------------------------------------------------------------- */

/* The writer that moved next_sn stands still; others see the number and go on. */
static void stand_still(const char *point)
{
    if (strcmp(point, "publish:helped") == 0)
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

static void who_joins_begins_where_writers_have_looked(void **state)
{
    (void)state;
    hook_begin(stand_still);
    play(120, &(struct joiner){{.depth = DEPTH}, .joins = 20, .stay = 1});
    hook_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_first_to_join_is_seen),
        WORLD_TEST(who_joins_after_another_is_seen),
        WORLD_TEST(who_joins_begins_where_writers_have_looked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
