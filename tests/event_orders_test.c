/* event_orders_test.c - a wait set goes while another thread triggers an event that was on it.
 *
 * And an event loop polls on a descriptor while another thread publishes.
 *
 * On the machine of tests/orders/weak.h the hook reads a shadow wherever a trigger has a wait set
 * in view, and who closes it writes the shadow after detaching.  AddressSanitizer and
 * ThreadSanitizer see the wait set itself.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/atomic.h"
#include "support/hook.h"
#include "support/payload.h"
#include "support/shadow.h"
#include "support/thread.h"
#include "support/world.h"

#include <poll.h>
#include <string.h>

#ifdef EDDY_WEAK
enum { ROUNDS = 400, SAMPLES = 400 };
#else
enum { ROUNDS = 20000, SAMPLES = 1000 }; /* the sanitizers have to meet it in time */
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

/* --- by a descriptor ------------------------------------------------------------------------- */

static eddy_writer *writer;
static _Atomic uint64_t told, seen;

/* Each time only when the last was noticed, so that one that is lost is not made good by the next. */
static void *publish_when_seen(void *unused)
{
    for (uint64_t i = 1; i <= SAMPLES; i++) {
        while (eddy_load_relaxed(&seen) + 1 < i) {
        }
        eddy_store_relaxed(&told, i);
        payload_publish(writer, 64, 1, i);
    }
    return unused;
}

/* Gives the others a turn: the machine changes threads where memory is shared. */
static void until_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (poll(&p, 1, 0) == 0)
        (void)eddy_load_relaxed(&told);
}

static eddy_waitset *waitset_of(eddy_domain *domain, eddy_reader *reader, int *fd)
{
    eddy_waitset *waitset;
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_EDGE, NULL));
    must(eddy_waitset_fd(waitset, fd));
    return waitset;
}

static void a_descriptor_tells_of_each_sample(void **state)
{
    (void)state;
    void *found;
    size_t count;
    int fd;
    struct pair pair = pair_open(NULL, NULL);
    eddy_waitset *waitset = waitset_of(pair.domain, pair.reader, &fd);
    writer = pair.writer;
    pthread_t thread = thread_start(publish_when_seen, NULL);
    for (uint64_t round = 1; round <= SAMPLES; round++) {
        while (eddy_waitset_wait(waitset, EDDY_POLL, &found, 1, &count) == EDDY_EAGAIN)
            until_readable(fd);
        payload_take(pair.reader);
        bool anew = round % 4 == 0; /* then one is asked for while the next is published */
        if (anew)
            must(eddy_waitset_close(waitset));
        eddy_store_relaxed(&seen, round);
        if (anew)
            waitset = waitset_of(pair.domain, pair.reader, &fd);
    }
    thread_join(thread);
    must(eddy_waitset_close(waitset));
    pair_close(&pair);
}

static void one_that_is_armed_may_be_closed(void **state)
{
    (void)state;
    void *found;
    size_t count;
    int fd;
    struct pair pair = pair_open(NULL, NULL);
    for (int i = 0; i < SAMPLES / 10; i++) {
        eddy_waitset *waitset = waitset_of(pair.domain, pair.reader, &fd);
        must_fail(eddy_waitset_wait(waitset, EDDY_POLL, &found, 1, &count), EDDY_EAGAIN);
        must(eddy_waitset_close(waitset));
    }
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_wait_set_may_be_closed_while_its_event_is_triggered),
        WORLD_TEST(a_descriptor_tells_of_each_sample),
        WORLD_TEST(one_that_is_armed_may_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
