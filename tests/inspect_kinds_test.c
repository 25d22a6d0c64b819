/* inspect_kinds_test.c - what holds for slots segments, rings and regions alike: looking in, and
 * clearing away.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/look.h"
#include "support/slots_pair.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes an object called "thing", says so, and stays until it is told to go. */
static void slots_process(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = slots_create("thing", 4, 4096, 4);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    must(eddy_slots_close(slots));
}

static void ring_process(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_ring *ring = ring_create(domain, "thing");
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    must(eddy_ring_close(ring));
    must(eddy_domain_close(domain));
}

static void region_process(int wire, void *argument)
{
    (void)argument;
    struct eddy_region_options options = {.bytes = 4096};
    eddy_domain *domain = open_domain();
    eddy_region *region;
    must(eddy_region_create(domain, "thing", &options, &region));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static const struct kind {
    const char *name;
    child_main *process;
} kinds[] = {{"slots", slots_process}, {"ring", ring_process}, {"region", region_process}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Whether it is shown with a user that is alive. */
static bool is_used(const struct kind *kind)
{
    bool used = false;
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_object_report *object = find_object(snapshot, "thing");
    check(strcmp(object->kind, kind->name) == 0 && object->error == 0);
    for (size_t i = 0; i < object->member_count; i++)
        used |= object->members[i].state == EDDY_MEMBER_ALIVE;
    eddy_snapshot_free(snapshot);
    return used;
}

static void the_dead_are_shown_dead_and_cleared_away(const struct kind *kind)
{
    eddy_domain *living = open_domain();
    struct child child = child_start(kind->process, NULL);
    wire_expect(child.wire, WIRE_READY);
    check(is_used(kind));
    same(collect().objects_removed, 0);
    child_stop(&child);
    check(is_used(kind));
    same(collect().objects_removed, 0);
    child_kill(&child);
    check(!is_used(kind));
    struct eddy_gc_report report = collect();
    same(report.objects_removed, 1);
    same(report.topics_removed, 0);
    same(report.files_removed, 2);
    same(report.files_refused, 0);
    check(report.bytes_freed >= 4096);
    report = collect();
    same(report.objects_removed, 0);
    same(report.files_removed, 0);
    must(eddy_domain_close(living));
    world_must_be_empty();
}

static void whoever_is_alone_clears_it_away(const struct kind *kind)
{
    struct child child = child_start(kind->process, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    struct eddy_gc_report report = collect(); /* joins, and joining alone sweeps */
    same(report.objects_removed, 1);
    same(report.topics_removed, 0);
    check(report.bytes_freed >= 4096);
    world_must_be_empty();
}

static void looking_and_collecting_disturb_nobody(const struct kind *kind)
{
    struct child child = child_start(kind->process, NULL);
    wire_expect(child.wire, WIRE_READY);
    for (int i = 0; i < 20; i++) {
        check(is_used(kind));
        same(collect().files_removed, 0);
    }
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
    world_must_be_empty();
}

/* The object's file; there is one. */
static void find_file(const char *kind, char path[512])
{
    char suffix[32];
    unsigned found = 0;
    DIR *dir = opendir(world_dir());
    check(dir != NULL);
    snprintf(suffix, sizeof suffix, ".%s", kind);
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, suffix) != 0)
            continue;
        snprintf(path, 512, "%s/%s", world_dir(), entry->d_name);
        found++;
    }
    closedir(dir);
    same(found, 1);
}

static void one_that_others_may_write_is_told_and_refused(const struct kind *kind)
{
    char path[512];
    struct child child = child_start(kind->process, NULL);
    wire_expect(child.wire, WIRE_READY);
    find_file(kind->name, path);
    check(chmod(path, 0666) == 0);
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_object_report *object = find_object(snapshot, "thing");
    check(object->error == EDDY_EACCES && strlen(object->message) > 0);
    check(strcmp(object->kind, kind->name) == 0);
    same(object->member_count, 0);
    same(object->slots, 0);
    eddy_snapshot_free(snapshot);
    struct eddy_gc_report report = collect();
    same(report.objects_removed, 0);
    check(report.files_refused >= 1);
    check(chmod(path, 0600) == 0);
    check(is_used(kind));
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

static void for_each_kind(void (*claim)(const struct kind *kind))
{
    for (int i = 0; i < KINDS; i++)
        claim(&kinds[i]);
}

static void objects_of_the_dead_are_cleared_away(void **state)
{
    (void)state;
    for_each_kind(the_dead_are_shown_dead_and_cleared_away);
}

static void objects_left_alone_are_swept(void **state)
{
    (void)state;
    for_each_kind(whoever_is_alone_clears_it_away);
}

static void objects_in_use_are_not_disturbed(void **state)
{
    (void)state;
    for_each_kind(looking_and_collecting_disturb_nobody);
}

static void objects_that_cannot_be_trusted_are_refused(void **state)
{
    (void)state;
    for_each_kind(one_that_others_may_write_is_told_and_refused);
}

/* --- side by side ----------------------------------------------------------------------------- */

static void topics_and_others_are_listed_side_by_side(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct slots_pair b = slots_pair_open_at("b", 4, 64, 4), a = slots_pair_open_at("a", 4, 64, 4);
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 1);
    check(strcmp(eddy_snapshot_topic(snapshot, 0)->name, "pair") == 0);
    same(eddy_snapshot_objects(snapshot), 2);
    check(strcmp(eddy_snapshot_object(snapshot, 0)->name, "a") == 0);
    check(strcmp(eddy_snapshot_object(snapshot, 1)->name, "b") == 0);
    eddy_snapshot_free(snapshot);
    slots_pair_close(&a);
    slots_pair_close(&b);
    pair_close(&pair);
}

static void many_are_listed(void **state)
{
    (void)state;
    enum { MANY = 100 };
    eddy_slots *slots[MANY];
    char name[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "s%02d", i);
        slots[i] = slots_create(name, 1, 64, 1);
    }
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_objects(snapshot), MANY);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "s%02d", i);
        check(strcmp(eddy_snapshot_object(snapshot, (size_t)i)->name, name) == 0);
    }
    eddy_snapshot_free(snapshot);
    for (int i = 0; i < MANY; i++)
        must(eddy_slots_close(slots[i]));
}

/* An older Eddy must not take from a newer one what it does not know. */
static void a_kind_that_is_not_known_is_left_alone(void **state)
{
    (void)state;
    static const char text[] = "eddy flink 1\nkind: novelty\n"
                               "segment: 00112233445566778899aabbccddeeff\n";
    char path[128];
    snprintf(path, sizeof path, "%s/new.flink", world_dir());
    int file = open(path, O_CREAT | O_WRONLY | O_EXCL, 0600);
    check(file >= 0 && write(file, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(file);
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot) + eddy_snapshot_objects(snapshot), 0);
    eddy_snapshot_free(snapshot);
    same(collect().objects_removed, 0); /* alone: joining sweeps */
    check(access(path, F_OK) == 0);
    eddy_domain *living = open_domain();
    same(collect().objects_removed, 0);
    check(access(path, F_OK) == 0);
    check(unlink(path) == 0);
    must(eddy_domain_close(living));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(objects_of_the_dead_are_cleared_away),
        WORLD_TEST(objects_left_alone_are_swept),
        WORLD_TEST(objects_in_use_are_not_disturbed),
        WORLD_TEST(objects_that_cannot_be_trusted_are_refused),
        WORLD_TEST(topics_and_others_are_listed_side_by_side),
        WORLD_TEST(many_are_listed),
        WORLD_TEST(a_kind_that_is_not_known_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
