/* region_death_test.c - what happens to a region when its owner dies, keeps it, or is replaced.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/region.h"

#include <signal.h>

static const struct eddy_region_options four_kib = {.bytes = PAGE};

static bool has_flink(const char *name)
{
    char file[100];
    snprintf(file, sizeof file, "%s.region.flink", name);
    return is_there(in_world(file));
}

/* --- dying ----------------------------------------------------------------------------------- */

static void owner(int wire, void *argument)
{
    eddy_domain *domain = open_domain();
    eddy_region *region = create_named(domain, "a", PAGE);
    put(region, 0, 0x66);
    if (argument)
        must(eddy_region_disown(region));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static struct child start_owner(bool keeps)
{
    static int yes;
    struct child child = child_start(owner, keeps ? &yes : NULL);
    wire_expect(child.wire, WIRE_READY);
    return child;
}

static void a_dead_owners_name_is_free_its_bytes_are_not(void **state)
{
    (void)state;
    eddy_domain *other = open_domain(); /* so that nothing is cleared away by the way */
    for (int round = 0; round < 5; round++) {
        eddy_region *region = NULL;
        struct child child = start_owner(false);
        eddy_region *guest = attach_named(other, "a");
        must_fail(eddy_region_create(other, "a", &four_kib, &region), EDDY_EEXIST);
        says("alive");
        child_kill(&child);
        must(eddy_region_create(other, "a", &four_kib, &region));
        same(get(region, 0), 0); /* nothing old shines through */
        same(get(guest, 0), 0x66);
        put(guest, 0, 1);
        same(get(region, 0), 0);
        must(eddy_region_close(guest));
        must(eddy_region_close(region));
        same(world_files(), 1);
    }
    must(eddy_domain_close(other));
}

static void who_still_uses_it_may_own_what_the_dead_left(void **state)
{
    (void)state;
    eddy_domain *other = open_domain();
    struct child child = start_owner(false);
    eddy_region *guest = attach_named(other, "a"), *region = NULL;
    must_fail(eddy_region_own(guest), EDDY_EBUSY);
    child_stop(&child); /* stopped is not dead */
    must_fail(eddy_region_own(guest), EDDY_EBUSY);
    must_fail(eddy_region_create(other, "a", &four_kib, &region), EDDY_EEXIST);
    child_continue(&child);
    child_kill(&child);
    must(eddy_region_own(guest));
    must_fail(eddy_region_create(other, "a", &four_kib, &region), EDDY_EEXIST);
    must(eddy_region_close(guest));
    same(world_files(), 1);
    must(eddy_domain_close(other));
}

static void outlived_owner(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    create_named(domain, "a", PAGE);
    pid_t child = fork(); /* inherits the mapping and every descriptor */
    check(child >= 0);
    if (child == 0) {
        wire_say(wire, (uint64_t)getpid()); /* it has let go of them: fork() has come back here */
        for (;;)
            pause();
    }
    pause();
}

static void a_child_of_the_dead_does_not_own_for_it(void **state)
{
    (void)state;
    eddy_domain *other = open_domain();
    eddy_region *region = NULL;
    struct child child = child_start(outlived_owner, NULL);
    pid_t grandchild = (pid_t)wire_hear(child.wire);
    must_fail(eddy_region_create(other, "a", &four_kib, &region), EDDY_EEXIST);
    child_kill(&child);
    int error = eddy_region_create(other, "a", &four_kib, &region);
    check(kill(grandchild, SIGKILL) == 0); /* it has lived so long */
    must(error);
    must(eddy_region_close(region));
    must(eddy_domain_close(other));
}

/* --- clearing away --------------------------------------------------------------------------- */

static void gc_takes_what_nobody_owns_and_nothing_else(void **state)
{
    (void)state;
    struct eddy_gc_report report;
    eddy_domain *other = open_domain();
    eddy_region *living = create_named(other, "living", PAGE);
    struct child child = start_owner(false);
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 0);
    check(has_flink("a"));
    child_kill(&child);
    must(eddy_gc(NULL, &report));
    same(report.objects_removed, 1);
    same(report.files_removed, 2);
    same(report.files_refused, 0);
    check(report.bytes_freed >= PAGE);
    check(!has_flink("a") && has_flink("living"));
    must(eddy_region_close(living));
    must(eddy_domain_close(other));
}

static void a_lone_participant_clears_what_the_dead_owned(void **state)
{
    (void)state;
    struct child child = start_owner(false);
    child_kill(&child);
    same(world_files(), 3);
    must(eddy_domain_close(open_domain()));
    same(world_files(), 0);
}

static void what_was_kept_stays_until_it_is_owned(void **state)
{
    (void)state;
    struct eddy_gc_report report;
    eddy_region *region = NULL;
    struct child child = start_owner(true);
    child_kill(&child);
    must(eddy_gc(NULL, &report)); /* alone: sweeps as well */
    same(report.objects_removed, 0);
    check(has_flink("a"));
    must(eddy_domain_close(open_domain()));
    eddy_domain *domain = open_domain();
    must(eddy_gc(NULL, &report)); /* not alone */
    same(report.objects_removed, 0);
    must_fail(eddy_region_create(domain, "a", &four_kib, &region), EDDY_EEXIST);
    says("kept");
    eddy_region *heir = attach_named(domain, "a");
    same(get(heir, 0), 0x66);
    check(mode_of(eddy_region_path(heir)) & S_ISVTX);
    same(info_of(heir).mode, 0600);
    must(eddy_region_own(heir));
    check(!(mode_of(eddy_region_path(heir)) & S_ISVTX));
    must(eddy_region_close(heir));
    same(world_files(), 1);
    must(eddy_domain_close(domain));
}

static void snapshots_tell_who_owns(void **state)
{
    (void)state;
    static const char *const states[] = {"owned", "kept", "ownerless"};
    eddy_domain *other = open_domain();
    for (int i = 0; i < 3; i++) {
        eddy_snapshot *snapshot;
        struct child child = start_owner(i == 1);
        if (i)
            child_kill(&child);
        must(eddy_snapshot_take(NULL, &snapshot));
        same(eddy_snapshot_objects(snapshot), 1);
        const struct eddy_object_report *o = eddy_snapshot_object(snapshot, 0);
        check(strcmp(o->kind, "region") == 0 && strcmp(o->name, "a") == 0);
        check(strcmp(o->state, states[i]) == 0);
        same(o->bytes, PAGE);
        same(o->member_count, i == 0);
        if (i == 0) {
            check(strcmp(o->members[0].role, "owner") == 0);
            same(o->members[0].state, EDDY_MEMBER_ALIVE);
            child_kill(&child);
        }
        eddy_snapshot_free(snapshot);
        eddy_region *heir = attach_named(other, "a");
        must(eddy_region_own(heir));
        must(eddy_region_close(heir));
    }
    must(eddy_domain_close(other));
}

/* --- replacing ------------------------------------------------------------------------------- */

static void replacing_takes_the_name_and_not_the_memory(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_region_options options = {.bytes = 50, .flags = EDDY_REGION_REPLACE};
    eddy_region *second = NULL;
    for (int keeps = 0; keeps < 2; keeps++) {
        struct child child = start_owner(keeps);
        eddy_region *first = attach_named(domain, "a");
        must(eddy_region_create(domain, "a", &options, &second));
        same(eddy_region_bytes(second), 50);
        same(get(first, 0), 0x66);
        must_fail(eddy_region_own(first), EDDY_ENOENT);
        child_kill(&child);
        eddy_region *found = attach_named(domain, "a");
        same(info_of(found).inode, info_of(second).inode);
        must(eddy_region_close(found));
        must(eddy_region_close(first));
        check(has_flink("a"));
        must(eddy_region_close(second));
        same(world_files(), 1);
    }
    must(eddy_region_create(domain, "a", &options, &second)); /* also where there is nothing */
    must(eddy_region_close(second));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_dead_owners_name_is_free_its_bytes_are_not),
        WORLD_TEST(who_still_uses_it_may_own_what_the_dead_left),
        WORLD_TEST(a_child_of_the_dead_does_not_own_for_it),
        WORLD_TEST(gc_takes_what_nobody_owns_and_nothing_else),
        WORLD_TEST(a_lone_participant_clears_what_the_dead_owned),
        WORLD_TEST(what_was_kept_stays_until_it_is_owned),
        WORLD_TEST(snapshots_tell_who_owns),
        WORLD_TEST(replacing_takes_the_name_and_not_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
