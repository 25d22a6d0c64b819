/* snapshot.h - what was seen of a domain, while it is being gathered.  (internal)
 *
 * Threads: one at a time.  Crash: private memory.            spec/topics.md, "Looking in"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SNAPSHOT_H
#define EDDY_SNAPSHOT_H

#include <eddy/inspect.h>

struct eddy_snapshot {
    struct eddy_topic_report *topics;
    struct eddy_object_report *objects;
    size_t count, room, object_count, object_room;
};

/* Room for one more in a list.  NULL: no memory, and the list is as it was. */
void *eddy_list_more(void *list, size_t count, size_t *room, size_t bytes);

/* The path of a file, to be freed; NULL: no memory. */
char *eddy_path_join(const char *dir, const char *file);

/* Frees what it points to. */
void eddy_topic_report_free(const struct eddy_topic_report *report);

#endif
