/* SPDX-License-Identifier: Apache-2.0 */
#include "dds.h"

#include "log.h"

#include <byteswap.h>
#include <dds/dds.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Each is declared as libddsc has it. */
/* clang-format off */
#define FUNCTIONS(use) \
    use(dds_get_matched_publications) \
    use(dds_get_matched_publication_data) \
    use(dds_builtintopic_free_endpoint) \
    use(dds_get_topic) \
    use(dds_get_name) \
    use(dds_get_type_name) \
    use(dds_create_qos) \
    use(dds_delete_qos) \
    use(dds_get_qos) \
    use(dds_qget_reliability) \
    use(dds_qget_lifespan)\
    use(dds_qget_durability)\
    use(dds_qget_durability_service)\
    use(dds_get_children)\
    use(dds_get_guid) \
    use(dds_get_participant) \
    use(dds_create_reader) \
    use(dds_create_listener) \
    use(dds_delete_listener) \
    use(dds_lset_data_available) \
    use(dds_lset_data_on_readers) \
    use(dds_take) \
    use(dds_return_loan)
/* clang-format on */

#define DECLARE(name) __typeof__(&(name)) name##_;
static struct {
    FUNCTIONS(DECLARE)
} dds;
static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool found;

void eddy_dds_find(const void *caller)
{
    Dl_info info;
    pthread_mutex_lock(&finding);
    if (!atomic_load(&found)) {
        /* The handle is kept: libddsc must stay as long as we may ask it, as it does anyway. */
        void *library =
            dladdr(caller, &info) != 0 ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
        bool all = true;
#define LOOK_UP(name)                                                                              \
    dds.name##_ =                                                                                  \
        (__typeof__(&(name)))(uintptr_t)dlsym(library != NULL ? library : RTLD_DEFAULT, #name);    \
    all = all && dds.name##_ != NULL;
        FUNCTIONS(LOOK_UP)
        atomic_store(&found, all);
        if (!all) {
            eddy_log(EDDY_LOG_INFO, "Cyclone DDS: this one cannot be asked which writers it knows; "
                                    "it drops samples of those that it does not know yet");
        }
    }
    pthread_mutex_unlock(&finding);
}

/* What Cyclone DDS 0.10 gives as the context of its callback: iox_sub_context_t.  The last two are
 * NULL until the reader is complete. */
struct context {
    pthread_mutex_t mutex;
    void *_Atomic monitor;
    void *_Atomic parent_reader;
};

/* A reader begins, as all entities of DDS, with its handle. */
static int32_t handle_in(const void *entity)
{
    int32_t handle;
    memcpy(&handle, entity, sizeof handle);
    return handle;
}

static bool is_reader_of(int32_t reader, const struct eddy_service *service)
{
    size_t name_room = strlen(service->event) + 2, type_room = strlen(service->instance) + 2;
    char *name = malloc(name_room), *type = malloc(type_room);
    dds_entity_t topic = dds.dds_get_topic_(reader);
    bool is = name != NULL && type != NULL && topic > 0 &&
              dds.dds_get_name_(topic, name, name_room) >= 0 &&
              dds.dds_get_type_name_(topic, type, type_room) >= 0 &&
              strcmp(name, service->event) == 0 && strcmp(type, service->instance) == 0;
    free(name);
    free(type);
    return is;
}

static bool is_reliable(int32_t reader)
{
    dds_reliability_kind_t kind = DDS_RELIABILITY_BEST_EFFORT;
    dds_duration_t wait;
    dds_qos_t *qos = dds.dds_create_qos_();
    if (qos != NULL && dds.dds_get_qos_(reader, qos) >= 0) {
        (void)dds.dds_qget_reliability_(qos, &kind, &wait);
    }
    dds.dds_delete_qos_(qos);
    return kind == DDS_RELIABILITY_RELIABLE;
}

enum eddy_dds_known eddy_dds_reader(const void *context, const struct eddy_service *service,
                                    int32_t *reader, bool *reliable)
{
    const struct context *seen = context;
    if (context == NULL) {
        return EDDY_DDS_NOBODY;
    }
    /* The other way round than Cyclone DDS stores them: who sees the reader sees the monitor. */
    const void *entity = atomic_load(&seen->parent_reader);
    if (entity == NULL || atomic_load(&seen->monitor) == NULL) {
        return EDDY_DDS_NOT_YET;
    }
    int32_t handle = atomic_load(&found) ? handle_in(entity) : 0;
    if (handle <= 0 || !is_reader_of(handle, service)) {
        return EDDY_DDS_NOBODY;
    }
    *reader = handle;
    *reliable = is_reliable(handle);
    return EDDY_DDS_READER;
}

/* --- matches ---------------------------------------------------------------------------------- */

/* On the network, and so in the answer, in the order of the network. */
static void to_host_order(uint8_t guid[EDDY_DDS_GUID_BYTES])
{
    uint32_t words[4];
    memcpy(words, guid, sizeof words);
    for (int i = 0; i < 4; i++) {
        words[i] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bswap_32(words[i]) : words[i];
    }
    memcpy(guid, words, sizeof words);
}

static const struct eddy_dds_match *find(const struct eddy_dds_matches *matches, uint64_t handle)
{
    for (size_t i = 0; i < matches->count; i++) {
        if (matches->list[i].handle == handle) {
            return &matches->list[i];
        }
    }
    return NULL;
}

/* False: the writer is gone by now. */
static bool look_at(int32_t reader, uint64_t handle, struct eddy_dds_match *match)
{
    dds_builtintopic_endpoint_t *writer = dds.dds_get_matched_publication_data_(reader, handle);
    if (writer == NULL) {
        return false;
    }
    *match = (struct eddy_dds_match){.handle = handle, .lifespan = EDDY_DDS_FOREVER};
    _Static_assert(sizeof writer->key == EDDY_DDS_GUID_BYTES, "a GUID has 16 bytes");
    memcpy(match->guid, &writer->key, sizeof match->guid);
    to_host_order(match->guid);
    dds_duration_t lifespan;
    if (dds.dds_qget_lifespan_(writer->qos, &lifespan)) {
        match->lifespan = lifespan;
    }
    dds.dds_builtintopic_free_endpoint_(writer);
    return true;
}

/* The handles of all that the reader is matched with, to be freed; NULL: no answer. */
static dds_instance_handle_t *ask(int32_t reader, size_t *count)
{
    dds_instance_handle_t *handles = NULL;
    size_t room = 8;
    for (;;) {
        dds_instance_handle_t *more = realloc(handles, room * sizeof *more);
        dds_return_t known = more == NULL ? DDS_RETCODE_OUT_OF_RESOURCES
                                          : dds.dds_get_matched_publications_(reader, more, room);
        handles = more == NULL ? handles : more;
        if (known < 0) {
            free(handles);
            return NULL;
        }
        if ((size_t)known <= room) {
            *count = (size_t)known;
            return handles;
        }
        room = (size_t)known + 8;
    }
}

bool eddy_dds_matched(int32_t reader, const struct eddy_dds_matches *before,
                      struct eddy_dds_matches *now)
{
    size_t count = 0;
    dds_instance_handle_t *handles = ask(reader, &count);
    struct eddy_dds_match *list = calloc(count + 1, sizeof *list);
    *now = (struct eddy_dds_matches){list, 0};
    for (size_t i = 0; handles != NULL && list != NULL && i < count; i++) {
        const struct eddy_dds_match *known = find(before, handles[i]);
        if (known != NULL) {
            list[now->count++] = *known;
        } else if (look_at(reader, handles[i], &list[now->count])) {
            now->count++;
        }
    }
    bool answered = handles != NULL && list != NULL;
    free(handles);
    if (!answered) {
        eddy_dds_matches_free(now);
    }
    return answered;
}

void eddy_dds_matches_free(struct eddy_dds_matches *matches)
{
    free(matches->list);
    *matches = (struct eddy_dds_matches){NULL, 0};
}

/* --- who comes and leaves --------------------------------------------------------------------- */

#define BATCH 16

/* A participant's reader of the builtin topic of writers. */
struct lookout {
    dds_entity_t participant, reader;
    dds_guid_t guid; /* of the participant */
    struct lookout *next;
};

static pthread_mutex_t lookouts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lookout *lookouts;
static void (*_Atomic tell)(const struct eddy_dds_writer *writer);

static bool is_ours(const dds_guid_t *participant)
{
    bool is = false;
    pthread_mutex_lock(&lookouts_lock);
    for (const struct lookout *at = lookouts; at != NULL && !is; at = at->next) {
        is = memcmp(&at->guid, participant, sizeof at->guid) == 0;
    }
    pthread_mutex_unlock(&lookouts_lock);
    return is;
}

static void describe(const dds_builtintopic_endpoint_t *sample, struct eddy_dds_writer *writer)
{
    dds_reliability_kind_t reliability = DDS_RELIABILITY_BEST_EFFORT;
    dds_durability_kind_t durability = DDS_DURABILITY_VOLATILE;
    dds_history_kind_t history = DDS_HISTORY_KEEP_LAST;
    (void)dds.dds_qget_reliability_(sample->qos, &reliability, NULL);
    (void)dds.dds_qget_durability_(sample->qos, &durability);
    (void)dds.dds_qget_durability_service_(sample->qos, NULL, &history, NULL, NULL, NULL, NULL);
    writer->topic = sample->topic_name;
    writer->type = sample->type_name;
    writer->is_ours = is_ours(&sample->participant_key);
    writer->reliable = reliability == DDS_RELIABILITY_RELIABLE;
    writer->keeps_all = durability != DDS_DURABILITY_VOLATILE && history == DDS_HISTORY_KEEP_ALL;
}

static void tell_of(const dds_builtintopic_endpoint_t *sample, const dds_sample_info_t *info)
{
    struct eddy_dds_writer writer = {.leaves = info->instance_state != DDS_IST_ALIVE};
    memcpy(writer.guid, &sample->key, sizeof writer.guid);
    to_host_order(writer.guid);
    if (info->valid_data && !writer.leaves) {
        describe(sample, &writer);
    }
    if (writer.leaves || writer.topic != NULL) {
        tell(&writer);
    }
}

/* Nothing stays in the reader's cache, whoever comes and leaves. */
static void take_all(dds_entity_t reader)
{
    dds_return_t count;
    do {
        void *samples[BATCH] = {NULL};
        dds_sample_info_t infos[BATCH];
        count = dds.dds_take_(reader, samples, infos, BATCH, BATCH);
        for (dds_return_t i = 0; i < count; i++) {
            tell_of(samples[i], &infos[i]);
        }
        if (count > 0) {
            (void)dds.dds_return_loan_(reader, samples, count);
        }
    } while (count == BATCH);
}

static void on_data_available(dds_entity_t reader, void *unused)
{
    (void)unused;
    take_all(reader);
}

/* Set only so that no listener of the program's own, which may stand on the participant, is called
 * for our reader.  It is called in place of the other. */
static void on_data_on_readers(dds_entity_t subscriber, void *argument)
{
    (void)subscriber;
    struct lookout *lookout = argument;
    pthread_mutex_lock(&lookouts_lock);
    dds_entity_t reader = lookout->reader;
    pthread_mutex_unlock(&lookouts_lock);
    if (reader > 0) { /* else it is being created: what is there is taken afterwards */
        take_all(reader);
    }
}

/* The lookout of this participant if it is new; it is never freed, as DDS may still call it. */
static struct lookout *new_lookout(dds_entity_t participant)
{
    pthread_mutex_lock(&lookouts_lock);
    struct lookout *lookout = lookouts;
    while (lookout != NULL && lookout->participant != participant) {
        lookout = lookout->next;
    }
    struct lookout *fresh = lookout == NULL ? calloc(1, sizeof *fresh) : NULL;
    if (fresh != NULL) {
        fresh->participant = participant;
        (void)dds.dds_get_guid_(participant, &fresh->guid);
        fresh->next = lookouts;
        lookouts = fresh;
    }
    pthread_mutex_unlock(&lookouts_lock);
    return fresh;
}

static void watch(dds_entity_t participant, void (*changed)(const struct eddy_dds_writer *writer))
{
    struct lookout *lookout = participant > 0 ? new_lookout(participant) : NULL;
    if (lookout == NULL) {
        return;
    }
    tell = changed;
    dds_listener_t *listener = dds.dds_create_listener_(lookout);
    dds.dds_lset_data_available_(listener, on_data_available);
    dds.dds_lset_data_on_readers_(listener, on_data_on_readers);
    dds_entity_t created =
        dds.dds_create_reader_(participant, DDS_BUILTIN_TOPIC_DCPSPUBLICATION, NULL, listener);
    dds.dds_delete_listener_(listener);
    pthread_mutex_lock(&lookouts_lock);
    lookout->reader = created;
    pthread_mutex_unlock(&lookouts_lock);
    if (created > 0) {
        take_all(created);
    } else {
        eddy_log(EDDY_LOG_WARN,
                 "Cyclone DDS: writers cannot be watched, so that samples of one that "
                 "leaves at once may be lost");
    }
}

void eddy_dds_watch_writers(int32_t reader, void (*changed)(const struct eddy_dds_writer *writer))
{
    watch(dds.dds_get_participant_(reader), changed);
}

#define CHILDREN 256

void eddy_dds_watch_all_writers(void (*changed)(const struct eddy_dds_writer *writer))
{
    dds_entity_t domains[CHILDREN], participants[CHILDREN];
    if (!atomic_load(&found)) {
        return;
    }
    dds_return_t domain_count = dds.dds_get_children_(DDS_CYCLONEDDS_HANDLE, domains, CHILDREN);
    for (dds_return_t i = 0; i < domain_count && i < CHILDREN; i++) {
        dds_return_t count = dds.dds_get_children_(domains[i], participants, CHILDREN);
        for (dds_return_t j = 0; j < count && j < CHILDREN; j++) {
            watch(participants[j], changed);
        }
    }
}
