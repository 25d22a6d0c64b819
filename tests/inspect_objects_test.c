/* inspect_objects_test.c - looking in at slots segments, rings and regions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/look.h"
#include "support/slots_pair.h"

#include <string.h>
#include <unistd.h>

static const struct eddy_object_member *find_member(const struct eddy_object_report *object,
                                                    const char *role)
{
    for (size_t i = 0; i < object->member_count; i++) {
        if (strcmp(object->members[i].role, role) == 0)
            return &object->members[i];
    }
    check_fail(CHECK_HERE("find_member"), "\"%s\" has no %s", object->name, role);
}

/* --- slots segments -------------------------------------------------------------------------- */

static void a_slots_segment_is_shown_as_what_it_is(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open_at("image", 8, 1000, 4);
    for (int i = 0; i < 3; i++)
        must(slots_publish(p.writer, NULL, "x", 1));
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 0);
    same(eddy_snapshot_objects(snapshot), 1);
    check(eddy_snapshot_object(snapshot, 1) == NULL);
    const struct eddy_object_report *object = find_object(snapshot, "image");
    check(strcmp(object->kind, "slots") == 0 && strcmp(object->state, "") == 0);
    check(strcmp(object->flink, slots_path("image")) == 0);
    check(object->error == 0 && object->message == NULL);
    same(object->slots, 8);
    same(object->slot_bytes, 1000);
    same(object->published, 3);
    same(object->taken, 0);
    check(object->bytes > 8000);
    check(object->shared_bytes > 8000 && object->shared_bytes <= object->bytes + 4095);
    eddy_snapshot_free(snapshot);
    slots_pair_close(&p);
}

static void who_uses_a_slots_segment_is_shown(void **state)
{
    (void)state;
    eddy_domain *domain;
    must(eddy_domain_open(&(struct eddy_domain_options){.name = "camera"}, &domain));
    struct eddy_slots_options options = {.slot_count = 4, .slot_capacity = 64, .readers = 4};
    eddy_slots *slots;
    must(eddy_slots_create(domain, slots_path("s"), &options, &slots));
    eddy_snapshot *snapshot = snapshot_now();
    same(find_object(snapshot, "s")->member_count, 1);
    eddy_snapshot_free(snapshot);
    must(eddy_slots_join(slots, 2, NULL));
    snapshot = snapshot_now();
    const struct eddy_object_report *object = find_object(snapshot, "s");
    same(object->member_count, 2);
    const char *const roles[] = {"writer", "reader"};
    for (int i = 0; i < 2; i++) {
        const struct eddy_object_member *member = find_member(object, roles[i]);
        check(member->state == EDDY_MEMBER_ALIVE);
        check(member->pid == getpid());
        check(strcmp(member->name, "camera") == 0);
    }
    eddy_snapshot_free(snapshot);
    must(eddy_slots_close(slots));
    must(eddy_domain_close(domain));
}

/* --- rings ------------------------------------------------------------------------------------ */

static void must_show_ring(const char *state, uint64_t published, uint64_t taken, size_t users)
{
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_object_report *object = find_object(snapshot, "trace");
    check(strcmp(object->kind, "ring") == 0 && object->error == 0);
    check(strcmp(object->state, state) == 0);
    same(object->slots, 4);
    same(object->slot_bytes, 4096);
    same(object->published, published);
    same(object->taken, taken);
    same(object->member_count, users);
    check(object->bytes >= 4 * 4096 && object->shared_bytes >= 4 * 4096);
    eddy_snapshot_free(snapshot);
}

static void a_ring_is_shown_from_its_beginning_to_its_end(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_ring *producer = ring_create(domain, "/trace"), *consumer;
    struct eddy_chunk chunk;
    must_show_ring("running", 0, 0, 1);
    must(eddy_ring_attach(domain, "trace", EDDY_RING_CONSUMER, NULL, &consumer));
    must_show_ring("running", 0, 0, 2);
    for (int i = 0; i < 2; i++) {
        must(eddy_ring_loan(producer, EDDY_POLL, &chunk));
        must(eddy_ring_publish(producer, &chunk, 1));
    }
    must(eddy_ring_take(consumer, EDDY_POLL, &chunk));
    must_show_ring("running", 2, 1, 2);
    must(eddy_ring_finish(producer));
    must_show_ring("finished", 2, 1, 2);
    must(eddy_ring_release(consumer, &chunk));
    must(eddy_ring_close(producer)); /* leaves in order: it is not one of the dead */
    must_show_ring("finished", 2, 1, 1);
    must(eddy_ring_close(consumer));
    must(eddy_domain_close(domain));
}

/* --- regions ---------------------------------------------------------------------------------- */

static void must_show_region(const char *state, size_t users)
{
    eddy_snapshot *snapshot = snapshot_now();
    const struct eddy_object_report *object = find_object(snapshot, "world");
    check(strcmp(object->kind, "region") == 0 && object->error == 0);
    check(strcmp(object->state, state) == 0);
    same(object->bytes, 10000);
    check(object->shared_bytes >= 10000);
    same(object->slots, 0);
    same(object->member_count, users);
    eddy_snapshot_free(snapshot);
}

static void a_region_that_is_kept_stays_until_somebody_owns_it(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_region *region;
    must(eddy_region_create(domain, "world", &(struct eddy_region_options){.bytes = 10000},
                            &region));
    must_show_region("owned", 1);
    must(eddy_region_disown(region));
    must_show_region("kept", 0);
    must(eddy_region_close(region));
    same(collect().files_removed, 0);
    must(eddy_domain_close(domain));
    same(collect().files_removed, 0); /* alone: joining sweeps */
    must_show_region("kept", 0);
    domain = open_domain();
    must(eddy_region_attach(domain, "world", NULL, &region));
    must(eddy_region_own(region));
    must_show_region("owned", 1);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_slots_segment_is_shown_as_what_it_is),
        WORLD_TEST(who_uses_a_slots_segment_is_shown),
        WORLD_TEST(a_ring_is_shown_from_its_beginning_to_its_end),
        WORLD_TEST(a_region_that_is_kept_stays_until_somebody_owns_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
