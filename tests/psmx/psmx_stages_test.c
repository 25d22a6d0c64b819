/* psmx_stages_test.c - while the thread of an instance stands at a point of the plug-in, the program
 * opens, writes and closes: nothing waits for that thread, and it finds nothing that is gone.  Also
 * under sanitizers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "standin.h"

#include "support/stage.h"
#include "support/world.h"

#include "points_list.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 64, PROMPT_MS = 900, MOST = 60 /* fewer than `full` lets it hold back */ };

static const struct psmx_qos all = {
    .is_reliable = true, .keeps_all = true, .blocking = INT64_C(20000000000)};
static const struct psmx_qos few = {.is_reliable = true, .keeps_all = true, .limit = 2};
static const struct psmx_qos newest = {.is_reliable = true, .depth = 5, .blocking = 100000000};

/* The one whose thread stands, and another that writes to it. */
static struct standin_domain *here, *there;
static struct standin_reader *reader, *full;
static struct standin_writer *writer, *other;
static atomic_uint came;
static struct stage_stop stop;

/* --- standing --------------------------------------------------------------------------------- */

/* On the thread of `here`: from the first sample on it stops. */
static void take_all(struct standin_reader *r, void *enter)
{
    for (struct psmx_loan *loan; (loan = standin_take(r)) != NULL; standin_free(loan))
        if (atomic_fetch_add(&came, 1) == 0 && enter != NULL)
            stage_enter(&stop);
}

static void write_one(struct standin_writer *w)
{
    struct psmx_loan *loan = standin_loan(w, BYTES);
    check(loan != NULL);
    int32_t result = standin_write(w, loan, true);
    check(result == PSMX_OK);
}

/* --- what the program does meanwhile ---------------------------------------------------------- */

static void close_reader(void)
{
    standin_reader_close(reader);
    reader = NULL;
}

static void close_readers(void)
{
    close_reader();
    standin_reader_close(full);
    full = NULL;
}

static void close_writer(void)
{
    standin_writer_close(writer);
    writer = NULL;
}

static void open_and_close(void)
{
    struct standin_reader *more = standin_reader_open(here, "stages", &all, NULL, NULL);
    struct standin_writer *another = standin_writer_open(here, "stages", &newest);
    check(more != NULL && another != NULL);
    write_one(another);
    standin_reader_close(more);
    standin_writer_close(another);
}

static void write_some(void)
{
    for (int i = 0; i < 20; i++) {
        write_one(writer);
        write_one(other);
    }
}

static const struct {
    const char *name;
    void (*act)(void);
} deeds[] = {{"close a reader", close_reader},
             {"close all readers", close_readers},
             {"close a writer", close_writer},
             {"open and close", open_and_close},
             {"write", write_some}};
enum { DEEDS = sizeof deeds / sizeof *deeds, POINTS = sizeof points / sizeof *points };

/* --- each deed at each point ------------------------------------------------------------------ */

static struct standin_domain *open_dds(uint32_t number)
{
    int32_t result;
    struct standin_domain *d =
        standin_domain_open(number, "LIMIT=16M;SPIN=off;\0INSTANCE_NAME=eddy;\0", &result);
    check(d != NULL);
    return d;
}

static void begin(void)
{
    atomic_store(&came, 0);
    here = open_dds(7);
    there = open_dds(7);
    reader = standin_reader_open(here, "stages", &all, take_all, here);
    full = standin_reader_open(here, "stages", &few, NULL, NULL);
    writer = standin_writer_open(here, "stages", &all);
    other = standin_writer_open(there, "stages", &all);
    check(reader != NULL && full != NULL && writer != NULL && other != NULL);
}

static void end(void)
{
    if (reader != NULL)
        standin_reader_close(reader);
    if (full != NULL)
        standin_reader_close(full);
    if (writer != NULL)
        standin_writer_close(writer);
    standin_writer_close(other);
    standin_sweep();
    standin_domain_close(here);
    standin_domain_close(there);
}

/* Until that many have come, or the thread stands. */
static void until_came(unsigned count)
{
    uint64_t hung = patience();
    while (!atomic_load(&stop.there) && atomic_load(&came) < count) {
        check(eddy_now() < hung);
        sched_yield();
    }
}

/* False: the thread handed over all that was written, and did not come there. */
static bool reach(void)
{
    write_one(other);
    until_came(1);
    for (unsigned i = 1; i < MOST && !atomic_load(&stop.there); i++) {
        write_one(other);
        until_came(i);
    }
    until_came(MOST);
    return atomic_load(&stop.there);
}

static bool act_at(const char *point, size_t deed)
{
    stage_set(&stop, point, NULL);
    begin();
    bool is_there = reach();
    if (is_there) {
        uint64_t began = eddy_now();
        deeds[deed].act();
        if (eddy_now() - began > PROMPT_MS * MILLISECOND)
            check_fail(CHECK_HERE("prompt"), "to %s at %s took long", deeds[deed].name, point);
    }
    stage_let_go(&stop);
    uint64_t began = eddy_now();
    end(); /* what readers that are gone had in hand keeps no writer that leaves */
    if (eddy_now() - began > PROMPT_MS * MILLISECOND)
        check_fail(CHECK_HERE("prompt"), "to end after %s took long", point);
    return is_there;
}

static void nothing_waits_for_the_thread_at_any_point(void **state)
{
    (void)state;
    unsigned reached = 0;
    eddy_point_hook = stage_arrive;
    atomic_store(&standin_lag, 1);
    for (size_t i = 0; i < POINTS; i++) {
        bool is_there = strncmp(points[i], "psmx-", 5) == 0;
        for (size_t deed = 0; deed < DEEDS && is_there; deed++)
            is_there = act_at(points[i], deed);
        reached += is_there;
        if (is_there)
            printf("%s\n", points[i]);
    }
    printf("%u points\n", reached);
    check(reached >= 12);
}

/* However many participants are told that it leaves, one after the other. */
static void a_writer_that_leaves_stays_for_a_second(void **state)
{
    (void)state;
    eddy_point_hook = stage_arrive;
    stage_set(&stop, "psmx-hand:lent", NULL);
    begin();
    check(reach()); /* a sample is in hand */
    uint64_t began = eddy_now();
    standin_writer_close(other);
    uint64_t taken = eddy_now() - began;
    check(taken >= SECOND - 50 * MILLISECOND && taken < SECOND + 800 * MILLISECOND);
    stage_let_go(&stop);
    other = standin_writer_open(there, "stages", &all);
    end();
    eddy_point_hook = NULL;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void *close_here(void *over)
{
    standin_domain_close(here);
    atomic_store((atomic_bool *)over, true);
    return NULL;
}

/* It waits for the thread, which still looks for who is there. */
static void the_last_domain_does_not_wait_for_itself(void **state)
{
    (void)state;
    static atomic_bool is_over;
    pthread_t closing;
    eddy_point_hook = stage_arrive;
    stage_set(&stop, "psmx-roster:to-hear", NULL);
    begin();
    write_one(other);
    until_came(1);
    write_one(writer); /* its first: participants are looked for */
    stage_until_there(&stop);
    close_readers();
    close_writer();
    standin_writer_close(other);
    standin_sweep();
    standin_domain_close(there);
    check(pthread_create(&closing, NULL, close_here, &is_over) == 0);
    uint64_t hung = patience();
    while (!standin_is_ending())
        check(eddy_now() < hung);
    stage_let_go(&stop);
    stage_until(&is_over);
    pthread_join(closing, NULL);
    eddy_point_hook = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(nothing_waits_for_the_thread_at_any_point),
                                       WORLD_TEST(a_writer_that_leaves_stays_for_a_second),
                                       WORLD_TEST(the_last_domain_does_not_wait_for_itself)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
