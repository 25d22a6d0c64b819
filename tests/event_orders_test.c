/* event_orders_test.c - a wait set goes while another thread triggers an event that was on it.
 *
 * On the machine of tests/orders/weak.h the hook reads a shadow wherever a trigger has a wait set
 * in view, and who closes it writes the shadow after detaching.  AddressSanitizer and
 * ThreadSanitizer see the wait set itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/atomic.h"
#include "support/hook.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <string.h>

#ifdef EDDY_WEAK
enum { ROUNDS = 400 };
#else
enum { ROUNDS = 20000 }; /* the sanitizers have to meet it in time */
#endif

static eddy_event *event;
static _Atomic bool over;
static uint64_t shadow; /* of the wait set that the event is on */

static void at(const char *point)
{
    if (strcmp(point, "event:found") == 0 || strcmp(point, "event:told") == 0)
        shadow_read(&shadow);
}

static void *trigger_all_the_time(void *unused)
{
    while (!eddy_load_relaxed(&over)) /* what it hands on is not asked for */
        eddy_event_trigger(event);
    return unused;
}

/* Opened, used and closed; how the event leaves it is for the round to say. */
static void use_a_waitset(eddy_domain *domain, uint64_t round)
{
    eddy_waitset *waitset;
    void *found;
    size_t count;
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_LEVEL, NULL));
    must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
    if (round % 2 == 0)
        must(eddy_waitset_detach_event(waitset, event));
    if (round % 2 == 0)
        shadow_write(&shadow, round);
    must(eddy_waitset_close(waitset));
    if (round % 2 != 0)
        shadow_write(&shadow, round);
}

static void a_wait_set_may_be_closed_while_its_event_is_triggered(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    must(eddy_event_open(&event));
    eddy_event_trigger(event);
    hook_begin(at);
    pthread_t thread = thread_start(trigger_all_the_time, NULL);
    for (uint64_t round = 0; round < ROUNDS; round++)
        use_a_waitset(domain, round);
    eddy_store_relaxed(&over, true);
    thread_join(thread);
    hook_end();
    must(eddy_event_close(event));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_wait_set_may_be_closed_while_its_event_is_triggered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
