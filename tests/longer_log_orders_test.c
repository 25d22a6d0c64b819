/* longer_log_orders_test.c - who knows the end of a log has all that is below it, also while the log is
 * made longer, and longer again.
 *
 * As log_orders_test: threads publish, each number with a slot of its own and a shadow for it
 * (support/shadow.h); others ask for the end alone, and look at what came before, where it is newest
 * and where the next mark may stand on it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/logs.h"
#include "support/segment.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PUBLISHERS = 2,
    OBSERVERS = 2,
    GROWERS = 2,
    EACH = EDDY_LOG_MIN,
    ROUNDS = SANITIZED ? 4 : 20,
    NEWEST = 4,
    OLDEST = 3
};

static struct eddy_segment *segment;
static uint64_t shadows[PUBLISHERS * EACH];
/* Relaxed: the test must not order what the engine should. */
static atomic_uint given[PUBLISHERS * EACH];

static uint64_t publish(const struct eddy_log **log, uint32_t slot)
{
    for (;;) {
        uint64_t n = eddy_logs_next(segment);
        if (!eddy_logs_is_used(segment, *log))
            *log = eddy_logs_follow(segment);
        check(*log != NULL);
        uint64_t entry = eddy_log_entry(*log, n);
        enum eddy_entry_age age = eddy_entry_age(*log, entry, n);
        if (age == EDDY_ENTRY_PRESENT)
            eddy_log_help(*log, n);
        else if (age == EDDY_ENTRY_NEWER)
            must(eddy_logs_mend(segment, *log, n, entry));
        else if (eddy_log_publish(*log, n, entry, slot))
            return n;
    }
}

static void *publish_all(void *first)
{
    const struct eddy_log *log = eddy_logs_mapped(segment);
    for (uint32_t i = 0; i < EACH; i++) {
        uint32_t slot = (uint32_t)(uintptr_t)first + i;
        shadow_write(&shadows[slot], slot);
        uint64_t n = publish(&log, slot);
        eddy_log_help(log, n);
        check(n - segment->first_sn < PUBLISHERS * EACH);
        atomic_fetch_add_explicit(&given[n - segment->first_sn], 1, memory_order_relaxed);
        if (i % 16 == 0)
            sched_yield();
    }
    return NULL;
}

/* It was published; by now it may have gone by. */
static void look_at(uint64_t sn)
{
    uint64_t entry;
    enum eddy_entry_age age;
    must(eddy_logs_find(segment, sn, &entry, &age));
    /* Unless it was gone before the log was made longer. */
    check(age != EDDY_ENTRY_OLDER || sn + EDDY_LOG_MIN < eddy_logs_next(segment));
    uint32_t slot = eddy_entry_slot(entry);
    if (age == EDDY_ENTRY_PRESENT)
        same(shadow_read(&shadows[slot]), slot);
}

static void *observe(void *unused)
{
    uint64_t end, first = segment->first_sn;
    do {
        end = eddy_logs_next(segment);
        uint64_t length = eddy_logs_length(segment);
        for (uint64_t sn = end - NEWEST; sn < end; sn++)
            if (sn >= first)
                look_at(sn);
        for (uint64_t sn = end - length; sn < end - length + OLDEST; sn++)
            if (sn >= first && length == EDDY_LOG_MIN)
                look_at(sn);
        check(end == first || eddy_logs_have(segment, end - 1));
        sched_yield();
    } while (end < first + PUBLISHERS * EACH);
    return unused;
}

/* The first when the log is full, so that its mark stands on something. */
static void *grow(void *which)
{
    uint64_t begin = segment->first_sn + EDDY_LOG_MIN + 64 * (uintptr_t)which;
    while (eddy_load_relaxed(&segment->control->next_sn) < begin)
        sched_yield();
    must(eddy_logs_grow(segment, (uint64_t)EDDY_LOG_GROWN << (uintptr_t)which));
    return NULL;
}

static void drop_segment(int dir)
{
    segment_destroy(dir, segment);
}

static void once(int dir)
{
    pthread_t threads[PUBLISHERS + OBSERVERS + GROWERS];
    uint64_t end;
    segment = segment_create(dir, "log", 1 << 30);
    memset((void *)given, 0, sizeof given);
    for (uintptr_t i = 0; i < PUBLISHERS; i++)
        threads[i] = thread_start(publish_all, (void *)(i * EACH));
    for (uintptr_t i = 0; i < OBSERVERS; i++)
        threads[PUBLISHERS + i] = thread_start(observe, NULL);
    for (uintptr_t i = 0; i < GROWERS; i++)
        threads[PUBLISHERS + OBSERVERS + i] = thread_start(grow, (void *)i);
    for (int i = 0; i < PUBLISHERS + OBSERVERS + GROWERS; i++)
        thread_join(threads[i]);
    for (int i = 0; i < PUBLISHERS * EACH; i++)
        same(atomic_load(&given[i]), 1);
    must(eddy_logs_end(segment, &end));
    same(end, segment->first_sn + PUBLISHERS * EACH);
    same(eddy_logs_length(segment), EDDY_LOG_GROWN << (GROWERS - 1));
    drop_segment(dir);
}

static int open_world(void)
{
    int dir = open(world_dir(), O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    return dir;
}

static void who_knows_the_end_has_what_is_below_in_a_longer_log(void **state)
{
    (void)state;
    int dir = open_world();
    for (int round = 0; round < ROUNDS; round++)
        once(dir);
    close(dir);
}

/* --- sleeping -------------------------------------------------------------------------------- */

static _Atomic uint32_t bell;
static bool has_seen, has_rung; /* each of one thread */

/* As a reader does that waits for the first number of the longer log. */
static void *arm_and_look(void *unused)
{
    eddy_or_seq(&bell, 1u);
    has_seen = eddy_logs_have(segment, segment->first_sn);
    return unused;
}

/* Makes the log longer, and publishes that number there. */
static void *publish_and_ring(void *unused)
{
    const struct eddy_log *log = eddy_logs_mapped(segment);
    must(eddy_logs_grow(segment, EDDY_LOG_GROWN));
    same(publish(&log, 0), segment->first_sn);
    has_rung = eddy_load_seq(&bell) & 1u;
    return unused;
}

static void who_sleeps_over_a_log_that_has_ended_is_woken(void **state)
{
    (void)state;
    int dir = open_world();
    for (int round = 0; round < 10 * ROUNDS; round++) {
        segment = segment_create(dir, "log", 1 << 30);
        eddy_store_relaxed(&bell, 0u);
        pthread_t other = thread_start(arm_and_look, NULL);
        (void)publish_and_ring(NULL);
        thread_join(other);
        check(has_seen || has_rung);
        drop_segment(dir);
    }
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_knows_the_end_has_what_is_below_in_a_longer_log),
        WORLD_TEST(who_sleeps_over_a_log_that_has_ended_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
