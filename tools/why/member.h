/* member.h - which writers and readers are in Eddy.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_MEMBER_H
#define EDDY_TOOLS_WHY_MEMBER_H

#include "tools/why/arena.h"
#include "tools/why/why.h"

/* Who is in the world's folder before DDS is listened to: what is not there by then has had no time
 * to be discovered. */
struct eddy_why_past {
    const struct eddy_why_member *members;
    size_t count;
};

void eddy_why_remember(struct eddy_arena *arena, const char *dir, struct eddy_why_past *past);
/* Fills in the world's members, from its folder and those that its processes have open, and each
 * endpoint's process and member.  Adds endpoints for those of this DDS domain that nobody
 * discovered.  Of folders that we may not look into, members are presumed. */
void eddy_why_join(struct eddy_arena *arena, const struct eddy_why_past *past,
                   struct eddy_why_world *world);

#endif
