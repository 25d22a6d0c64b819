/* abi.h against the headers of Cyclone DDS 11: compiled for what it asserts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cyclone.h"

#include <dds/ddsc/dds_psmx.h>

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #theirs)
#define SAME_PLACE(ours, field, theirs, their_field)                                               \
    _Static_assert(offsetof(ours, field) == offsetof(theirs, their_field), #their_field)
#define SAME(ours, theirs) _Static_assert((long long)(ours) == (long long)(theirs), #theirs)

SAME_SIZE(struct psmx_metadata, dds_psmx_metadata_t);
SAME_PLACE(struct psmx_metadata, state, dds_psmx_metadata_t, sample_state);
SAME_PLACE(struct psmx_metadata, instance_id, dds_psmx_metadata_t, instance_id);
SAME_PLACE(struct psmx_metadata, size, dds_psmx_metadata_t, sample_size);
SAME_PLACE(struct psmx_metadata, writer, dds_psmx_metadata_t, guid);
SAME_PLACE(struct psmx_metadata, timestamp, dds_psmx_metadata_t, timestamp);
SAME_PLACE(struct psmx_metadata, statusinfo, dds_psmx_metadata_t, statusinfo);
SAME_PLACE(struct psmx_metadata, cdr_identifier, dds_psmx_metadata_t, cdr_identifier);
SAME_PLACE(struct psmx_metadata, cdr_options, dds_psmx_metadata_t, cdr_options);

SAME_SIZE(struct psmx_loan, dds_loaned_sample_t);
SAME_PLACE(struct psmx_loan, free, dds_loaned_sample_t, ops.free);
SAME_PLACE(struct psmx_loan, origin, dds_loaned_sample_t, loan_origin.origin_kind);
SAME_PLACE(struct psmx_loan, endpoint, dds_loaned_sample_t, loan_origin.psmx_endpoint);
SAME_PLACE(struct psmx_loan, metadata, dds_loaned_sample_t, metadata);
SAME_PLACE(struct psmx_loan, data, dds_loaned_sample_t, sample_ptr);
SAME_PLACE(struct psmx_loan, references, dds_loaned_sample_t, refc);

SAME_SIZE(struct psmx_instance, dds_psmx_t);
SAME_PLACE(struct psmx_instance, ops.supports, dds_psmx_t, ops.type_qos_supported);
SAME_PLACE(struct psmx_instance, ops.version_0_create_topic, dds_psmx_t, ops.create_topic);
SAME_PLACE(struct psmx_instance, ops.delete_topic, dds_psmx_t, ops.delete_topic);
SAME_PLACE(struct psmx_instance, ops.version_0_deinit, dds_psmx_t, ops.deinit);
SAME_PLACE(struct psmx_instance, ops.node_id, dds_psmx_t, ops.get_node_id);
SAME_PLACE(struct psmx_instance, ops.features, dds_psmx_t, ops.supported_features);
SAME_PLACE(struct psmx_instance, ops.create_topic, dds_psmx_t, ops.create_topic_with_type);
SAME_PLACE(struct psmx_instance, ops.delete_instance, dds_psmx_t, ops.delete_psmx);
SAME_PLACE(struct psmx_instance, name, dds_psmx_t, instance_name);
SAME_PLACE(struct psmx_instance, id, dds_psmx_t, instance_id);
SAME_SIZE(struct psmx_node_id, dds_psmx_node_identifier_t);

SAME_SIZE(struct psmx_topic, dds_psmx_topic_t);
SAME_PLACE(struct psmx_topic, ops.create_endpoint, dds_psmx_topic_t, ops.create_endpoint);
SAME_PLACE(struct psmx_topic, ops.delete_endpoint, dds_psmx_topic_t, ops.delete_endpoint);
SAME_PLACE(struct psmx_topic, properties, dds_psmx_topic_t, data_type_props);

SAME_SIZE(struct psmx_endpoint, dds_psmx_endpoint_t);
SAME_PLACE(struct psmx_endpoint, ops.request_loan, dds_psmx_endpoint_t, ops.request_loan);
SAME_PLACE(struct psmx_endpoint, ops.write, dds_psmx_endpoint_t, ops.write);
SAME_PLACE(struct psmx_endpoint, ops.take, dds_psmx_endpoint_t, ops.take);
SAME_PLACE(struct psmx_endpoint, ops.on_data_available, dds_psmx_endpoint_t, ops.on_data_available);
SAME_PLACE(struct psmx_endpoint, ops.write_with_key, dds_psmx_endpoint_t, ops.write_with_key);
SAME_PLACE(struct psmx_endpoint, role, dds_psmx_endpoint_t, endpoint_type);

SAME_SIZE(struct psmx_sample_info, dds_sample_info_t);
SAME_PLACE(struct psmx_sample_info, instance_state, dds_sample_info_t, instance_state);
SAME_PLACE(struct psmx_sample_info, valid_data, dds_sample_info_t, valid_data);
SAME_SIZE(struct psmx_publication, dds_builtintopic_endpoint_t);
SAME_PLACE(struct psmx_publication, writer, dds_builtintopic_endpoint_t, key);

SAME(PSMX_ERROR, DDS_RETCODE_ERROR);
SAME(PSMX_BAD_PARAMETER, DDS_RETCODE_BAD_PARAMETER);
SAME(PSMX_OUT_OF_RESOURCES, DDS_RETCODE_OUT_OF_RESOURCES);
SAME(PSMX_ALREADY_DELETED, DDS_RETCODE_ALREADY_DELETED);
SAME(PSMX_TIMEOUT, DDS_RETCODE_TIMEOUT);
SAME(PSMX_NO_DATA, DDS_RETCODE_NO_DATA);
SAME(PSMX_ILLEGAL_OPERATION, DDS_RETCODE_ILLEGAL_OPERATION);
SAME(PSMX_NOT_FOUND, DDS_RETCODE_NOT_FOUND);
SAME(PSMX_STATE_RAW_KEY, DDS_LOANED_SAMPLE_STATE_RAW_KEY);
SAME(PSMX_STATE_SERIALIZED_DATA, DDS_LOANED_SAMPLE_STATE_SERIALIZED_DATA);
SAME(PSMX_ORIGIN_PSMX, DDS_LOAN_ORIGIN_KIND_PSMX);
SAME(PSMX_READER, DDS_PSMX_ENDPOINT_TYPE_READER);
SAME(PSMX_WRITER, DDS_PSMX_ENDPOINT_TYPE_WRITER);
SAME(PSMX_TYPE_EVOLVES, DDS_DATA_TYPE_DEFAULTS_TO_XCDR2_MASK);
SAME(PSMX_TYPE_HAS_KEY, DDS_DATA_TYPE_CONTAINS_KEY);
SAME(PSMX_TYPE_IS_PLAIN, DDS_DATA_TYPE_IS_MEMCPY_SAFE);
SAME(PSMX_TRANSIENT_LOCAL, DDS_DURABILITY_TRANSIENT_LOCAL);
SAME(PSMX_RELIABLE, DDS_RELIABILITY_RELIABLE);
SAME(PSMX_KEEP_ALL, DDS_HISTORY_KEEP_ALL);
SAME(PSMX_LIVELINESS_AUTOMATIC, DDS_LIVELINESS_AUTOMATIC);
SAME(PSMX_INSTANCE_ALIVE, DDS_IST_ALIVE);
SAME(PSMX_BUILTIN_PUBLICATIONS, DDS_BUILTIN_TOPIC_DCPSPUBLICATION);
SAME(PSMX_ALL_DOMAINS, DDS_CYCLONEDDS_HANDLE);
