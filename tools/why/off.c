/* off.c - why a writer or reader is not in Eddy (see judge.h).
 *
 * Cyclone DDS 0.10 lets an endpoint use shared memory if its policies are among those that it can
 * hold there; it decides when the endpoint is made, and says nothing.  Cyclone DDS 11 asks the plug-in
 * at that moment, which has rules of its own (spec/psmx.md, "What goes where").
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/judge.h"

#include <string.h>

#define PARTITIONS 16u /* at most, of Cyclone DDS 11 */

static struct eddy_why_reason *add_outside(struct eddy_why_verdict *verdict,
                                           enum eddy_why_code code, enum eddy_why_side side)
{
    return eddy_why_add(verdict, code, side, EDDY_GRADE_OUTSIDE);
}

static void add_depth(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                      const struct eddy_why_qos *qos)
{
    if (qos->durability != EDDY_DDS_TRANSIENT_LOCAL || qos->service_history != EDDY_DDS_KEEP_LAST ||
        (uint64_t)qos->service_depth <= world->history_max)
        return;
    struct eddy_why_reason *reason = add_outside(verdict, EDDY_WHY_DEPTH, EDDY_SIDE_WRITER);
    reason->number = (uint64_t)qos->service_depth;
    reason->other = world->history_max;
}

/* What is durable beyond its writer is kept by nobody, so Cyclone DDS 11 takes it for less. */
static void add_durability(struct eddy_why_verdict *verdict, enum eddy_why_side side)
{
    int32_t is = eddy_why_on(verdict, side)->qos.durability;
    if (is > EDDY_DDS_TRANSIENT_LOCAL)
        add_outside(verdict, EDDY_WHY_DURABILITY, side)->first =
            is == EDDY_DDS_TRANSIENT ? "TRANSIENT" : "PERSISTENT";
}

/* What the plug-in keeps for late readers, it keeps in Eddy. */
static void add_kept(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                     enum eddy_why_side side)
{
    const struct eddy_why_qos *qos = &eddy_why_on(verdict, side)->qos;
    if (side != EDDY_SIDE_WRITER || qos->reliability != EDDY_DDS_RELIABLE ||
        qos->durability != EDDY_DDS_TRANSIENT_LOCAL)
        return;
    if (qos->service_history == EDDY_DDS_KEEP_ALL)
        add_outside(verdict, EDDY_WHY_KEEPS_ALL, side)->other = world->history_max;
    else
        add_depth(world, verdict, qos);
}

/* The plug-in has topics of Eddy for each partition.  A writer that waits for readers, or keeps samples
 * for late ones, writes to one. */
static void add_partitions(struct eddy_why_verdict *verdict, enum eddy_why_side side)
{
    const struct eddy_why_qos *qos = &eddy_why_on(verdict, side)->qos;
    bool may_fail =
        side == EDDY_SIDE_WRITER && qos->reliability == EDDY_DDS_RELIABLE &&
        (qos->history != EDDY_DDS_KEEP_LAST || qos->durability == EDDY_DDS_TRANSIENT_LOCAL);
    bool is_served = qos->partition_count <= (may_fail ? 1 : PARTITIONS);
    for (uint32_t i = 0; is_served && i < qos->partition_count; i++)
        is_served = strpbrk(qos->partitions[i], "*?") == NULL;
    if (!is_served)
        add_outside(verdict, EDDY_WHY_SEVERAL_PARTITIONS, side);
}

/* What keeps it off with 0.10 alone. */
static void add_old_policies(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                             enum eddy_why_side side)
{
    const struct eddy_why_qos *qos = &eddy_why_on(verdict, side)->qos;
    if (qos->history != EDDY_DDS_KEEP_LAST)
        add_outside(verdict, EDDY_WHY_HISTORY, side);
    add_durability(verdict, side);
    if (side == EDDY_SIDE_WRITER)
        add_depth(world, verdict, qos);
    if (qos->liveliness != EDDY_DDS_AUTOMATIC)
        add_outside(verdict, EDDY_WHY_LIVELINESS, side);
    if (qos->deadline != EDDY_DDS_INFINITE)
        add_outside(verdict, EDDY_WHY_DEADLINE, side)->number = (uint64_t)qos->deadline;
}

/* What DDS watches as samples come from the network, or go there; of a reader it does so as they
 * enter its cache. */
static void add_watched(struct eddy_why_verdict *verdict, enum eddy_why_side side)
{
    const struct eddy_why_qos *qos = &eddy_why_on(verdict, side)->qos;
    if (side != EDDY_SIDE_WRITER)
        return;
    if (qos->liveliness != EDDY_DDS_AUTOMATIC && qos->lease != EDDY_DDS_INFINITE)
        add_outside(verdict, EDDY_WHY_LIVELINESS, side);
    if (qos->deadline != EDDY_DDS_INFINITE && qos->durability == EDDY_DDS_VOLATILE)
        add_outside(verdict, EDDY_WHY_DEADLINE, side)->number = (uint64_t)qos->deadline;
}

/* False: none of its policies keeps it off. */
static bool add_policies(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                         enum eddy_why_side side)
{
    size_t before = verdict->reason_count;
    if (eddy_why_is_newer(eddy_why_on(verdict, side))) {
        add_kept(world, verdict, side);
        add_watched(verdict, side);
        add_partitions(verdict, side);
    } else {
        add_old_policies(world, verdict, side);
    }
    return verdict->reason_count > before;
}

bool eddy_why_may_share(const struct eddy_why_world *world,
                        const struct eddy_why_endpoint *endpoint)
{
    struct eddy_why_verdict scratch = {.writer = endpoint, .reader = endpoint};
    return !add_policies(world, &scratch,
                         endpoint->is_writer ? EDDY_SIDE_WRITER : EDDY_SIDE_READER);
}

/* What a process in sight has loaded instead of the stand-in, or has not done with it. */
static void add_library(struct eddy_why_verdict *verdict, enum eddy_why_side side,
                        const struct eddy_why_process *process)
{
    bool meant = process->launched == EDDY_YES || process->shared_memory == EDDY_YES;
    if (process->cyclone == NULL)
        add_outside(verdict, EDDY_WHY_NO_LIBRARY, side);
    else if (process->binding == NULL)
        add_outside(verdict, EDDY_WHY_BUILT_WITHOUT, side)->first = process->cyclone;
    else if (process->launched == EDDY_YES && process->shared_memory == EDDY_NO)
        add_outside(verdict, EDDY_WHY_SWITCHED_OFF, side);
    else if (process->is_iceoryx && meant)
        add_outside(verdict, EDDY_WHY_ICEORYX, side)->first = process->binding;
    else if (process->shared_memory == EDDY_YES)
        add_outside(verdict, EDDY_WHY_NO_DOMAIN, side);
    else
        add_outside(verdict, EDDY_WHY_NOT_LAUNCHED, side);
}

/* What Cyclone DDS 11 has loaded instead of the plug-in, or has not done with it. */
static void add_plugin(struct eddy_why_verdict *verdict, enum eddy_why_side side,
                       const struct eddy_why_process *process)
{
    if (process->is_our_plugin)
        add_outside(verdict, EDDY_WHY_NO_DOMAIN, side);
    else if (process->plugin != NULL)
        add_outside(verdict, EDDY_WHY_OTHER_PLUGIN, side)->first = process->plugin;
    else
        add_outside(verdict, EDDY_WHY_NO_PLUGIN, side);
}

/* Its policies let it in, and its process has the folder open. */
static void add_refused(struct eddy_why_verdict *verdict, enum eddy_why_side side,
                        const struct eddy_why_process *process)
{
    const struct eddy_why_type *type = &eddy_why_on(verdict, side)->type_facts;
    if (!process->is_newer)
        add_outside(verdict, EDDY_WHY_NOT_OPEN, side)->first = process->dir;
    else if (type->is_fixed && (type->is_appendable || type->has_optional))
        add_outside(verdict, EDDY_WHY_EVOLVING, side);
    else
        add_outside(verdict, EDDY_WHY_NOT_SERVED, side)->first = process->dir;
}

static void add_process(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                        enum eddy_why_side side, const struct eddy_why_process *process)
{
    if (process->view == EDDY_WHY_NOWHERE)
        add_outside(verdict, EDDY_WHY_OUT_OF_SIGHT, side);
    else if (process->view == EDDY_WHY_HIDDEN)
        add_outside(verdict, EDDY_WHY_OTHER_USER, side)->number = process->user;
    else if (process->dir == NULL && process->is_newer)
        add_plugin(verdict, side, process);
    else if (process->dir == NULL)
        add_library(verdict, side, process);
    else if (process->is_removed)
        add_outside(verdict, EDDY_WHY_REMOVED, side)->first = process->dir;
    else if (world->is_full && strcmp(process->dir, world->dir) == 0)
        add_outside(verdict, EDDY_WHY_FULL, side)->first = process->dir;
    else
        add_refused(verdict, side, process);
}

void eddy_why_off(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                  enum eddy_why_side side)
{
    const struct eddy_why_process *process = eddy_why_on(verdict, side)->process;
    if (process->view == EDDY_WHY_FAR)
        add_outside(verdict, EDDY_WHY_OTHER_HOST, side)->first = process->host;
    else if (!process->is_cyclone)
        add_outside(verdict, EDDY_WHY_OTHER_DDS, side);
    else if (!add_policies(world, verdict, side))
        add_process(world, verdict, side, process);
}
