/* ring_syscall_test.c - with nobody asleep, chunks go to and fro without a system call.
 *
 * A child forbids itself all system calls but exit; the kernel kills it at the first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/ring_pair.h"
#include "support/silence.h"

#include <sys/syscall.h>
#include <unistd.h>

static void round_trips(struct ring_pair *p, int count)
{
    struct eddy_chunk loan, held[3], none;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < 3; k++) {
            insist(eddy_ring_loan(p->producer, EDDY_POLL, &loan) == EDDY_OK);
            insist(eddy_ring_loan(p->producer, EDDY_POLL, &none) == EDDY_EBUSY);
            insist(eddy_ring_discard(p->producer, &loan) == EDDY_OK);
            insist(eddy_ring_loan(p->producer, EDDY_POLL, &loan) == EDDY_OK);
            insist(eddy_ring_publish(p->producer, &loan, 8) == EDDY_OK);
        }
        insist(eddy_ring_loan(p->producer, EDDY_POLL, &none) == EDDY_EAGAIN);
        for (int k = 0; k < 3; k++)
            insist(eddy_ring_take(p->consumer, EDDY_POLL, &held[k]) == EDDY_OK);
        insist(eddy_ring_take(p->consumer, EDDY_POLL, &none) == EDDY_EAGAIN);
        insist(eddy_ring_release(p->consumer, &held[1]) == EDDY_OK);
        insist(eddy_ring_release(p->consumer, &held[0]) == EDDY_OK);
        insist(eddy_ring_release(p->consumer, &held[2]) == EDDY_OK);
    }
}

static void silent_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct ring_pair p = ring_pair_open(3, 64);
    round_trips(&p, 10); /* now each watches the other */
    forbid_system_calls();
    round_trips(&p, 30000);
    insist(eddy_ring_finish(p.producer) == EDDY_OK);
    syscall(SYS_exit_group, 0);
}

static void chunks_cost_no_system_call(void **state)
{
    (void)state;
    is_silent(silent_process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(chunks_cost_no_system_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
