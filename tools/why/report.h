/* report.h - verdicts by topic, for people and for scripts.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_REPORT_H
#define EDDY_TOOLS_WHY_REPORT_H

#include "tools/why/arena.h"
#include "tools/why/judge.h"

struct eddy_why_topic {
    const char *name;
    enum eddy_why_grade grade; /* the worst of its verdicts */
    size_t verdict_count;
    struct eddy_why_verdict *verdicts;
};

struct eddy_why_report {
    const struct eddy_why_world *world;
    const char *asked; /* the topic, as DDS or as ROS 2 names it; NULL: all that have pairs */
    size_t topic_count;
    struct eddy_why_topic *topics; /* worst first, then by name */
    enum eddy_why_grade grade;
};

/* Judges each pair of the topics that were asked for. */
void eddy_why_report(struct eddy_arena *arena, const struct eddy_why_world *world,
                     const char *asked, struct eddy_why_report *report);

/* print.c: for people.  One topic with all its pairs, or of all topics those that are not wholly in
 * Eddy, with what is wrong. */
void eddy_why_print(const struct eddy_why_report *report);
/* json.c: one JSON object a line, for each pair.  0, or a negative EDDY_E*. */
int eddy_why_print_json(const struct eddy_why_report *report);

#endif
