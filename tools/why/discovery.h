/* discovery.h - who takes part in DDS, and with which policies.  (internal)
 *
 * A child process takes part in the DDS domain for a moment, without shared memory, listens, and
 * leaves what it heard in the arena.  Whatever becomes of Cyclone DDS there stays there.
 *
 * Threads: to be called while there is one.
 * Crash:   the child ends with its parent; others forget its participant as they forget any.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_DISCOVERY_H
#define EDDY_TOOLS_WHY_DISCOVERY_H

#include "tools/why/arena.h"
#include "tools/why/why.h"

struct eddy_listening {
    bool has_domain; /* else the one that Cyclone DDS chooses */
    uint32_t domain;
    double seconds;
};

/* Fills in the world's domain, processes (what discovery says of them) and endpoints.  False:
 * stderr says why. */
bool eddy_discovery_listen(struct eddy_arena *arena, const struct eddy_listening *listening,
                           struct eddy_why_world *world);

#endif
