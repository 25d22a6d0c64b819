/* ring_names_test.c - how rings are made, named, shared and left.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 200 };

/* --- geometry -------------------------------------------------------------------------------- */

static void slots_are_rounded_and_aligned(void **state)
{
    (void)state;
    const uint64_t huge = 2u << 20;
    const uint64_t asked[] = {1, 64, 65, 5000, huge - 1, huge, huge + 1};
    const uint64_t given[] = {64, 64, 128, 5056, huge, huge, 2 * huge};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct ring_pair p = ring_pair_open(2, asked[i]);
        struct eddy_chunk loan, chunk;
        uint64_t align = given[i] < huge || asked[i] < huge ? 64 : huge;
        same(ring_info(p.consumer).slot_bytes, given[i]);
        for (int k = 0; k < 2; k++) {
            must(eddy_ring_loan(p.producer, EDDY_POLL, &loan));
            same(loan.size, given[i]);
            same((uintptr_t)loan.data % align, 0);
            memset(loan.data, 'x', loan.size);
            must(eddy_ring_publish(p.producer, &loan, loan.size));
            must(eddy_ring_take(p.consumer, EDDY_POLL, &chunk));
            same((uintptr_t)chunk.data % align, 0);
            check(((char *)chunk.data)[given[i] - 1] == 'x');
            must(eddy_ring_release(p.consumer, &chunk));
        }
        ring_pair_close(&p);
    }
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    eddy_ring *ring;
    const struct {
        struct eddy_ring_options options;
        int error;
    } wrong[] = {
        {{.slot_bytes = 0, .slots = 1}, EDDY_EINVAL},
        {{.slot_bytes = 1, .slots = 0}, EDDY_EINVAL},
        {{.slot_bytes = 1, .slots = EDDY_RING_SLOTS_MAX + 1}, EDDY_EINVAL},
        {{.slot_bytes = 1, .slots = 1, .flags = 0x8000}, EDDY_EINVAL},
        {{.slot_bytes = 1, .slots = 1, .flags = EDDY_RING_PUNCH}, EDDY_EINVAL},
        {{.slot_bytes = 1, .slots = 1, .role = (enum eddy_ring_role)3}, EDDY_EINVAL},
        {{.slot_bytes = UINT64_MAX, .slots = 1}, EDDY_ETOOBIG},
        {{.slot_bytes = UINT64_MAX / 4, .slots = 8}, EDDY_ETOOBIG},
        {{.slot_bytes = 1ull << 44, .slots = 1u << 20, .flags = EDDY_RING_SPARSE}, EDDY_ETOOBIG},
        {{.slot_bytes = 1ull << 44, .slots = 4}, EDDY_ENOMEM},
    };
    need_tmpfs(); /* others call the last of them too large a file */
    eddy_domain *domain = open_domain();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        must_fail(eddy_ring_create(domain, "ring", &wrong[i].options, &ring), wrong[i].error);
    must_fail(eddy_ring_create(domain, "", &wrong[9].options, &ring), EDDY_EINVAL);
    must_fail(eddy_ring_create(domain, "a/b", &wrong[9].options, &ring), EDDY_EINVAL);
    must_fail(eddy_ring_create(domain, NULL, &wrong[9].options, &ring), EDDY_EINVAL);
    same(world_files(), 1); /* the registry: nothing was left */
    must(eddy_domain_close(domain));
}

static void what_an_attacher_knows_of_the_ring_is_compared(void **state)
{
    (void)state;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, 3, SIZE), *other;
    struct eddy_ring_wanted wanted = {.slot_bytes = SIZE, .slots = 4};
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, &wanted, &other), EDDY_EINVAL);
    says("3");
    wanted = (struct eddy_ring_wanted){.slot_bytes = 100};
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, &wanted, &other), EDDY_EINVAL);
    says("256");
    wanted = (struct eddy_ring_wanted){.slot_bytes = SIZE, .slots = 3};
    must(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, &wanted, &other));
    must(eddy_ring_close(other));
    must(eddy_ring_close(ring));
}

static void memory_is_reserved_unless_it_is_sparse(void **state)
{
    (void)state;
    enum { SLOTS = 8, BIG = 1 << 20 };
    struct eddy_ring_options options = {
        .slot_bytes = BIG, .slots = SLOTS, .role = EDDY_RING_CONSUMER};
    eddy_ring *ring;
    must(eddy_ring_create(NULL, "full", &options, &ring));
    check(ring_info(ring).shared_bytes >= SLOTS * BIG);
    must(eddy_ring_close(ring));
    options.flags = EDDY_RING_SPARSE | EDDY_RING_PUNCH;
    must(eddy_ring_create(NULL, "sparse", &options, &ring));
    uint64_t empty = ring_info(ring).shared_bytes;
    check(empty < BIG);
    eddy_ring *producer = ring_attach("sparse", EDDY_RING_PRODUCER);
    for (uint64_t i = 0; i < 20; i++) {
        ring_publish(producer, BIG, i);
        check(ring_info(ring).shared_bytes >= empty + BIG);
        ring_take_release(ring, i); /* F11: that gives the memory back */
        check(ring_info(ring).shared_bytes < empty + BIG);
    }
    must(eddy_ring_close(producer));
    must(eddy_ring_close(ring));
}

/* --- roles and names ------------------------------------------------------------------------- */

static void a_role_is_for_one(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(2, SIZE);
    struct eddy_chunk chunk = {0};
    eddy_ring *other;
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, NULL, &other), EDDY_EBUSY);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &other), EDDY_EBUSY);
    must_fail(eddy_ring_attach(NULL, "ring", (enum eddy_ring_role)9, NULL, &other), EDDY_EINVAL);
    must_fail(eddy_ring_take(p.producer, EDDY_POLL, &chunk), EDDY_EINVAL);
    must_fail(eddy_ring_release(p.producer, &chunk), EDDY_EINVAL);
    must_fail(eddy_ring_loan(p.consumer, EDDY_POLL, &chunk), EDDY_EINVAL);
    must_fail(eddy_ring_publish(p.consumer, &chunk, 0), EDDY_EINVAL);
    must_fail(eddy_ring_discard(p.consumer, &chunk), EDDY_EINVAL);
    must_fail(eddy_ring_finish(p.consumer), EDDY_EINVAL);
    must_fail(eddy_ring_watch_crashes(p.consumer), EDDY_EINVAL);
    ring_pair_close(&p);
}

static void observers_look_and_are_in_nobodys_way(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    struct ring_pair p = ring_pair_open(2, SIZE);
    eddy_ring *one = ring_attach("ring", EDDY_RING_OBSERVER);
    eddy_ring *two = ring_attach("ring", EDDY_RING_OBSERVER);
    ring_publish(p.producer, SIZE, 0);
    struct eddy_ring_info info = ring_info(one);
    same(info.published, 1);
    same(info.taken, 0);
    same(info.slots, 2);
    check(info.producer_alive && info.consumer_alive);
    check(info.producer_pid == info.consumer_pid && info.producer_pid > 0);
    must_fail(eddy_ring_take(one, EDDY_POLL, &chunk), EDDY_EINVAL);
    must_fail(eddy_ring_loan(one, EDDY_POLL, &chunk), EDDY_EINVAL);
    ring_pair_close(&p);
    info = ring_info(two);
    check(!info.producer_alive && !info.consumer_alive);
    same(info.published, 1);
    eddy_ring *again = ring_attach("ring", EDDY_RING_CONSUMER); /* observers keep it there */
    ring_take_release(again, 0);
    must(eddy_ring_close(again));
    must(eddy_ring_close(one));
    must(eddy_ring_close(two));
    world_must_be_empty();
}

static void a_name_in_use_is_taken_only_if_asked_for(void **state)
{
    (void)state;
    struct eddy_ring_options options = {.slot_bytes = SIZE, .slots = 2, .role = EDDY_RING_CONSUMER};
    struct ring_pair old = ring_pair_open(2, SIZE);
    eddy_ring *consumer;
    must_fail(eddy_ring_create(NULL, "ring", &options, &consumer), EDDY_EEXIST);
    options.flags = EDDY_RING_REPLACE;
    must(eddy_ring_create(NULL, "ring", &options, &consumer));
    eddy_ring *producer = ring_attach("ring", EDDY_RING_PRODUCER);
    ring_publish(old.producer, SIZE, 0); /* nameless, and as good as ever */
    ring_publish(producer, 100, 0);
    struct eddy_chunk its = ring_take(old.consumer, 0), mine = ring_take(consumer, 0);
    same(its.size, SIZE);
    same(mine.size, 100);
    must(eddy_ring_release(old.consumer, &its));
    must(eddy_ring_release(consumer, &mine));
    ring_pair_close(&old); /* F9: and does not take the successor's name with it */
    eddy_ring *observer = ring_attach("ring", EDDY_RING_OBSERVER);
    must(eddy_ring_close(observer));
    must(eddy_ring_close(producer));
    must(eddy_ring_close(consumer));
    world_must_be_empty();
}

static void a_flink_of_another_kind_is_refused(void **state)
{
    (void)state;
    char path[512];
    eddy_slots *slots;
    eddy_ring *ring;
    snprintf(path, sizeof path, "%s/x.ring.flink", world_dir());
    struct eddy_slots_options options = {.slot_count = 1, .slot_capacity = 8};
    must(eddy_slots_create(NULL, path, &options, &slots));
    must_fail(eddy_ring_attach(NULL, "x", EDDY_RING_CONSUMER, NULL, &ring), EDDY_EFLINK);
    must(eddy_slots_close(slots));
    must_fail(eddy_ring_attach(NULL, "x", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ENOENT);
}

/* --- closing --------------------------------------------------------------------------------- */

static void chunks_that_are_out_outlive_the_handle(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(4, SIZE);
    eddy_ring *other;
    for (uint64_t i = 0; i < 3; i++)
        ring_publish(p.producer, SIZE, i);
    struct eddy_chunk a = ring_take(p.consumer, 0), b = ring_take(p.consumer, 1);
    struct payload payload;
    must(eddy_ring_close(p.consumer));
    check(payload_whole(a.data, a.size, &payload) && payload_whole(b.data, b.size, &payload));
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &other), EDDY_EBUSY);
    must(eddy_ring_release(p.consumer, &b));
    check(eddy_ring_peer_alive(p.producer));
    check(payload_whole(a.data, a.size, &payload));
    must(eddy_ring_release(p.consumer, &a)); /* that was the last: it is closed */
    check(!eddy_ring_peer_alive(p.producer));
    other = ring_attach("ring", EDDY_RING_CONSUMER);
    ring_take_release(other, 2);
    must(eddy_ring_close(other));
    must(eddy_ring_close(p.producer));
}

static void a_domain_is_kept_as_long_as_its_rings(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    struct eddy_ring_options options = {.slot_bytes = SIZE, .slots = 2, .role = EDDY_RING_CONSUMER};
    eddy_ring *ring;
    struct stat status;
    must(eddy_ring_create(domain, "ring", &options, &ring));
    check(stat(eddy_ring_object(ring), &status) == 0);
    same(status.st_mode & 0777, 0600);
    must_fail(eddy_domain_close(domain), EDDY_EBUSY);
    must(eddy_ring_close(ring));
    must(eddy_ring_close(NULL));
    must(eddy_domain_close(domain));
}

static void forked_process(int wire, void *argument)
{
    struct ring_pair *p = argument;
    struct eddy_chunk chunk = {0};
    struct eddy_ring_info info;
    struct eddy_crash crash = {0};
    (void)wire;
    must_fail(eddy_ring_loan(p->producer, EDDY_POLL, &chunk), EDDY_EFORKED);
    must_fail(eddy_ring_publish(p->producer, &chunk, 0), EDDY_EFORKED);
    must_fail(eddy_ring_discard(p->producer, &chunk), EDDY_EFORKED);
    must_fail(eddy_ring_finish(p->producer), EDDY_EFORKED);
    must_fail(eddy_ring_report_crash(p->producer, &crash), EDDY_EFORKED);
    must_fail(eddy_ring_watch_crashes(p->producer), EDDY_EFORKED);
    must_fail(eddy_ring_unwatch_crashes(p->producer), EDDY_EFORKED);
    must_fail(eddy_ring_take(p->consumer, EDDY_POLL, &chunk), EDDY_EFORKED);
    must_fail(eddy_ring_release(p->consumer, &chunk), EDDY_EFORKED);
    must_fail(eddy_ring_crash(p->consumer, &crash), EDDY_EFORKED);
    must_fail(eddy_ring_describe(p->consumer, &info), EDDY_EFORKED);
    check(!eddy_ring_peer_alive(p->consumer));
    must_fail(eddy_ring_close(p->producer), EDDY_EFORKED);
    must_fail(eddy_ring_close(p->consumer), EDDY_EFORKED);
}

static void a_forked_child_has_no_part_in_it(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    struct ring_pair p = ring_pair_open(2, SIZE);
    must(eddy_ring_watch_crashes(p.producer));
    must_fail(eddy_ring_take(p.consumer, EDDY_POLL, &chunk), EDDY_EAGAIN); /* it watches now */
    struct child child = child_start(forked_process, &p);
    child_join(&child);
    ring_publish(p.producer, SIZE, 0);
    ring_take_release(p.consumer, 0);
    ring_pair_close(&p);
}

static void hide_proc(int wire, void *argument)
{
    (void)wire, (void)argument;
    own_mounts();
    check(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
    struct ring_pair p = ring_pair_open(4, SIZE);
    struct eddy_gc_report report;
    ring_publish(p.producer, SIZE, 0);
    must(eddy_gc(NULL, &report)); /* what it cannot open is not dead */
    same(report.objects_removed, 0);
    ring_take_release(p.consumer, 0);
    ring_pair_close(&p);
}

static void a_ring_is_attached_where_there_is_no_proc(void **state)
{
    (void)state;
    need_mounts();
    struct child child = child_start(hide_proc, NULL);
    child_join(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(slots_are_rounded_and_aligned),
        WORLD_TEST(sizes_that_cannot_be_are_refused),
        WORLD_TEST(what_an_attacher_knows_of_the_ring_is_compared),
        WORLD_TEST(memory_is_reserved_unless_it_is_sparse),
        WORLD_TEST(a_role_is_for_one),
        WORLD_TEST(observers_look_and_are_in_nobodys_way),
        WORLD_TEST(a_name_in_use_is_taken_only_if_asked_for),
        WORLD_TEST(a_flink_of_another_kind_is_refused),
        WORLD_TEST(chunks_that_are_out_outlive_the_handle),
        WORLD_TEST(a_domain_is_kept_as_long_as_its_rings),
        WORLD_TEST(a_forked_child_has_no_part_in_it),
        WORLD_TEST(a_ring_is_attached_where_there_is_no_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
