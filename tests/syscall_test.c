/* syscall_test.c - with nobody asleep, publishing and taking make no system call.
 *
 * A child forbids itself all system calls but exit; the kernel kills it at the first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/silence.h"
#include "support/world.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void round_trips(struct pair *pair, int count)
{
    for (int i = 0; i < count; i++) {
        struct eddy_loan loan;
        struct eddy_sample sample;
        insist(eddy_writer_loan(pair->writer, 64, patience(), &loan) == EDDY_OK);
        insist(eddy_writer_publish(pair->writer, &loan, 64, patience()) == EDDY_OK);
        insist(eddy_reader_ready(pair->reader));
        insist(eddy_reader_take(pair->reader, &sample) == EDDY_OK);
        insist(eddy_reader_release(pair->reader, &sample) == EDDY_OK);
        insist(eddy_reader_take(pair->reader, &sample) == EDDY_EAGAIN);
    }
}

static struct eddy_reader_options reading;

static void silent_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct pair pair = pair_open(NULL, &reading);
    round_trips(&pair, 5000);
    forbid_system_calls();
    round_trips(&pair, 100000);
    syscall(SYS_exit_group, 0);
}

static void silent_with_wait_set(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct pair pair = pair_open(NULL, &reading);
    eddy_waitset *waitset;
    void *found;
    size_t count;
    must(eddy_waitset_open(pair.domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, pair.reader, EDDY_WAIT_LEVEL, NULL));
    must_fail(eddy_waitset_wait(waitset, eddy_deadline(MILLISECOND), &found, 1, &count),
              EDDY_ETIMEDOUT);
    must_fail(eddy_reader_wait(pair.reader, eddy_deadline(MILLISECOND)), EDDY_ETIMEDOUT);
    round_trips(&pair, 5000);
    forbid_system_calls();
    round_trips(&pair, 100000);
    syscall(SYS_exit_group, 0);
}

static void one_that_asks_for_its_pid(int wire, void *argument)
{
    (void)wire, (void)argument;
    forbid_system_calls();
    syscall(SYS_getpid);
    syscall(SYS_exit_group, 0);
}

static void the_filter_kills_at_a_system_call(void **state)
{
    (void)state;
    bool hung;
    struct child child = child_start(one_that_asks_for_its_pid, NULL);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void a_reliable_reader_costs_no_system_call(void **state)
{
    (void)state;
    reading = (struct eddy_reader_options){.reliability = EDDY_RELIABLE};
    is_silent(silent_process);
}

static void a_best_effort_reader_costs_no_system_call(void **state)
{
    (void)state;
    reading = (struct eddy_reader_options){.reliability = EDDY_BEST_EFFORT};
    is_silent(silent_process);
}

static void who_has_slept_and_is_awake_costs_no_system_call(void **state)
{
    (void)state;
    reading = (struct eddy_reader_options){.spin_ns = -1};
    is_silent(silent_with_wait_set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_filter_kills_at_a_system_call),
        WORLD_TEST(a_reliable_reader_costs_no_system_call),
        WORLD_TEST(a_best_effort_reader_costs_no_system_call),
        WORLD_TEST(who_has_slept_and_is_awake_costs_no_system_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
