/* take_back_orders_test.c - what is taken back is what the dead had on loan, and nothing of who comes next.
 *
 * A segment by itself; its writer seats are taken and left as discovery/reap.c and transport/topic/topic.c
 * do it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"
#include "support/hook.h"
#include "support/segment.h"
#include "support/thread.h"
#include "support/world.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { LARGE = 65536, SMALL = 16384, LIMIT = 4096 + 4 * LARGE, ROUNDS = 300, ME = 1, TRIMMER = 2 };

static const struct eddy_limit all = {.below = UINT64_MAX};
static struct eddy_segment *segment;
static int dir;
/* Relaxed throughout: the test must not order what the engine should. */
static atomic_uint stage;

static void create(void)
{
    dir = open(world_dir(), O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    segment = segment_create(dir, "back", LIMIT);
    atomic_store(&stage, 0);
}

static void destroy(void)
{
    segment_destroy(dir, segment);
    close(dir);
}

static void wait_for_stage(unsigned wanted)
{
    while (atomic_load_explicit(&stage, memory_order_relaxed) < wanted)
        sched_yield();
}

static void next_stage(void)
{
    atomic_fetch_add_explicit(&stage, 1, memory_order_relaxed);
}

static _Atomic uint64_t *seat(void)
{
    return &segment->writers[ME - 1].owner;
}

static void take_seat(uint64_t id)
{
    uint64_t nobody = 0;
    check(eddy_cas_seq(seat(), &nobody, id));
}

static void make_void(void)
{
    eddy_or_release(seat(), EDDY_OWNER_REAPING); /* [void] */
}

static void leave_seat(void)
{
    eddy_store_release(seat(), 0u); /* [seat] */
}

/* --- who sleeps over it ---------------------------------------------------------------------- */

static struct eddy_place place;

/* The loan ends in good order when it has been seen, then its owner leaves; and when the seat has been
 * seen to be void, the next one has it, and the same slot. */
static void go_on_meanwhile(const char *point)
{
    if (strcmp(point, "reap:owner-seen") == 0) {
        eddy_slot_give_up(place.slot);
        make_void();
    } else if (strcmp(point, "reap:loan-seen") == 0) {
        leave_seat();
        take_seat(8);
        check(eddy_slot_claim(segment, &place, ME, &all));
    }
}

static void who_comes_late_takes_nothing_of_the_next(void **state)
{
    (void)state;
    create();
    take_seat(7);
    must(eddy_slot_grow(segment, LARGE, ME, &place));
    hook_begin(go_on_meanwhile);
    eddy_slot_take_back(segment, &place);
    hook_end();
    check(*seat() == 8);
    same(eddy_slot_owner(place.slot), ME);
    destroy();
}

/* --- a living owner -------------------------------------------------------------------------- */

static void *come_and_go(void *unused)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        take_seat(i + 1);
        check(eddy_slot_claim(segment, &place, ME, &all));
        for (int looks = 0; looks < 20; looks++)
            same(eddy_slot_owner(place.slot), ME);
        eddy_slot_give_up(place.slot);
        make_void();
        leave_seat();
    }
    next_stage();
    return unused;
}

static void *take_back(void *unused)
{
    struct eddy_place mine = place;
    while (atomic_load_explicit(&stage, memory_order_relaxed) == 0)
        eddy_slot_take_back(segment, &mine);
    return unused;
}

static void who_lives_keeps_its_loan(void **state)
{
    (void)state;
    create();
    take_seat(UINT32_MAX);
    must(eddy_slot_grow(segment, LARGE, ME, &place));
    eddy_slot_give_up(place.slot);
    make_void();
    leave_seat();
    pthread_t threads[] = {thread_start(come_and_go, NULL), thread_start(take_back, NULL)};
    for (int i = 0; i < 2; i++)
        thread_join(threads[i]);
    destroy();
}

/* --- memory that has gone -------------------------------------------------------------------- */

static _Thread_local bool is_late;

/* The dead one's first slot is known, and nothing of the others. */
static void be_late(const char *point)
{
    if (is_late && strcmp(point, "reap:resolved") == 0) {
        is_late = false;
        wait_for_stage(1);
    }
}

static void *take_back_late(void *unused)
{
    struct eddy_place mine = place;
    is_late = true;
    eddy_slot_take_back(segment, &mine);
    return unused;
}

static void *take_back_and_trim(void *unused)
{
    struct eddy_place mine = place;
    eddy_slot_take_back(segment, &mine);
    check(eddy_blocks_trim(segment, TRIMMER, &all, UINT64_MAX, 0) > 0);
    next_stage();
    return unused;
}

/* One died as it made a block ready: of the others one is free already. */
static void no_slot_is_free_whose_memory_has_gone(void **state)
{
    (void)state;
    create();
    hook_begin(be_late);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        atomic_store(&stage, 0);
        take_seat(i + 1);
        must(eddy_slot_grow(segment, SMALL, ME, &place));
        uint32_t slots = place.extent->block_slots;
        check(slots > 2);
        for (uint32_t n = 2; n < slots; n++)
            eddy_slot_withdraw(place.slot + n);
        make_void();
        pthread_t threads[] = {thread_start(take_back_late, NULL),
                               thread_start(take_back_and_trim, NULL)};
        for (int n = 0; n < 2; n++)
            thread_join(threads[n]);
        for (uint32_t n = 0; n < slots; n++)
            same(eddy_slot_owner(place.slot + n), EDDY_SLOT_ABSENT);
        leave_seat();
    }
    hook_end();
    destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_comes_late_takes_nothing_of_the_next),
        WORLD_TEST(who_lives_keeps_its_loan),
        WORLD_TEST(no_slot_is_free_whose_memory_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
