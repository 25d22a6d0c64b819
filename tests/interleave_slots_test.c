/* interleave_slots_test.c - slots, with one of two participants standing at any point while the
 * other goes to any other.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/interleave.h"
#include "support/payload.h"
#include "support/slots_pair.h"

#include "discovery/domain.h"
#include "transport/slots/slots.h"

#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 4, SLOTS = 6, SIZE = 100, AUTHORS = 3 };

static const uint64_t nobody[] = {0};
static char path[512];
static uint64_t committed[AUTHORS];
static eddy_slots *host, *ghost;

/* --- one who died with a loan, a sample and a reader's number --------------------------------- */

static void commit_as_ghost(void)
{
    struct eddy_slot_loan loan;
    must(eddy_slots_loan(ghost, nobody, 1, EDDY_POLL, &loan));
    payload_fill(loan.data, SIZE, 0, committed[0]++);
    must(eddy_slots_publish(ghost, &loan, SIZE, NULL));
}

/* The lock of its participant goes, and the process stays. */
static void ghost_open(void)
{
    struct eddy_slot_loan loan;
    struct eddy_slot_sample sample;
    must(eddy_slots_attach(NULL, path, NULL, &ghost));
    must(eddy_slots_join(ghost, EDDY_SLOTS_ANY_READER, &sample.reader));
    commit_as_ghost();
    commit_as_ghost();
    must(eddy_slots_take(ghost, sample.reader, EDDY_POLL, &sample));
    must(eddy_slots_loan(ghost, nobody, 1, EDDY_POLL, &loan));
    eddy_life_end(&ghost->domain->life);
}

/* --- a whole life ---------------------------------------------------------------------------- */

struct life {
    unsigned who;
    eddy_slots *slots;
    uint32_t reader;
    uint64_t sn, joined_at; /* generation: what is committed later is seen, each once */
};

static void look_at(struct life *l, const struct eddy_slot_sample *sample, const void *data)
{
    struct payload payload;
    check(payload_whole(data, sample->size, &payload));
    check(sample->sn > l->sn && payload.author < AUTHORS);
    if (sample->sn > l->joined_at)
        same(sample->sn, 1 + (l->sn > l->joined_at ? l->sn : l->joined_at));
    l->sn = sample->sn;
}

static bool take_one(struct life *l)
{
    struct eddy_slot_sample sample;
    int error = eddy_slots_take(l->slots, l->reader, EDDY_POLL, &sample);
    if (error == EDDY_EAGAIN)
        return false;
    must(error);
    look_at(l, &sample, sample.data);
    must(eddy_slots_release(l->slots, &sample));
    return true;
}

/* One that was there before we joined may end while we look. */
static bool copy_one(struct life *l)
{
    struct eddy_slot_sample sample;
    char copy[SIZE];
    int error = eddy_slots_next_unread(l->slots, l->reader, &sample);
    if (error == EDDY_EAGAIN)
        return false;
    must(error);
    error = eddy_slots_read(l->slots, &sample, copy, sizeof copy);
    if (!error) {
        look_at(l, &sample, copy);
        error = eddy_slots_mark_read(l->slots, &sample);
    }
    check(error == EDDY_OK || (error == EDDY_ESTALE && sample.sn <= l->joined_at));
    return true;
}

/* Gated by all who have joined; if there is no room, for a moment. */
static void commit(struct life *l)
{
    struct eddy_slot_loan loan;
    unsigned author = l->who + 1;
    int error = eddy_slots_loan(l->slots, NULL, 0, eddy_deadline(MILLISECOND / 20), &loan);
    if (error == EDDY_ETIMEDOUT)
        return;
    must(error);
    payload_fill(loan.data, SIZE, author, committed[author]);
    must(eddy_slots_publish(l->slots, &loan, SIZE, NULL));
    committed[author]++;
}

static void join(struct life *l)
{
    must(eddy_slots_join(l->slots, EDDY_SLOTS_ANY_READER, &l->reader));
    l->sn = 0;
    l->joined_at = eddy_slots_generation(l->slots);
}

static void take_part(struct life *l)
{
    struct eddy_slot_loan loan;
    join(l);
    for (int i = 0; i < ROUNDS; i++) {
        commit(l);
        (i % 2 ? take_one : copy_one)(l);
    }
    while (take_one(l))
        continue;
    int error =
        eddy_slots_wait(l->slots, eddy_slots_generation(l->slots), eddy_deadline(MILLISECOND / 20));
    check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
    if (eddy_slots_loan(l->slots, NULL, 0, EDDY_POLL, &loan) == EDDY_OK)
        must(eddy_slots_discard(l->slots, &loan));
    must(eddy_slots_leave(l->slots, l->reader));
    join(l);
    must(eddy_slots_let_go(l->slots, l->reader));
    (void)eddy_slots_loan(l->slots, NULL, 0, EDDY_POLL, &loan); /* left to close */
    must(eddy_slots_close(l->slots));
}

static void live(unsigned who)
{
    struct life l = {.who = who};
    must(eddy_slots_attach(NULL, path, NULL, &l.slots));
    take_part(&l);
}

static void begin(void)
{
    snprintf(path, sizeof path, "%s", slots_path("points"));
    memset(committed, 0, sizeof committed);
}

static void begin_with_host(void)
{
    begin();
    host = slots_create("points", SLOTS, SIZE, 4);
    ghost_open();
}

/* All slots, but for the one that the ghost holds and the one on loan to it. */
static void host_fill(void)
{
    struct eddy_slot_loan loan;
    while (eddy_slots_generation(host) < SLOTS) {
        must(eddy_slots_loan(host, nobody, 1, EDDY_POLL, &loan));
        payload_fill(loan.data, SIZE, 0, committed[0]++);
        must(eddy_slots_publish(host, &loan, SIZE, NULL));
    }
}

static void nothing_is_lost(void)
{
    struct eddy_slot_loan loans[SLOTS];
    struct eddy_slots_info report;
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_slots_describe(host, &report));
    same(report.attached, 1);
    same(report.readers, 0);
    same(report.published, committed[0] + committed[1] + committed[2]);
    for (uint32_t i = 0; i < SLOTS; i++)
        same(eddy_load_seq(eddy_slots_pin_word(host, i, 0)), 0);
    for (int i = 0; i < SLOTS; i++)
        must(eddy_slots_loan(host, NULL, 0, EDDY_POLL, &loans[i]));
}

static void end_with_host(void)
{
    nothing_is_lost();
    must(eddy_slots_close(host));
    world_must_be_empty();
    must(eddy_slots_close(ghost)); /* its memory */
}

static void two_lives_in_a_segment(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "in a segment",
                                          .begin = begin_with_host,
                                          .lives = {live, live},
                                          .end = end_with_host,
                                          .share = 0.4});
}

/* --- slots that are used again, whoever has not read them ------------------------------------- */

static void flood(unsigned who)
{
    eddy_slots *slots;
    struct eddy_slot_loan loan;
    must(eddy_slots_attach(NULL, path, NULL, &slots));
    for (int i = 0; i < 3 * SLOTS; i++) {
        int error = eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan);
        check(error == EDDY_OK || error == EDDY_EAGAIN);
        if (error)
            continue;
        payload_fill(loan.data, SIZE, who + 1, committed[who + 1]++);
        must(eddy_slots_publish(slots, &loan, SIZE, NULL));
    }
    must(eddy_slots_close(slots));
}

/* What it has is whole for as long as it has it. */
static void hold_and_copy(unsigned who)
{
    struct life l = {.who = who};
    struct eddy_slot_sample held, sample;
    struct payload payload;
    char copy[SIZE];
    must(eddy_slots_attach(NULL, path, NULL, &l.slots));
    must(eddy_slots_join(l.slots, EDDY_SLOTS_ANY_READER, &l.reader));
    must(eddy_slots_take(l.slots, l.reader, EDDY_POLL, &held));
    for (int i = 0; i < 3; i++)
        if (eddy_slots_next_unread(l.slots, l.reader, &sample) == EDDY_OK &&
            eddy_slots_read(l.slots, &sample, copy, sizeof copy) == EDDY_OK) {
            check(payload_whole(copy, sample.size, &payload) && sample.sn > held.sn);
            (void)eddy_slots_mark_read(l.slots, &sample);
        }
    check(payload_whole(held.data, held.size, &payload));
    must(eddy_slots_release(l.slots, &held));
    must(eddy_slots_close(l.slots));
}

static void begin_full(void)
{
    begin_with_host();
    host_fill();
}

static void slots_used_again_while_somebody_stands(void **state)
{
    static const struct interleave_scene scenes[] = {
        {"a writer stands", begin_full, {flood, hold_and_copy}, end_with_host, 0.15},
        {"a reader stands", begin_full, {hold_and_copy, flood}, end_with_host, 0.15},
        {"both write", begin_full, {flood, flood}, end_with_host, 0.1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        interleave(&scenes[i]);
}

/* --- nobody else: the segment comes with the first and goes with the last --------------------- */

/* Either may be the first, and the last may just be going. */
static void live_alone(unsigned who)
{
    struct eddy_slots_options options = {.slot_count = SLOTS, .slot_capacity = SIZE, .readers = 4};
    struct life l = {.who = who};
    int error;
    for (uint64_t deadline = patience();;) {
        error = eddy_slots_create(NULL, path, &options, &l.slots);
        if (error == EDDY_EEXIST)
            error = eddy_slots_attach(NULL, path, NULL, &l.slots);
        if (error != EDDY_ENOENT)
            break;
        check(eddy_now() < deadline);
    }
    must(error);
    take_part(&l);
}

static void two_who_come_first_and_go_last(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "first and last",
                                          .begin = begin,
                                          .lives = {live_alone, live_alone},
                                          .end = world_must_be_empty,
                                          .share = 0.2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(two_lives_in_a_segment),
        WORLD_TEST(slots_used_again_while_somebody_stands),
        WORLD_TEST(two_who_come_first_and_go_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
