/* SPDX-License-Identifier: Apache-2.0 */
#include "parting.h"

#include "guards.h"
#include "subscriber.h"
#include "watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINGER UINT64_C(1000000000)

static pthread_mutex_t *const lock = &eddy_guards[EDDY_GUARD_PARTING];
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

/* What DDS knows: all writers, and our own readers.  One that leaves after the last participant that
 * was watched stays in its list; a list that grows by such is begun anew. */
#define MOST_KNOWN 65536u
struct known {
    uint8_t guid[EDDY_DDS_GUID_BYTES];
    uint64_t names;  /* of its topic and type: see hash_of */
    uint64_t since;  /* that we were told of it */
    int64_t created; /* as DDS has it, CLOCK_REALTIME */
};
static struct known_list {
    struct known *list;
    size_t count, room;
} writers, readers;

/* Under the lock, all three. */
static struct known *find_known(const struct known_list *all, const uint8_t *guid)
{
    for (size_t i = 0; i < all->count; i++) {
        if (memcmp(all->list[i].guid, guid, sizeof all->list[i].guid) == 0) {
            return &all->list[i];
        }
    }
    return NULL;
}

/* Several participants are told of each. */
static void remember(struct known_list *all, const struct eddy_dds_endpoint *endpoint)
{
    if (find_known(all, endpoint->guid) != NULL) {
        return;
    }
    all->count = all->count == MOST_KNOWN ? 0 : all->count;
    if (all->count == all->room) {
        size_t room = all->room == 0 ? 64 : 2 * all->room;
        struct known *more = realloc(all->list, room * sizeof *more);
        if (more == NULL) {
            return;
        }
        all->list = more;
        all->room = room;
    }
    struct known *fresh = &all->list[all->count++];
    memcpy(fresh->guid, endpoint->guid, sizeof fresh->guid);
    fresh->names = hash_of(endpoint->topic, endpoint->type);
    fresh->since = eddy_now();
    fresh->created = endpoint->created;
}

static void forget(struct known_list *all, const uint8_t *guid)
{
    struct known *gone = find_known(all, guid);
    if (gone != NULL) {
        *gone = all->list[--all->count];
    }
}

/* As it stands in the list; all zero: it does not. */
static struct known known_of(const struct known_list *all, const uint8_t *guid)
{
    pthread_mutex_lock(lock);
    const struct known *found = find_known(all, guid);
    struct known copy = found != NULL ? *found : (struct known){.since = 0};
    pthread_mutex_unlock(lock);
    return copy;
}

uint64_t eddy_parting_known_since(const uint8_t guid[EDDY_DDS_GUID_BYTES])
{
    return known_of(&writers, guid).since;
}

int64_t eddy_parting_reader_created(const uint8_t guid[EDDY_DDS_GUID_BYTES])
{
    return known_of(&readers, guid).created;
}

void eddy_parting_add(iox_sub_t sub)
{
    sub->names = hash_of(sub->service.event, sub->service.instance);
    pthread_mutex_lock(lock);
    sub->next = subs;
    subs = sub;
    sub_count++;
    pthread_mutex_unlock(lock);
}

void eddy_parting_remove(iox_sub_t sub)
{
    pthread_mutex_lock(lock);
    struct cpp2c_Subscriber **link = &subs;
    while (*link != NULL && *link != sub) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = sub->next;
        sub_count--;
    }
    pthread_mutex_unlock(lock);
}

struct announcement {
    uint64_t names;
    struct eddy_announced what;
};

/* The writer of this process that was told of last in this thread; and in any, for one that was there
 * before anybody watched its participant: whoever begins to watch is told of it. */
static _Thread_local struct announcement last;
static struct announcement last_of_all; /* with the lock */
static _Thread_local uint64_t wanted;   /* of which others are not to take the place; 0: of any */

static void announce(const struct eddy_dds_endpoint *writer)
{
    uint64_t names = hash_of(writer->topic, writer->type);
    if (writer->is_ours && (wanted == 0 || wanted == names)) {
        last.names = names;
        last.what = (struct eddy_announced){true, writer->reliable, writer->keeps_all};
        pthread_mutex_lock(lock);
        last_of_all = last;
        pthread_mutex_unlock(lock);
    }
}

/* Its first sample may be there already, and wait. */
static void on_coming(const struct eddy_dds_endpoint *writer)
{
    pthread_mutex_lock(lock);
    remember(&writers, writer);
    uint64_t names = hash_of(writer->topic, writer->type);
    for (iox_sub_t sub = subs; sub != NULL; sub = sub->next) {
        if (sub->names == names) {
            atomic_store(&sub->admission.stale, true);
            if (atomic_load(&sub->admission.has_waiting)) {
                (void)eddy_watch_ask_turn(sub, NULL);
            }
        }
    }
    pthread_mutex_unlock(lock);
}

static void on_leaving(const struct eddy_dds_endpoint *writer)
{
    uint64_t deadline = eddy_deadline(LINGER);
    size_t count = 0;
    pthread_mutex_lock(lock);
    const struct known *leaving = find_known(&writers, writer->guid);
    struct eddy_turn *turns = leaving != NULL ? calloc(sub_count + 1, sizeof *turns) : NULL;
    for (iox_sub_t sub = subs; sub != NULL && turns != NULL; sub = sub->next) {
        if (sub->names == leaving->names) {
            atomic_store(&sub->admission.stale, true);
            count += eddy_watch_ask_turn(sub, &turns[count]) ? 1 : 0;
        }
    }
    pthread_mutex_unlock(lock);
    for (size_t i = 0; i < count; i++) {
        eddy_watch_await_turn(&turns[i], deadline);
    }
    free(turns);
    pthread_mutex_lock(lock);
    forget(&writers, writer->guid);
    pthread_mutex_unlock(lock);
}

static void on_reader(const struct eddy_dds_endpoint *reader)
{
    pthread_mutex_lock(lock);
    if (reader->leaves) {
        forget(&readers, reader->guid);
    } else if (reader->is_ours) {
        remember(&readers, reader);
    }
    pthread_mutex_unlock(lock);
}

static void on_change(const struct eddy_dds_endpoint *endpoint)
{
    if (endpoint->is_reader) {
        on_reader(endpoint);
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

/* What another thread was told, or is just being told; nothing is known if none was. */
static struct announcement told_elsewhere(uint64_t names)
{
    const struct timespec pause = {.tv_nsec = 500000};
    for (int tries = 0; tries < 200 && eddy_dds_begins_to_watch(); tries++) {
        nanosleep(&pause, NULL);
    }
    pthread_mutex_lock(lock);
    struct announcement found = last_of_all;
    pthread_mutex_unlock(lock);
    return found.names == names ? found : (struct announcement){.names = names};
}

static void forget_announcement(uint64_t names)
{
    last.names = 0;
    pthread_mutex_lock(lock);
    if (last_of_all.names == names) {
        last_of_all.names = 0;
    }
    pthread_mutex_unlock(lock);
}

struct eddy_announced eddy_parting_announced(const struct eddy_service *service)
{
    uint64_t names = hash_of(service->event, service->instance);
    if (last.names != names) {
        wanted = names; /* the first of a participant: what is there already is told now */
        (void)eddy_dds_watch_all(on_change);
        wanted = 0;
    }
    struct announcement found = last.names == names ? last : told_elsewhere(names);
    forget_announcement(names);
    return found.what;
}

bool eddy_parting_watch_all(void)
{
    return eddy_dds_watch_all(on_change);
}
