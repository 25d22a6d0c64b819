/* beat.h - a topic that the watchman watches, and whose participants live and are stopped.  (internal)
 *
 * Threads: under the watchman's lock, but for what the adder sets.
 * Crash:   nothing is shared.                   spec/topics.md, "Watching who is there"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_BEAT_H
#define EDDY_BEAT_H

#include "allocator/segment/segment.h"
#include "discovery/registry.h"

struct eddy_watchman;

/* A participant on the topic, as far as the watchman knows. */
struct eddy_beat_life {
    uint64_t id;
    bool dead, stopped;
};

/* A topic that is watched.  Zero, but for: */
struct eddy_beat {
    struct eddy_segment *segment;
    uint64_t stops_ns;                       /* how often to look who is stopped; 0: never */
    void (*tell)(struct eddy_beat *watched); /* something may be different now */

    /* the watchman's: */
    struct eddy_watchman *watchman;
    struct eddy_beat_life *lives; /* by id, each once */
    size_t count;
    int mark; /* inotify's; -1: none yet */
    struct eddy_beat *next;
};

struct eddy_beat_life *eddy_beat_find(const struct eddy_beat *beat, uint64_t id);

/* Looks who is on the topic now besides `self`.  Of those who were not there before `meet` fills in
 * whether they live. */
typedef void eddy_beat_meet(void *context, struct eddy_beat_life *life);
void eddy_beat_know(struct eddy_beat *beat, uint64_t self, eddy_beat_meet *meet, void *context);

/* Asks who of those in some files of lives, a bit each, still lives.  True: somebody has died. */
bool eddy_beat_ask_lives(struct eddy_beat *beat, int folder, const uint64_t *asked);
/* Asks who is stopped.  True: that has changed. */
bool eddy_beat_ask_stops(struct eddy_beat *beat, const struct eddy_registry *registry);

#endif
