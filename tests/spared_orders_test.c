/* spared_orders_test.c - a writer that learns in pieces that a reader was let go of spares what the reader
 * still reads, and no longer than that.
 *
 * A topic of few slots.  The reader has a sample under its cursor, another writer lets go of it and stands
 * at a point meanwhile (support/stage.h), where the writer looks for slots, in ways that order nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/shadow.h"
#include "support/stage.h"
#include "support/thread.h"
#include "support/world.h"

enum { ROUNDS = 40, SLOTS = 1 << 18, BYTES = 20 << 10, LIMIT = 100 << 10, MORE = 40 };

static const struct eddy_writer_options few = {.limit_bytes = LIMIT};
static uint64_t shadows[SLOTS];
static struct pair pair;
static eddy_writer *other;
static struct stage_stop stop;
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_bool taken, let_go, written, released;

static void say(atomic_bool *flag)
{
    atomic_store_explicit(flag, true, memory_order_relaxed);
}

static void write_one(uint64_t value)
{
    struct eddy_loan loan;
    must(eddy_writer_loan(pair.writer, BYTES, patience(), &loan));
    shadow_write(&shadows[loan.slot % SLOTS], value);
    must(eddy_writer_publish(pair.writer, &loan, BYTES, patience()));
}

/* The writer writes to every slot that it gets. */
static void use_all_slots(void)
{
    struct eddy_loan loans[MORE];
    size_t count = 0;
    while (count < MORE &&
           eddy_writer_loan(pair.writer, BYTES, EDDY_POLL, &loans[count]) == EDDY_OK)
        shadow_write(&shadows[loans[count++].slot % SLOTS], 1);
    while (count > 0)
        must(eddy_writer_discard(pair.writer, &loans[--count]));
}

/* What it has it reads until the others are through, if it is to be slow. */
static void *read_one(void *slow)
{
    struct eddy_sample sample;
    must(eddy_reader_take(pair.reader, &sample));
    uint64_t value = shadow_read(&shadows[sample.slot % SLOTS]);
    say(&taken);
    stage_until(slow ? &written : &let_go);
    same(shadow_read(&shadows[sample.slot % SLOTS]), value);
    must(eddy_reader_release(pair.reader, &sample));
    say(&released);
    stage_until(&written);
    must_fail(eddy_reader_take(pair.reader, &sample), EDDY_ELETGO);
    return NULL;
}

static void *let_go_of_it(void *stops)
{
    stage_enter(stops ? &stop : NULL);
    stage_until(&taken);
    must(eddy_writer_let_go(other, 0, 0));
    say(&let_go);
    return NULL;
}

static void *write_meanwhile(void *stops)
{
    if (stops) {
        stage_until_there(&stop);
        use_all_slots();
        stage_let_go(&stop);
        stage_until(&let_go);
    } else {
        stage_until(&released);
    }
    use_all_slots();
    say(&written);
    return NULL;
}

static void play(const char *point)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        atomic_bool *const flags[] = {&taken, &let_go, &written, &released};
        for (int n = 0; n < 4; n++)
            atomic_store(flags[n], false);
        stage_set(&stop, point, NULL);
        write_one(1000 + i);
        void *stops = point ? &stop : NULL;
        pthread_t threads[] = {thread_start(read_one, stops), thread_start(let_go_of_it, stops),
                               thread_start(write_meanwhile, stops)};
        for (int n = 0; n < 3; n++)
            thread_join(threads[n]);
    }
}

static void begin(void)
{
    eddy_point_hook = stage_arrive;
    pair = pair_open(&few, &(struct eddy_reader_options){.depth = 64});
    other = open_writer(pair.domain, "pair", &few);
}

static void end(void)
{
    must(eddy_writer_close(other));
    pair_close(&pair);
    eddy_point_hook = NULL;
}

static void who_sees_that_something_is_spared_sees_what(void **state)
{
    (void)state;
    begin();
    play("let-go:epoch-moved");
    end();
}

static void who_passes_a_reader_knows_what_is_spared(void **state)
{
    (void)state;
    begin();
    play("let-go:done");
    end();
}

static void what_is_not_spared_any_more_has_been_read(void **state)
{
    (void)state;
    begin();
    play(NULL);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_sees_that_something_is_spared_sees_what),
        WORLD_TEST(who_passes_a_reader_knows_what_is_spared),
        WORLD_TEST(what_is_not_spared_any_more_has_been_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
