/* region_points_test.c - kill -9, or a stop, at every named point of the regions.
 *
 * The list of points is read from the sources when the build is configured: a new point is tested
 * from its birth, and one that no actor reaches fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"

#include "points_list.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { POINTS = sizeof points / sizeof *points, BYTES = 3 * PAGE };

void (*eddy_point_hook)(const char *name);

/* --- the actor: does everything, and is struck at one point ---------------------------------- */

enum blow { KILL, STOP };

static struct {
    const char *point;
    unsigned countdown;
    enum blow blow;
} plan;

static void strike(const char *name)
{
    if (strcmp(name, plan.point) == 0 && plan.countdown > 0 && --plan.countdown == 0)
        kill(getpid(), plan.blow == KILL ? SIGKILL : SIGSTOP);
}

static void change_hands(eddy_region *region, eddy_region *guest)
{
    must(eddy_region_grow(region, eddy_region_bytes(region) + BYTES));
    must(eddy_region_disown(region));
    must(eddy_region_own(guest));
    check(eddy_region_refresh(guest) == 1);
    must(eddy_region_grow(guest, eddy_region_bytes(guest) + 1));
}

static void actor(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_point_hook = strike;
    eddy_domain *domain = open_domain();
    struct eddy_region_options options = {.bytes = BYTES};
    for (int round = 0; round < 2; round++, options.flags = EDDY_REGION_REPLACE) {
        eddy_region *region = NULL, *guest = NULL;
        must(eddy_region_create(domain, "a", &options, &region));
        must(eddy_region_attach(domain, "a", NULL, &guest));
        change_hands(region, guest);
        must(eddy_region_create_path(in_world("p"), &options, &region));
        must(eddy_region_attach_path(in_world("p"), NULL, &guest));
        change_hands(region, guest);
        if (round == 0) /* the next round replaces what somebody alive owns */
            continue;
        must(eddy_region_close(guest));
    }
    _exit(0); /* with some handles open */
}

/* --- the witness: lives in the folder, and finds everything in order -------------------------- */

static void touch_all(eddy_region *region)
{
    check(eddy_region_refresh(region) >= 0);
    for (uint64_t at = 0; at < eddy_region_bytes(region); at += 100)
        put(region, at, (unsigned char)at);
}

static void inherit(eddy_region *region)
{
    touch_all(region);
    must(eddy_region_own(region));
    must(eddy_region_grow(region, eddy_region_bytes(region) + PAGE));
    touch_all(region);
    must(eddy_region_close(region));
}

/* Whatever state the dead left it in: it can be used, owned, taken along, and made anew. */
static void all_is_in_order(eddy_domain *domain, bool attaching)
{
    eddy_region *region = NULL;
    struct eddy_gc_report report;
    struct eddy_region_options options = {.bytes = 1, .flags = EDDY_REGION_REPLACE};
    int error = attaching ? eddy_region_attach(domain, "a", NULL, &region) : EDDY_ENOENT;
    check(error == EDDY_OK || error == EDDY_ENOENT);
    if (!error)
        inherit(region);
    error = eddy_region_create(domain, "a", &options, &region);
    must(error);
    must(eddy_region_close(region));
    if (eddy_region_attach_path(in_world("p"), NULL, &region) == EDDY_OK)
        inherit(region);
    must(eddy_region_create_path(in_world("p"), &options, &region));
    must(eddy_region_close(region));
    must(eddy_gc(NULL, &report));
    same(report.files_refused, 0);
    same(world_files(), 1); /* the registry */
}

static bool has_come_to_its_end(struct child *child)
{
    siginfo_t news;
    check(waitid(P_PID, (id_t)child->pid, &news, WSTOPPED | WEXITED | WNOWAIT) == 0);
    return news.si_code == CLD_EXITED;
}

/* False: the actor did not come to the point so often. */
static bool strike_at(eddy_domain *domain, const char *point, unsigned time, enum blow blow)
{
    plan.point = point;
    plan.countdown = time;
    plan.blow = blow;
    struct child child = child_start(actor, NULL);
    bool ended = has_come_to_its_end(&child);
    if (!ended && blow == STOP) { /* others go on elsewhere; then it goes on, too */
        must(eddy_region_close(create_named(domain, "other", PAGE)));
        child_continue(&child);
        child_join(&child);
    } else if (ended) {
        child_join(&child);
    } else {
        child_kill(&child);
    }
    all_is_in_order(domain, time % 2);
    return !ended;
}

static bool is_wanted(const char *point)
{
    const char *only = getenv("EDDY_TEST_POINT");
    return only ? strcmp(point, only) == 0
                : strncmp(point, "region-", 7) == 0 || strncmp(point, "kind-", 5) == 0;
}

static void strike_everywhere(enum blow blow)
{
    eddy_domain *domain = open_domain();
    unsigned missed = 0, struck = 0;
    for (size_t i = 0; i < POINTS; i++)
        for (unsigned time = 1; is_wanted(points[i]); time++) {
            bool hit = strike_at(domain, points[i], time, blow);
            struck += hit;
            if (!hit && time == 1)
                missed++, fprintf(stderr, "nobody comes to %s\n", points[i]);
            if (!hit)
                break;
        }
    printf("%u blows\n", struck);
    same(missed, 0);
    must(eddy_domain_close(domain));
}

static void killed_at_any_point_the_name_is_good_for_others(void **state)
{
    (void)state;
    strike_everywhere(KILL);
}

static void stopped_at_any_point_others_go_on(void **state)
{
    (void)state;
    strike_everywhere(STOP);
}

/* Between two owners it is owned or kept, or both. */
static void killed_while_it_changes_hands_it_is_kept(void **state)
{
    (void)state;
    static const char *const hands[] = {"region-disown:kept", "region-own:locked"};
    struct eddy_gc_report report;
    eddy_domain *domain = open_domain();
    for (int i = 0; i < 2; i++) {
        plan.point = hands[i];
        plan.countdown = 1;
        plan.blow = KILL;
        struct child child = child_start(actor, NULL);
        check(!has_come_to_its_end(&child));
        child_kill(&child);
        must(eddy_gc(NULL, &report));
        same(report.objects_removed, 0);
        eddy_region *region = attach_named(domain, "a");
        check(eddy_region_bytes(region) == 2 * BYTES);
        inherit(region);
        all_is_in_order(domain, true);
    }
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_the_name_is_good_for_others),
        WORLD_TEST(stopped_at_any_point_others_go_on),
        WORLD_TEST(killed_while_it_changes_hands_it_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
