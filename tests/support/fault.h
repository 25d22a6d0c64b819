/* fault.h - system and library calls that fail when the test wants them to.
 *
 *   fault_plan -> what is to fail -> fault_fired, fault_clear
 *
 * The linker puts these in place of the real calls (--wrap) in the code of the test's program, the
 * engine included; the C library's own calls are not met.
 *
 * Threads: a plan counts the calls of all threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_FAULT_H
#define EDDY_TESTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* One way in which a call can fail. */
struct fault {
    const char *call;
    int error; /* errno */
};

/* Every call that can be made to fail, and how. */
extern const struct fault faults[];
extern const size_t fault_count;

/* The `nth` time (from 1) that the fault's call is made, it fails; `for_good`: and each later
 * time. */
void fault_plan(const struct fault *fault, unsigned nth, bool for_good);
void fault_clear(void);
/* It has failed at least once. */
bool fault_fired(void);

#endif
