/* said.h - what a process writes to standard error.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_SAID_H
#define EDDY_TESTS_SAID_H

#include "check.h"

#include <sys/mman.h>
#include <unistd.h>

/* What is written to standard error meanwhile.  Until the next call. */
static inline char *said_by(void (*what)(void))
{
    static char said[65536];
    int file = memfd_create("stderr", MFD_CLOEXEC), old = dup(STDERR_FILENO);
    check(file >= 0 && old >= 0 && dup2(file, STDERR_FILENO) >= 0);
    what();
    check(dup2(old, STDERR_FILENO) >= 0);
    ssize_t length = pread(file, said, sizeof said - 1, 0);
    check(length >= 0);
    said[length] = 0;
    close(old);
    close(file);
    return said;
}

#endif
