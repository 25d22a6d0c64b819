/* child.c - see child.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_CHILDREN 256
static pid_t living[MOST_CHILDREN];

static void remember(pid_t pid)
{
    for (size_t i = 0; i < MOST_CHILDREN; i++) {
        if (living[i] == 0) {
            living[i] = pid;
            return;
        }
    }
    check_fail(CHECK_HERE("remember"), "more than %d children", MOST_CHILDREN);
}

static void forget(pid_t pid)
{
    for (size_t i = 0; i < MOST_CHILDREN; i++)
        if (living[i] == pid)
            living[i] = 0;
}

/* The test library catches these in the parent; in a child they must kill. */
static void restore_signals(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL);
}

struct child child_start(child_main *run, void *argument)
{
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pid_t now = getppid(); /* 0: in another PID namespace */
        if (now != parent && now != 0)
            _exit(CHECK_EXIT);
        restore_signals();
        memset(living, 0, sizeof living);
        close(ends[0]);
        run(ends[1], argument);
        fflush(NULL);
        _exit(0);
    }
    close(ends[1]);
    remember(pid);
    return (struct child){.pid = pid, .wire = ends[0]};
}

void wire_say(int wire, uint64_t number)
{
    check(send(wire, &number, sizeof number, MSG_NOSIGNAL) == (ssize_t)sizeof number);
}

uint64_t wire_hear(int wire)
{
    struct pollfd waiting = {.fd = wire, .events = POLLIN};
    int ready;
    do
        ready = poll(&waiting, 1, PATIENCE_MS);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0)
        check_fail(CHECK_HERE("wire_hear"), "nothing heard in %d ms", PATIENCE_MS);
    uint64_t number = 0;
    if (recv(wire, &number, sizeof number, 0) != (ssize_t)sizeof number)
        check_fail(CHECK_HERE("wire_hear"), "the other side has gone");
    return number;
}

void wire_expect(int wire, uint64_t number)
{
    same(wire_hear(wire), number);
}

int child_status(struct child *child, int milliseconds, bool *hung)
{
    int status = 0;
    int pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    check(pidfd >= 0);
    struct pollfd waiting = {.fd = pidfd, .events = POLLIN};
    *hung = poll(&waiting, 1, milliseconds) == 0;
    if (*hung)
        kill(child->pid, SIGKILL);
    check(waitpid(child->pid, &status, 0) == child->pid);
    forget(child->pid);
    close(pidfd);
    close(child->wire);
    child->pid = 0;
    return status;
}

void child_join(struct child *child)
{
    bool hung;
    int status = child_status(child, PATIENCE_MS, &hung);
    if (hung)
        check_fail(CHECK_HERE("child_join"), "the child hung");
    if (WIFSIGNALED(status))
        check_fail(CHECK_HERE("child_join"), "the child died of signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        check_fail(CHECK_HERE("child_join"), "the child exited with %d", WEXITSTATUS(status));
}

void child_kill(struct child *child)
{
    bool hung;
    check(kill(child->pid, SIGKILL) == 0);
    int status = child_status(child, PATIENCE_MS, &hung);
    check(!hung);
    if (WIFEXITED(status))
        check_fail(CHECK_HERE("child_kill"), "the child had ended already, with %d",
                   WEXITSTATUS(status));
}

void child_stop(struct child *child)
{
    int status = 0;
    check(kill(child->pid, SIGSTOP) == 0);
    check(waitpid(child->pid, &status, WUNTRACED) == child->pid);
    check(WIFSTOPPED(status));
}

void child_continue(struct child *child)
{
    check(kill(child->pid, SIGCONT) == 0);
}

void child_kill_all(void)
{
    for (size_t i = 0; i < MOST_CHILDREN; i++) {
        if (living[i] != 0) {
            kill(living[i], SIGKILL);
            waitpid(living[i], NULL, 0);
            living[i] = 0;
        }
    }
}
