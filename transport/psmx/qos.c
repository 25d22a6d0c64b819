/* SPDX-License-Identifier: Apache-2.0 */
#include "qos.h"

#include <stdlib.h>
#include <string.h>

/* --- which are served ------------------------------------------------------------------------- */

/* Samples that go as they are in memory must look the same to all who have matched: a type that may
 * evolve does not. */
static bool type_is_served(const struct psmx_options *options, psmx_properties properties)
{
    bool is_plain = (properties & PSMX_TYPE_IS_PLAIN) != 0;
    if (is_plain && (properties & PSMX_TYPE_EVOLVES))
        return false;
    if (!is_plain && !options->serialized)
        return false;
    return options->keyed || !(properties & PSMX_TYPE_HAS_KEY);
}

static void free_strings(const struct psmx_cyclone *c, uint32_t count, char **strings)
{
    for (uint32_t i = 0; strings != NULL && i < count; i++)
        c->dds_free(strings[i]);
    c->dds_free(strings);
}

/* Cyclone DDS watches a writer's deadline where samples enter the writer's cache.  They do not if all
 * its readers are connected by plug-ins, unless it is to keep them. */
static bool deadline_is_served(const struct psmx_cyclone *c, enum psmx_role role,
                               const struct psmx_qos *qos)
{
    int64_t deadline;
    uint32_t durability = PSMX_VOLATILE;
    return role == PSMX_READER || !c->dds_qget_deadline(qos, &deadline) ||
           deadline == PSMX_FOREVER ||
           (c->dds_qget_durability(qos, &durability) && durability != PSMX_VOLATILE);
}

/* A lease that a program renews by writing, other participants hear of by what comes over the
 * network. */
static bool liveliness_is_served(const struct psmx_cyclone *c, enum psmx_role role,
                                 const struct psmx_qos *qos)
{
    uint32_t kind;
    int64_t lease;
    return role == PSMX_READER || !c->dds_qget_liveliness(qos, &kind, &lease) ||
           kind == PSMX_LIVELINESS_AUTOMATIC || lease == PSMX_FOREVER;
}

/* Late readers are owed what a writer keeps if both are reliable and transient-local.  (What is
 * durable beyond its writer is kept by nobody: Cyclone DDS has no service for it.) */
static bool is_history_owed(const struct psmx_cyclone *c, const struct psmx_qos *qos)
{
    uint32_t durability = 0, reliability = 0;
    int64_t blocking;
    return c->dds_qget_durability(qos, &durability) && durability == PSMX_TRANSIENT_LOCAL &&
           c->dds_qget_reliability(qos, &reliability, &blocking) && reliability == PSMX_RELIABLE;
}

/* None that stands for several.  What a writer in several writes goes to one lane after the other: if
 * there may be no room on the second, the first has what is then reported as not written. */
static bool partition_is_served(const struct psmx_cyclone *c, enum psmx_role role,
                                const struct psmx_qos *qos)
{
    uint64_t wait_ns;
    uint32_t count = 0;
    char **names = NULL;
    if (!c->dds_qget_partition(qos, &count, &names))
        return true;
    bool may_fail =
        role == PSMX_WRITER && (is_history_owed(c, qos) || psmx_qos_waits(c, qos, &wait_ns));
    bool is = count <= (may_fail ? 1 : PSMX_PARTITIONS);
    for (uint32_t i = 0; i < count; i++)
        is = is && strpbrk(names[i], "*?") == NULL;
    free_strings(c, count, names);
    return is;
}

/* Samples of each instance; 0: all. */
static uint32_t depth_of_history(const struct psmx_cyclone *c, const struct psmx_qos *qos)
{
    int64_t cleanup;
    uint32_t kind = 0;
    int32_t depth = 1, samples, instances, of_instance;
    if (c->dds_qget_durability_service(qos, &cleanup, &kind, &depth, &samples, &instances,
                                       &of_instance) &&
        kind == PSMX_KEEP_ALL)
        return 0;
    return depth > 0 ? (uint32_t)depth : 1;
}

uint32_t psmx_qos_history(const struct psmx_cyclone *c, const struct psmx_qos *qos)
{
    return is_history_owed(c, qos) ? depth_of_history(c, qos) : 0;
}

bool psmx_qos_wants_history(const struct psmx_cyclone *c, const struct psmx_qos *qos)
{
    return is_history_owed(c, qos);
}

/* Whatever a writer owes late readers, Eddy has to keep. */
static bool history_is_served(const struct psmx_cyclone *c, enum psmx_role role,
                              const struct psmx_qos *qos)
{
    if (role != PSMX_WRITER || !is_history_owed(c, qos))
        return true;
    uint32_t depth = depth_of_history(c, qos);
    return depth > 0 && depth <= EDDY_HISTORY_MAX;
}

bool psmx_qos_is_served(const struct psmx_cyclone *c, const struct psmx_options *options,
                        enum psmx_role role, psmx_properties properties, const struct psmx_qos *qos)
{
    if (!type_is_served(options, properties))
        return false;
    return role == PSMX_TOPIC ||
           (history_is_served(c, role, qos) && deadline_is_served(c, role, qos) &&
            liveliness_is_served(c, role, qos) && partition_is_served(c, role, qos));
}

/* --- what they say ---------------------------------------------------------------------------- */

/* Bits of what a reader accepts; of a writer, of what it writes, which is the first. */
static uint8_t representations_of(const struct psmx_cyclone *c, enum psmx_role role,
                                  const struct psmx_qos *qos)
{
    uint32_t count = 0;
    int16_t *ids = NULL;
    uint8_t bits = 0;
    if (c->dds_qget_data_representation(qos, &count, &ids)) {
        count = role == PSMX_WRITER && count > 1 ? 1 : count;
        for (uint32_t i = 0; i < count; i++)
            bits = (uint8_t)(bits | (ids[i] >= 0 && ids[i] < 8 ? 1u << ids[i] : 0u));
        c->dds_free(ids);
    }
    return bits != 0 ? bits : 1u; /* nothing said is XCDR1 */
}

void psmx_qos_policies(const struct psmx_cyclone *c, enum psmx_role role,
                       const struct psmx_qos *qos, struct psmx_policies *p)
{
    uint32_t kind = 0;
    int64_t time;
    bool coherent = false, ordered = false;
    *p = (struct psmx_policies){.lease = PSMX_FOREVER, .deadline = PSMX_FOREVER};
    p->reliable = c->dds_qget_reliability(qos, &kind, &time) && kind == PSMX_RELIABLE;
    p->exclusive = c->dds_qget_ownership(qos, &kind) && kind != 0;
    p->by_source = c->dds_qget_destination_order(qos, &kind) && kind != 0;
    if (c->dds_qget_presentation(qos, &kind, &coherent, &ordered))
        p->scope = (uint8_t)kind;
    if (c->dds_qget_durability(qos, &kind))
        p->durability = (uint8_t)kind;
    p->access = (uint8_t)((coherent ? PSMX_COHERENT : 0) | (ordered ? PSMX_ORDERED : 0));
    if (c->dds_qget_latency_budget(qos, &time))
        p->budget = time;
    if (c->dds_qget_deadline(qos, &time))
        p->deadline = time;
    if (c->dds_qget_liveliness(qos, &kind, &time)) {
        p->liveliness = (uint8_t)kind;
        p->lease = time;
    }
    p->representations = representations_of(c, role, qos);
}

bool psmx_qos_waits(const struct psmx_cyclone *c, const struct psmx_qos *qos, uint64_t *wait_ns)
{
    uint32_t reliability = 0, history = 0;
    int32_t depth;
    int64_t blocking = 0;
    if (!c->dds_qget_reliability(qos, &reliability, &blocking) ||
        !c->dds_qget_history(qos, &history, &depth))
        return false;
    *wait_ns = blocking == PSMX_FOREVER ? EDDY_FOREVER : blocking > 0 ? (uint64_t)blocking : 1;
    return reliability == PSMX_RELIABLE && history == PSMX_KEEP_ALL;
}

static bool is_named(const struct psmx_partitions *p, const char *name)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (strcmp(p->names[i], name) == 0)
            return true;
    }
    return false;
}

void psmx_qos_partitions(const struct psmx_cyclone *c, const struct psmx_qos *qos,
                         struct psmx_partitions *p)
{
    *p = (struct psmx_partitions){0};
    (void)c->dds_qget_partition(qos, &p->given_count, &p->given);
    for (uint32_t i = 0; i < p->given_count && p->count < PSMX_PARTITIONS; i++) {
        if (!is_named(p, p->given[i]))
            p->names[p->count++] = p->given[i];
    }
    if (p->count == 0)
        p->names[p->count++] = "";
}

void psmx_partitions_free(const struct psmx_cyclone *c, struct psmx_partitions *p)
{
    free_strings(c, p->given_count, p->given);
}

bool psmx_qos_is_limited(const struct psmx_cyclone *c, const struct psmx_qos *qos)
{
    int32_t samples = -1, instances = -1, of_instance = -1;
    return c->dds_qget_resource_limits(qos, &samples, &instances, &of_instance) &&
           (samples >= 0 || instances >= 0 || of_instance >= 0);
}

/* --- who may talk to whom --------------------------------------------------------------------- */

bool psmx_policies_match(const struct psmx_policies *offered, const struct psmx_policies *asked)
{
    return asked->reliable <= offered->reliable && asked->durability <= offered->durability &&
           asked->exclusive == offered->exclusive && asked->by_source <= offered->by_source &&
           asked->scope <= offered->scope && (asked->access & ~offered->access) == 0 &&
           asked->budget >= offered->budget && asked->deadline >= offered->deadline &&
           asked->liveliness <= offered->liveliness && asked->lease >= offered->lease &&
           (asked->representations & offered->representations) != 0;
}

enum psmx_fit psmx_shape_fits(const struct psmx_shape *written, const struct psmx_shape *wanted,
                              uint32_t state)
{
    static const uint8_t unknown[sizeof written->hash];
    bool is_raw = state == PSMX_STATE_RAW_KEY || state == PSMX_STATE_RAW_DATA;
    if (is_raw && (!wanted->is_plain || !written->is_plain || written->size != wanted->size))
        return PSMX_FITS_NOT;
    if (memcmp(written->hash, wanted->hash, sizeof unknown) == 0 &&
        memcmp(written->hash, unknown, sizeof unknown) != 0)
        return PSMX_FITS;
    return PSMX_FITS_IF_MATCHED;
}
