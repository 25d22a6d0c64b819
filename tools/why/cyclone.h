/* cyclone.h - what `eddy why` calls of Cyclone DDS, whichever is there, 0.10 or 11.  (internal)
 *
 *   load -> create_participant, create_reader, take, qget_*, ... (until the process ends)
 *
 * It is found when the program runs, so its headers are not used: the types below are those of its
 * binary interface, which is the same for both, and a test compares them with the headers.
 *
 * Threads: Cyclone DDS starts some of its own.
 * Crash:   belongs into a process of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_CYCLONE_H
#define EDDY_TOOLS_WHY_CYCLONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t eddy_dds_entity; /* negative: an error */

struct eddy_dds_qos;
struct eddy_dds_typeinfo;

#define EDDY_DDS_PARTICIPANTS   ((eddy_dds_entity)0x7fff0001)
#define EDDY_DDS_PUBLICATIONS   ((eddy_dds_entity)0x7fff0003)
#define EDDY_DDS_SUBSCRIPTIONS  ((eddy_dds_entity)0x7fff0004)
#define EDDY_DDS_DEFAULT_DOMAIN UINT32_MAX
#define EDDY_DDS_ALIVE          16u /* an instance that is there */
#define EDDY_DDS_EVERYWHERE     0   /* to look for a type at */
#define EDDY_DDS_TYPE_MINIMAL   0
#define EDDY_DDS_TYPE_COMPLETE  1 /* which of the two identities of a type */

struct eddy_dds_info {
    int32_t sample_state, view_state;
    uint32_t instance_state;
    bool valid_data;
    int64_t source_timestamp;
    uint64_t instance_handle, publication_handle;
    uint32_t disposed_generation_count, no_writers_generation_count;
    uint32_t sample_rank, generation_rank, absolute_generation_rank;
};

struct eddy_dds_participant {
    uint8_t guid[16];
    struct eddy_dds_qos *qos;
};

struct eddy_dds_endpoint {
    uint8_t guid[16], participant[16];
    uint64_t participant_handle;
    char *topic, *type;
    struct eddy_dds_qos *qos;
};

/* The beginning of a topic descriptor. */
struct eddy_dds_descriptor {
    uint32_t size, align, flags, key_count;
    const char *type;
    const void *keys;
    uint32_t op_count;
    const uint32_t *ops;
};

/* The functions, named without their "dds_". */
struct eddy_cyclone {
    bool is_newer; /* 11 or later, which knows nothing of SharedMemory in its settings */
    eddy_dds_entity (*create_participant)(uint32_t domain, const void *qos, const void *listener);
    eddy_dds_entity (*create_reader)(eddy_dds_entity participant, eddy_dds_entity topic,
                                     const void *qos, const void *listener);
    int32_t (*take)(eddy_dds_entity reader, void **samples, struct eddy_dds_info *infos,
                    size_t buffers, uint32_t max);
    int32_t (*return_loan)(eddy_dds_entity reader, void **samples, int32_t count);
    int32_t (*delete_entity)(eddy_dds_entity entity);
    int32_t (*get_domainid)(eddy_dds_entity entity, uint32_t *domain);
    int32_t (*get_guid)(eddy_dds_entity entity, uint8_t guid[16]);
    const char *(*strretcode)(int32_t code);
    void *(*alloc)(size_t bytes);
    void (*free)(void *memory);
    bool (*qget_prop)(const struct eddy_dds_qos *qos, const char *name, char **value);
    bool (*qget_reliability)(const struct eddy_dds_qos *qos, int32_t *kind, int64_t *blocking);
    bool (*qget_durability)(const struct eddy_dds_qos *qos, int32_t *kind);
    bool (*qget_durability_service)(const struct eddy_dds_qos *qos, int64_t *delay,
                                    int32_t *history, int32_t *depth, int32_t *samples,
                                    int32_t *instances, int32_t *samples_per_instance);
    bool (*qget_history)(const struct eddy_dds_qos *qos, int32_t *kind, int32_t *depth);
    bool (*qget_deadline)(const struct eddy_dds_qos *qos, int64_t *deadline);
    bool (*qget_latency_budget)(const struct eddy_dds_qos *qos, int64_t *duration);
    bool (*qget_liveliness)(const struct eddy_dds_qos *qos, int32_t *kind, int64_t *lease);
    bool (*qget_ownership)(const struct eddy_dds_qos *qos, int32_t *kind);
    bool (*qget_destination_order)(const struct eddy_dds_qos *qos, int32_t *kind);
    bool (*qget_presentation)(const struct eddy_dds_qos *qos, int32_t *scope, bool *coherent,
                              bool *ordered);
    bool (*qget_partition)(const struct eddy_dds_qos *qos, uint32_t *count, char ***names);
    /* Those below may be missing (NULL). */
    bool (*qget_data_representation)(const struct eddy_dds_qos *qos, uint32_t *count,
                                     int16_t **ids);
    int32_t (*get_endpoint_type_info)(struct eddy_dds_endpoint *endpoint,
                                      const struct eddy_dds_typeinfo **info);
    int32_t (*create_topic_descriptor)(int32_t scope, eddy_dds_entity participant,
                                       const struct eddy_dds_typeinfo *info, int64_t timeout,
                                       struct eddy_dds_descriptor **descriptor);
    void *(*typeinfo_typeid)(const struct eddy_dds_typeinfo *info, int32_t kind);
    void (*typeid_hash)(const void *type, uint8_t hash[14]);
};

/* Loads Cyclone DDS from where the loader looks; 11 rather than 0.10 for `prefers_newer`.  `stand_in`
 * is loaded first, so that it is the one that Cyclone DDS 0.10 gets for shared memory, which is not
 * used.  False: stderr says why. */
bool eddy_cyclone_load(const char *stand_in, bool prefers_newer, struct eddy_cyclone *cyclone);

#endif
