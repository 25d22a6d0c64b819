/* region_points_test.c - kill -9, or a stop, at every named point of the regions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/file.h"
#include "support/child.h"
#include "support/points.h"
#include "support/region.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { BYTES = 3 * PAGE };

static const char *const kinds[] = {"region-", "kind-", NULL};
/* Somebody else has the lock of the folder: interleave_region_test.c */
static const char *const never[] = {"region-lock:busy", NULL};

/* --- the actor: does everything, and is struck at one point ---------------------------------- */

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
    points_arm();
    eddy_domain *own = open_domain();
    struct eddy_region_options options = {.bytes = BYTES};
    for (int round = 0; round < 2; round++, options.flags = EDDY_REGION_REPLACE) {
        eddy_region *region = NULL, *guest = NULL;
        must(eddy_region_create(own, "a", &options, &region));
        must(eddy_region_attach(own, "a", NULL, &guest));
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

static eddy_domain *domain;

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

/* Files under temporary names go when they are old: now they are. */
static void forget_half_made(void)
{
    struct timespec old[2] = {{1, 0}, {1, 0}};
    DIR *dir = opendir(world_dir());
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, EDDY_TEMP_PREFIX, strlen(EDDY_TEMP_PREFIX)) == 0)
            check(utimensat(dirfd(dir), entry->d_name, old, 0) == 0);
    closedir(dir);
}

/* Whatever state the dead left it in: it can be used, owned, taken along, and made anew. */
static void all_is_in_order(bool attaching)
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
    forget_half_made();
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

/* Others go on elsewhere while it is stopped; then it goes on, too. */
static bool play(void *attaching)
{
    struct child child = child_start(actor, NULL);
    bool ended = has_come_to_its_end(&child);
    if (!ended && plan.blow == STOP) {
        must(eddy_region_close(create_named(domain, "other", PAGE)));
        child_continue(&child);
    }
    check(points_bury(&child) == (!ended && plan.blow == KILL));
    all_is_in_order(attaching != NULL);
    return !ended;
}

static void strike_everywhere(enum blow blow)
{
    static const struct points_scene scenes[] = {{"who comes next creates", play, NULL},
                                                 {"who comes next attaches", play, "attaches"}};
    domain = open_domain();
    points_strike_all(scenes, 2, blow, kinds, never);
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
    domain = open_domain();
    for (int i = 0; i < 2; i++) {
        plan = (struct points_plan){.point = hands[i], .countdown = 1, .blow = KILL};
        struct child child = child_start(actor, NULL);
        check(!has_come_to_its_end(&child));
        child_kill(&child);
        must(eddy_gc(NULL, &report));
        same(report.objects_removed, 0);
        eddy_region *region = attach_named(domain, "a");
        check(eddy_region_bytes(region) == 2 * BYTES);
        inherit(region);
        all_is_in_order(true);
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
