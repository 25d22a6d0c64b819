/* refused_test.c - the kernel refuses futex calls, as a filter of system calls may: waits still end,
 * when something comes and at their deadlines, and do not keep the processor busy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/usage.h"
#include "support/world.h"

#include <eddy/waitset.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum { SLEEP_MS = 300, CPU_MS = 100, LONG_MS = 10000 };

/* Which calls: all by which one sleeps and wakes; or, as in filters that are older than it, all but
 * futex_waitv. */
enum refusal { NOTHING, ALL_BUT_WAITV, ALL };

static bool refuse(enum refusal what)
{
    unsigned waitv = what == ALL ? SYS_futex_waitv : SYS_futex;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, waitv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return what == NOTHING || (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
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

static void waits(int wire, void *refusal)
{
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
    check(refuse(*(enum refusal *)refusal));
    sleep_in_vain(one, waitset);
    uint64_t began = eddy_now();
    wire_say(wire, WIRE_READY);
    must(eddy_reader_wait(one, eddy_deadline(LONG_MS * MILLISECOND)));
    same(payload_take(one).number, 1);
    wire_say(wire, WIRE_READY);
    must(eddy_waitset_wait(waitset, eddy_deadline(LONG_MS * MILLISECOND), &found, 1, &count));
    same(payload_take(two).number, 2);
    check(eddy_now() - began < LONG_MS * MILLISECOND); /* not at the deadline alone */
    wire_say(wire, WIRE_DONE);
    wire_hear(wire);
}

static void writes(int wire, void *refusal)
{
    eddy_domain *domain = open_domain();
    eddy_writer *one = open_writer(domain, "one", NULL), *two = open_writer(domain, "two", NULL);
    check(refuse(*(enum refusal *)refusal));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    payload_publish(one, 64, 1, 1);
    wire_expect(wire, WIRE_GO);
    payload_publish(two, 64, 1, 2);
    wire_hear(wire);
}

/* It sleeps when it is written to. */
static void let_write(const struct child *sleeper, const struct child *writer)
{
    wire_expect(sleeper->wire, WIRE_READY);
    usage_until_asleep(sleeper->pid);
    wire_say(writer->wire, WIRE_GO);
}

static void play(enum refusal of_sleeper, enum refusal of_writer)
{
    struct child writer = child_start(writes, &of_writer);
    wire_expect(writer.wire, WIRE_READY);
    struct child sleeper = child_start(waits, &of_sleeper);
    let_write(&sleeper, &writer);
    let_write(&sleeper, &writer);
    wire_expect(sleeper.wire, WIRE_DONE);
    child_kill(&sleeper);
    child_kill(&writer);
    must(eddy_domain_close(open_domain())); /* clears away what they have left */
}

static void waits_end_and_cost_little_without_futexes(void **state)
{
    (void)state;
    play(ALL, NOTHING);
}

static void so_they_do_with_one_call_of_them_alone(void **state)
{
    (void)state;
    play(ALL_BUT_WAITV, NOTHING);
}

static void a_writer_without_futexes_is_noticed(void **state)
{
    (void)state;
    play(ALL, ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(waits_end_and_cost_little_without_futexes),
        WORLD_TEST(so_they_do_with_one_call_of_them_alone),
        WORLD_TEST(a_writer_without_futexes_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
