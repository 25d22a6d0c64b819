/* hear.h - what Cyclone DDS's builtin topics say, copied into an arena.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_HEAR_H
#define EDDY_TOOLS_WHY_HEAR_H

#include "tools/why/arena.h"
#include "tools/why/cyclone.h"
#include "tools/why/why.h"

struct eddy_hearing {
    const struct eddy_cyclone *cyclone;
    struct eddy_arena *arena;
    struct eddy_why_world *world;
    eddy_dds_entity participant, participants, publications, subscriptions;
    uint8_t own[16];                             /* GUID of `participant` */
    const struct eddy_dds_typeinfo **type_infos; /* of each endpoint; NULL: none */
};

/* Takes all that the readers have: processes and endpoints of the world. */
void eddy_hear_endpoints(struct eddy_hearing *hearing);
/* Asks for the types of endpoints, and waits for them, but no longer than about a second. */
void eddy_hear_types(struct eddy_hearing *hearing);

#endif
