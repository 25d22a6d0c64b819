/* words.h - reasons in plain words.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_WORDS_H
#define EDDY_TOOLS_WHY_WORDS_H

#include "tools/why/judge.h"

#include <stdio.h>

/* One word, for scripts: "history", "no-reader". */
const char *eddy_why_code_name(enum eddy_why_code code);
const char *eddy_why_path_name(enum eddy_why_path path);

/* What is so, and what to do about it; sentences without a capital and a full stop.  Names in them
 * are as DDS has them: not made safe for a terminal.  To be freed; NULL without memory. */
char *eddy_why_said(const struct eddy_why_verdict *verdict, const struct eddy_why_reason *reason);
char *eddy_why_advice(const struct eddy_why_verdict *verdict, const struct eddy_why_reason *reason);

/* A topic's name as ROS 2 shows it: "/chatter" for "rt/chatter", the service's for its requests and
 * replies.  To be freed; NULL: it is not ROS's, or no memory. */
char *eddy_why_ros_name(const char *topic);

#endif
