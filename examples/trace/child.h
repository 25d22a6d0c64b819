/* child.h - the tracer as a process.
 *
 *   child_start -> (child_stop -> child_continue) or child_kill -> child_wait
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_TRACE_CHILD_H
#define EXAMPLE_TRACE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Starts the program `tracer` that lies beside this one. */
pid_t child_start(const char *ring, uint64_t rounds, bool crash);

/* SIGSTOP; returns when it has stopped. */
void child_stop(pid_t child);
void child_continue(pid_t child);
void child_kill(pid_t child);

/* It has ended; says how, in so many bytes.  If it `must` end by now, waits for that. */
bool child_ended(pid_t child, bool must, char *how, size_t bytes);

#endif
