/* cyclone.h - the functions of the libddsc that has loaded this plug-in.  (internal)
 *
 * They are looked up in the object that called eddy_create_psmx, so the right ones are found also
 * where a program has loaded libddsc for itself alone, or two of them: each instance has a table of
 * its own.  Nothing is linked against, so one binary serves each libddsc.so.11, whatever its name.
 *
 * Locks:   these calls take locks of DDS, so none of ours may be held.
 * Threads: a table is filled once and constant then.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_CYCLONE_H
#define EDDY_PSMX_CYCLONE_H

#include "abi.h"

/* A topic that DDS itself writes: of all writers that it knows. */
#define PSMX_BUILTIN_PUBLICATIONS (0x7fff0000 + 3)
/* The entity of which all domains of the process are children. */
#define PSMX_ALL_DOMAINS (0x7fff0000 + 256)

struct psmx_listener; /* opaque */

/* What comes with a sample that is read.  Numbers as in dds_sample_info_t. */
struct psmx_sample_info {
    uint32_t sample_state, view_state, instance_state;
    bool valid_data;
    int64_t source_timestamp;
    uint64_t instance_handle, publication_handle;
    uint32_t disposed_generation_count, no_writers_generation_count;
    uint32_t sample_rank, generation_rank, absolute_generation_rank;
};
#define PSMX_INSTANCE_ALIVE 16u
PSMX_AT(psmx_sample_info, valid_data, 12);
PSMX_AT(psmx_sample_info, source_timestamp, 16);
PSMX_AT(psmx_sample_info, instance_handle, 24);
PSMX_SIZE(psmx_sample_info, 64);

/* What DDS tells of a writer; begins with its GUID. */
struct psmx_publication {
    struct psmx_guid writer;
    struct psmx_guid participant;
    uint64_t participant_handle;
    char *topic_name, *type_name;
    struct psmx_qos *qos;
};
PSMX_SIZE(psmx_publication, 64);

/* The state of its hash of keys. */
struct psmx_md5 {
    uint32_t words[22];
};
PSMX_SIZE(psmx_md5, 88);

/* clang-format off */
#define PSMX_FUNCTIONS(use) \
    use(int32_t, dds_reader_store_loaned_sample, (int32_t reader, struct psmx_loan *loan)) \
    use(int32_t, dds_reader_store_loaned_sample_wr_metadata, \
        (int32_t reader, struct psmx_loan *loan, int32_t strength, bool autodispose, \
         int64_t lifespan)) \
    use(void, dds_free, (void *memory)) \
    use(bool, dds_qget_reliability, (const struct psmx_qos *, uint32_t *kind, int64_t *blocking)) \
    use(bool, dds_qget_history, (const struct psmx_qos *, uint32_t *kind, int32_t *depth)) \
    use(bool, dds_qget_durability, (const struct psmx_qos *, uint32_t *kind)) \
    use(bool, dds_qget_durability_service, \
        (const struct psmx_qos *, int64_t *cleanup, uint32_t *history, int32_t *depth, \
         int32_t *samples, int32_t *instances, int32_t *of_instance)) \
    use(bool, dds_qget_resource_limits, \
        (const struct psmx_qos *, int32_t *samples, int32_t *instances, int32_t *of_instance)) \
    use(bool, dds_qget_partition, (const struct psmx_qos *, uint32_t *count, char ***names)) \
    use(bool, dds_qget_liveliness, (const struct psmx_qos *, uint32_t *kind, int64_t *lease)) \
    use(bool, dds_qget_deadline, (const struct psmx_qos *, int64_t *deadline)) \
    use(bool, dds_qget_latency_budget, (const struct psmx_qos *, int64_t *budget)) \
    use(bool, dds_qget_ownership, (const struct psmx_qos *, uint32_t *kind)) \
    use(bool, dds_qget_ownership_strength, (const struct psmx_qos *, int32_t *strength)) \
    use(bool, dds_qget_destination_order, (const struct psmx_qos *, uint32_t *kind)) \
    use(bool, dds_qget_presentation, \
        (const struct psmx_qos *, uint32_t *scope, bool *coherent, bool *ordered)) \
    use(bool, dds_qget_data_representation, \
        (const struct psmx_qos *, uint32_t *count, int16_t **representations)) \
    use(bool, dds_qget_lifespan, (const struct psmx_qos *, int64_t *lifespan)) \
    use(bool, dds_qget_writer_data_lifecycle, (const struct psmx_qos *, bool *autodispose)) \
    use(bool, ddsi_typeid_is_hash, (const void *id)) \
    use(void, ddsi_typeid_get_equivalence_hash, (const void *id, uint8_t hash[14])) \
    use(void, ddsrt_md5_init, (struct psmx_md5 *state)) \
    use(void, ddsrt_md5_append, (struct psmx_md5 *state, const void *data, unsigned size)) \
    use(void, ddsrt_md5_finish, (struct psmx_md5 *state, uint8_t digest[16])) \
    use(int32_t, dds_get_participant, (int32_t entity)) \
    use(int32_t, dds_get_children, (int32_t entity, int32_t *children, size_t room)) \
    use(int32_t, dds_delete, (int32_t entity)) \
    use(int32_t, dds_create_reader, (int32_t parent, int32_t topic, const struct psmx_qos *qos, \
                                     const struct psmx_listener *listener)) \
    use(struct psmx_listener *, dds_create_listener, (void *argument)) \
    use(void, dds_delete_listener, (struct psmx_listener *listener)) \
    use(void, dds_lset_data_available, \
        (struct psmx_listener *listener, void (*call)(int32_t reader, void *argument))) \
    use(int32_t, dds_take, (int32_t reader, void **samples, struct psmx_sample_info *infos, \
                            size_t room, uint32_t most)) \
    use(int32_t, dds_return_loan, (int32_t reader, void **samples, int32_t count)) \
    use(int32_t, dds_get_matched_publications, \
        (int32_t reader, uint64_t *handles, size_t room)) \
    use(struct psmx_publication *, dds_get_matched_publication_data, \
        (int32_t reader, uint64_t handle)) \
    use(void, dds_builtintopic_free_endpoint, (struct psmx_publication *publication))
/* clang-format on */

#define PSMX_DECLARE(result, name, arguments) result(*name) arguments;
struct psmx_cyclone {
    PSMX_FUNCTIONS(PSMX_DECLARE)
};

/* `caller` is an address inside of libddsc.  NULL, or the name of a function that is not there. */
const char *psmx_cyclone_find(struct psmx_cyclone *cyclone, const void *caller);

#endif
