/* points_test.c - kill -9, or a long stop, at every named point of the topics, in every role.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/actor.h"
#include "support/child.h"
#include "support/payload.h"
#include "support/points.h"
#include "support/thread.h"
#include "support/world.h"

#include "allocator/segment/block.h"
#include "transport/topic/writer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const kinds[] = {"", NULL};

/* --- the witness: sees everything that anybody publishes */

struct witness {
    struct pair pair;
    uint64_t sn, next[3], published, blocks;
};

static struct witness witness;

static void witness_open(void)
{
    struct eddy_reader_options options = {.limit_bytes = ACTOR_LIMIT, .depth = 500};
    witness = (struct witness){.pair.domain = open_domain()};
    witness.pair.reader = open_reader(witness.pair.domain, "points", &options);
    witness.pair.writer = open_writer(witness.pair.domain, "points", &actor_writing);
}

static void watch(void)
{
    struct eddy_sample sample;
    int error;
    while ((error = eddy_reader_take(witness.pair.reader, &sample)) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        check(witness.sn == 0 || sample.sn == witness.sn + 1);
        witness.sn = sample.sn;
        check(payload.author < 3);
        same(payload.number, witness.next[payload.author]++);
        must(eddy_reader_release(witness.pair.reader, &sample));
    }
    must_fail(error, EDDY_EAGAIN);
}

/* True if it was struck; false if it ended by itself. */
static bool watch_until_over(struct child *child)
{
    uint64_t deadline = patience();
    bool struck;
    for (;;) {
        watch();
        if (points_is_over(child, &struck))
            return struck;
        if (eddy_now() > deadline)
            check_fail(CHECK_HERE("watch_until_over"), "hung at %s", plan.point);
        int error = eddy_reader_wait(witness.pair.reader, eddy_deadline(MILLISECOND));
        check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
    }
}

static int publish_one(void)
{
    struct eddy_loan loan;
    points_insist(eddy_writer_loan(witness.pair.writer, 300, patience(), &loan), "loan");
    payload_fill(loan.data, 300, 2, witness.published);
    int error = eddy_writer_publish(witness.pair.writer, &loan, 300, eddy_deadline(MILLISECOND));
    if (error)
        must(eddy_writer_discard(witness.pair.writer, &loan));
    else
        witness.published++;
    return error;
}

static void publish_as_witness(int count)
{
    for (int i = 0; i < count; i++) {
        points_insist(publish_one(), "publish");
        watch();
    }
    same(witness.next[2], witness.published);
}

/* --- what must be so after whatever befell the actor ------------------------------------------ */

static void newcomers_are_served(void)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "points", NULL);
    publish_as_witness(3);
    for (int i = 0; i < 3; i++)
        same(payload_take(reader).author, 2);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* Who is there has memory; what the dead leave may be ABSENT and have some. */
static void is_whole(const struct eddy_place *p, uint32_t id, bool absent)
{
    const struct eddy_extent *x = p->extent;
    uint32_t block = p->index / x->block_slots;
    bool committed = eddy_load_seq(&x->blocks[block / 64].committed) >> block % 64 & 1;
    if (!absent && !committed)
        check_fail(CHECK_HERE("is_whole"), "slot %#x is there and has no memory after %s", id,
                   plan.point ? plan.point : "nothing");
}

static bool is_ours(struct eddy_segment *s, const struct eddy_place *p, uint32_t id, void *context)
{
    uint32_t me = witness.pair.writer->me, owner = eddy_slot_owner(p->slot);
    uint32_t keeper = eddy_load_seq(&p->slot->keeper);
    (void)context;
    is_whole(p, id, owner == EDDY_SLOT_ABSENT);
    if (owner == EDDY_SLOT_ABSENT)
        owner = 0;
    if (eddy_slot_held(s, p) || (owner && owner != me) || (keeper && keeper != me))
        check_fail(CHECK_HERE("is_ours"), "slot %#x is lost (owner %u, keeper %u) after %s", id,
                   owner, keeper, plan.point ? plan.point : "nothing");
    return true;
}

static uint64_t control_blocks(void)
{
    char path[300];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s.seg", world_dir(), witness.pair.writer->segment->id);
    check(stat(path, &status) == 0);
    return (uint64_t)status.st_blocks;
}

/* No seat, no slot, no file. */
static void nothing_is_lost(void)
{
    struct eddy_topic_stats stats;
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_writer_stats(witness.pair.writer, &stats));
    same(stats.writers, 1);
    same(stats.readers, 1);
    must(eddy_slots_each(witness.pair.writer->segment, is_ours, NULL));
    same(world_files(), 3 + stats.extents); /* registry, flink, segment */
    same(control_blocks(), witness.blocks); /* what the actor said of itself is gone, too */
}

/* One domain in which the actor was alone: whoever comes next clears it. */
static void the_place_apart_is_cleared(void)
{
    char dir[128];
    snprintf(dir, sizeof dir, "%s/alone", world_dir());
    if (access(dir, F_OK) != 0)
        return;
    eddy_domain *domain = NULL;
    must(eddy_domain_open(&(struct eddy_domain_options){.dir = dir}, &domain));
    must(eddy_domain_close(domain));
    check(rmdir(dir) == 0);
}

/* --- blows ----------------------------------------------------------------------------------- */

static void actor_process(int wire, void *argument)
{
    (void)wire;
    ((const struct actor_role *)argument)->act();
}

/* Who takes a dead reader's place in the registry keeps its cursor in the way if it is stopped then:
 * publishing may time out until it goes on.  Nothing else may. */
static bool may_hold_up(const struct actor_role *role)
{
    static const char *const points[] = {"join:locked", "join:named"};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (strcmp(plan.point, points[i]) == 0)
            return true;
    return role->holds_up;
}

/* Also who reads what is still there gets all that the dead published, once they are reaped. */
static void latecomer_sees_all(eddy_reader *latecomer)
{
    struct eddy_sample sample;
    uint64_t next = 0;
    while (eddy_reader_take(latecomer, &sample) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        if (payload.author == 1)
            same(payload.number, next++);
        must(eddy_reader_release(latecomer, &sample));
    }
    same(eddy_reader_lost(latecomer), 0);
    same(next, witness.next[1]);
    must(eddy_reader_close(latecomer));
}

static bool killed(void *context)
{
    const struct actor_role *role = context;
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT, .depth = 500};
    eddy_reader *latecomer = open_reader(witness.pair.domain, "points", &options);
    witness.next[1] = 0;
    struct child child = child_start(actor_process, context);
    bool struck = watch_until_over(&child);
    points_bury(&child);
    watch();
    check(struck || witness.next[1] == role->published);
    publish_as_witness(20);
    newcomers_are_served();
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    latecomer_sees_all(latecomer);
    the_place_apart_is_cleared();
    nothing_is_lost();
    return struck;
}

enum { HELD = 1000, LAPS = 2500 }; /* the log goes round more than once */

/* Samples that a best-effort reader took while the actor was stopped, also such as it was just
 * about to claim. */
static struct {
    eddy_reader *reader;
    size_t count;
    struct eddy_sample samples[HELD];
    struct payload were[HELD];
} hoard;

static void hoard_open(void)
{
    struct eddy_reader_options deep = {.reliability = EDDY_BEST_EFFORT,
                                       .flags = EDDY_READER_BEYOND_DEPTH};
    hoard.reader = open_reader(witness.pair.domain, "points", &deep);
    hoard.count = 0;
    publish_as_witness(300);
}

static void take_all_there_is(void)
{
    while (hoard.count < HELD) {
        struct eddy_sample *sample = &hoard.samples[hoard.count];
        int error = eddy_reader_take(hoard.reader, sample);
        if (error == EDDY_EAGAIN)
            return;
        must(error);
        hoard.were[hoard.count++] = payload_of(sample);
    }
}

static void all_are_still_whole(void)
{
    for (size_t i = 0; i < hoard.count; i++) {
        struct payload is = {0};
        if (!payload_whole(hoard.samples[i].data, hoard.samples[i].size, &is) ||
            is.sum != hoard.were[i].sum)
            check_fail(CHECK_HERE("all_are_still_whole"), "sample %llu changed after a stop at %s",
                       (unsigned long long)hoard.samples[i].sn, plan.point);
        must(eddy_reader_release(hoard.reader, &hoard.samples[i]));
    }
    must(eddy_reader_close(hoard.reader));
}

/* As far as the stopped one lets the others; who must not hold them up does not. */
static void go_on_without(const struct actor_role *role)
{
    int error = EDDY_OK;
    take_all_there_is();
    if (!may_hold_up(role))
        publish_as_witness(LAPS);
    for (int i = 0; i < LAPS && may_hold_up(role) && !error; i++) {
        error = publish_one();
        check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
        watch();
    }
}

static bool stopped(void *context)
{
    const struct actor_role *role = context;
    witness.next[1] = 0;
    hoard_open();
    struct child child = child_start(actor_process, context);
    bool struck = watch_until_over(&child);
    if (struck) {
        siginfo_t news;
        check(waitid(P_PID, (id_t)child.pid, &news, WSTOPPED) == 0);
        go_on_without(role);
        child_continue(&child);
        check(!watch_until_over(&child));
    }
    check(!points_bury(&child));
    watch();
    same(witness.next[1], role->published); /* nothing of its was taken away */
    publish_as_witness(20);
    all_are_still_whole();
    the_place_apart_is_cleared();
    nothing_is_lost();
    return struck;
}

static void strike(enum blow blow)
{
    struct points_scene scenes[32];
    witness_open();
    witness.blocks = control_blocks();
    for (size_t i = 0; i < actor_role_count; i++)
        scenes[i] = (struct points_scene){actor_roles[i].name, blow == KILL ? killed : stopped,
                                          (void *)&actor_roles[i]};
    static const char *const out_of_reach[] = {"leave:handed-on", NULL};
    points_strike_all(scenes, actor_role_count, blow, kinds, SANITIZED ? out_of_reach : NULL);
    pair_close(&witness.pair);
}

static void killed_at_any_point_nobody_else_notices(void **state)
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
        WORLD_TEST(killed_at_any_point_nobody_else_notices),
        WORLD_TEST(stopped_at_any_point_nothing_is_lost),
    };
    const char *only = getenv("EDDY_TEST_ONLY"); /* so that CTest can run the two side by side */
    if (only)
        cmocka_set_test_filter(only);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
