/* slots_read_test.c - what readers of slots see, in which order, and what holds a slot.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/slots_pair.h"

static const uint64_t nobody[] = {0}, first[] = {1}, both[] = {3};

/* --- order and loss -------------------------------------------------------------------------- */

/* Nobody gates: the last as many as there are slots remain, oldest first. */
static void without_gates_the_last_samples_stay(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    for (int round = 0; round < 100; round++) {
        for (uint64_t i = 0; i < 7; i++)
            must(slots_publish(p.writer, nobody, &i, sizeof i));
        for (uint64_t i = 3; i < 7; i++)
            check(slots_hear(p.reader, 0, &i, sizeof i));
        struct eddy_slot_sample sample;
        must_fail(eddy_slots_next_unread(p.reader, 0, &sample), EDDY_EAGAIN);
    }
    slots_pair_close(&p);
}

/* The slots are committed in another order than they lie in. */
static void samples_come_by_number_not_by_slot(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(8, 64, 0);
    struct eddy_slot_loan loans[8];
    for (uint64_t round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++)
            must(eddy_slots_loan(p.writer, first, 1, EDDY_POLL, &loans[i]));
        for (uint64_t i = 0; i < 8; i++) /* 3, 6, 1, 4, 7, 2, 5, 0 */
            must(eddy_slots_publish_copy(p.writer, &loans[(3 * i + 3) % 8], &i, sizeof i, NULL));
        for (uint64_t i = 0; i < 8; i++)
            check(slots_hear(p.reader, 0, &i, sizeof i));
    }
    slots_pair_close(&p);
}

/* One sample stays unread while thousands go by, far more than the log holds. */
static void an_old_unread_sample_is_still_found(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slot_sample old, next;
    uint64_t ignored[] = {0};
    must(slots_publish(p.writer, first, "old", 3));
    must(eddy_slots_next_unread(p.reader, 0, &old));
    must(eddy_slots_hold(p.reader, &old)); /* it keeps its slot from those who ask for no gate */
    for (uint64_t i = 0; i < 5000; i++)
        must(slots_publish(p.writer, ignored, &i, sizeof i));
    must(eddy_slots_next_unread(p.reader, 0, &next));
    same(next.sn, old.sn);
    must(eddy_slots_mark_read(p.reader, &old));
    must(eddy_slots_release(p.reader, &old));
    for (uint64_t i = 4997; i < 5000; i++)
        check(slots_hear(p.reader, 0, &i, sizeof i));
    must_fail(eddy_slots_next_unread(p.reader, 0, &next), EDDY_EAGAIN);
    slots_pair_close(&p);
}

static void a_late_reader_sees_what_is_still_there(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    uint32_t late;
    for (uint64_t i = 0; i < 6; i++)
        must(slots_publish(p.writer, nobody, &i, sizeof i));
    must(eddy_slots_join(p.reader, EDDY_SLOTS_ANY_READER, &late));
    same(late, 1);
    for (uint64_t i = 2; i < 6; i++)
        check(slots_hear(p.reader, late, &i, sizeof i));
    /* Whoever has the number next begins anew. */
    must(eddy_slots_leave(p.reader, late));
    must(eddy_slots_join(p.writer, EDDY_SLOTS_ANY_READER, &late));
    same(late, 1);
    for (uint64_t i = 2; i < 6; i++)
        check(slots_hear(p.writer, late, &i, sizeof i));
    slots_pair_close(&p);
}

/* --- gates ----------------------------------------------------------------------------------- */

static void marks_are_seen_and_free_the_slot(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(1, 64, 0);
    uint64_t mask;
    uint8_t byte = 0xff;
    must(eddy_slots_join(p.reader, 1, NULL));
    must(slots_publish(p.writer, both, &byte, 1));
    must_fail(slots_publish(p.writer, both, &byte, 1), EDDY_EAGAIN);
    check(slots_hear(p.reader, 0, &byte, 1));
    must_fail(slots_publish(p.writer, both, &byte, 1), EDDY_EAGAIN);
    must_fail(slots_publish(p.writer, NULL, &byte, 1), EDDY_EAGAIN);
    must(eddy_slots_read_mask(p.writer, 0, &mask, 1));
    same(mask, 1);
    check(slots_hear(p.reader, 1, &byte, 1));
    must(eddy_slots_read_mask(p.writer, 0, &mask, 1));
    same(mask, 3);
    must(slots_publish(p.writer, both, &byte, 1));
    must(eddy_slots_read_mask(p.writer, 0, &mask, 1));
    same(mask, 0);
    slots_pair_close(&p);
}

/* A mask may name a reader that has not joined yet: the slot waits for it. */
static void a_reader_still_to_come_gates(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(1, 64, 0);
    must(slots_publish(p.writer, both, "x", 1));
    check(slots_hear(p.reader, 0, "x", 1));
    must_fail(slots_publish(p.writer, both, "y", 1), EDDY_EAGAIN);
    must(eddy_slots_join(p.reader, 1, NULL));
    check(slots_hear(p.reader, 1, "x", 1));
    must(slots_publish(p.writer, both, "y", 1));
    slots_pair_close(&p);
}

static void a_disconnected_reader_gates_nothing(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(1, 64, 0);
    struct eddy_slot_sample sample;
    must(slots_publish(p.writer, NULL, "x", 1));
    must_fail(slots_publish(p.writer, NULL, "y", 1), EDDY_EAGAIN);
    must(eddy_slots_let_go(p.writer, 0));
    for (int i = 0; i < 5; i++) {
        must(slots_publish(p.writer, NULL, "y", 1));
        must(slots_publish(p.writer, first, "y", 1));
    }
    must_fail(eddy_slots_next_unread(p.reader, 0, &sample), EDDY_ELETGO);
    must_fail(eddy_slots_take(p.reader, 0, EDDY_POLL, &sample), EDDY_ELETGO);
    must_fail(eddy_slots_take_latest(p.reader, 0, &sample), EDDY_ELETGO);
    must(eddy_slots_leave(p.reader, 0));
    must_fail(eddy_slots_leave(p.reader, 0), EDDY_EINVAL);
    must(eddy_slots_join(p.reader, 0, NULL));
    check(slots_hear(p.reader, 0, "y", 1));
    must(slots_publish(p.writer, NULL, "z", 1));
    must_fail(slots_publish(p.writer, NULL, "z", 1), EDDY_EAGAIN);
    slots_pair_close(&p);
}

static void a_number_is_one_readers_alone(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(1, 64, 2);
    uint32_t reader;
    must_fail(eddy_slots_join(p.writer, 0, NULL), EDDY_EBUSY);
    must_fail(eddy_slots_join(p.reader, 0, NULL), EDDY_EBUSY);
    must(eddy_slots_join(p.writer, EDDY_SLOTS_ANY_READER, &reader));
    same(reader, 1);
    must_fail(eddy_slots_join(p.writer, EDDY_SLOTS_ANY_READER, &reader), EDDY_ELIMIT);
    must_fail(eddy_slots_leave(p.writer, 0), EDDY_EINVAL);
    slots_pair_close(&p);
}

/* Each number has a bit of its own, also beyond the first word. */
static void thousands_of_readers_each_count(void **state)
{
    (void)state;
    enum { READERS = 1100 };
    struct slots_pair p = slots_pair_open(3, 64, READERS);
    uint64_t mask[(READERS + 63) / 64];
    for (uint32_t r = 1; r < READERS; r++)
        must(eddy_slots_join(p.reader, r, NULL));
    for (int round = 0; round < 5; round++) {
        must(slots_publish(p.writer, NULL, "x", 1));
        for (uint32_t r = 0; r < READERS; r++) {
            struct eddy_slot_sample sample;
            check(slots_hear(p.reader, r, "x", 1));
            must_fail(eddy_slots_next_unread(p.reader, r, &sample), EDDY_EAGAIN);
        }
    }
    for (int i = 0; i < 3; i++)
        must(slots_publish(p.writer, NULL, "y", 1));
    for (uint32_t r = 0; r < READERS; r += 32) /* 32 and 0, which shared a bit once */
        check(slots_hear(p.reader, r, "y", 1));
    must_fail(slots_publish(p.writer, NULL, "z", 1), EDDY_EAGAIN);
    uint32_t marked = 0;
    for (uint32_t slot = 0; slot < 3; slot++) {
        must(eddy_slots_read_mask(p.writer, slot, mask, sizeof mask / sizeof *mask));
        for (size_t w = 0; w < sizeof mask / sizeof *mask; w++)
            marked += (uint32_t)__builtin_popcountll(mask[w]);
    }
    same(marked, (READERS + 31) / 32);
    slots_pair_close(&p);
}

/* --- what ends, and what is held ------------------------------------------------------------- */

static void a_reserved_slot_has_no_sample(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(1, 64, 0);
    struct eddy_slot_sample old, sample;
    struct eddy_slot_loan loan;
    struct eddy_slot_state look;
    char copy[64];
    must(slots_publish(p.writer, nobody, "77777777", 8));
    must(eddy_slots_next_unread(p.reader, 0, &old));
    must(eddy_slots_loan(p.writer, nobody, 1, EDDY_POLL, &loan));
    memcpy(loan.data, "9999", 4);
    must_fail(eddy_slots_read(p.reader, &old, copy, sizeof copy), EDDY_ESTALE);
    must_fail(eddy_slots_hold(p.reader, &old), EDDY_ESTALE);
    must_fail(eddy_slots_next_unread(p.reader, 0, &sample), EDDY_EAGAIN);
    must(eddy_slots_look(p.reader, 0, &look));
    check(look.loaned && look.sn == 0 && look.source != 0);
    must(eddy_slots_discard(p.writer, &loan));
    must_fail(eddy_slots_next_unread(p.reader, 0, &sample), EDDY_EAGAIN);
    must_fail(eddy_slots_read(p.reader, &old, copy, sizeof copy), EDDY_ESTALE);
    must(eddy_slots_look(p.reader, 0, &look));
    check(!look.loaned && look.sn == 0 && look.source == 0);
    slots_pair_close(&p);
}

static void a_late_mark_does_not_hit_the_next_sample(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(1, 64, 0);
    struct eddy_slot_sample old;
    must(slots_publish(p.writer, nobody, "old", 3));
    must(eddy_slots_next_unread(p.reader, 0, &old));
    must(slots_publish(p.writer, nobody, "new", 3));
    must_fail(eddy_slots_mark_read(p.reader, &old), EDDY_ESTALE);
    must_fail(slots_publish(p.writer, first, "more", 4), EDDY_EAGAIN);
    check(slots_hear(p.reader, 0, "new", 3));
    must(slots_publish(p.writer, first, "more", 4));
    slots_pair_close(&p);
}

static void what_is_held_is_not_written(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(2, 64, 0);
    struct eddy_slot_sample held, other;
    struct eddy_slot_state look;
    must(slots_publish(p.writer, nobody, "held", 4));
    must(eddy_slots_take(p.reader, 0, EDDY_POLL, &held));
    for (int i = 0; i < 10; i++)
        must(slots_publish(p.writer, nobody, "other", 5));
    check(memcmp(held.data, "held", 4) == 0);
    must(eddy_slots_take(p.reader, 0, EDDY_POLL, &other));
    must_fail(slots_publish(p.writer, nobody, "none", 4), EDDY_EAGAIN);
    must(eddy_slots_look(p.writer, held.slot, &look));
    check(look.held);
    struct eddy_slot_sample copy = held;
    must(eddy_slots_release(p.reader, &held));
    check(held.data == NULL);
    must_fail(eddy_slots_release(p.reader, &copy), EDDY_ESTALE);
    must(slots_publish(p.writer, nobody, "again", 5));
    must_fail(eddy_slots_release(p.reader, &copy), EDDY_ESTALE);
    must(eddy_slots_release(p.reader, &other));
    slots_pair_close(&p);
}

static void one_sample_is_held_once(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(2, 64, 0);
    struct eddy_slot_sample sample, again;
    char copy[8];
    must(slots_publish(p.writer, nobody, "x", 1));
    must(eddy_slots_next_unread(p.reader, 0, &sample));
    must(eddy_slots_hold(p.reader, &sample));
    again = sample;
    must_fail(eddy_slots_hold(p.reader, &again), EDDY_EBUSY);
    must(eddy_slots_read(p.reader, &again, copy, sizeof copy)); /* a copy does not end the hold */
    must(eddy_slots_mark_read(p.reader, &again));               /* nor does the mark */
    must(eddy_slots_release(p.reader, &sample));
    slots_pair_close(&p);
}

static void taking_marks_and_goes_on(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slot_sample samples[4], none;
    for (uint64_t i = 0; i < 4; i++)
        must(slots_publish(p.writer, NULL, &i, sizeof i));
    for (uint64_t i = 0; i < 4; i++) {
        must(eddy_slots_take(p.reader, 0, EDDY_POLL, &samples[i]));
        same(samples[i].sn, i + 1);
        check(memcmp(samples[i].data, &i, sizeof i) == 0);
    }
    must_fail(eddy_slots_take(p.reader, 0, EDDY_POLL, &none), EDDY_EAGAIN);
    must_fail(eddy_slots_take(p.reader, 0, eddy_deadline(MILLISECOND), &none), EDDY_ETIMEDOUT);
    must_fail(slots_publish(p.writer, NULL, "x", 1), EDDY_EAGAIN);
    must(eddy_slots_release(p.reader, &samples[2])); /* in any order */
    must(slots_publish(p.writer, NULL, "x", 1));
    must_fail(slots_publish(p.writer, NULL, "x", 1), EDDY_EAGAIN);
    slots_pair_close(&p); /* lets go of the others */
}

static void the_newest_passes_over_the_rest(void **state)
{
    (void)state;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    struct eddy_slot_sample sample;
    must_fail(eddy_slots_take_latest(p.reader, 0, &sample), EDDY_EAGAIN);
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < 4; i++)
            must(slots_publish(p.writer, NULL, &i, sizeof i));
        must(eddy_slots_take_latest(p.reader, 0, &sample));
        check(*(const uint64_t *)sample.data == 3);
        must_fail(eddy_slots_take_latest(p.reader, 0, &sample), EDDY_EAGAIN);
        must(eddy_slots_release(p.reader, &sample));
    }
    slots_pair_close(&p);
}

/* --- cost ------------------------------------------------------------------------------------ */

static double round_trip_ns(struct slots_pair *p)
{
    enum { ROUNDS = 20000 };
    double best = 1e9;
    for (int slice = 0; slice < 5; slice++) {
        uint64_t start = eddy_now();
        for (int i = 0; i < ROUNDS; i++) {
            struct eddy_slot_sample sample;
            must(slots_publish(p->writer, first, "x", 1));
            must(eddy_slots_take(p->reader, 0, EDDY_POLL, &sample));
            must(eddy_slots_release(p->reader, &sample));
        }
        double ns = (double)(eddy_now() - start) / (double)ROUNDS;
        best = ns < best ? ns : best;
    }
    return best;
}

/* All slots but one are unread by a reader that gates; the one goes round. */
static void many_unread_slots_cost_what_few_cost(void **state)
{
    (void)state;
    struct slots_pair few = slots_pair_open(4, 64, 0);
    struct slots_pair many = slots_pair_open_at("many", 16384, 64, 0);
    struct eddy_slot_sample sample;
    double ns = round_trip_ns(&few);
    for (int i = 0; i < 16384; i++)
        must(slots_publish(many.writer, first, "x", 1));
    for (int i = 0; i < 8000; i++) /* the number is used up to here; the rest stays */
        must(eddy_slots_take(many.reader, 0, EDDY_POLL, &sample));
    must(eddy_slots_release(many.reader, &sample));
    for (int i = 0; i < 8384; i++)
        must(eddy_slots_take(many.reader, 0, EDDY_POLL, &sample));
    double more = round_trip_ns(&many);
    printf("a round trip: %.0f ns with 4 slots, %.0f ns with 16384\n", ns, more);
    check(more < 8 * ns);
    slots_pair_close(&many);
    slots_pair_close(&few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(without_gates_the_last_samples_stay),
        WORLD_TEST(samples_come_by_number_not_by_slot),
        WORLD_TEST(an_old_unread_sample_is_still_found),
        WORLD_TEST(a_late_reader_sees_what_is_still_there),
        WORLD_TEST(marks_are_seen_and_free_the_slot),
        WORLD_TEST(a_reader_still_to_come_gates),
        WORLD_TEST(a_disconnected_reader_gates_nothing),
        WORLD_TEST(a_number_is_one_readers_alone),
        WORLD_TEST(thousands_of_readers_each_count),
        WORLD_TEST(a_reserved_slot_has_no_sample),
        WORLD_TEST(a_late_mark_does_not_hit_the_next_sample),
        WORLD_TEST(what_is_held_is_not_written),
        WORLD_TEST(one_sample_is_held_once),
        WORLD_TEST(taking_marks_and_goes_on),
        WORLD_TEST(the_newest_passes_over_the_rest),
        WORLD_TEST(many_unread_slots_cost_what_few_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
