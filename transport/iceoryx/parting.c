/* SPDX-License-Identifier: Apache-2.0 */
#include "parting.h"

#include "runtime.h"
#include "subscriber.h"
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#define LINGER UINT64_C(1000000000)
/* In which DDS creates a reader of whose announcement we were not told: no participant was known. */
#define READER_NS INT64_C(20000000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* before any other of this library */
static struct cpp2c_Subscriber *subs;
static size_t sub_count;

/* FNV-1a of both names; never 0. */
static uint64_t hash_of(const char *topic, const char *type)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *names[] = {topic, type}, **name = names; name < names + 2; name++) {
        for (const char *at = *name;; at++) {
            hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
            if (*at == '\0') {
                break;
            }
        }
    }
    return hash | 1;
}

/* Writers that DDS knows.  One that leaves after the last participant that was watched stays in the
 * list; a list that grows by such is begun anew. */
#define MOST_KNOWN 65536u
static struct known {
    uint8_t guid[EDDY_DDS_GUID_BYTES];
    uint64_t since;
    uint64_t names; /* of its topic and type: see hash_of */
} * known;
static size_t known_count, known_room;

/* Under the lock, all three. */
static struct known *find_known(const uint8_t *guid)
{
    for (size_t i = 0; i < known_count; i++) {
        if (memcmp(known[i].guid, guid, sizeof known[i].guid) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

static void remember(const struct eddy_dds_endpoint *writer)
{
    known_count = known_count == MOST_KNOWN ? 0 : known_count;
    if (known_count == known_room) {
        size_t room = known_room == 0 ? 64 : 2 * known_room;
        struct known *more = realloc(known, room * sizeof *more);
        if (more == NULL) {
            return;
        }
        known = more;
        known_room = room;
    }
    struct known *fresh = &known[known_count++];
    memcpy(fresh->guid, writer->guid, sizeof fresh->guid);
    fresh->since = eddy_now();
    fresh->names = hash_of(writer->topic, writer->type);
}

static void forget(const uint8_t *guid)
{
    struct known *gone = find_known(guid);
    if (gone != NULL) {
        *gone = known[--known_count];
    }
}

uint64_t eddy_parting_known_since(const uint8_t guid[EDDY_DDS_GUID_BYTES])
{
    pthread_mutex_lock(&lock);
    const struct known *found = find_known(guid);
    uint64_t since = found != NULL ? found->since : 0;
    pthread_mutex_unlock(&lock);
    return since;
}

void eddy_parting_add(iox_sub_t sub)
{
    sub->names = hash_of(sub->service.event, sub->service.instance);
    pthread_mutex_lock(&lock);
    sub->next = subs;
    subs = sub;
    sub_count++;
    pthread_mutex_unlock(&lock);
}

void eddy_parting_remove(iox_sub_t sub)
{
    pthread_mutex_lock(&lock);
    struct cpp2c_Subscriber **link = &subs;
    while (*link != NULL && *link != sub) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = sub->next;
        sub_count--;
    }
    pthread_mutex_unlock(&lock);
}

/* The writer of this process that was told of last in this thread. */
static _Thread_local struct {
    uint64_t names;
    struct eddy_announced what;
} last;
static _Thread_local uint64_t wanted; /* of which others are not to take the place; 0: of any */

/* The reader that was told of last in this thread. */
static _Thread_local struct {
    uint64_t names;
    int64_t at; /* CLOCK_REALTIME */
} last_reader;

static void announce_reader(const struct eddy_dds_endpoint *reader)
{
    if (!reader->leaves) { /* that of another process is told of in threads that create none */
        last_reader.names = hash_of(reader->topic, reader->type);
        last_reader.at = eddy_runtime_wall_clock();
    }
}

static void announce(const struct eddy_dds_endpoint *writer)
{
    uint64_t names = hash_of(writer->topic, writer->type);
    if (writer->is_ours && (wanted == 0 || wanted == names)) {
        last.names = names;
        last.what = (struct eddy_announced){true, writer->reliable, writer->keeps_all};
    }
}

/* Its first sample may be there already, and wait. */
static void on_coming(const struct eddy_dds_endpoint *writer)
{
    pthread_mutex_lock(&lock);
    if (find_known(writer->guid) == NULL) { /* several participants are told of each */
        remember(writer);
    }
    uint64_t names = hash_of(writer->topic, writer->type);
    for (iox_sub_t sub = subs; sub != NULL; sub = sub->next) {
        if (sub->names == names) {
            atomic_store(&sub->admission.stale, true);
            if (atomic_load(&sub->admission.has_waiting)) {
                (void)eddy_watch_ask_turn(sub, NULL);
            }
        }
    }
    pthread_mutex_unlock(&lock);
}

static void on_leaving(const struct eddy_dds_endpoint *writer)
{
    uint64_t deadline = eddy_deadline(LINGER);
    size_t count = 0;
    pthread_mutex_lock(&lock);
    const struct known *leaving = find_known(writer->guid);
    struct eddy_turn *turns = leaving != NULL ? calloc(sub_count + 1, sizeof *turns) : NULL;
    for (iox_sub_t sub = subs; sub != NULL && turns != NULL; sub = sub->next) {
        if (sub->names == leaving->names) {
            atomic_store(&sub->admission.stale, true);
            count += eddy_watch_ask_turn(sub, &turns[count]) ? 1 : 0;
        }
    }
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < count; i++) {
        eddy_watch_await_turn(&turns[i], deadline);
    }
    free(turns);
    pthread_mutex_lock(&lock);
    forget(writer->guid);
    pthread_mutex_unlock(&lock);
}

static void on_change(const struct eddy_dds_endpoint *endpoint)
{
    if (endpoint->is_reader) {
        announce_reader(endpoint);
    } else if (endpoint->leaves) {
        on_leaving(endpoint);
    } else {
        announce(endpoint);
        on_coming(endpoint);
    }
}

void eddy_parting_watch(int32_t reader)
{
    eddy_dds_watch(reader, on_change);
}

struct eddy_announced eddy_parting_announced(const struct eddy_service *service)
{
    uint64_t names = hash_of(service->event, service->instance);
    if (last.names != names) {
        wanted = names; /* the first of a participant: what is there already is told now */
        (void)eddy_dds_watch_all(on_change);
        wanted = 0;
    }
    struct eddy_announced what = {.known = false};
    if (last.names == names) {
        what = last.what;
    }
    last.names = 0;
    return what;
}

int64_t eddy_parting_reader_since(const struct eddy_service *service)
{
    int64_t latest = eddy_runtime_wall_clock() - READER_NS;
    latest = latest > eddy_runtime_started() ? latest : eddy_runtime_started();
    bool told = last_reader.names == hash_of(service->event, service->instance);
    last_reader.names = 0;
    return told && last_reader.at > latest ? last_reader.at : latest;
}

bool eddy_parting_watch_all(void)
{
    return eddy_dds_watch_all(on_change);
}
