/* Who comes and leaves: readers of the builtin topics of Cyclone DDS.  See dds.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "dds_functions.h"
#include "guards.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BATCH    16
#define CHILDREN 256

/* A reader of one builtin topic. */
struct watch {
    dds_entity_t reader;
    bool of_readers; /* or of writers */
};

struct lookout {
    dds_entity_t participant;
    dds_guid_t guid; /* of the participant */
    struct watch writers, readers;
    struct lookout *next;
};

static pthread_mutex_t *const lock = &eddy_guards[EDDY_GUARD_LOOKOUT];
static struct lookout *lookouts;
static void (*_Atomic tell)(const struct eddy_dds_endpoint *endpoint);

static bool is_ours(const dds_guid_t *participant)
{
    bool is = false;
    pthread_mutex_lock(lock);
    for (const struct lookout *at = lookouts; at != NULL && !is; at = at->next) {
        is = memcmp(&at->guid, participant, sizeof at->guid) == 0;
    }
    pthread_mutex_unlock(lock);
    return is;
}

static void describe(const dds_builtintopic_endpoint_t *sample, struct eddy_dds_endpoint *endpoint)
{
    dds_reliability_kind_t reliability = DDS_RELIABILITY_BEST_EFFORT;
    dds_durability_kind_t durability = DDS_DURABILITY_VOLATILE;
    dds_history_kind_t history = DDS_HISTORY_KEEP_LAST;
    (void)eddy_dds.dds_qget_reliability_(sample->qos, &reliability, NULL);
    (void)eddy_dds.dds_qget_durability_(sample->qos, &durability);
    (void)eddy_dds.dds_qget_durability_service_(sample->qos, NULL, &history, NULL, NULL, NULL,
                                                NULL);
    endpoint->topic = sample->topic_name;
    endpoint->type = sample->type_name;
    endpoint->is_ours = is_ours(&sample->participant_key);
    endpoint->reliable = reliability == DDS_RELIABILITY_RELIABLE;
    endpoint->keeps_all = durability != DDS_DURABILITY_VOLATILE && history == DDS_HISTORY_KEEP_ALL;
}

static void tell_of(const dds_builtintopic_endpoint_t *sample, const dds_sample_info_t *info,
                    bool is_reader)
{
    struct eddy_dds_endpoint endpoint = {.is_reader = is_reader,
                                         .leaves = info->instance_state != DDS_IST_ALIVE};
    memcpy(endpoint.guid, &sample->key, sizeof endpoint.guid);
    eddy_dds_to_host_order(endpoint.guid);
    endpoint.created = info->source_timestamp;
    if (info->valid_data && !endpoint.leaves) {
        describe(sample, &endpoint);
    }
    if (endpoint.leaves || endpoint.topic != NULL) {
        tell(&endpoint);
    }
}

/* Nothing stays in the reader's cache, whoever comes and leaves. */
static void take_all(dds_entity_t reader, bool of_readers)
{
    dds_return_t count;
    do {
        void *samples[BATCH] = {NULL};
        dds_sample_info_t infos[BATCH];
        count = eddy_dds.dds_take_(reader, samples, infos, BATCH, BATCH);
        for (dds_return_t i = 0; i < count; i++) {
            tell_of(samples[i], &infos[i], of_readers);
        }
        if (count > 0) {
            (void)eddy_dds.dds_return_loan_(reader, samples, count);
        }
    } while (count == BATCH);
}

static void on_data_available(dds_entity_t reader, void *argument)
{
    const struct watch *watch = argument;
    take_all(reader, watch->of_readers);
}

/* Set only so that no listener of the program's own, which may stand on the participant, is called
 * for our reader.  It is called in place of the other. */
static void on_data_on_readers(dds_entity_t subscriber, void *argument)
{
    (void)subscriber;
    const struct watch *watch = argument;
    pthread_mutex_lock(lock);
    dds_entity_t reader = watch->reader;
    pthread_mutex_unlock(lock);
    if (reader > 0) { /* else it is being created: what is there is taken afterwards */
        take_all(reader, watch->of_readers);
    }
}

static bool begin(dds_entity_t participant, dds_entity_t topic, struct watch *watch)
{
    dds_listener_t *listener = eddy_dds.dds_create_listener_(watch);
    eddy_dds.dds_lset_data_available_(listener, on_data_available);
    eddy_dds.dds_lset_data_on_readers_(listener, on_data_on_readers);
    dds_entity_t reader = eddy_dds.dds_create_reader_(participant, topic, NULL, listener);
    eddy_dds.dds_delete_listener_(listener);
    pthread_mutex_lock(lock);
    watch->reader = reader;
    pthread_mutex_unlock(lock);
    if (reader > 0) {
        take_all(reader, watch->of_readers);
    }
    return reader > 0;
}

/* The lookout of this participant if it is new; it is never freed, as DDS may still call it. */
static struct lookout *new_lookout(dds_entity_t participant)
{
    pthread_mutex_lock(lock);
    struct lookout *lookout = lookouts;
    while (lookout != NULL && lookout->participant != participant) {
        lookout = lookout->next;
    }
    struct lookout *fresh = lookout == NULL ? calloc(1, sizeof *fresh) : NULL;
    if (fresh != NULL) {
        fresh->participant = participant;
        fresh->readers.of_readers = true;
        (void)eddy_dds.dds_get_guid_(participant, &fresh->guid);
        fresh->next = lookouts;
        lookouts = fresh;
    }
    pthread_mutex_unlock(lock);
    return fresh;
}

static void watch_participant(dds_entity_t participant,
                              void (*changed)(const struct eddy_dds_endpoint *endpoint))
{
    struct lookout *lookout = participant > 0 ? new_lookout(participant) : NULL;
    if (lookout == NULL) {
        return;
    }
    tell = changed;
    bool begun = begin(participant, DDS_BUILTIN_TOPIC_DCPSPUBLICATION, &lookout->writers);
    begun = begin(participant, DDS_BUILTIN_TOPIC_DCPSSUBSCRIPTION, &lookout->readers) && begun;
    if (!begun) { /* it is being created, or deleted: perhaps the next time */
        pthread_mutex_lock(lock);
        lookout->participant = 0;
        pthread_mutex_unlock(lock);
    }
}

void eddy_dds_watch(int32_t reader, void (*changed)(const struct eddy_dds_endpoint *endpoint))
{
    watch_participant(eddy_dds.dds_get_participant_(reader), changed);
}

bool eddy_dds_begins_to_watch(void)
{
    pthread_mutex_lock(lock);
    const struct lookout *lookout = lookouts;
    while (lookout != NULL && (lookout->participant == 0 || lookout->readers.reader != 0)) {
        lookout = lookout->next;
    }
    pthread_mutex_unlock(lock);
    return lookout != NULL;
}

bool eddy_dds_watch_all(void (*changed)(const struct eddy_dds_endpoint *endpoint))
{
    dds_entity_t domains[CHILDREN], participants[CHILDREN];
    dds_return_t found = 0;
    if (!eddy_dds_is_found()) {
        return true;
    }
    dds_return_t domain_count =
        eddy_dds.dds_get_children_(DDS_CYCLONEDDS_HANDLE, domains, CHILDREN);
    for (dds_return_t i = 0; i < domain_count && i < CHILDREN; i++) {
        dds_return_t count = eddy_dds.dds_get_children_(domains[i], participants, CHILDREN);
        for (dds_return_t j = 0; j < count && j < CHILDREN; j++) {
            watch_participant(participants[j], changed);
            found++;
        }
    }
    return found > 0;
}
