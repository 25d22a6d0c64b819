/* log_test.c - the log's entries, laps and helping, from inside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/thread.h"
#include "support/world.h"

#include "allocator/segment/log.h"

#include <string.h>

enum { LENGTH = 16, SHIFT = 4, THREADS = 3, EACH = SANITIZED ? 2000 : 50000 };

static _Atomic uint64_t entries[LENGTH];
static _Atomic uint64_t next_sn;
static const struct eddy_log ring = {
    .entries = entries, .next_sn = &next_sn, .mask = LENGTH - 1, .shift = SHIFT};

/* As a creator leaves it: numbers begin with the second lap, so that 0 is older than all. */
static int empty(void **state)
{
    (void)state;
    for (int i = 0; i < LENGTH; i++)
        eddy_store_seq(&entries[i], 0);
    eddy_store_seq(&next_sn, LENGTH);
    return 0;
}

static void an_entry_gives_back_its_slot_and_knows_its_lap(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {LENGTH, LENGTH + 1, 1000, UINT64_C(1) << 40};
    static const uint32_t slots[] = {0, 1, 12345, (1u << EDDY_SLOT_BITS) - 1};
    for (size_t n = 0; n < 4; n++) {
        for (size_t s = 0; s < 4; s++) {
            uint64_t sn = numbers[n], entry = eddy_entry_make(&ring, sn, slots[s]);
            same(eddy_entry_slot(entry), slots[s]);
            check(eddy_entry_age(&ring, entry, sn) == EDDY_ENTRY_PRESENT);
            check(eddy_entry_age(&ring, entry, sn + LENGTH) == EDDY_ENTRY_OLDER);
            check(eddy_entry_age(&ring, entry, sn - LENGTH) == EDDY_ENTRY_NEWER);
        }
    }
}

static void the_last_number_is_the_last_that_an_entry_can_hold(void **state)
{
    (void)state;
    uint64_t last = eddy_log_last_sn(&ring);
    uint64_t entry = eddy_entry_make(&ring, last, 5);
    check(eddy_entry_age(&ring, entry, last) == EDDY_ENTRY_PRESENT);
    same(eddy_entry_slot(entry), 5);
    check(!eddy_entry_is_mark(entry));
    check(eddy_entry_is_mark(eddy_entry_make(&ring, last + LENGTH, 5)));
}

static void a_mark_keeps_the_slot_and_is_newer_than_any_number(void **state)
{
    (void)state;
    uint64_t last = eddy_log_last_sn(&ring), old = eddy_entry_make(&ring, 77, 12345);
    uint64_t mark = eddy_entry_mark(old, EDDY_LOG_MAX_SHIFT);
    check(eddy_entry_is_mark(mark));
    same(eddy_entry_slot(mark), 12345);
    same(eddy_mark_shift(mark), EDDY_LOG_MAX_SHIFT);
    check(eddy_entry_age(&ring, mark, LENGTH) == EDDY_ENTRY_NEWER);
    check(eddy_entry_age(&ring, mark, last) == EDDY_ENTRY_NEWER);
}

static void an_empty_log_has_nothing(void **state)
{
    (void)state;
    for (uint64_t sn = LENGTH; sn < 2 * LENGTH; sn++)
        check(!eddy_log_has(&ring, sn));
    same(eddy_log_end(&ring), LENGTH);
}

static void a_number_is_published_once(void **state)
{
    (void)state;
    uint64_t old = eddy_log_entry(&ring, LENGTH);
    check(eddy_log_publish(&ring, LENGTH, old, 3));
    check(eddy_log_has(&ring, LENGTH));
    check(!eddy_log_has(&ring, LENGTH + 1));
    check(!eddy_log_publish(&ring, LENGTH, old, 4));
    same(eddy_entry_slot(eddy_log_entry(&ring, LENGTH)), 3);
}

/* A writer that slept for a whole lap holds the value of the lap before; its swap must fail. */
static void a_swap_that_slept_for_a_lap_fails(void **state)
{
    (void)state;
    uint64_t stale = eddy_log_entry(&ring, LENGTH);
    check(eddy_log_publish(&ring, LENGTH, stale, 3));
    uint64_t second = eddy_log_entry(&ring, LENGTH);
    check(eddy_log_publish(&ring, 2 * LENGTH, second, 3));
    check(!eddy_log_publish(&ring, LENGTH, stale, 9));
    check(!eddy_log_publish(&ring, 2 * LENGTH, second, 9));
    check(eddy_entry_age(&ring, eddy_log_entry(&ring, LENGTH), LENGTH) == EDDY_ENTRY_NEWER);
}

static void the_end_helps_over_what_a_dead_writer_published(void **state)
{
    (void)state;
    for (uint64_t sn = LENGTH; sn < LENGTH + 5; sn++)
        check(eddy_log_publish(&ring, sn, eddy_log_entry(&ring, sn), 1));
    same(eddy_load_seq(&next_sn), LENGTH);
    same(eddy_log_end(&ring), LENGTH + 5);
    same(eddy_load_seq(&next_sn), LENGTH + 5);
    eddy_log_help(&ring, LENGTH + 2); /* late help changes nothing */
    same(eddy_load_seq(&next_sn), LENGTH + 5);
}

/* next_sn is a hint from shared memory: whatever it says, the search for the end ends. */
static void the_end_is_found_whatever_next_sn_says(void **state)
{
    (void)state;
    static const uint64_t wild[] = {0, 1, UINT64_MAX, UINT64_MAX - LENGTH, UINT64_C(1) << 63};
    for (int i = 0; i < LENGTH; i++)
        eddy_store_seq(&entries[i], UINT64_MAX);
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        eddy_store_seq(&next_sn, wild[i]);
        (void)eddy_log_end(&ring);
    }
}

static void *publishing_thread(void *argument)
{
    uint64_t *own = argument;
    for (uint64_t done = 0; done < EACH;) {
        uint64_t sn = eddy_log_end(&ring);
        uint64_t old = eddy_log_entry(&ring, sn);
        if (eddy_entry_age(&ring, old, sn) != EDDY_ENTRY_OLDER)
            continue;
        if (!eddy_log_publish(&ring, sn, old, (uint32_t)(sn % 1000)))
            continue;
        eddy_log_help(&ring, sn);
        own[done++] = sn;
    }
    return NULL;
}

/* Every number goes to one thread, and a thread's numbers rise. */
static void threads_share_the_numbers_out(void **state)
{
    (void)state;
    static uint64_t numbers[THREADS][EACH];
    static bool given[THREADS * EACH];
    pthread_t threads[THREADS];
    memset(given, 0, sizeof given);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(publishing_thread, numbers[i]);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    for (int i = 0; i < THREADS; i++) {
        for (int at = 0; at < EACH; at++) {
            uint64_t index = numbers[i][at] - LENGTH;
            check(at == 0 || numbers[i][at] > numbers[i][at - 1]);
            check(index < THREADS * EACH && !given[index]);
            given[index] = true;
        }
    }
    same(eddy_log_end(&ring), LENGTH + THREADS * EACH);
}

#define LOG_TEST(function) cmocka_unit_test_setup(function, empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(an_entry_gives_back_its_slot_and_knows_its_lap),
        LOG_TEST(the_last_number_is_the_last_that_an_entry_can_hold),
        LOG_TEST(a_mark_keeps_the_slot_and_is_newer_than_any_number),
        LOG_TEST(an_empty_log_has_nothing),
        LOG_TEST(a_number_is_published_once),
        LOG_TEST(a_swap_that_slept_for_a_lap_fails),
        LOG_TEST(the_end_helps_over_what_a_dead_writer_published),
        LOG_TEST(the_end_is_found_whatever_next_sn_says),
        LOG_TEST(threads_share_the_numbers_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
