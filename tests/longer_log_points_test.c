/* longer_log_points_test.c - kill -9, or a long stop, at every point of who makes a log longer, or of
 * who goes on when somebody died over that.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/points.h"
#include "support/world.h"

#include "allocator/segment/logs.h"
#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { FIRST = EDDY_LOG_MIN, LONGER = 5000, LAPS = 2 * 8192 - FIRST / 2, BEFORE = 2 * FIRST + 77 };
enum { WITNESS, ACTOR };

static const char *const kinds[] = {"logs:", NULL};
static const struct eddy_reader_options deep = {.depth = LONGER};

/* --- the witness: sees everything that anybody publishes */

static struct pair pair;
static uint64_t next[2];

static void watch(void)
{
    struct eddy_sample sample;
    int error;
    while ((error = eddy_reader_take(pair.reader, &sample)) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        same(sample.sn, next[WITNESS] + next[ACTOR] + 1);
        same(payload.number, next[payload.author]++);
        must(eddy_reader_release(pair.reader, &sample));
    }
    must_fail(error, EDDY_EAGAIN);
}

static void publish_as_witness(int count)
{
    for (int i = 0; i < count; i++) {
        payload_publish(pair.writer, 64, WITNESS, next[WITNESS]);
        watch();
    }
}

static void publish_unread(uint64_t from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        payload_publish(pair.writer, 64, WITNESS, from + i);
}

/* The reader is as far behind as it may be, so the mark will stand on what it needs next. */
static void pair_open_behind(void)
{
    memset(next, 0, sizeof next);
    pair = pair_open(NULL, &(struct eddy_reader_options){.depth = FIRST});
    publish_as_witness(BEFORE);
    publish_unread(BEFORE, FIRST);
}

/* --- actors ---------------------------------------------------------------------------------- */

static void make_it_longer(void)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", &deep);
    same(eddy_reader_depth(reader), LONGER);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void die_over_it(int wire, void *point)
{
    (void)wire;
    plan = (struct points_plan){.point = point, .countdown = 1, .blow = KILL};
    points_arm();
    make_it_longer();
}

static void others_die_over_it(const char *point)
{
    struct points_plan mine = plan;
    plan.point = point;
    struct child child = child_start(die_over_it, (void *)(uintptr_t)point);
    check(points_bury(&child));
    plan = mine;
}

static void grower(void)
{
    points_arm();
    make_it_longer();
}

static void writer_after_another(void)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", &(struct eddy_writer_options){0});
    others_die_over_it("logs:marked");
    points_arm();
    payload_publish(writer, 64, ACTOR, 0);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void reader_after_another(void)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    others_die_over_it("logs:copied");
    points_arm();
    while (eddy_reader_ready(reader)) /* nothing, if nobody went on while it stood still */
        same(payload_take(reader).author, WITNESS);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void grower_after_another(void)
{
    others_die_over_it("logs:marked");
    points_arm();
    make_it_longer();
}

/* Memory is there, and nothing else. */
static void grower_after_one_with_memory(void)
{
    others_die_over_it("logs:reserved");
    points_arm();
    make_it_longer();
}

struct role {
    const char *name;
    void (*act)(void);
    uint64_t publishes;
    bool reads; /* has a cursor where the blow may fall: stopped, it is waited for */
};

static const struct role roles[] = {
    {"grower", grower, 0, false},
    {"grower after another", grower_after_another, 0, false},
    {"grower after one with memory", grower_after_one_with_memory, 0, false},
    {"writer after another", writer_after_another, 1, false},
    {"reader after another", reader_after_another, 0, true},
};

static void actor_process(int wire, void *argument)
{
    (void)wire;
    ((const struct role *)argument)->act();
}

/* --- blows ----------------------------------------------------------------------------------- */

static void all_go_on(void)
{
    watch();
    publish_as_witness(20);
    make_it_longer();
    check(eddy_logs_length(pair.writer->segment) >= LONGER);
    publish_as_witness(LAPS);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(pair.writer, &stats));
    same(stats.readers + stats.writers, 2);
}

static struct child start(const struct role *role)
{
    pair_open_behind();
    if (role->publishes) /* else it would wait for the witness, who would come to the mark first */
        watch();
    return child_start(actor_process, (void *)(uintptr_t)role);
}

static bool killed(void *context)
{
    const struct role *role = context;
    struct child child = start(role);
    bool struck = points_bury(&child);
    all_go_on();
    check(struck || next[ACTOR] == role->publishes);
    pair_close(&pair);
    return struck;
}

static bool stopped(void *context)
{
    const struct role *role = context;
    struct child child = start(role);
    bool struck = false;
    for (uint64_t deadline = patience(); !points_is_over(&child, &struck);)
        check(eddy_now() < deadline);
    if (struck) {
        siginfo_t news;
        check(waitid(P_PID, (id_t)child.pid, &news, WSTOPPED) == 0);
        watch();
        publish_as_witness(role->reads ? 50 : LAPS);
        if (!role->reads) /* what the stopped one copies late would be missed */
            publish_unread(next[WITNESS], FIRST - role->publishes);
        child_continue(&child);
    }
    check(!points_bury(&child));
    all_go_on();
    same(next[ACTOR], role->publishes);
    pair_close(&pair);
    return struck;
}

static void strike(enum blow blow)
{
    enum { ROLES = sizeof roles / sizeof *roles };
    struct points_scene scenes[ROLES];
    for (size_t i = 0; i < ROLES; i++)
        scenes[i] = (struct points_scene){roles[i].name, blow == KILL ? killed : stopped,
                                          (void *)(uintptr_t)&roles[i]};
    points_strike_all(scenes, ROLES, blow, kinds, NULL);
}

static void killed_at_any_point_the_others_go_on(void **state)
{
    (void)state;
    strike(KILL);
}

static void stopped_at_any_point_nothing_is_lost(void **state)
{
    (void)state;
    strike(STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_the_others_go_on),
        WORLD_TEST(stopped_at_any_point_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
