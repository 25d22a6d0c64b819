/* plan.h - the schedule: a sequence of events that follows from the seed alone.
 *
 * It knows who runs, is stopped or dead because it decided so itself, and keeps time by adding up
 * its own pauses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_PLAN_H
#define EDDY_TORTURE_PLAN_H

#include "torture/torture.h"

#include <stdio.h>

enum life { DEAD, RUNNING, STOPPED };

struct plan {
    uint64_t random, number, clock_us;
    uint32_t processes;
    enum life life[MOST_PROCESSES];
    uint64_t due_us[MOST_PROCESSES]; /* when a dead one starts and a stopped one goes on */
};

void plan_begin(struct plan *plan, uint64_t seed, uint32_t processes);
struct event plan_next(struct plan *plan);
void plan_print(FILE *out, const struct event *event);

#endif
