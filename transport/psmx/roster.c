/* SPDX-License-Identifier: Apache-2.0 */
#include "roster.h"

#include "allocator/point.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>

#define AT_ONCE      32u
#define FIRST_ROOM   64u
#define PARTICIPANTS 64u
#define MOST         256u /* domains of a process, participants of a domain */
#define REMEMBERED   (30 * UINT64_C(1000000000)) /* ns that one who has left is known */

struct row {
    struct psmx_guid writer;
    uint8_t state; /* enum psmx_known; PSMX_NEVER_SEEN: the row is free */
    uint64_t left; /* when */
};

struct psmx_roster {
    struct psmx_home *home;
    pthread_mutex_t lock;
    struct row *rows; /* a table with open addressing; room is a power of two */
    size_t room, used;
    struct told_by { /* the thread's */
        int32_t participant, reader;
    } told_by[PARTICIPANTS];
    size_t participant_count;
};

/* --- the table -------------------------------------------------------------------------------- */

static size_t place_of(const struct psmx_guid *writer, size_t room)
{
    uint64_t halves[2];
    memcpy(halves, writer, sizeof halves);
    uint64_t mixed = (halves[0] ^ (halves[1] << 1)) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (room - 1);
}

static struct row *find(struct row *rows, size_t room, const struct psmx_guid *writer)
{
    size_t at = place_of(writer, room);
    while (rows[at].state != PSMX_NEVER_SEEN &&
           memcmp(&rows[at].writer, writer, sizeof *writer) != 0)
        at = (at + 1) & (room - 1);
    return &rows[at];
}

/* A table with room for more, without those who left long ago. */
static bool renew(struct psmx_roster *r)
{
    size_t kept = 1, room = FIRST_ROOM;
    uint64_t now = eddy_now();
    for (size_t i = 0; i < r->room; i++)
        kept += r->rows[i].state == PSMX_IS_THERE || now - r->rows[i].left < REMEMBERED;
    while (room < 4 * kept)
        room *= 2;
    struct row *rows = calloc(room, sizeof *rows);
    if (rows == NULL)
        return false;
    size_t used = 0;
    for (size_t i = 0; i < r->room; i++) {
        const struct row *row = &r->rows[i];
        if (row->state == PSMX_IS_THERE ||
            (row->state == PSMX_HAS_LEFT && now - row->left < REMEMBERED)) {
            *find(rows, room, &row->writer) = *row;
            used++;
        }
    }
    free(r->rows);
    r->rows = rows;
    r->room = room;
    r->used = used;
    return true;
}

static void note(struct psmx_roster *r, const struct psmx_guid *writer, enum psmx_known state)
{
    pthread_mutex_lock(&r->lock);
    if (2 * (r->used + 1) <= r->room || renew(r) || r->used + 1 < r->room) {
        struct row *row = find(r->rows, r->room, writer);
        r->used += row->state == PSMX_NEVER_SEEN;
        *row = (struct row){*writer, (uint8_t)state, eddy_now()};
    }
    pthread_mutex_unlock(&r->lock);
}

enum psmx_known psmx_roster_knows(struct psmx_roster *r, const struct psmx_guid *writer)
{
    pthread_mutex_lock(&r->lock);
    enum psmx_known state = (enum psmx_known)find(r->rows, r->room, writer)->state;
    pthread_mutex_unlock(&r->lock);
    return state;
}

/* --- hearing ---------------------------------------------------------------------------------- */

/* An answer of DDS without a sample still has the key. */
static void hear(int32_t reader, void *argument)
{
    struct psmx_roster *r = argument;
    const struct psmx_cyclone *c = &r->home->cyclone;
    void *samples[AT_ONCE] = {NULL};
    struct psmx_sample_info infos[AT_ONCE];
    int32_t count;
    while ((count = c->dds_take(reader, samples, infos, AT_ONCE, AT_ONCE)) > 0) {
        for (int32_t i = 0; i < count; i++) {
            const struct psmx_publication *publication = samples[i];
            bool is_there = infos[i].instance_state == PSMX_INSTANCE_ALIVE;
            EDDY_POINT("psmx-roster:heard");
            if (!is_there)
                psmx_source_linger(r->home, &publication->writer);
            note(r, &publication->writer, is_there ? PSMX_IS_THERE : PSMX_HAS_LEFT);
        }
        c->dds_return_loan(reader, samples, count);
        samples[0] = NULL;
    }
    eddy_event_trigger(r->home->wake); /* what is held back may be wanted now */
}

static bool is_watched(struct psmx_roster *r, int32_t participant)
{
    for (size_t i = 0; i < r->participant_count; i++) {
        if (r->told_by[i].participant == participant)
            return true;
    }
    return false;
}

static void watch(struct psmx_roster *r, int32_t participant)
{
    const struct psmx_cyclone *c = &r->home->cyclone;
    if (participant <= 0 || is_watched(r, participant) || r->participant_count == PARTICIPANTS)
        return;
    struct psmx_listener *listener = c->dds_create_listener(r);
    if (listener == NULL)
        return;
    c->dds_lset_data_available(listener, hear);
    EDDY_POINT("psmx-roster:to-hear");
    int32_t reader = c->dds_create_reader(participant, PSMX_BUILTIN_PUBLICATIONS, NULL, listener);
    c->dds_delete_listener(listener);
    if (reader <= 0)
        return;      /* it is being deleted */
    hear(reader, r); /* of those that were there before it */
    r->told_by[r->participant_count++] = (struct told_by){participant, reader};
}

/* Those whose participant is gone went with it. */
static void forget_gone(struct psmx_roster *r)
{
    const struct psmx_cyclone *c = &r->home->cyclone;
    for (size_t i = 0; i < r->participant_count;) {
        if (c->dds_get_participant(r->told_by[i].participant) > 0)
            i++;
        else
            r->told_by[i] = r->told_by[--r->participant_count];
    }
}

void psmx_roster_watch(struct psmx_roster *r, int32_t reader)
{
    forget_gone(r);
    watch(r, r->home->cyclone.dds_get_participant(reader));
}

static int32_t children_of(struct psmx_roster *r, int32_t entity, int32_t *children)
{
    int32_t count = r->home->cyclone.dds_get_children(entity, children, MOST);
    return count < (int32_t)MOST ? count : (int32_t)MOST;
}

/* Not by dds_lookup_participant: where the last domain is being deleted, that waits until it is, and
 * the one who deletes it waits for this thread. */
void psmx_roster_watch_all(struct psmx_roster *r)
{
    int32_t domains[MOST], participants[MOST];
    forget_gone(r);
    int32_t count = children_of(r, PSMX_ALL_DOMAINS, domains);
    for (int32_t d = 0; d < count; d++) {
        int32_t here = children_of(r, domains[d], participants);
        for (int32_t i = 0; i < here; i++)
            watch(r, participants[i]);
    }
}

void psmx_roster_close(struct psmx_roster *r)
{
    for (size_t i = 0; r != NULL && i < r->participant_count; i++)
        (void)r->home->cyclone.dds_delete(r->told_by[i].reader); /* its domain may be gone */
}

struct psmx_roster *psmx_roster_create(struct psmx_home *home)
{
    struct psmx_roster *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->home = home;
    pthread_mutex_init(&r->lock, NULL);
    if (!renew(r)) {
        psmx_roster_destroy(r);
        return NULL;
    }
    return r;
}

void psmx_roster_destroy(struct psmx_roster *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r->rows);
    free(r);
}
