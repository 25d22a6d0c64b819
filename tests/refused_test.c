/* refused_test.c - the kernel refuses futex calls, as a filter of system calls may: waits still end,
 * when something comes and at their deadlines, and do not keep the processor busy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <eddy/waitset.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

enum { SLEEP_MS = 300, CPU_MS = 100 };

static bool refuse_futexes(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static uint64_t cpu_ms(void)
{
    struct timespec t;
    check(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / MILLISECOND;
}

static uint64_t soon(void)
{
    return eddy_deadline(SLEEP_MS * MILLISECOND);
}

static void sleep_in_vain(eddy_reader *reader, eddy_waitset *waitset)
{
    void *found;
    size_t count;
    uint64_t begin = eddy_now(), cpu = cpu_ms();
    must_fail(eddy_reader_wait(reader, soon()), EDDY_ETIMEDOUT);
    must_fail(eddy_waitset_wait(waitset, soon(), &found, 1, &count), EDDY_ETIMEDOUT);
    check(eddy_now() - begin >= 2 * SLEEP_MS * MILLISECOND);
    check(cpu_ms() - cpu < CPU_MS);
}

static void waits(int wire, void *unused)
{
    (void)unused;
    void *found;
    size_t count;
    eddy_waitset *waitset;
    struct eddy_reader_options options = {.spin_ns = -1};
    eddy_domain *domain = open_domain();
    eddy_reader *one = open_reader(domain, "one", &options),
                *two = open_reader(domain, "two", &options);
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, two, EDDY_WAIT_LEVEL, NULL));
    (void)eddy_waitset_wait(waitset, EDDY_POLL, &found, 1, &count); /* attaching rouses it */
    check(refuse_futexes());
    sleep_in_vain(one, waitset);
    wire_say(wire, WIRE_READY);
    must(eddy_reader_wait(one, patience()));
    same(payload_take(one).number, 1);
    wire_say(wire, WIRE_READY);
    must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
    same(payload_take(two).number, 2);
    wire_say(wire, WIRE_DONE);
    wire_hear(wire);
}

static void waits_end_and_cost_little_without_futexes(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *one = open_writer(domain, "one", NULL), *two = open_writer(domain, "two", NULL);
    struct child child = child_start(waits, NULL);
    wire_expect(child.wire, WIRE_READY);
    payload_publish(one, 64, 1, 1);
    wire_expect(child.wire, WIRE_READY);
    payload_publish(two, 64, 1, 2);
    wire_expect(child.wire, WIRE_DONE);
    child_kill(&child);
    must(eddy_writer_close(one));
    must(eddy_writer_close(two));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(waits_end_and_cost_little_without_futexes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
