/* log_orders_test.c - who knows the end of a log has all that is below it.
 *
 * Threads publish, each number with a slot of its own and a shadow for it (support/shadow.h);
 * others ask for the end alone, and look at what came before.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/log.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <sched.h>
#include <stdlib.h>

enum { PUBLISHERS = 2, OBSERVERS = 2, EACH = SANITIZED ? 2000 : 20000, LENGTH = 64 };

static _Atomic uint64_t entries[LENGTH], next_sn;
static const struct eddy_log lines = {entries, &next_sn, LENGTH - 1, 6};
static uint64_t shadows[PUBLISHERS * EACH];

static uint64_t publish(uint32_t slot)
{
    for (;;) {
        uint64_t n = eddy_load_relaxed(&next_sn), entry = eddy_log_entry(&lines, n);
        if (eddy_entry_age(&lines, entry, n) == EDDY_ENTRY_PRESENT)
            eddy_log_help(&lines, n);
        else if (eddy_entry_age(&lines, entry, n) == EDDY_ENTRY_OLDER &&
                 eddy_log_publish(&lines, n, entry, slot))
            return n;
    }
}

static void *publish_all(void *first)
{
    for (uint32_t i = 0; i < EACH; i++) {
        uint32_t slot = (uint32_t)(uintptr_t)first + i;
        shadow_write(&shadows[slot], slot);
        uint64_t n = publish(slot);
        eddy_log_help(&lines, n);
        if (i % 4 == 0)
            sched_yield();
    }
    return NULL;
}

/* What is further back than the log is long has gone by. */
static void look_back(uint64_t from, uint64_t end)
{
    for (uint64_t n = from; n < end; n++) {
        uint64_t entry = eddy_load_relaxed(&entries[n % LENGTH]);
        uint32_t slot = eddy_entry_slot(entry);
        check(eddy_entry_age(&lines, entry, n) != EDDY_ENTRY_OLDER);
        if (eddy_entry_age(&lines, entry, n) == EDDY_ENTRY_PRESENT)
            same(shadow_read(&shadows[slot]), slot);
    }
}

static void *observe(void *unused)
{
    uint64_t last = LENGTH;
    while (last < LENGTH + PUBLISHERS * EACH) {
        uint64_t end = eddy_log_end(&lines);
        look_back(end > last + LENGTH ? end - LENGTH : last, end);
        last = end;
        sched_yield();
    }
    return unused;
}

static void who_knows_the_end_has_what_is_below(void **state)
{
    (void)state;
    pthread_t threads[PUBLISHERS + OBSERVERS];
    eddy_store_relaxed(&next_sn, (uint64_t)LENGTH);
    for (uintptr_t i = 0; i < PUBLISHERS + OBSERVERS; i++)
        threads[i] = i < PUBLISHERS ? thread_start(publish_all, (void *)(i * EACH))
                                    : thread_start(observe, NULL);
    for (int i = 0; i < PUBLISHERS + OBSERVERS; i++)
        thread_join(threads[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_knows_the_end_has_what_is_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
