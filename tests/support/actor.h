/* actor.h - a program that does once whatever a participant can do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_ACTOR_H
#define EDDY_TESTS_ACTOR_H

#include "world.h"

/* Samples that an actor publishes on topic "points", as author 1, numbered from 0. */
enum { ACTOR_ROUNDS = 200, ACTOR_LIMIT = 16 << 20 };

extern const struct eddy_writer_options actor_writing;

/* Leaves a dead writer's loans and a dead reader's samples to be reaped. */
void actor_kill_a_victim(void);
/* Without a reliable reader it holds nobody up when it is stopped. */
void actor_act(bool with_reliable_reader);

#endif
