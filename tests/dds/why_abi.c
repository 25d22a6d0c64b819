/* why_abi.c - what `eddy why` says of Cyclone DDS's binary interface is what its headers say.
 *
 * Nothing runs: it compiles or it does not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/cyclone.h"

#include "tools/why/why.h"

#include <dds/dds.h>

#define SAME(what, ours, theirs) _Static_assert((ours) == (theirs), what)

#define SAME_FIELD(ours, our_field, theirs, their_field)                                           \
    SAME(#our_field, offsetof(struct ours, our_field), offsetof(theirs, their_field));             \
    SAME(#our_field " size", sizeof(((struct ours *)0)->our_field),                                \
         sizeof(((theirs *)0)->their_field))

SAME("participants", EDDY_DDS_PARTICIPANTS, DDS_BUILTIN_TOPIC_DCPSPARTICIPANT);
SAME("publications", EDDY_DDS_PUBLICATIONS, DDS_BUILTIN_TOPIC_DCPSPUBLICATION);
SAME("subscriptions", EDDY_DDS_SUBSCRIPTIONS, DDS_BUILTIN_TOPIC_DCPSSUBSCRIPTION);
SAME("default domain", EDDY_DDS_DEFAULT_DOMAIN, DDS_DOMAIN_DEFAULT);
SAME("alive", EDDY_DDS_ALIVE, (unsigned)DDS_ALIVE_INSTANCE_STATE);
SAME("find scope", EDDY_DDS_EVERYWHERE, (int)DDS_FIND_SCOPE_GLOBAL);
SAME("minimal type", EDDY_DDS_TYPE_MINIMAL, (int)DDS_TYPEID_MINIMAL);
SAME("complete type", EDDY_DDS_TYPE_COMPLETE, (int)DDS_TYPEID_COMPLETE);
SAME("entity", sizeof(eddy_dds_entity), sizeof(dds_entity_t));

SAME("info", sizeof(struct eddy_dds_info), sizeof(dds_sample_info_t));
SAME_FIELD(eddy_dds_info, instance_state, dds_sample_info_t, instance_state);
SAME_FIELD(eddy_dds_info, valid_data, dds_sample_info_t, valid_data);

SAME("participant", sizeof(struct eddy_dds_participant), sizeof(dds_builtintopic_participant_t));
SAME_FIELD(eddy_dds_participant, guid, dds_builtintopic_participant_t, key);
SAME_FIELD(eddy_dds_participant, qos, dds_builtintopic_participant_t, qos);

SAME("endpoint", sizeof(struct eddy_dds_endpoint), sizeof(dds_builtintopic_endpoint_t));
SAME_FIELD(eddy_dds_endpoint, guid, dds_builtintopic_endpoint_t, key);
SAME_FIELD(eddy_dds_endpoint, participant, dds_builtintopic_endpoint_t, participant_key);
SAME_FIELD(eddy_dds_endpoint, topic, dds_builtintopic_endpoint_t, topic_name);
SAME_FIELD(eddy_dds_endpoint, type, dds_builtintopic_endpoint_t, type_name);
SAME_FIELD(eddy_dds_endpoint, qos, dds_builtintopic_endpoint_t, qos);

SAME_FIELD(eddy_dds_descriptor, size, dds_topic_descriptor_t, m_size);
SAME_FIELD(eddy_dds_descriptor, op_count, dds_topic_descriptor_t, m_nops);
SAME_FIELD(eddy_dds_descriptor, ops, dds_topic_descriptor_t, m_ops);

SAME("reliable", EDDY_DDS_RELIABLE, (int)DDS_RELIABILITY_RELIABLE);
SAME("volatile", EDDY_DDS_VOLATILE, (int)DDS_DURABILITY_VOLATILE);
SAME("transient-local", EDDY_DDS_TRANSIENT_LOCAL, (int)DDS_DURABILITY_TRANSIENT_LOCAL);
SAME("persistent", EDDY_DDS_PERSISTENT, (int)DDS_DURABILITY_PERSISTENT);
SAME("keep all", EDDY_DDS_KEEP_ALL, (int)DDS_HISTORY_KEEP_ALL);
SAME("automatic", EDDY_DDS_AUTOMATIC, (int)DDS_LIVELINESS_AUTOMATIC);
SAME("by topic", EDDY_DDS_MANUAL_BY_TOPIC, (int)DDS_LIVELINESS_MANUAL_BY_TOPIC);
SAME("exclusive", EDDY_DDS_EXCLUSIVE, (int)DDS_OWNERSHIP_EXCLUSIVE);
SAME("infinite", EDDY_DDS_INFINITE, DDS_INFINITY);
