/* process.h - what the kernel says of a process.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_PROCESS_H
#define EDDY_TOOLS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* True if the process is stopped (SIGSTOP, or held by a debugger).  False also when it cannot be
 * seen from here, such as from another PID namespace. */
bool eddy_process_stopped(pid_t pid);

#endif
