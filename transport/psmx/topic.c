/* SPDX-License-Identifier: Apache-2.0 */
#include "topic.h"

#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *psmx_lane_scope(const struct psmx_home *home, enum psmx_lane lane, const char *partition)
{
    char *scope = NULL;
    if (asprintf(&scope, "%s/%s/%s", home->scope, lane == PSMX_LANE_ALL ? "all" : "last",
                 partition) < 0)
        return NULL;
    return scope;
}

static struct psmx_endpoint *create_endpoint(struct psmx_topic *topic, const struct psmx_qos *qos,
                                             enum psmx_role role)
{
    struct psmx_subject *subject = psmx_subject_of(topic);
    return role == PSMX_WRITER ? psmx_writer_create(subject, qos) : psmx_tap_create(subject, qos);
}

static int32_t delete_endpoint(struct psmx_endpoint *endpoint)
{
    return endpoint->role == PSMX_WRITER ? psmx_writer_delete(endpoint) : psmx_tap_delete(endpoint);
}

/* FNV-1a, 64 bits, and 6 bytes that say what it is. */
static void hash_name(const char *name, uint8_t hash[14])
{
    static const uint8_t mark[6] = {'b', 'y', 'n', 'a', 'm', 'e'};
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        value = (value ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    memcpy(hash, &value, sizeof value);
    memcpy(hash + sizeof value, mark, sizeof mark);
}

struct psmx_topic *psmx_topic_create(struct psmx_instance *instance, const char *name,
                                     const char *type_name, psmx_properties properties,
                                     const struct psmx_type *type, uint32_t type_size)
{
    struct psmx_home *home = psmx_home_of(instance);
    struct psmx_subject *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->psmx.ops = (struct psmx_topic_ops){create_endpoint, delete_endpoint};
    s->home = home;
    s->name = strdup(name);
    s->has_key = (properties & PSMX_TYPE_HAS_KEY) != 0;
    s->shape = (struct psmx_shape){.is_plain = (properties & PSMX_TYPE_IS_PLAIN) != 0,
                                   .evolves = (properties & PSMX_TYPE_EVOLVES) != 0,
                                   .size = type_size};
    /* A type begins with its identifier: Cyclone DDS itself relies on that.  A type of which nothing
     * is known goes by its name, by which DDS then matches it, too. */
    if (type != NULL && home->cyclone.ddsi_typeid_is_hash(type))
        home->cyclone.ddsi_typeid_get_equivalence_hash(type, s->shape.hash);
    else
        hash_name(type_name, s->shape.hash);
    if (s->name == NULL) {
        free(s);
        return NULL;
    }
    return &s->psmx;
}

int32_t psmx_topic_delete(struct psmx_topic *topic)
{
    struct psmx_subject *s = psmx_subject_of(topic);
    free(s->name);
    free(s);
    return PSMX_OK;
}
