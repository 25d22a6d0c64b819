/* points.h - blows at the named points of the engine, in any of several scenes.
 *
 *   points_strike_all: each scene once without a blow, which tells who comes where and how often;
 *                      then once for each scene, point and time, with a blow there and then
 *
 * In a scene the actor, which is a process of its own, calls points_arm when the blow may fall; it
 * falls once.  The list of points is read from the sources when the build is configured: a new one
 * is tested from its birth, and one that no actor comes to fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_POINTS_H
#define EDDY_TESTS_POINTS_H

#include "child.h"

#include <stdbool.h>
#include <stddef.h>

enum blow { KILL, STOP };

/* Where the next blow falls; without a point: nowhere. */
struct points_plan {
    const char *point;
    unsigned countdown;
    enum blow blow;
};
extern struct points_plan plan;

struct points_scene {
    const char *name;
    /* Plays it under the plan.  True if the blow fell. */
    bool (*play)(void *context);
    void *context;
};

/* Every point of the engine. */
extern const char *const *const points_all;
extern const size_t points_all_count;
/* Its place in points_all. */
size_t points_index(const char *name);

extern void (*eddy_point_hook)(const char *name);
/* From now on the planned blow falls on this process. */
void points_arm(void);
/* For hooks that do something else as well. */
void points_arrive(const char *name);

/* Looks whether the child was struck, or has ended by itself.  True if either. */
bool points_is_over(struct child *child, bool *struck);
/* Waits until the child, killed or left alone, has ended; fails if it did so in any other way. True
 * if it was killed. */
bool points_bury(struct child *child);

/* Plays one actor under the plan.  While it is stopped, `meanwhile`; then it goes on.  True if it was
 * struck. */
bool points_play(child_main *actor, void *argument, void (*meanwhile)(void));

/* As must(), naming the point. */
void points_insist(int error, const char *call);

/* Points that begin with one of `kinds` ("" : those that no other test has).  EDDY_TEST_POINT: this
 * point alone.  Fails if nobody comes to one of them, but for `never`. */
void points_strike_all(const struct points_scene *scenes, size_t count, enum blow blow,
                       const char *const *kinds, const char *const *never);

#endif
