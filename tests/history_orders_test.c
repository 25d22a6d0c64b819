/* history_orders_test.c - what a late reader finds is whole, whatever a writer was doing just then.
 *
 * The threads share one participant and stop at points of the engine (support/stage.h) or wait for
 * each other in ways that order nothing, so what one does may be seen late by the others, as far as
 * C11 allows.  Of what a late reader gets of a writer nothing is missing in between, or at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/stage.h"
#include "support/thread.h"
#include "support/world.h"
#include "transport/topic/gate.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

enum { JOINERS = 4, LOG = EDDY_LOG_MIN, SHOWN = 16, BYTES = 64 };

static const struct eddy_reader_options late = {.depth = 8, .history = UINT32_MAX};
static eddy_domain *domain;
static eddy_writer *keeper, *other;
static struct stage_stop stops[2], looks[JOINERS];
static atomic_bool go, gone; /* relaxed throughout */

static void say(atomic_bool *flag)
{
    atomic_store_explicit(flag, true, memory_order_relaxed);
}

static void open_all(uint32_t history)
{
    keeper = open_writer(domain, "history", &(struct eddy_writer_options){.history = history});
    other = open_writer(domain, "history", NULL);
    atomic_store(&go, false);
    atomic_store(&gone, false);
}

static void publish(eddy_writer *writer, uint64_t number)
{
    payload_publish(writer, BYTES, (uint64_t)(uintptr_t)writer, number);
}

/* The numbers of the keeper's samples that a late reader gets, and where they stand. */
struct shown {
    uint64_t numbers[SHOWN], sns[SHOWN];
    unsigned count;
};

static struct shown take_all(eddy_reader *reader)
{
    struct shown shown = {.count = 0};
    struct eddy_sample sample;
    while (eddy_reader_take(reader, &sample) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        if (payload.author == (uint64_t)(uintptr_t)keeper) {
            check(shown.count < SHOWN);
            shown.numbers[shown.count] = payload.number;
            shown.sns[shown.count++] = sample.sn;
        }
        must(eddy_reader_release(reader, &sample));
    }
    return shown;
}

/* One behind the other, up to `last`; or none at all. */
static void nothing_is_missing(const struct shown *shown, uint64_t last)
{
    for (unsigned i = 0; i < shown->count; i++)
        same(shown->numbers[i], last + i + 1 - shown->count);
}

/* --- a writer that stands still while the log goes round ------------------------------------- */

enum { LAPS = SANITIZED ? 40 : 5, LAST = 3 };

static void *publish_slowly(void *unused)
{
    stage_enter(&stops[0]);
    publish(keeper, LAST);
    return unused;
}

static void *join_when_it_goes_on(void *unused)
{
    stage_until(&go);
    eddy_reader *reader = open_reader(domain, "history", &late);
    struct shown shown = take_all(reader);
    nothing_is_missing(&shown, LAST);
    must(eddy_reader_close(reader));
    return unused;
}

static void stand_for_a_lap(void)
{
    pthread_t threads[JOINERS + 1];
    open_all(LAST);
    publish(keeper, 1);
    publish(keeper, 2);
    stage_set(&stops[0], "publish:swapped", NULL);
    stage_set(&stops[1], "publish:given-up", NULL);
    stops[0].next = &stops[1];
    threads[0] = thread_start(publish_slowly, NULL);
    stage_until_there(&stops[0]);
    for (uint64_t i = 0; i < LOG; i++)
        publish(other, i);
    for (int i = 1; i <= JOINERS; i++)
        threads[i] = thread_start(join_when_it_goes_on, NULL);
    stage_let_go(&stops[0]);
    stage_until_there(&stops[1]);
    say(&go);
    for (int i = 1; i <= JOINERS; i++)
        thread_join(threads[i]);
    stage_let_go(&stops[1]);
    thread_join(threads[0]);
    must(eddy_writer_close(keeper));
    must(eddy_writer_close(other));
}

/* --- a number that was tried in vain --------------------------------------------------------- */

enum { TRIES = SANITIZED ? 300 : 20 };

static void *join_at_the_look(void *stop)
{
    stage_enter(stop);
    eddy_reader *reader = open_reader(domain, "history", &late);
    struct shown shown = take_all(reader);
    nothing_is_missing(&shown, 1);
    must(eddy_reader_close(reader));
    return NULL;
}

static void *publish_first(void *unused)
{
    stage_enter(&stops[0]);
    publish(keeper, 1);
    return unused;
}

/* The other writer takes the number; who joins then looks for what was published before. */
static void lose_a_number(void)
{
    pthread_t threads[JOINERS + 1];
    open_all(LAST);
    stage_set(&stops[0], "publish:before-swap", NULL);
    stage_set(&stops[1], "publish:kept", NULL);
    stops[0].next = &stops[1];
    threads[0] = thread_start(publish_first, NULL);
    stage_until_there(&stops[0]);
    publish(other, 1);
    for (int i = 0; i < JOINERS; i++) {
        stage_set(&looks[i], "join:positioned", NULL);
        threads[i + 1] = thread_start(join_at_the_look, &looks[i]);
    }
    for (int i = 0; i < JOINERS; i++)
        stage_until_there(&looks[i]);
    stage_let_go(&stops[0]);
    stage_until_there(&stops[1]);
    for (int i = 0; i < JOINERS; i++)
        stage_let_go(&looks[i]);
    for (int i = 1; i <= JOINERS; i++)
        thread_join(threads[i]);
    stage_let_go(&stops[1]);
    thread_join(threads[0]);
    must(eddy_writer_close(keeper));
    must(eddy_writer_close(other));
}

/* --- a sample that is gone ------------------------------------------------------------------- */

/* Of the keeper's samples, whose history is one, the newest and the one before, which a late reader
 * comes to first; and how far a writer might go then. */
static struct eddy_place newest, before;
static uint64_t last, limit;

static void publish_some(void)
{
    uint32_t id = 0;
    open_all(1);
    for (last = 0; last < 2 || keeper->keep.whole.slots[0] < id;) {
        id = last ? keeper->keep.whole.slots[0] : 0;
        publish(keeper, ++last);
    }
    must(eddy_slot_find(keeper->segment, id, &before));
    must(eddy_slot_find(keeper->segment, keeper->keep.whole.slots[0], &newest));
    check(eddy_gate_recompute(keeper->segment));
    limit = eddy_hard_limit(keeper->segment);
}

static _Thread_local bool is_between;

/* The late reader stands between the two until the newest is gone. */
static void stand_between(const char *point)
{
    if (is_between && strcmp(point, "history:pinned") == 0 &&
        eddy_load_relaxed(&before.slot->mask)) {
        is_between = false;
        say(&go);
        stage_until(&gone);
    }
    stage_arrive(point);
}

static void *join_in_between(void *expected)
{
    is_between = true;
    eddy_reader *reader = open_reader(domain, "history", &late);
    struct shown shown = take_all(reader);
    nothing_is_missing(&shown, *(uint64_t *)expected);
    must(eddy_reader_close(reader));
    return NULL;
}

static void say_gone(void)
{
    say(&gone);
}

/* Takes the slot of the newest as soon as it may, for a sample of its own or for good. */
static void *take_slot(void *publishes)
{
    while (
        !eddy_slot_claim(other->segment, &newest, other->me, &(struct eddy_limit){.below = limit}))
        sched_yield();
    if (publishes) {
        struct eddy_loan loan = {.slot = eddy_place_id(&newest), .size = BYTES};
        loan.ticket = eddy_load_relaxed(&newest.slot->ticket) ^ other->mark;
        payload_fill(eddy_writer_payload(other, &newest), BYTES, 1, 1);
        stage_enter(&stops[1]);
        must(eddy_writer_publish(other, &loan, BYTES, patience()));
    }
    say(&gone);
    return NULL;
}

static void *publish_next(void *unused)
{
    stage_enter(&stops[0]);
    publish(keeper, last + 1);
    return unused;
}

static void *leave(void *unused)
{
    stage_enter(&stops[0]);
    must(eddy_writer_close(keeper));
    return unused;
}

static void let_newest_go(void *(*how)(void *), bool publishes)
{
    pthread_t threads[3];
    publish_some();
    uint64_t expected = last + (how == publish_next);
    stage_set(&stops[0], how == leave ? "leave:writer-released" : "publish:given-up", NULL);
    stage_set(&stops[1], "publish:given-up", say_gone);
    eddy_point_hook = stand_between;
    threads[0] = thread_start(join_in_between, &expected);
    threads[1] = thread_start(take_slot, publishes ? &limit : NULL);
    stage_until(&go);
    threads[2] = thread_start(how, NULL);
    thread_join(threads[0]);
    for (int i = 0; i < 2; i++)
        stage_let_go(&stops[i]);
    for (int i = 1; i < 3; i++)
        thread_join(threads[i]);
    eddy_point_hook = stage_arrive;
    if (how != leave)
        must(eddy_writer_close(keeper));
    must(eddy_writer_close(other));
}

/* --- all of it ------------------------------------------------------------------------------- */

static void begin(void)
{
    eddy_point_hook = stage_arrive;
    domain = open_domain();
}

static void end(void)
{
    must(eddy_domain_close(domain));
    eddy_point_hook = NULL;
}

static void who_gives_a_slot_up_has_kept_it(void **state)
{
    (void)state;
    begin();
    for (int round = 0; round < LAPS; round++)
        stand_for_a_lap();
    end();
}

static void what_is_kept_has_its_number(void **state)
{
    (void)state;
    begin();
    for (int round = 0; round < TRIES; round++)
        lose_a_number();
    end();
}

static void what_is_let_go_has_been_followed(void **state)
{
    (void)state;
    begin();
    for (int round = 0; round < TRIES; round++)
        let_newest_go(publish_next, round % 3);
    end();
}

static void who_leaves_keeps_nothing(void **state)
{
    (void)state;
    begin();
    for (int round = 0; round < TRIES; round++)
        let_newest_go(leave, round % 3);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_gives_a_slot_up_has_kept_it),
        WORLD_TEST(what_is_kept_has_its_number),
        WORLD_TEST(what_is_let_go_has_been_followed),
        WORLD_TEST(who_leaves_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
