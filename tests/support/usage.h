/* usage.h - what a process has of the kernel, and of the processor.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_USAGE_H
#define EDDY_TESTS_USAGE_H

#include <stdint.h>
#include <sys/types.h>

/* Open descriptors; a few more, always the same, for looking. */
uint32_t usage_descriptors(void);

/* Mappings of files of the domain's folder, EDDY_DIR. */
uint32_t usage_mappings(void);

/* Of a process: clock ticks used so far, and voluntary context switches of its first thread. */
void usage_of_process(pid_t pid, unsigned long *ticks, unsigned long *switches);

/* Until the process's first thread sleeps. */
void usage_until_asleep(pid_t pid);

#endif
