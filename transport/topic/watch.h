/* watch.h - the inside of a watch: whom it has told of.  (internal)
 *
 *   round: over all seats that are taken, or of which it has told -- a difference --> told, one a call
 *       -- none in a whole round --> EDDY_EAGAIN, and the watchman sets the event when to look again
 *
 * Threads: see eddy/watch.h.
 * Crash:   nothing is shared.                      spec/topics.md, "Watching who is there"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WATCH_INSIDE_H
#define EDDY_WATCH_INSIDE_H

#include "allocator/segment/endpoint.h"
#include "discovery/watchman.h"
#include "transport/topic/topic.h"

#include <eddy/watch.h>

/* Of a seat: whom it has told of. */
struct eddy_known_member {
    bool there, dead, stopped, let_go;
    uint16_t deaths; /* on that seat before */
    uint32_t let_go_count;
    struct eddy_member_change told; /* with its blob, if any, to be freed */
};

struct eddy_watch {
    struct eddy_beat watched; /* first: it is told by this */
    struct eddy_topic *topic;
    struct eddy_watch **holder; /* in the reader or writer */
    bool of_writer;
    uint32_t own_seat, fork_count;
    eddy_event *event;
    struct eddy_known_member *known[2]; /* of readers, of writers */
    uint32_t room[2];                   /* seats; whole 64s */
    uint32_t at;                        /* in the round: readers, then writers */
    bool in_round, told_any;
    void *last_blob; /* of one that has gone: good until the next call */
};

int eddy_watch_open(struct eddy_topic *topic, enum eddy_role role, uint32_t seat,
                    const struct eddy_watch_options *options, size_t options_size,
                    struct eddy_watch **holder);

/* EDDY_EBUSY if the reader or writer has a watch. */
int eddy_watch_check_none(const struct eddy_watch *watch, const char *whose);

#endif
