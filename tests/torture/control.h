/* control.h - carries a plan out, watches everybody and reports.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_CONTROL_H
#define EDDY_TORTURE_CONTROL_H

#include "torture/plan.h"

#include "support/child.h"

struct settings {
    uint64_t seed, events; /* events 0: as many as the time allows */
    double seconds;
    uint32_t processes;
    bool list;  /* print the schedule instead of carrying it out */
    bool trace; /* print each event before it happens */
    bool keep;  /* leave the folder there if something fails */
};

struct control {
    struct settings settings;
    struct plan plan;
    struct child processes[MOST_PROCESSES], checker;
    bool runs[MOST_PROCESSES], stands[MOST_PROCESSES]; /* stands: stopped */
    uint64_t counts[VERBS];
    uint64_t started, shown, watched;
};

/* Runs until the time or the events are used up, ends everybody and takes stock. */
void control_run(struct control *control, const struct settings *settings);

/* report.c */
void report_progress(struct control *control);
void report_summary(const struct control *control);
/* A call that lasts too long, or a process that ended by itself, ends the run. */
void report_watch(struct control *control);

#endif
