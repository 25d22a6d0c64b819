/* group_test.c - users of one group who share a domain.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/group.h"
#include "support/look.h"
#include "support/payload.h"

#include <eddy/region.h>
#include <eddy/ring.h>
#include <eddy/slots.h>
#include <stdio.h>

enum { ROUNDS = 500 };

/* --- topics ---------------------------------------------------------------------------------- */

static const struct eddy_reader_options asleep = {.spin_ns = -1}; /* it never spins */

static void echo(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "there", &asleep);
    eddy_writer *writer = open_writer(domain, "back", NULL);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        same(payload_await(reader).number, i);
        payload_publish(writer, 64 + i * 100, 2, i); /* extents come from both */
    }
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void call(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "back", &asleep);
    eddy_writer *writer = open_writer(domain, "there", NULL);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        payload_publish(writer, 64 + i * 100, 1, i);
        same(payload_await(reader).number, i);
    }
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void call_and_echo(uid_t caller, uid_t echoing)
{
    struct child one = child_as(caller, call, NULL);
    wire_expect(one.wire, WIRE_READY);
    struct child other = child_as(echoing, echo, NULL);
    wire_expect(other.wire, WIRE_READY);
    wire_say(one.wire, WIRE_GO);
    child_join(&one);
    child_join(&other);
    world_must_be_empty();
}

static void users_of_a_group_wake_each_other_with_samples(void **state)
{
    (void)state;
    need_others();
    call_and_echo(ALICE, BOB);
    call_and_echo(BOB, ALICE);
    call_and_echo(0, BOB);
}

static void whoever_owns_the_folder(void **state)
{
    (void)state;
    need_others();
    static const uid_t owners[] = {ALICE, BOB, MALLORY};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++) {
        make_groups(world_dir(), owners[i], i == 0 ? 02775 : 02770);
        call_and_echo(ALICE, BOB);
    }
}

/* --- the dead -------------------------------------------------------------------------------- */

/* Holds all that it can: loans and samples. */
static void hoard(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    struct eddy_sample sample;
    struct eddy_loan loan;
    payload_publish(writer, 64, 1, 0);
    must(eddy_reader_take(reader, &sample));
    must(eddy_writer_loan(writer, 64, patience(), &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* Another's death, in the middle of one's own work. */
static void survive(int wire, void *argument)
{
    (void)argument;
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 64, 2, 0);
    payload_take(pair.reader);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO); /* the other is dead */
    payload_take(pair.reader);
    same(collect().members_reaped, 2);
    eddy_snapshot *snapshot = snapshot_now();
    same(eddy_snapshot_topics(snapshot), 1);
    same(eddy_snapshot_topic(snapshot, 0)->error, 0);
    same(eddy_snapshot_topic(snapshot, 0)->member_count, 2);
    eddy_snapshot_free(snapshot);
    for (uint64_t i = 0; i < 10; i++) {
        payload_publish(pair.writer, 64, 2, i);
        same(payload_take(pair.reader).number, i);
    }
    pair_close(&pair);
}

static void one_user_reaps_another_who_was_killed(void **state)
{
    (void)state;
    need_others();
    struct child survivor = child_as(BOB, survive, NULL);
    wire_expect(survivor.wire, WIRE_READY);
    struct child victim = child_as(ALICE, hoard, NULL);
    wire_expect(victim.wire, WIRE_READY);
    child_kill(&victim);
    wire_say(survivor.wire, WIRE_GO);
    child_join(&survivor);
}

static const char *slots_path(void)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/slots.flink", world_dir());
    return path;
}

/* One of each kind. */
static void litter(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_slots *slots;
    eddy_region *region;
    open_writer(domain, "pair", NULL);
    ring_create(domain, "ring");
    must(eddy_region_create(domain, "region", &(struct eddy_region_options){.bytes = 1}, &region));
    must(eddy_slots_create(domain, slots_path(),
                           &(struct eddy_slots_options){.slot_count = 1, .slot_capacity = 1},
                           &slots));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void sweep(int wire, void *argument)
{
    (void)wire, (void)argument;
    must(eddy_domain_close(open_domain()));
}

static void collect_all(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct eddy_gc_report report = collect();
    same(report.files_refused, 0);
    same(report.topics_removed, 1);
    same(report.objects_removed, 3);
}

static void collect_in_company(int wire, void *argument)
{
    eddy_domain *domain = open_domain(); /* in which the other is alive */
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    collect_all(wire, argument);
    must(eddy_domain_close(domain));
}

static void what_one_user_left_another_clears_away(void **state)
{
    (void)state;
    need_others();
    static child_main *const ways[] = {sweep, collect_all, collect_in_company};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct child litterer = child_as(ALICE, litter, NULL);
        wire_expect(litterer.wire, WIRE_READY);
        struct child cleaner = {0};
        if (ways[i] == collect_in_company) {
            cleaner = child_as(BOB, ways[i], NULL);
            wire_expect(cleaner.wire, WIRE_READY);
        }
        child_kill(&litterer);
        if (cleaner.pid)
            wire_say(cleaner.wire, WIRE_GO);
        else
            cleaner = child_as(BOB, ways[i], NULL);
        child_join(&cleaner);
        world_must_be_empty();
    }
}

/* --- rings, slots, regions ------------------------------------------------------------------- */

static void produce(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_ring *ring = ring_create(domain, "ring");
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct eddy_chunk chunk;
        must(eddy_ring_loan(ring, patience(), &chunk));
        payload_fill(chunk.data, 64, 1, i);
        must(eddy_ring_publish(ring, &chunk, 64));
    }
    must(eddy_ring_finish(ring));
    wire_expect(wire, WIRE_GO);
    must(eddy_ring_close(ring));
    must(eddy_domain_close(domain));
}

static void consume(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring = NULL;
    struct eddy_chunk chunk;
    struct payload payload;
    must(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &ring));
    for (uint64_t i = 0; i < ROUNDS; i++) {
        must(eddy_ring_take(ring, patience(), &chunk));
        check(payload_whole(chunk.data, chunk.size, &payload));
        same(payload.number, i);
        must(eddy_ring_release(ring, &chunk));
    }
    must_fail(eddy_ring_take(ring, patience(), &chunk), EDDY_EFINISHED);
    must(eddy_ring_close(ring));
    wire_say(wire, WIRE_DONE);
}

/* One creates, the other attaches and says when it is done. */
static void create_and_attach(child_main *creator, child_main *attacher)
{
    struct child one = child_as(ALICE, creator, NULL);
    wire_expect(one.wire, WIRE_READY);
    struct child other = child_as(BOB, attacher, NULL);
    wire_expect(other.wire, WIRE_DONE);
    wire_say(one.wire, WIRE_GO);
    child_join(&one);
    child_join(&other);
    world_must_be_empty();
}

static void a_ring_goes_from_one_user_to_another(void **state)
{
    (void)state;
    need_others();
    create_and_attach(produce, consume);
}

static const uint64_t first[] = {1};

static void commit(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = NULL;
    struct eddy_slots_options options = {.slot_count = 1, .slot_capacity = 64};
    must(eddy_slots_create(NULL, slots_path(), &options, &slots));
    uint64_t generation = eddy_slots_generation(slots);
    wire_say(wire, WIRE_READY);
    must(eddy_slots_wait(slots, generation, patience())); /* the other's, who has joined */
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct eddy_slot_loan loan;
        must(eddy_slots_loan(slots, first, 1, patience(), &loan));
        must(eddy_slots_publish_copy(slots, &loan, &i, sizeof i, NULL));
    }
    wire_expect(wire, WIRE_GO);
    must(eddy_slots_close(slots));
}

static void check_locator(const eddy_slots *slots)
{
    struct eddy_locator locator;
    must(eddy_slots_locator(slots, &locator));
    same(locator.uid, geteuid());
    check(eddy_locator_is_local(&locator));
    locator.uid = ALICE;
    check(eddy_locator_is_local(&locator));
}

static void read_slots(int wire, void *argument)
{
    (void)argument;
    eddy_slots *slots = NULL;
    struct eddy_slot_sample sample;
    struct eddy_slot_loan loan;
    uint64_t number;
    must(eddy_slots_attach(NULL, slots_path(), NULL, &slots));
    check_locator(slots);
    must(eddy_slots_join(slots, 0, NULL));
    must(eddy_slots_loan(slots, first, 1, patience(), &loan));
    must(eddy_slots_publish_copy(slots, &loan, "x", 1, NULL));
    must(eddy_slots_take(slots, 0, patience(), &sample));
    must(eddy_slots_release(slots, &sample));
    for (uint64_t i = 0; i < ROUNDS; i++) {
        must(eddy_slots_take(slots, 0, patience(), &sample));
        must(eddy_slots_read(slots, &sample, &number, sizeof number));
        same(number, i);
        must(eddy_slots_release(slots, &sample));
    }
    must(eddy_slots_close(slots));
    wire_say(wire, WIRE_DONE);
}

static void slots_are_written_and_read_by_different_users(void **state)
{
    (void)state;
    need_others();
    create_and_attach(commit, read_slots);
}

static void lend(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_region *region;
    must(eddy_region_create(domain, "r", &(struct eddy_region_options){.bytes = 1}, &region));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    same(*(volatile char *)eddy_region_writable_data(region), 'b');
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
}

static void borrow(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_region *region;
    must(eddy_region_attach(domain, "r", NULL, &region));
    *(volatile char *)eddy_region_writable_data(region) = 'b';
    must_fail(eddy_region_own(region), EDDY_EBUSY);
    must(eddy_region_close(region));
    must(eddy_domain_close(domain));
    wire_say(wire, WIRE_DONE);
}

static void a_region_is_written_by_another_user(void **state)
{
    (void)state;
    need_others();
    create_and_attach(lend, borrow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP_TEST(users_of_a_group_wake_each_other_with_samples),
        GROUP_TEST(whoever_owns_the_folder),
        GROUP_TEST(one_user_reaps_another_who_was_killed),
        GROUP_TEST(what_one_user_left_another_clears_away),
        GROUP_TEST(a_ring_goes_from_one_user_to_another),
        GROUP_TEST(slots_are_written_and_read_by_different_users),
        GROUP_TEST(a_region_is_written_by_another_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
