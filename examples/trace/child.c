/* child.c - see child.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void beside_this(const char *name, char *path, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", path, bytes);
    while (length > 0 && path[length - 1] != '/')
        length--;
    size_t folder = length > 0 ? (size_t)length : 0;
    snprintf(path + folder, bytes - folder, "%s", name); /* cut: then it cannot be started */
}

pid_t child_start(const char *ring, uint64_t rounds, bool crash)
{
    char path[PATH_MAX], name[64], number[24];
    beside_this("tracer", path, sizeof path);
    snprintf(name, sizeof name, "%s", ring);
    snprintf(number, sizeof number, "%" PRIu64, rounds);
    char rounds_option[] = "--rounds", crash_option[] = "--crash";
    char *argv[] = {path, name, rounds_option, number, crash ? crash_option : NULL, NULL};
    pid_t child;
    int error = posix_spawn(&child, path, NULL, NULL, argv, environ);
    if (error != 0) {
        fprintf(stderr, "cannot start %s: %s\n", path, strerror(error));
        exit(EXIT_FAILURE);
    }
    return child;
}

void child_stop(pid_t child)
{
    int status;
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
}

void child_continue(pid_t child)
{
    kill(child, SIGCONT);
}

void child_kill(pid_t child)
{
    kill(child, SIGKILL);
}

bool child_ended(pid_t child, bool must, char *how, size_t bytes)
{
    int status;
    pid_t ended;
    do {
        ended = waitpid(child, &status, must ? 0 : WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended != child)
        return false;
    if (WIFSIGNALED(status))
        snprintf(how, bytes, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, bytes, "exit code %d", WEXITSTATUS(status));
    return true;
}
