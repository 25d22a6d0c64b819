/* hear.c - see hear.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/hear.h"

#include "tools/why/type.h"

#include <eddy/domain.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64

/* --- policies -------------------------------------------------------------------------------- */

/* What is not said has its default. */
static void hear_kinds(const struct eddy_cyclone *dds, const struct eddy_dds_qos *from,
                       struct eddy_why_qos *qos)
{
    int64_t blocking = 0, delay = 0;
    int32_t limits[3];
    dds->qget_reliability(from, &qos->reliability, &blocking);
    dds->qget_durability(from, &qos->durability);
    dds->qget_durability_service(from, &delay, &qos->service_history, &qos->service_depth,
                                 &limits[0], &limits[1], &limits[2]);
    dds->qget_history(from, &qos->history, &qos->depth);
    dds->qget_deadline(from, &qos->deadline);
    dds->qget_latency_budget(from, &qos->latency_budget);
    dds->qget_liveliness(from, &qos->liveliness, &qos->lease);
    dds->qget_ownership(from, &qos->ownership);
    dds->qget_destination_order(from, &qos->destination_order);
    dds->qget_presentation(from, &qos->access_scope, &qos->coherent_access, &qos->ordered_access);
}

static void hear_partitions(const struct eddy_hearing *hearing, const struct eddy_dds_qos *from,
                            struct eddy_why_qos *qos)
{
    char **names = NULL;
    uint32_t count = 0;
    if (!hearing->cyclone->qget_partition(from, &count, &names) || count == 0)
        return;
    const char **copies = eddy_arena_take(hearing->arena, count, sizeof copies[0]);
    for (uint32_t i = 0; i < count; i++)
        copies[i] = eddy_arena_text(hearing->arena, names[i]);
    qos->partitions = copies;
    qos->partition_count = count;
}

static void hear_representations(const struct eddy_hearing *hearing,
                                 const struct eddy_dds_qos *from, struct eddy_why_qos *qos)
{
    int16_t *ids = NULL;
    uint32_t count = 0;
    if (hearing->cyclone->qget_data_representation == NULL ||
        !hearing->cyclone->qget_data_representation(from, &count, &ids) || count == 0)
        return;
    int16_t *copies = eddy_arena_take(hearing->arena, count, sizeof copies[0]);
    memcpy(copies, ids, count * sizeof copies[0]);
    qos->representations = copies;
    qos->representation_count = count;
}

static void hear_qos(const struct eddy_hearing *hearing, const struct eddy_dds_qos *from,
                     struct eddy_why_qos *qos)
{
    *qos = (struct eddy_why_qos){
        .deadline = EDDY_DDS_INFINITE, .lease = EDDY_DDS_INFINITE, .depth = 1, .service_depth = 1};
    if (from == NULL)
        return;
    hear_kinds(hearing->cyclone, from, qos);
    hear_partitions(hearing, from, qos);
    hear_representations(hearing, from, qos);
}

/* --- participants and endpoints -------------------------------------------------------------- */

static const char *hear_property(const struct eddy_hearing *hearing, const struct eddy_dds_qos *qos,
                                 const char *name)
{
    char *value = NULL;
    if (qos == NULL || !hearing->cyclone->qget_prop(qos, name, &value))
        return "";
    return eddy_arena_text(hearing->arena, value);
}

static void hear_participant(struct eddy_hearing *hearing, const void *sample)
{
    const struct eddy_dds_participant *said = sample;
    struct eddy_why_world *world = hearing->world;
    world->processes = eddy_arena_grow(hearing->arena, world->processes, world->process_count,
                                       sizeof world->processes[0]);
    struct eddy_why_process *process = &world->processes[world->process_count++];
    const char *pid = hear_property(hearing, said->qos, "__Pid");
    *process = (struct eddy_why_process){
        .host = hear_property(hearing, said->qos, "__Hostname"),
        .name = hear_property(hearing, said->qos, "__ProcessName"),
        .pid = (int32_t)strtol(pid, NULL, 10),
        .patch = -1,
        /* The vendor's number begins the GUIDs that Cyclone DDS makes. */
        .is_cyclone = said->guid[0] == 0x01 && said->guid[1] == 0x10,
    };
    memcpy(process->participant, said->guid, sizeof said->guid);
}

static void hear_endpoint(struct eddy_hearing *hearing, const void *sample, bool is_writer)
{
    const struct eddy_dds_endpoint *said = sample;
    struct eddy_why_world *world = hearing->world;
    size_t count = world->endpoint_count;
    world->endpoints =
        eddy_arena_grow(hearing->arena, world->endpoints, count, sizeof world->endpoints[0]);
    hearing->type_infos =
        eddy_arena_grow(hearing->arena, hearing->type_infos, count, sizeof hearing->type_infos[0]);
    struct eddy_why_endpoint *endpoint = &world->endpoints[world->endpoint_count++];
    *endpoint = (struct eddy_why_endpoint){.is_writer = is_writer,
                                           .is_discovered = true,
                                           .topic = eddy_arena_text(hearing->arena, said->topic),
                                           .type = eddy_arena_text(hearing->arena, said->type)};
    memcpy(endpoint->guid, said->guid, sizeof said->guid);
    memcpy(endpoint->participant, said->participant, sizeof said->participant);
    hear_qos(hearing, said->qos, &endpoint->qos);
    hearing->type_infos[count] = NULL;
    if (hearing->cyclone->get_endpoint_type_info != NULL &&
        hearing->cyclone->get_endpoint_type_info((struct eddy_dds_endpoint *)(uintptr_t)sample,
                                                 &hearing->type_infos[count]) != 0)
        hearing->type_infos[count] = NULL;
}

static void hear_writer(struct eddy_hearing *hearing, const void *sample)
{
    hear_endpoint(hearing, sample, true);
}

static void hear_reader(struct eddy_hearing *hearing, const void *sample)
{
    hear_endpoint(hearing, sample, false);
}

/* Samples stay on loan: types are asked for with what is in them, and the process ends soon. */
static void take_all(struct eddy_hearing *hearing, eddy_dds_entity reader,
                     void (*hear)(struct eddy_hearing *hearing, const void *sample))
{
    int32_t count = 0;
    do {
        void *samples[BATCH] = {NULL};
        struct eddy_dds_info infos[BATCH];
        count = hearing->cyclone->take(reader, samples, infos, BATCH, BATCH);
        for (int32_t i = 0; i < count; i++) {
            const uint8_t *participant = samples[i]; /* a GUID is the first of both */
            bool is_own = memcmp(participant, hearing->own, 12) == 0;
            if (infos[i].valid_data && infos[i].instance_state == EDDY_DDS_ALIVE && !is_own)
                hear(hearing, samples[i]);
        }
    } while (count == BATCH);
}

void eddy_hear_endpoints(struct eddy_hearing *hearing)
{
    take_all(hearing, hearing->participants, hear_participant);
    take_all(hearing, hearing->publications, hear_writer);
    take_all(hearing, hearing->subscriptions, hear_reader);
}

/* --- types ----------------------------------------------------------------------------------- */

#define TYPES_WAIT (UINT64_C(1000) * 1000000) /* ns, for all */
#define TYPE_WAIT  (INT64_C(300) * 1000000)   /* ns, for one */

static bool hear_type_id(const struct eddy_cyclone *dds, const struct eddy_dds_typeinfo *info,
                         struct eddy_why_type *type)
{
    if (info == NULL || dds->typeinfo_typeid == NULL || dds->typeid_hash == NULL)
        return false;
    void *id = dds->typeinfo_typeid(info, EDDY_DDS_TYPE_COMPLETE);
    void *shape = dds->typeinfo_typeid(info, EDDY_DDS_TYPE_MINIMAL);
    if (id == NULL || shape == NULL)
        return false;
    dds->typeid_hash(id, type->id);
    dds->typeid_hash(shape, type->shape);
    type->is_known = true;
    return true;
}

/* The same type of an endpoint before this one. */
static const struct eddy_why_type *seen_type(const struct eddy_why_world *world, size_t index)
{
    const struct eddy_why_type *type = &world->endpoints[index].type_facts;
    for (size_t i = 0; i < index; i++) {
        const struct eddy_why_type *other = &world->endpoints[i].type_facts;
        if (other->is_known && memcmp(other->id, type->id, sizeof type->id) == 0)
            return other;
    }
    return NULL;
}

static void hear_type(const struct eddy_hearing *hearing, size_t index)
{
    const struct eddy_cyclone *dds = hearing->cyclone;
    struct eddy_why_type *type = &hearing->world->endpoints[index].type_facts;
    struct eddy_dds_descriptor *descriptor = NULL;
    if (dds->create_topic_descriptor == NULL ||
        dds->create_topic_descriptor(EDDY_DDS_EVERYWHERE, hearing->participant,
                                     hearing->type_infos[index], TYPE_WAIT, &descriptor) != 0)
        return;
    if (eddy_why_type_read(descriptor->ops, descriptor->op_count, dds->is_newer, type))
        type->size = descriptor->size;
}

void eddy_hear_types(struct eddy_hearing *hearing)
{
    struct eddy_why_world *world = hearing->world;
    uint64_t end = eddy_now() + TYPES_WAIT;
    for (size_t i = 0; i < world->endpoint_count; i++) {
        struct eddy_why_type *type = &world->endpoints[i].type_facts;
        if (!hear_type_id(hearing->cyclone, hearing->type_infos[i], type))
            continue;
        const struct eddy_why_type *seen = seen_type(world, i);
        if (seen != NULL)
            *type = *seen;
        else if (eddy_now() < end)
            hear_type(hearing, i);
    }
}
