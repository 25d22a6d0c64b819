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
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        struct psmx_link *link = &t->links[lane];
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
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        struct psmx_link *link = &t->links[lane];
        *(link->previous != NULL ? &link->previous->next : &link->feed->links) = link->next;
        if (link->next != NULL)
            link->next->previous = link->previous;
    }
}

static void free_tap(struct psmx_tap *t)
{
    psmx_held_drop_all(t);
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        if (t->is_full)
            atomic_fetch_sub(&t->links[lane].feed->full, 1);
    }
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

static struct psmx_link *link_of(struct psmx_feed *feed, struct psmx_tap *tap)
{
    return &tap->links[feed->lane];
}

struct psmx_tap *psmx_tap_next_of(struct psmx_feed *feed, struct psmx_tap *tap)
{
    pthread_mutex_lock(&feed->home->lock);
    struct psmx_link *next = tap != NULL ? link_of(feed, tap)->next : feed->links;
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

static bool open_feeds(struct psmx_tap *t, struct psmx_subject *subject, const char *partition,
                       bool history)
{
    struct psmx_wants wants = {
        .partition = partition, .reliable = t->asked.reliable != 0, .history = history};
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        struct psmx_link *link = &t->links[lane];
        link->tap = t;
        wants.lane = (enum psmx_lane)lane;
        link->feed = psmx_feed_open(subject, &wants, &t->from[lane]);
        if (link->feed == NULL) {
            if (lane > 0)
                psmx_feed_leave(t->links[0].feed);
            return false;
        }
    }
    return true;
}

/* From now on what was kept for late readers may be taken: by the time that DDS tells of its reader. */
static void let_in(struct psmx_tap *t)
{
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        if (t->links[lane].feed->is_own)
            atomic_fetch_sub(&t->links[lane].feed->full, 1);
    }
}

struct psmx_endpoint *psmx_tap_create(struct psmx_subject *subject, const struct psmx_qos *qos)
{
    struct psmx_home *home = subject->home;
    struct psmx_tap *t = calloc(1, sizeof *t);
    char *partition = psmx_qos_partition(&home->cyclone, qos);
    if (t == NULL || partition == NULL) {
        free(t);
        free(partition);
        return NULL;
    }
    t->psmx.ops.on_data_available = on_data_available;
    t->home = home;
    t->shape = subject->shape;
    t->is_limited = psmx_qos_is_limited(&home->cyclone, qos);
    psmx_qos_policies(&home->cyclone, PSMX_READER, qos, &t->asked);
    bool is_open = open_feeds(t, subject, partition, psmx_qos_wants_history(&home->cyclone, qos));
    free(partition);
    if (!is_open) {
        free(t);
        return NULL;
    }
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
    struct psmx_feed *feeds[PSMX_LANES];
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        feeds[lane] = t->links[lane].feed;
        psmx_feed_ref(feeds[lane]); /* as the thread may free the tap from here on */
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
    for (int lane = 0; lane < PSMX_LANES; lane++) {
        psmx_feed_leave(feeds[lane]);
        EDDY_POINT("psmx-tap:left");
        psmx_feed_unref(feeds[lane]);
    }
    return PSMX_OK;
}
