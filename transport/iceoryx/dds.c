/* SPDX-License-Identifier: Apache-2.0 */
#include "dds.h"

#include "dds_functions.h"
#include "guards.h"
#include "log.h"

#include <byteswap.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct eddy_dds_functions eddy_dds;
static pthread_mutex_t *const finding = &eddy_guards[EDDY_GUARD_DDS];
static atomic_bool found;

bool eddy_dds_is_found(void)
{
    return atomic_load(&found);
}

void eddy_dds_find(const void *caller)
{
    Dl_info info;
    pthread_mutex_lock(finding);
    if (!atomic_load(&found)) {
        /* The handle is kept: libddsc must stay as long as we may ask it, as it does anyway. */
        void *library =
            dladdr(caller, &info) != 0 ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
        bool all = true;
#define LOOK_UP(name)                                                                              \
    eddy_dds.name##_ =                                                                             \
        (__typeof__(&(name)))(uintptr_t)dlsym(library != NULL ? library : RTLD_DEFAULT, #name);    \
    all = all && eddy_dds.name##_ != NULL;
        EDDY_DDS_FUNCTIONS(LOOK_UP)
        atomic_store(&found, all);
        if (!all) {
            eddy_say(EDDY_LOG_INFO, "Cyclone DDS: this one cannot be asked which writers it knows; "
                                    "it drops samples of those that it does not know yet");
        }
    }
    pthread_mutex_unlock(finding);
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
    dds_entity_t topic = eddy_dds.dds_get_topic_(reader);
    bool is = name != NULL && type != NULL && topic > 0 &&
              eddy_dds.dds_get_name_(topic, name, name_room) >= 0 &&
              eddy_dds.dds_get_type_name_(topic, type, type_room) >= 0 &&
              strcmp(name, service->event) == 0 && strcmp(type, service->instance) == 0;
    free(name);
    free(type);
    return is;
}

static bool is_reliable(int32_t reader)
{
    dds_reliability_kind_t kind = DDS_RELIABILITY_BEST_EFFORT;
    dds_duration_t wait;
    dds_qos_t *qos = eddy_dds.dds_create_qos_();
    if (qos != NULL && eddy_dds.dds_get_qos_(reader, qos) >= 0) {
        (void)eddy_dds.dds_qget_reliability_(qos, &kind, &wait);
    }
    eddy_dds.dds_delete_qos_(qos);
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
void eddy_dds_to_host_order(uint8_t guid[EDDY_DDS_GUID_BYTES])
{
    uint32_t words[4];
    memcpy(words, guid, sizeof words);
    for (int i = 0; i < 4; i++) {
        words[i] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bswap_32(words[i]) : words[i];
    }
    memcpy(guid, words, sizeof words);
}

void eddy_dds_guid(int32_t entity, uint8_t guid[EDDY_DDS_GUID_BYTES])
{
    dds_guid_t found_guid = {{0}};
    _Static_assert(sizeof found_guid == EDDY_DDS_GUID_BYTES, "a GUID has 16 bytes");
    (void)eddy_dds.dds_get_guid_(entity, &found_guid);
    memcpy(guid, &found_guid, sizeof found_guid);
    eddy_dds_to_host_order(guid);
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
    dds_builtintopic_endpoint_t *writer =
        eddy_dds.dds_get_matched_publication_data_(reader, handle);
    if (writer == NULL) {
        return false;
    }
    *match = (struct eddy_dds_match){.handle = handle, .lifespan = EDDY_DDS_FOREVER};
    _Static_assert(sizeof writer->key == EDDY_DDS_GUID_BYTES, "a GUID has 16 bytes");
    memcpy(match->guid, &writer->key, sizeof match->guid);
    eddy_dds_to_host_order(match->guid);
    dds_duration_t lifespan;
    if (eddy_dds.dds_qget_lifespan_(writer->qos, &lifespan)) {
        match->lifespan = lifespan;
    }
    eddy_dds.dds_builtintopic_free_endpoint_(writer);
    return true;
}

/* The handles of all that the reader is matched with, to be freed; NULL: no answer. */
static dds_instance_handle_t *ask(int32_t reader, size_t *count)
{
    dds_instance_handle_t *handles = NULL;
    size_t room = 8;
    for (;;) {
        dds_instance_handle_t *more = realloc(handles, room * sizeof *more);
        dds_return_t known = more == NULL
                                 ? DDS_RETCODE_OUT_OF_RESOURCES
                                 : eddy_dds.dds_get_matched_publications_(reader, more, room);
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
