/* rough_test.c - processes whose world is not the usual one: filters that refuse system calls, a /proc that
 * is hidden or is not there, limits, real-time priorities.  They take and publish as all others, live as
 * long as they live, and are reaped when they are dead.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/able.h"
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <eddy/waitset.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct world {
    const char *name;
    bool (*enter)(const struct world *world);
    int call, error; /* refused, and how */
    void (*need)(void);
};

static bool refuse(const struct world *w)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)w->call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)w->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* One operation, or all by which two processes share a word: without the private flag. */
static bool refuse_futexes(const struct world *w)
{
    bool all = w->call < 0;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        all ? (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FUTEX_PRIVATE_FLAG, 1, 0)
            : (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)w->call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)w->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool have_no_proc(const struct world *w)
{
    (void)w;
    own_mounts();
    return mount("none", "/proc", "tmpfs", 0, NULL) == 0 && access("/proc/self", F_OK) != 0;
}

static bool have_a_hidden_proc(const struct world *w)
{
    (void)w;
    own_mounts();
    return mount("proc", "/proc", "proc", 0, "hidepid=2") == 0;
}

static bool be_real_time(const struct world *w)
{
    (void)w;
    return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){10}) == 0;
}

static bool have_few_descriptors(const struct world *w)
{
    (void)w;
    return setrlimit(RLIMIT_NOFILE, &(struct rlimit){16, 16}) == 0;
}

static bool have_no_threads(const struct world *w)
{
    (void)w;
    return setrlimit(RLIMIT_NPROC, &(struct rlimit){1, 1}) == 0;
}

static const struct world worlds[] = {
    {"futexes of one process alone", refuse_futexes, -1, EPERM, NULL},
    {"no FUTEX_WAKE_OP", refuse_futexes, FUTEX_WAKE_OP, EPERM, NULL},
    {"no FUTEX_WAIT_BITSET", refuse_futexes, FUTEX_WAIT_BITSET, ENOSYS, NULL},
    {"futex_waitv that is not known", refuse, SYS_futex_waitv, ENOSYS, NULL},
    {"futex_waitv that is not allowed", refuse, SYS_futex_waitv, EPERM, NULL},
    {"no get_robust_list", refuse, SYS_get_robust_list, EPERM, NULL},
    {"no set_robust_list", refuse, SYS_set_robust_list, ENOSYS, NULL},
    {"no membarrier", refuse, SYS_membarrier, EPERM, NULL},
    {"no unshare", refuse, SYS_unshare, EPERM, NULL},
    {"no close_range", refuse, SYS_close_range, ENOSYS, NULL},
    {"no clone3", refuse, SYS_clone3, ENOSYS, NULL},
    {"no sched_getaffinity", refuse, SYS_sched_getaffinity, EPERM, NULL},
    {"no statfs", refuse, SYS_fstatfs, EPERM, NULL},
    {"no /proc", have_no_proc, 0, 0, need_mounts},
    {"a /proc that hides others", have_a_hidden_proc, 0, 0, need_mounts},
    {"real-time priority", be_real_time, 0, 0, need_fifo},
    {"16 descriptors", have_few_descriptors, 0, 0, NULL},
    {"no threads", have_no_threads, 0, 0, NULL},
};

static const struct eddy_reader_options asleep = {.spin_ns = -1, .depth = 4};

/* Takes by each kind of wait and answers, then holds a sample and has a loan until it is killed. */
static void live_there(int wire, void *where)
{
    const struct world *w = where;
    struct eddy_sample sample;
    struct eddy_loan loan;
    eddy_waitset *waitset;
    void *found;
    size_t count;
    if (!w->enter(w)) {
        wire_say(wire, WIRE_DONE);
        return;
    }
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "to", &asleep);
    eddy_writer *writer = open_writer(domain, "from", NULL);
    wire_say(wire, WIRE_READY);
    must(eddy_reader_wait(reader, patience()));
    payload_publish(writer, 1000, 2, payload_take(reader).number);
    must(eddy_waitset_open(domain, &waitset));
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, NULL));
    must(eddy_waitset_wait(waitset, patience(), &found, 1, &count));
    must(eddy_reader_take(reader, &sample));
    must(eddy_writer_loan(writer, 100000, patience(), &loan));
    payload_publish(writer, 1000, 2, payload_of(&sample).number);
    wire_hear(wire);
}

static void is_alive(uint32_t readers, uint32_t writers, eddy_writer *to, eddy_reader *from)
{
    struct eddy_topic_stats stats;
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_writer_stats(to, &stats));
    same(stats.readers, readers);
    must(eddy_reader_stats(from, &stats));
    same(stats.writers, writers);
}

/* False: it cannot be had here. */
static bool visit(const struct world *w)
{
    eddy_domain *domain = open_domain();
    eddy_writer *to = open_writer(domain, "to", NULL);
    eddy_reader *from = open_reader(domain, "from", &asleep);
    struct child child = child_start(live_there, (void *)(uintptr_t)w);
    bool there = wire_hear(child.wire) == WIRE_READY;
    uint64_t began = eddy_now();
    for (uint64_t i = 1; there && i <= 2; i++) {
        payload_publish(to, 500, 1, i);
        while (w->call < 0 && !eddy_reader_ready(from)) /* it cannot wake anybody */
            check(eddy_now() - began < PATIENCE_MS * MILLISECOND);
        same(payload_await(from).number, i);
    }
    if (eddy_now() - began > PATIENCE_MS / 3 * MILLISECOND) /* somebody was not woken */
        check_fail(CHECK_HERE("visit"), "%s: somebody slept too long", w->name);
    if (there)
        is_alive(1, 1, to, from);
    child_kill(&child);
    is_alive(0, 0, to, from);
    must(eddy_writer_close(to));
    must(eddy_reader_close(from));
    must(eddy_domain_close(domain));
    world_must_be_empty();
    return there;
}

static void who_lives_elsewhere_lives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
        bool there = !worlds[i].need && visit(&worlds[i]);
        if (!worlds[i].need)
            printf("%s: %s\n", worlds[i].name, there ? "as everywhere" : "cannot be had here");
    }
}

static void who_sees_no_proc_lives(void **state)
{
    (void)state;
    need_mounts();
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++)
        if (worlds[i].need == need_mounts)
            check(visit(&worlds[i]));
}

static void who_has_priority_lives(void **state)
{
    (void)state;
    need_fifo();
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++)
        if (worlds[i].need == need_fifo)
            check(visit(&worlds[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_lives_elsewhere_lives),
        WORLD_TEST(who_sees_no_proc_lives),
        WORLD_TEST(who_has_priority_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
