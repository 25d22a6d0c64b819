/* actor_roles.h - the roles of actor.h, and what they have in common.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_ACTOR_ROLES_H
#define EDDY_TESTS_ACTOR_ROLES_H

#include "actor.h"
#include "points.h"

enum { ACTOR_MANY = 120, ACTOR_FEW = 20 };

/* Another process that the actor needs, and on which a blow of its own falls. */
pid_t actor_start_other(const char *point, enum blow blow, void (*act)(void));
/* One that dies: at a point, or by its own hand. */
void actor_let_die(const char *point, void (*act)(void));
/* For that: the first loan on topic "elsewhere". */
void actor_grow_elsewhere(void);

/* actor_flow.c: what flows, and who waits for it. */
void actor_write_only(void);
void actor_grow(void);
void actor_go_on_growing(void);
void actor_read_reliably(void);
void actor_read_what_comes(void);
void actor_work_in_groups(void);
void actor_read_too_late(void);
void actor_read_with_many(void);
void actor_wait_in_line(void);
void actor_let_go_and_come_back(void);
void actor_wait_for_news(void);
void actor_run_a_loop(void);

/* actor_past.c: what others have left: opening, taking back, clearing away. */
void actor_open_only(void);
void actor_open_in_turn(void);
void actor_reap(void);
void actor_claim_past_the_dead(void);
void actor_reap_half_a_block(void);
void actor_trim(void);
void actor_reserve(void);
void actor_be_alone(void);

#endif
