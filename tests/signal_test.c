/* signal_test.c - signals that come all the time cut no wait short and stop no growth.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>

static atomic_uint signals;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals, 1);
}

/* A timer that fires five times a millisecond; system calls are not restarted. */
static int start_timer(void **state)
{
    struct sigaction action = {.sa_handler = count_signal};
    struct itimerval often = {.it_interval = {.tv_usec = 200}, .it_value = {.tv_usec = 200}};
    if (world_setup(state) != 0)
        return -1;
    atomic_store(&signals, 0);
    return sigaction(SIGALRM, &action, NULL) == 0 ? setitimer(ITIMER_REAL, &often, NULL) : -1;
}

static int stop_timer(void **state)
{
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    return world_teardown(state);
}

static void a_reader_waits_until_its_deadline(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.spin_ns = -1});
    uint64_t deadline = eddy_deadline(50 * MILLISECOND);
    must_fail(eddy_reader_wait(pair.reader, deadline), EDDY_ETIMEDOUT);
    check(eddy_now() >= deadline);
    check(atomic_load(&signals) > 10);
    pair_close(&pair);
}

static void a_wait_set_waits_until_its_deadline(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    eddy_waitset *waitset;
    void *found;
    size_t count;
    must(eddy_waitset_open(pair.domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, pair.reader, EDDY_WAIT_LEVEL, NULL));
    uint64_t deadline = eddy_deadline(50 * MILLISECOND);
    must_fail(eddy_waitset_wait(waitset, deadline, &found, 1, &count), EDDY_ETIMEDOUT);
    check(eddy_now() >= deadline);
    must(eddy_waitset_close(waitset));
    pair_close(&pair);
}

static void a_writer_waits_as_long_as_it_was_told(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, &(struct eddy_reader_options){.depth = 1});
    struct eddy_loan loan;
    payload_publish(pair.writer, 64, 1, 1);
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    uint64_t before = eddy_now();
    must_fail(eddy_writer_publish(pair.writer, &loan, 64, before + 50 * MILLISECOND),
              EDDY_ETIMEDOUT);
    check(eddy_now() - before >= 50 * MILLISECOND);
    must(eddy_writer_discard(pair.writer, &loan));
    pair_close(&pair);
}

/* Reserving so much takes longer than the time between two signals. */
static void a_topic_grows_by_large_samples(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    uint64_t before = eddy_now();
    for (uint64_t i = 0; i < 3; i++) {
        struct eddy_loan loan;
        struct eddy_sample sample;
        size_t size = (size_t)(64 + 16 * i) << 20;
        must(eddy_writer_loan(pair.writer, size, patience(), &loan));
        memset(loan.data, (int)i, 4096);
        must(eddy_writer_publish(pair.writer, &loan, size, patience()));
        must(eddy_reader_take(pair.reader, &sample));
        same(*(const unsigned char *)sample.data, i);
        must(eddy_reader_release(pair.reader, &sample));
    }
    check(eddy_now() - before < 20 * SECOND);
    pair_close(&pair);
}

#define SIGNAL_TEST(function) cmocka_unit_test_setup_teardown(function, start_timer, stop_timer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIGNAL_TEST(a_reader_waits_until_its_deadline),
        SIGNAL_TEST(a_wait_set_waits_until_its_deadline),
        SIGNAL_TEST(a_writer_waits_as_long_as_it_was_told),
        SIGNAL_TEST(a_topic_grows_by_large_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
