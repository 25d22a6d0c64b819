/* ring_signal_test.c - signals that tell of a crash are reported, and act as if nobody had looked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 200, SLOTS = 4 };

/* --- each signal ----------------------------------------------------------------------------- */

#define ADDRESS ((char *)(uintptr_t)0x7b000) /* NOLINT(performance-no-int-to-ptr) */

static volatile char *volatile nowhere = ADDRESS;

static void crash_reading(void)
{
    (void)*nowhere;
}

static void crash_writing(void)
{
    *nowhere = 1;
}

static void crash_executing(void)
{
    ((void (*)(void))(uintptr_t)nowhere)();
}

/* A mapping behind the end of its file. */
static void crash_on_the_bus(void)
{
    int fd = memfd_create("short", MFD_CLOEXEC);
    check(fd >= 0);
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(at != MAP_FAILED);
    *(volatile char *)at = 1;
}

static void crash_on_an_instruction(void)
{
    __builtin_trap();
}

__attribute__((no_sanitize("integer-divide-by-zero"))) static void crash_dividing(void)
{
#if defined(__x86_64__)
    volatile int zero = 0, seven = 7;
    seven = seven / zero; // cppcheck-suppress zerodiv
#else
    raise(SIGFPE);
#endif
}

static void crash_aborting(void)
{
    abort();
}

static void crash_raising(void)
{
    raise(SIGSEGV);
}

static void crash_by_kill(void)
{
    kill(getpid(), SIGBUS);
    for (;;)
        pause();
}

struct way {
    void (*crash)(void);
    int signal, operation;
    bool has_address;
};

static const struct way ways[] = {
    {crash_reading, SIGSEGV, EDDY_CRASH_READ, true},
    {crash_writing, SIGSEGV, EDDY_CRASH_WRITE, true},
    {crash_executing, SIGSEGV, EDDY_CRASH_EXECUTE, true},
    {crash_on_the_bus, SIGBUS, EDDY_CRASH_WRITE, false},
    {crash_on_an_instruction, SIGILL, EDDY_CRASH_UNKNOWN, false},
    {crash_dividing, SIGFPE, EDDY_CRASH_UNKNOWN, false},
    {crash_aborting, SIGABRT, EDDY_CRASH_UNKNOWN, false},
    {crash_raising, SIGSEGV, EDDY_CRASH_UNKNOWN, false},
    {crash_by_kill, SIGBUS, EDDY_CRASH_UNKNOWN, false},
};

enum { WAYS = sizeof ways / sizeof *ways };

static void crashing_process(int wire, void *argument)
{
    const struct way *way = argument;
    (void)wire;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    must(eddy_ring_watch_crashes(ring));
    must(eddy_ring_watch_crashes(ring)); /* twice is once */
    ring_publish(ring, SIZE, 0);
    way->crash();
}

static void each_deadly_signal_is_reported_and_kills(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct way way = ways[i];
        struct eddy_chunk chunk;
        struct eddy_crash crash;
        bool hung;
        eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
        struct child child = child_start(crashing_process, &way);
        ring_take_release(ring, 0);
        must_fail(eddy_ring_take(ring, EDDY_FOREVER, &chunk), EDDY_ECRASHED);
        int status = child_status(&child, PATIENCE_MS, &hung);
        check(!hung && WIFSIGNALED(status) && WTERMSIG(status) == way.signal);
        must(eddy_ring_crash(ring, &crash));
        same((uint64_t)crash.signal, (uint64_t)way.signal);
        same((uint64_t)crash.operation, (uint64_t)way.operation);
        if (way.has_address)
            same(crash.address, (uintptr_t)ADDRESS);
        must(eddy_ring_close(ring));
    }
}

/* --- others' handlers ------------------------------------------------------------------------ */

static int told;
static volatile sig_atomic_t calls;

/* Tells what it was called with, and whether what it asked for is blocked. */
static void others_handler(int number, siginfo_t *info, void *context)
{
    sigset_t now;
    (void)context;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    bool as_asked = sigismember(&now, SIGUSR1) == 1 && sigismember(&now, number) == 1 &&
                    sigismember(&now, SIGFPE) == 0;
    uint64_t report[3] = {(uint64_t)number, (uintptr_t)info->si_addr, as_asked};
    for (int i = 0; i < 3; i++)
        if (send(told, &report[i], sizeof report[i], 0) < 0)
            _exit(1);
    _exit(7);
}

static void install(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR1);
    check(sigaction(number, &action, NULL) == 0);
}

static void handled_process(int wire, void *argument)
{
    (void)argument;
    told = wire;
    install(SIGSEGV, others_handler);
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    must(eddy_ring_watch_crashes(ring));
    crash_writing();
}

static void the_handler_that_was_there_before_is_called_as_ever(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    bool hung;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(handled_process, NULL);
    must_fail(eddy_ring_take(ring, patience(), &chunk), EDDY_ECRASHED);
    wire_expect(child.wire, SIGSEGV);
    wire_expect(child.wire, (uintptr_t)ADDRESS);
    wire_expect(child.wire, 1);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    must(eddy_ring_close(ring));
}

static void count_call(int number)
{
    (void)number;
    calls++;
}

static void ignoring_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    signal(SIGSEGV, SIG_IGN);
    signal(SIGFPE, count_call);
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    must(eddy_ring_watch_crashes(ring));
    errno = 0;
    check(kill(getpid(), SIGSEGV) == 0 && errno == 0); /* is ignored: no crash */
    same(ring_info(ring).state, EDDY_RING_RUNNING);
    must(eddy_ring_unwatch_crashes(ring));
    struct sigaction now;
    check(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
    check(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    check(sigaction(SIGFPE, NULL, &now) == 0 && now.sa_handler == count_call);
    raise(SIGFPE);
    same((uint64_t)calls, 1);
    same(ring_info(ring).state, EDDY_RING_RUNNING);
    must(eddy_ring_watch_crashes(ring));
    crash_reading(); /* cannot be ignored */
}

static void what_is_ignored_is_no_crash_unless_it_must_be(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    bool hung;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(ignoring_process, NULL);
    must_fail(eddy_ring_take(ring, patience(), &chunk), EDDY_ECRASHED);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    must(eddy_ring_close(ring));
}

static void on_top(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    _exit(8);
}

static void watching_process(int wire, void *argument)
{
    (void)argument;
    eddy_ring *one = ring_attach("one", EDDY_RING_PRODUCER);
    eddy_ring *two = ring_attach("two", EDDY_RING_PRODUCER);
    eddy_ring *three = ring_attach("three", EDDY_RING_PRODUCER);
    must(eddy_ring_watch_crashes(one));
    must(eddy_ring_watch_crashes(two));
    must(eddy_ring_watch_crashes(three));
    must(eddy_ring_close(two)); /* closing ends it */
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
    crash_reading();
}

static void all_rings_that_are_watched_are_told(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "two", "three"};
    static const int ends[] = {EDDY_ECRASHED, EDDY_EPEERGONE, EDDY_ECRASHED};
    struct eddy_chunk chunk;
    eddy_ring *rings[3];
    bool hung;
    for (int i = 0; i < 3; i++)
        rings[i] = ring_create(names[i], EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(watching_process, NULL);
    wire_expect(child.wire, WIRE_READY);
    wire_say(child.wire, WIRE_GO);
    for (int i = 0; i < 3; i++)
        must_fail(eddy_ring_take(rings[i], patience(), &chunk), ends[i]);
    child_status(&child, PATIENCE_MS, &hung);
    for (int i = 0; i < 3; i++)
        must(eddy_ring_close(rings[i]));
}

static void chained_process(int wire, void *argument)
{
    (void)wire, (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    must(eddy_ring_watch_crashes(ring));
    install(SIGSEGV, on_top);
    must(eddy_ring_unwatch_crashes(ring)); /* somebody came on top: that one stays */
    must(eddy_ring_watch_crashes(ring));
    crash_reading();
}

static void who_came_on_top_stays_there(void **state)
{
    (void)state;
    bool hung;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(chained_process, NULL);
    int status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung && WIFEXITED(status) && WEXITSTATUS(status) == 8);
    must(eddy_ring_close(ring));
}

static void forking_process(int wire, void *argument)
{
    (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    must(eddy_ring_watch_crashes(ring));
    struct way way = ways[0];
    pid_t pid = fork();
    if (pid == 0)
        way.crash();
    int status;
    check(waitpid(pid, &status, 0) == pid);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    same(ring_info(ring).state, EDDY_RING_RUNNING);
    wire_say(wire, WIRE_DONE);
    must(eddy_ring_finish(ring));
    must(eddy_ring_close(ring));
}

static void a_forked_childs_crash_is_its_own(void **state)
{
    (void)state;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("ring", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(forking_process, NULL);
    wire_expect(child.wire, WIRE_DONE);
    must_fail(eddy_ring_take(ring, patience(), &chunk), EDDY_EFINISHED);
    child_join(&child);
    must(eddy_ring_close(ring));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_deadly_signal_is_reported_and_kills),
        WORLD_TEST(the_handler_that_was_there_before_is_called_as_ever),
        WORLD_TEST(what_is_ignored_is_no_crash_unless_it_must_be),
        WORLD_TEST(all_rings_that_are_watched_are_told),
        WORLD_TEST(who_came_on_top_stays_there),
        WORLD_TEST(a_forked_childs_crash_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
