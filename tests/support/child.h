/* child.h - child processes that tell what state they are in.
 *
 *   child_start -> (child_hear, child_say, child_expect on both sides) -> child_join or child_kill
 *
 * Both sides talk in numbers over one socket; every wait has a deadline, so that a lost message
 * fails the test rather than hanging it.  Children die with the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_CHILD_H
#define EDDY_TESTS_CHILD_H

#include "check.h"

#include <sys/types.h>

/* How long anything may take before it counts as hung. */
#define PATIENCE_MS 30000

struct child {
    pid_t pid;
    int wire;
};

typedef void child_main(int wire, void *argument);

/* Forks a child that runs `run` and exits with 0. */
struct child child_start(child_main *run, void *argument);

void wire_say(int wire, uint64_t number);
uint64_t wire_hear(int wire);
/* The next number is this one. */
void wire_expect(int wire, uint64_t number);

/* The child ends by itself with exit code 0. */
void child_join(struct child *child);
/* As waitpid; the child has `milliseconds` to end, or is killed and *hung is set. */
int child_status(struct child *child, int milliseconds, bool *hung);
/* kill -9, and wait until the process is gone. */
void child_kill(struct child *child);
/* Sends SIGSTOP and waits until the child has stopped. */
void child_stop(struct child *child);
void child_continue(struct child *child);
/* Kills what a failed test has left. */
void child_kill_all(void);

/* Numbers that tests say to each other; tests may use others. */
enum wire_word { WIRE_READY = 1, WIRE_GO = 2, WIRE_DONE = 3 };

#endif
