/* silence.h - a process that may make no system call any more but to exit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_SILENCE_H
#define EDDY_TESTS_SILENCE_H

#include "child.h"

/* From now on any system call but exit_group kills the process with SIGSYS. */
void forbid_system_calls(void);

/* A check that prints nothing: a failure ends with exit code 98. */
void insist(bool holds);

/* Runs this in a child, which forbids itself all system calls; fails if it then makes one.  Such a
 * process leaves its files behind: the world is dirty. */
void is_silent(child_main *run);

#endif
