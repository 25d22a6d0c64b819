/* ls.h - the two faces of `eddy ls`.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_LS_H
#define EDDY_TOOLS_LS_H

#include <eddy/inspect.h>

/* "alive", "stopped", "leaving" or "dead". */
const char *eddy_ls_state(enum eddy_member_state state, int32_t pid);
/* Members that are not dead. */
size_t eddy_ls_users(const struct eddy_object_report *object);

/* One JSON object on one line.  0, or a negative EDDY_E*. */
int eddy_ls_print_topic_json(const struct eddy_topic_report *topic);
int eddy_ls_print_object_json(const struct eddy_object_report *object);

/* How tables are to look. */
struct eddy_ls_view {
    bool members; /* below each line one for each who uses it */
    bool all;     /* also idle topics of ROS 2's services and of Cyclone DDS 11 */
    int width;    /* as struct eddy_table's */
};

/* A table with a line for each topic.  `topics` point to reports of topics that can be read. */
int eddy_ls_print_topics(const void *const *topics, size_t count, const struct eddy_ls_view *view);
/* The same for other things, a table a kind: they are sorted by it. */
int eddy_ls_print_objects(const void *const *objects, size_t count,
                          const struct eddy_ls_view *view);

#endif
