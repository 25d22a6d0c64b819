/* ls.h - the two faces of `eddy ls`.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_LS_H
#define EDDY_TOOLS_LS_H

#include <eddy/inspect.h>

/* "alive", "stopped", "leaving" or "dead". */
const char *eddy_ls_state(const struct eddy_member_info *member);

/* One JSON object on one line.  0, or a negative EDDY_E*. */
int eddy_ls_print_json(const struct eddy_topic_report *topic);

/* A table with a line for each topic that can be read, and below it, if `members`, one for each
 * writer and reader. */
int eddy_ls_print_table(const struct eddy_topic_report *const *topics, size_t count, bool members);

#endif
