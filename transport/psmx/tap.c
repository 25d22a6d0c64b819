/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "allocator/point.h"

#include "qos.h"
#include "say.h"

#include <stdlib.h>

/* --- the lists -------------------------------------------------------------------------------- */

/* All under the instance's lock. */
static void link_tap(struct psmx_tap *t)
{
    struct psmx_home *home = t->home;
    t->next = home->taps;
    if (t->next != NULL)
        t->next->previous = t;
    home->taps = t;
    for (unsigned i = 0; i < t->link_count; i++) {
        struct psmx_link *link = &t->links[i];
        link->next = link->feed->links;
        if (link->next != NULL)
            link->next->previous = link;
        link->feed->links = link;
    }
}

static void unlink_tap(struct psmx_tap *t)
{
    *(t->previous != NULL ? &t->previous->next : &t->home->taps) = t->next;
    if (t->next != NULL)
        t->next->previous = t->previous;
    for (unsigned i = 0; i < t->link_count; i++) {
        struct psmx_link *link = &t->links[i];
        *(link->previous != NULL ? &link->previous->next : &link->feed->links) = link->next;
        if (link->next != NULL)
            link->next->previous = link->previous;
    }
}

static void free_tap(struct psmx_tap *t)
{
    psmx_held_drop_all(t);
    for (unsigned i = 0; t->is_full && i < t->link_count; i++)
        atomic_fetch_sub(&t->links[i].feed->full, 1);
    free(t);
}

/* Takes the hand off; true: the tap was closed meanwhile, and has left the lists. */
static bool let_go(struct psmx_tap *t)
{
    bool is_last = --t->hands == 0 && t->is_closed;
    if (is_last)
        unlink_tap(t);
    return is_last;
}

struct psmx_tap *psmx_tap_next(struct psmx_home *home, struct psmx_tap *tap)
{
    pthread_mutex_lock(&home->lock);
    struct psmx_tap *next = tap != NULL ? tap->next : home->taps;
    while (next != NULL && next->is_closed)
        next = next->next;
    if (next != NULL)
        next->hands++;
    bool is_gone = tap != NULL && let_go(tap);
    pthread_mutex_unlock(&home->lock);
    EDDY_POINT("psmx-tap:next");
    if (is_gone)
        free_tap(tap);
    return next;
}

struct psmx_tap *psmx_tap_next_of(struct psmx_feed *feed, struct psmx_tap *tap)
{
    pthread_mutex_lock(&feed->home->lock);
    struct psmx_link *next = tap != NULL ? psmx_link_of(tap, feed)->next : feed->links;
    while (next != NULL && next->tap->is_closed)
        next = next->next;
    if (next != NULL)
        next->tap->hands++;
    bool is_gone = tap != NULL && let_go(tap);
    pthread_mutex_unlock(&feed->home->lock);
    EDDY_POINT("psmx-tap:next-of-feed");
    if (is_gone)
        free_tap(tap);
    return next != NULL ? next->tap : NULL;
}

/* --- created and deleted ---------------------------------------------------------------------- */

static int32_t on_data_available(struct psmx_endpoint *endpoint, int32_t reader)
{
    struct psmx_tap *t = psmx_tap_of(endpoint);
    atomic_store(&t->reader, reader);
    EDDY_POINT("psmx-tap:known");
    eddy_event_trigger(t->home->wake);
    return PSMX_OK;
}

static void close_feeds(struct psmx_tap *t)
{
    for (unsigned i = 0; i < t->link_count; i++)
        psmx_feed_leave(t->links[i].feed);
}

/* Both lanes of a partition.  False: it was said why. */
static bool open_lanes(struct psmx_tap *t, struct psmx_subject *subject, struct psmx_wants wants)
{
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        struct psmx_link *link = &t->links[t->link_count];
        link->tap = t;
        link->partition = psmx_wire_partition(wants.partition);
        wants.lane = (enum psmx_lane)lane;
        link->feed = psmx_feed_open(subject, &wants, &link->from);
        if (link->feed == NULL)
            return false;
        t->link_count++;
    }
    return true;
}

static struct psmx_tap *new_tap(struct psmx_subject *subject, const struct psmx_qos *qos,
                                unsigned partitions)
{
    const struct psmx_cyclone *c = &subject->home->cyclone;
    size_t links = (size_t)PSMX_LANES * partitions * sizeof(struct psmx_link);
    struct psmx_tap *t = calloc(1, sizeof *t + links);
    if (t == NULL)
        return NULL;
    t->psmx.ops.on_data_available = on_data_available;
    t->home = subject->home;
    t->shape = subject->shape;
    t->is_limited = psmx_qos_is_limited(c, qos);
    psmx_qos_policies(c, PSMX_READER, qos, &t->asked);
    return t;
}

static struct psmx_tap *open_tap(struct psmx_subject *subject, const struct psmx_qos *qos,
                                 const struct psmx_partitions *partitions)
{
    struct psmx_tap *t = new_tap(subject, qos, partitions->count);
    if (t == NULL)
        return NULL;
    struct psmx_wants wants = {.reliable = t->asked.reliable != 0,
                               .history = psmx_qos_wants_history(&t->home->cyclone, qos)};
    for (unsigned i = 0; i < partitions->count; i++) {
        wants.partition = partitions->names[i];
        if (!open_lanes(t, subject, wants)) {
            close_feeds(t);
            free(t);
            return NULL;
        }
    }
    return t;
}

/* From now on what was kept for late readers may be taken: by the time that DDS tells of its reader. */
static void let_in(struct psmx_tap *t)
{
    for (unsigned i = 0; i < t->link_count; i++) {
        if (t->links[i].feed->is_own)
            atomic_fetch_sub(&t->links[i].feed->full, 1);
    }
}

struct psmx_endpoint *psmx_tap_create(struct psmx_subject *subject, const struct psmx_qos *qos)
{
    struct psmx_home *home = subject->home;
    struct psmx_partitions partitions;
    psmx_qos_partitions(&home->cyclone, qos, &partitions);
    struct psmx_tap *t = open_tap(subject, qos, &partitions);
    psmx_partitions_free(&home->cyclone, &partitions);
    if (t == NULL)
        return NULL;
    EDDY_POINT("psmx-tap:made");
    pthread_mutex_lock(&home->lock);
    link_tap(t);
    pthread_mutex_unlock(&home->lock);
    let_in(t);
    EDDY_POINT("psmx-tap:linked");
    return &t->psmx;
}

int32_t psmx_tap_delete(struct psmx_endpoint *endpoint)
{
    struct psmx_tap *t = psmx_tap_of(endpoint);
    struct psmx_feed *feeds[PSMX_LANES * PSMX_PARTITIONS];
    unsigned count = t->link_count;
    for (unsigned i = 0; i < count; i++) {
        feeds[i] = t->links[i].feed;
        psmx_feed_ref(feeds[i]); /* as the thread may free the tap from here on */
    }
    struct psmx_home *home = t->home;
    pthread_mutex_lock(&home->lock);
    t->is_closed = true;
    bool is_free = t->hands == 0;
    if (is_free)
        unlink_tap(t);
    pthread_mutex_unlock(&home->lock);
    EDDY_POINT("psmx-tap:closed");
    if (is_free)
        free_tap(t);
    for (unsigned i = 0; i < count; i++) {
        psmx_feed_leave(feeds[i]);
        EDDY_POINT("psmx-tap:left");
        psmx_feed_unref(feeds[i]);
    }
    return PSMX_OK;
}
