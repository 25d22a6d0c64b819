/* let_go_orders_test.c - a reader is let go of again and again while it reads: no slot is written under
 * it.
 *
 * Every slot has a shadow (support/shadow.h), written while the slot is on loan and read while its
 * sample is held.  All threads share one participant.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <sched.h>
#include <stdatomic.h>

enum { SAMPLES = SANITIZED ? 4000 : 40000, SLOTS = 1 << 14, DEPTH = 3 };

static uint64_t shadows[SLOTS];
/* Relaxed: the test must not order what the engine should. */
static atomic_bool over;

static bool is_over(void)
{
    return atomic_load_explicit(&over, memory_order_relaxed);
}

static void *write_all(void *writer)
{
    struct eddy_loan loan;
    for (uint64_t i = 1; i <= SAMPLES; i++) {
        must(eddy_writer_loan(writer, 8, patience(), &loan));
        shadow_write(&shadows[loan.slot % SLOTS], i);
        while (eddy_writer_publish(writer, &loan, 8, eddy_deadline(SECOND)) != EDDY_OK)
            sched_yield();
    }
    atomic_store_explicit(&over, true, memory_order_relaxed);
    return NULL;
}

/* Holds one beyond its cursor now and then. */
static void *read_all(void *reader)
{
    struct eddy_sample kept = {0}, sample;
    uint64_t let_go = 0;
    while (!is_over()) {
        int error = eddy_reader_take(reader, &sample);
        let_go += error == EDDY_ELETGO;
        if (error)
            continue;
        same(shadow_read(&shadows[sample.slot % SLOTS]), sample.sn);
        if (kept.data) {
            same(shadow_read(&shadows[kept.slot % SLOTS]), kept.sn);
            must(eddy_reader_release(reader, &kept));
            kept.data = NULL;
        }
        if (sample.sn % 3 == 0)
            kept = sample;
        else
            must(eddy_reader_release(reader, &sample));
    }
    check(let_go > 0);
    return NULL;
}

static void *let_go_of_it(void *writer)
{
    while (!is_over()) {
        must(eddy_writer_let_go(writer, 0, 0));
        sched_yield();
    }
    return NULL;
}

static void no_slot_is_written_under_one_that_is_let_go_of(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = DEPTH});
    eddy_writer *other = open_writer(pair.domain, "pair", NULL);
    atomic_store(&over, false);
    pthread_t threads[] = {thread_start(read_all, pair.reader), thread_start(let_go_of_it, other),
                           thread_start(write_all, pair.writer)};
    for (int i = 0; i < 3; i++)
        thread_join(threads[i]);
    must(eddy_writer_close(other));
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(no_slot_is_written_under_one_that_is_let_go_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
