/* slots_syscall_test.c - with nobody asleep, slots are written and read without a system call.
 *
 * A child forbids itself all system calls but exit; the kernel kills it at the first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/silence.h"
#include "support/slots_pair.h"

#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t nobody[] = {0}, first[] = {1};

static void read_and_mark(struct slots_pair *p)
{
    struct eddy_slot_sample sample;
    char copy[64];
    insist(eddy_slots_next_unread(p->reader, 0, &sample) == EDDY_OK);
    insist(eddy_slots_read(p->reader, &sample, copy, sizeof copy) == EDDY_OK);
    insist(eddy_slots_mark_read(p->reader, &sample) == EDDY_OK);
    insist(eddy_slots_next_unread(p->reader, 0, &sample) == EDDY_EAGAIN);
}

static void round_trips(struct slots_pair *p, int count)
{
    for (int i = 0; i < count; i++) {
        struct eddy_slot_loan loan;
        struct eddy_slot_sample sample;
        const uint64_t *active = i % 3 == 0 ? NULL : i % 3 == 1 ? first : nobody;
        insist(eddy_slots_loan(p->writer, active, active ? 1 : 0, EDDY_POLL, &loan) == EDDY_OK);
        insist(eddy_slots_discard(p->writer, &loan) == EDDY_OK);
        insist(eddy_slots_loan(p->writer, active, active ? 1 : 0, EDDY_POLL, &loan) == EDDY_OK);
        insist(eddy_slots_publish_copy(p->writer, &loan, "x", 1, NULL) == EDDY_OK);
        insist(eddy_slots_generation(p->reader) > 0);
        if (i % 2) {
            read_and_mark(p);
            continue;
        }
        insist(eddy_slots_take(p->reader, 0, EDDY_POLL, &sample) == EDDY_OK);
        insist(eddy_slots_release(p->reader, &sample) == EDDY_OK);
    }
}

static void silent_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct slots_pair p = slots_pair_open(4, 64, 0);
    round_trips(&p, 10);
    forbid_system_calls();
    round_trips(&p, 100000);
    syscall(SYS_exit_group, 0);
}

static void slots_cost_no_system_call(void **state)
{
    (void)state;
    is_silent(silent_process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(slots_cost_no_system_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
