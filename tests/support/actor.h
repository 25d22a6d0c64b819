/* actor.h - programs that do once whatever a participant in topics can do, a role each.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_ACTOR_H
#define EDDY_TESTS_ACTOR_H

#include "world.h"

enum { ACTOR_LIMIT = 16 << 20 };

extern const struct eddy_writer_options actor_writing;

struct actor_role {
    const char *name;
    /* Arms itself (points.h) when the blow may fall. */
    void (*act)(void);
    uint64_t published; /* on topic "points", as author 1, numbered from 0 */
    bool holds_up;      /* has a reliable reader on topic "points": stopped, it is waited for */
};

extern const struct actor_role actor_roles[];
extern const size_t actor_role_count;

#endif
