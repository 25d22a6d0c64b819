/* ring_crash_test.c - a producer that crashes tells so.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_pair.h"
#include "support/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

enum { SIZE = 200, SLOTS = 4 };

static const struct eddy_crash some = {
    .signal = SIGSEGV, .address = 0xdeadbeef000, .operation = EDDY_CRASH_WRITE};

static void same_crash(const eddy_ring *ring, const struct eddy_crash *wanted)
{
    struct eddy_crash crash;
    must(eddy_ring_crash(ring, &crash));
    same((uint64_t)crash.signal, (uint64_t)wanted->signal);
    same(crash.address, wanted->address);
    same((uint64_t)crash.operation, (uint64_t)wanted->operation);
}

/* F15 */
static void what_was_published_comes_before_the_crash(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    struct eddy_crash crash;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    ring_publish(p.producer, SIZE, 0);
    ring_publish(p.producer, SIZE, 1);
    must_fail(eddy_ring_crash(p.consumer, &crash), EDDY_EAGAIN);
    must(eddy_ring_report_crash(p.producer, &some));
    ring_take_release(p.consumer, 0);
    ring_take_release(p.consumer, 1);
    for (int i = 0; i < 3; i++)
        must_fail(eddy_ring_take(p.consumer, EDDY_FOREVER, &chunk), EDDY_ECRASHED);
    same_crash(p.consumer, &some);
    same_crash(p.producer, &some);
    same(ring_info(p.consumer).state, EDDY_RING_CRASHED);
    must_fail(eddy_ring_loan(p.producer, EDDY_POLL, &chunk), EDDY_ECRASHED);
    must(eddy_ring_close(p.producer));
    must_fail(eddy_ring_attach(NULL, "ring", EDDY_RING_PRODUCER, NULL, &p.producer), EDDY_ECRASHED);
    must(eddy_ring_close(p.consumer));
}

static void or_after_it_for_those_who_ask(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *consumer, *producer = ring_create("ring", EDDY_RING_PRODUCER, SLOTS, SIZE);
    struct eddy_ring_wanted first = {.flags = EDDY_RING_CRASH_FIRST};
    must(eddy_ring_attach(NULL, "ring", EDDY_RING_CONSUMER, &first, &consumer));
    for (uint64_t i = 0; i < 3; i++)
        ring_publish(producer, SIZE, i);
    ring_take_release(consumer, 0);
    must(eddy_ring_report_crash(producer, &some));
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &chunk), EDDY_ECRASHED);
    must_fail(eddy_ring_take(consumer, EDDY_FOREVER, &chunk), EDDY_ECRASHED);
    must(eddy_ring_close(consumer));
    consumer = ring_attach("ring", EDDY_RING_CONSUMER); /* they are still there */
    ring_take_release(consumer, 1);
    ring_take_release(consumer, 2);
    must_fail(eddy_ring_take(consumer, EDDY_POLL, &chunk), EDDY_ECRASHED);
    must(eddy_ring_close(consumer));
    must(eddy_ring_close(producer));
}

static void a_stream_that_is_finished_stays_so(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    struct eddy_crash crash;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    must(eddy_ring_finish(p.producer));
    must_fail(eddy_ring_report_crash(p.producer, &some), EDDY_EFINISHED);
    must_fail(eddy_ring_take(p.consumer, EDDY_POLL, &chunk), EDDY_EFINISHED);
    must_fail(eddy_ring_crash(p.consumer, &crash), EDDY_EAGAIN);
    ring_pair_close(&p);
}

static void one_that_crashed_cannot_be_finished(void **state)
{
    (void)state;
    struct eddy_chunk chunk, loan;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    must(eddy_ring_loan(p.producer, EDDY_POLL, &loan));
    must(eddy_ring_report_crash(p.producer, &some));
    must_fail(eddy_ring_publish(p.producer, &loan, SIZE), EDDY_ESTALE);
    must_fail(eddy_ring_finish(p.producer), EDDY_ECRASHED);
    must_fail(eddy_ring_take(p.consumer, EDDY_POLL, &chunk), EDDY_ECRASHED);
    ring_pair_close(&p);
}

static void *report_one(void *argument)
{
    struct ring_pair *p = argument;
    static _Atomic int which;
    uint64_t mine = (uint64_t)atomic_fetch_add(&which, 1) % 4 + 1;
    struct eddy_crash crash = {
        .signal = (int32_t)mine, .address = mine, .operation = (int32_t)(mine % 4)};
    must(eddy_ring_report_crash(p->producer, &crash));
    return NULL;
}

/* F18 */
static void of_several_at_once_one_is_heard_whole(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    pthread_t threads[4];
    struct eddy_crash crash;
    struct eddy_chunk chunk;
    for (int i = 0; i < 4; i++)
        threads[i] = thread_start(report_one, &p);
    must_fail(eddy_ring_take(p.consumer, EDDY_FOREVER, &chunk), EDDY_ECRASHED);
    must(eddy_ring_crash(p.consumer, &crash));
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    same(crash.address, (uint64_t)crash.signal);
    same((uint64_t)crash.operation, (uint64_t)crash.signal % 4);
    same_crash(p.consumer, &crash);
    ring_pair_close(&p);
}

static void a_report_leaves_errno_and_the_last_error_alone(void **state)
{
    (void)state;
    struct ring_pair p = ring_pair_open(SLOTS, SIZE);
    char before[200];
    must_fail(eddy_ring_finish(p.consumer), EDDY_EINVAL);
    strncpy(before, eddy_last_error(), sizeof before - 1);
    before[sizeof before - 1] = 0;
    errno = 12345;
    must_fail(eddy_ring_report_crash(p.consumer, &some), EDDY_EINVAL);
    must_fail(eddy_ring_report_crash(NULL, &some), EDDY_EINVAL);
    must(eddy_ring_report_crash(p.producer, &some));
    same(errno, 12345);
    check(strncmp(before, eddy_last_error(), sizeof before - 1) == 0);
    ring_pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(what_was_published_comes_before_the_crash),
        WORLD_TEST(or_after_it_for_those_who_ask),
        WORLD_TEST(a_stream_that_is_finished_stays_so),
        WORLD_TEST(one_that_crashed_cannot_be_finished),
        WORLD_TEST(of_several_at_once_one_is_heard_whole),
        WORLD_TEST(a_report_leaves_errno_and_the_last_error_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
