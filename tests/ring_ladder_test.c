/* ring_ladder_test.c - whatever a ring's file holds: success or a clear error, no crash, no hang.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_pair.h"
#include "support/vandal.h"

#include <stdio.h>
#include <sys/stat.h>

enum { SLOTS = 5, SIZE = 200, HEADER_USED = 0x280, LENGTHS = 4096, DONE = LENGTHS + 64 };

/* Leaves chunks that are published, in work, and done out of order. */
static void dying_process(int wire, void *argument)
{
    (void)argument;
    struct ring_pair p = {.producer = ring_attach("ring", EDDY_RING_PRODUCER),
                          .consumer = ring_attach("ring", EDDY_RING_CONSUMER)};
    struct eddy_chunk held[3];
    for (uint64_t i = 0; i < 4; i++)
        ring_publish(p.producer, SIZE, i);
    for (uint64_t i = 0; i < 3; i++)
        held[i] = ring_take(p.consumer, i);
    must(eddy_ring_release(p.consumer, &held[1]));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* Keeps the ring alive, and both its roles free. */
static void host_process(int wire, void *argument)
{
    (void)argument;
    (void)ring_create("ring", EDDY_RING_OBSERVER, SLOTS, SIZE);
    struct child child = child_start(dying_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* --- a visitor ------------------------------------------------------------------------------- */

static void produce(eddy_ring *ring)
{
    for (uint64_t i = 0; ring && i < 2 * SLOTS; i++) {
        struct eddy_chunk loan;
        uint64_t deadline = i == 0 ? eddy_deadline(100000) : EDDY_POLL;
        int error = eddy_ring_loan(ring, deadline, &loan);
        is_an_answer(error);
        if (error)
            continue;
        memset(loan.data, 'v', loan.size);
        is_an_answer(i == 3 ? eddy_ring_discard(ring, &loan)
                            : eddy_ring_publish(ring, &loan, SIZE));
    }
}

/* Chunks that cannot be released: until it dies the visitor has its role. */
static int kept;

static void release(eddy_ring *ring, const struct eddy_chunk *chunk)
{
    int error = eddy_ring_release(ring, chunk);
    is_an_answer(error);
    kept += error != EDDY_OK;
}

/* Reads all that it is given, so that a wrong size or place would be noticed. */
static void consume(eddy_ring *ring)
{
    volatile unsigned char sum = 0;
    struct eddy_chunk held[3 * SLOTS];
    int count = 0;
    for (int i = 0; ring && i < 3 * SLOTS; i++) {
        uint64_t deadline = i == 0 ? eddy_deadline(100000) : EDDY_POLL;
        int error = eddy_ring_take(ring, deadline, &held[count]);
        is_an_answer(error);
        for (size_t at = 0; !error && at < held[count].size; at++)
            sum = (unsigned char)(sum + ((const unsigned char *)held[count].data)[at]);
        count += !error;
    }
    while (count)
        release(ring, &held[--count]);
}

static void look_at_all(eddy_ring *ring)
{
    struct eddy_ring_info info;
    struct eddy_crash crash;
    if (!ring)
        return;
    is_an_answer(eddy_ring_describe(ring, &info));
    is_an_answer(eddy_ring_crash(ring, &crash));
    (void)eddy_ring_peer_alive(ring);
}

static eddy_ring *handles[3];

static void enter(void)
{
    for (int role = 0; role < 3; role++) {
        handles[role] = NULL;
        int error = eddy_ring_attach(NULL, "ring", (enum eddy_ring_role)role, NULL, &handles[role]);
        is_an_answer(error);
        check(error != EDDY_EBUSY); /* nobody else is there */
    }
}

static void leave(void)
{
    for (int role = 0; role < 3; role++)
        is_an_answer(eddy_ring_close(handles[role]));
}

static bool act(size_t offset, uint64_t value)
{
    eddy_ring *producer = handles[EDDY_RING_PRODUCER], *consumer = handles[EDDY_RING_CONSUMER];
    consume(consumer);
    produce(producer);
    consume(consumer);
    for (int role = 0; role < 3; role++)
        look_at_all(handles[role]);
    if (producer)
        is_an_answer(value & 1
                         ? eddy_ring_finish(producer)
                         : eddy_ring_report_crash(producer, &(struct eddy_crash){.signal = 1}));
    consume(consumer);
    leave();
    if (offset % 1024 == 0) {
        eddy_snapshot *snapshot;
        is_an_answer(eddy_gc(NULL, &(struct eddy_gc_report){0}));
        must(eddy_snapshot_take(NULL, &snapshot));
        eddy_snapshot_free(snapshot);
    }
    return kept == 0;
}

static bool is_target(size_t offset, uint64_t was)
{
    (void)was;
    return offset < HEADER_USED || (offset >= LENGTHS && offset < DONE + 8 * SLOTS);
}

static size_t own_values(uint64_t was, uint64_t values[VANDAL_OWN_VALUES])
{
    const uint64_t own[] = {was + SLOTS, was - SLOTS, was ^ (UINT64_C(1) << 32), 2, 3};
    memcpy(values, own, sizeof own);
    return sizeof own / sizeof *own;
}

static void is_refused(int error)
{
    eddy_ring *ring;
    for (int role = 0; role < 3; role++)
        must_fail(eddy_ring_attach(NULL, "ring", (enum eddy_ring_role)role, NULL, &ring), error);
}

static const struct vandal_object the_ring = {.host = host_process,
                                              .suffix = ".ring",
                                              .is_refused = is_refused,
                                              .fewest = 1000,
                                              .is_target = is_target,
                                              .zeros_too = true,
                                              .own_values = own_values,
                                              .enter = enter,
                                              .act = act};

/* --- claims ---------------------------------------------------------------------------------- */

static void attaching_to_any_ring_is_safe(void **state)
{
    (void)state;
    vandal_start(&the_ring);
    vandal_visit_all(BEFORE_ATTACH);
    vandal_finish();
}

static void scribbles_on_a_ring_in_use_are_safe(void **state)
{
    (void)state;
    vandal_start(&the_ring);
    vandal_visit_all(WHILE_ATTACHED);
    vandal_finish();
}

/* F10, F14 */
static void each_rung_has_its_error(void **state)
{
    (void)state;
    vandal_start(&the_ring);
    uint64_t counts = vandal_peek(0x40);
    vandal_word_gives(0, 0, EDDY_ESEGMENT);
    vandal_word_gives(8, 0x7fff, EDDY_EVERSION);
    vandal_word_gives(0x28, vandal_peek(0x28) + 4096, EDDY_ESEGMENT);
    vandal_word_gives(0x30, 0, EDDY_ESEGMENT);
    vandal_word_gives(0x30, 65, EDDY_ESEGMENT);
    vandal_word_gives(0x30, 1 << 20, EDDY_ESEGMENT);
    vandal_word_gives(0x30, UINT64_MAX & ~63ull, EDDY_ESEGMENT);
    vandal_word_gives(0x40, 0, EDDY_ESEGMENT);
    vandal_word_gives(0x40, counts + 1000000000, EDDY_ESEGMENT);
    vandal_word_gives(0x40, counts | 1ull << 40, EDDY_ESEGMENT); /* unknown flags */
    vandal_word_gives(0x48, 0, EDDY_ESEGMENT);                   /* another nonce than its name's */
    for (int role = 0; role < 3; role++)
        must(eddy_ring_close(ring_attach("ring", (enum eddy_ring_role)role)));
    vandal_finish();
}

static void positions_that_cannot_be_are_refused(void **state)
{
    (void)state;
    eddy_ring *ring;
    vandal_start(&the_ring);
    vandal_poke(0x80, 4 + SLOTS + 1);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, NULL, &ring), EDDY_ESEGMENT);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ESEGMENT);
    vandal_mend();
    vandal_poke(0xc0, 4 + SLOTS);
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ESEGMENT);
    vandal_mend();
    vandal_poke(0x80, SLOTS + 1); /* each but one above the next, and all a lap apart */
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, NULL, &ring), EDDY_ESEGMENT);
    vandal_finish();
}

/* A slot that is held is not given again, or its chunk could never be released. */
static void a_position_put_back_is_an_error(void **state)
{
    (void)state;
    struct eddy_chunk chunk, again;
    vandal_start(&the_ring);
    eddy_ring *consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    consume(consumer);
    vandal_poke(0x80, 5);
    must(eddy_ring_take(consumer, EDDY_POLL, &chunk));
    vandal_poke(0xc0, 4);
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &again), EDDY_ESEGMENT);
    says("scribbled");
    vandal_poke(0xc0, 5);
    must(eddy_ring_release(consumer, &chunk));
    must(eddy_ring_close(consumer));
    must(eddy_ring_close(ring_attach("ring", EDDY_RING_CONSUMER))); /* the role is free */
    vandal_finish();
}

/* While both are at work: neither is led outside. */
static void positions_scribbled_on_in_use_are_an_error(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    vandal_start(&the_ring);
    eddy_ring *producer = ring_attach("ring", EDDY_RING_PRODUCER);
    eddy_ring *consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    consume(consumer);
    vandal_poke(0x80, 1000);
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    says("scribbled");
    vandal_poke(0x80, 5);
    vandal_poke(LENGTHS + 4 * 8, 1 << 20); /* longer than its slot */
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    vandal_poke(0x100, 1000);
    for (int i = 0; i < SLOTS; i++)
        if (eddy_ring_loan(producer, EDDY_POLL, &chunk) == EDDY_OK)
            must(eddy_ring_publish(producer, &chunk, 1));
    must_fail(eddy_ring_loan(producer, EDDY_POLL, &chunk), EDDY_ESEGMENT);
    says("scribbled");
    must(eddy_ring_close(producer));
    must(eddy_ring_close(consumer));
    vandal_finish();
}

static void a_file_cut_short_is_refused(void **state)
{
    (void)state;
    vandal_start(&the_ring);
    vandal_file_is_short();
    vandal_file_is_zero();
    vandal_finish();
}

static void links_and_strangers_files_are_refused(void **state)
{
    (void)state;
    char path[512];
    vandal_start(&the_ring);
    vandal_file_is_none();
    snprintf(path, sizeof path, "%s/%s", world_dir(), vandal_name());
    check(chmod(path, 0622) == 0);
    is_refused(EDDY_EACCES);
    check(chmod(path, 0600) == 0);
    vandal_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(attaching_to_any_ring_is_safe),
        WORLD_TEST(scribbles_on_a_ring_in_use_are_safe),
        WORLD_TEST(each_rung_has_its_error),
        WORLD_TEST(positions_that_cannot_be_are_refused),
        WORLD_TEST(a_position_put_back_is_an_error),
        WORLD_TEST(positions_scribbled_on_in_use_are_an_error),
        WORLD_TEST(a_file_cut_short_is_refused),
        WORLD_TEST(links_and_strangers_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
