/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

#include "allocator/point.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 1023u /* how far writers of the lane ALL may be ahead */
/* Writers of the lane LAST wait for nobody: so much of what a reliable reader has not come to is left
 * to it.  Over the network it would be in the writer's cache and on the way. */
#define DEPTH_LAST       16383u
#define DEPTH_LAST_BYTES (UINT64_C(64) << 20) /* of a type whose size is known */
#define EARLY_MAX        1024u /* samples taken early at most: then a writer waits, as for other readers */

/* --- opening ---------------------------------------------------------------------------------- */

static struct psmx_feed *find(struct psmx_home *home, const char *name, const char *scope,
                              bool reliable)
{
    struct psmx_feed *f = home->feeds;
    while (f != NULL && (f->is_own || f->reliable != reliable || strcmp(f->name, name) != 0 ||
                         strcmp(f->scope, scope) != 0))
        f = f->next;
    return f;
}

static uint32_t depth_of(const struct psmx_feed *f, const struct psmx_shape *shape)
{
    if (f->lane != PSMX_LANE_LAST || !f->reliable)
        return DEPTH;
    uint64_t most = DEPTH_LAST_BYTES / (shape->is_plain ? shape->size | 1u : 1u);
    most = most < DEPTH_LAST ? most : DEPTH_LAST;
    return most > DEPTH ? (uint32_t)most : DEPTH;
}

static int open_reader(struct psmx_feed *f, const struct psmx_shape *shape)
{
    struct psmx_home *home = f->home;
    struct eddy_topic_identity topic = {.name = f->name, .scope = f->scope};
    bool holds_up = f->reliable && f->lane == PSMX_LANE_ALL;
    struct eddy_reader_options options = {.reliability =
                                              holds_up ? EDDY_RELIABLE : EDDY_BEST_EFFORT,
                                          .depth = depth_of(f, shape),
                                          .history = f->is_own ? UINT32_MAX : 0,
                                          .flags = holds_up ? 0 : EDDY_READER_BEYOND_DEPTH,
                                          .limit_bytes = home->options.limit_bytes,
                                          .spin_ns = home->options.spin_ns};
    int error = eddy_reader_open(home->domain, &topic, &options, &f->reader);
    if (error)
        return error;
    EDDY_POINT("psmx-feed:opened");
    struct eddy_topic_stats stats = {0};
    (void)eddy_reader_stats(f->reader, &stats);
    f->limit_bytes = stats.limit_bytes;
    f->first_live = stats.published + 1;
    f->me = eddy_reader_participant(f->reader);
    error = eddy_waitset_attach_reader(home->waitset, f->reader, EDDY_WAIT_EDGE, f);
    if (error)
        eddy_reader_close(f->reader);
    return error;
}

static void free_feed(struct psmx_feed *f)
{
    pthread_mutex_destroy(&f->lock);
    free(f->name);
    free(f->scope);
    free(f);
}

static struct psmx_feed *new_feed(const struct psmx_subject *subject, const char *scope,
                                  const struct psmx_wants *wants)
{
    struct psmx_home *home = subject->home;
    struct psmx_feed *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    pthread_mutex_init(&f->lock, NULL);
    f->home = home;
    f->lane = wants->lane;
    f->reliable = wants->reliable;
    f->is_own = wants->history;
    atomic_init(&f->full, f->is_own ? 1 : 0); /* what is there already is for the tap to come */
    f->references = 1;
    f->name = strdup(subject->name);
    f->scope = strdup(scope);
    int error = f->name != NULL && f->scope != NULL ? open_reader(f, &subject->shape) : EDDY_ENOMEM;
    if (error == 0)
        return f;
    psmx_say(EDDY_LOG_ERROR, "topic %s: %s (%s)", subject->name, eddy_last_error(),
             eddy_strerror(error));
    free_feed(f);
    return NULL;
}

static void link_feed(struct psmx_home *home, struct psmx_feed *f)
{
    atomic_fetch_add(&home->references, 1);
    pthread_mutex_lock(&home->lock);
    f->next = home->feeds;
    home->feeds = f;
    atomic_fetch_add(&home->generation, 1);
    pthread_mutex_unlock(&home->lock);
}

static void unlink_feed(struct psmx_home *home, struct psmx_feed *f)
{
    pthread_mutex_lock(&home->lock);
    struct psmx_feed **at = &home->feeds;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    atomic_fetch_add(&home->generation, 1);
    pthread_mutex_unlock(&home->lock);
}

/* The next number that Eddy gives: what is below was written before the tap was there. */
static uint64_t next_number(struct psmx_feed *f)
{
    struct eddy_topic_stats stats = {0};
    pthread_mutex_lock(&f->lock);
    (void)eddy_reader_stats(f->reader, &stats);
    pthread_mutex_unlock(&f->lock);
    return stats.published + 1;
}

struct psmx_feed *psmx_feed_open(struct psmx_subject *subject, const struct psmx_wants *wants,
                                 uint64_t *from)
{
    struct psmx_home *home = subject->home;
    char *scope = psmx_lane_scope(home, wants->lane, wants->partition);
    if (scope == NULL)
        return NULL;
    pthread_mutex_lock(&home->opening);
    /* Only we change the list. */
    struct psmx_feed *f = wants->history ? NULL : find(home, subject->name, scope, wants->reliable);
    *from = f != NULL ? next_number(f) : 0;
    if (f == NULL) {
        f = new_feed(subject, scope, wants);
        if (f != NULL) {
            EDDY_POINT("psmx-feed:attached");
            psmx_feed_note(f, 0);
            link_feed(home, f);
        }
    }
    if (f != NULL)
        f->taps++;
    pthread_mutex_unlock(&home->opening);
    EDDY_POINT("psmx-feed:found");
    free(scope);
    return f;
}

unsigned psmx_feed_count(struct psmx_home *home, const char *name, const char *scope)
{
    unsigned count = 0;
    pthread_mutex_lock(&home->lock);
    for (struct psmx_feed *f = home->feeds; f != NULL; f = f->next)
        count += strcmp(f->name, name) == 0 && strcmp(f->scope, scope) == 0;
    pthread_mutex_unlock(&home->lock);
    return count;
}

/* --- leaving ---------------------------------------------------------------------------------- */

static struct psmx_parcel *drop_early(struct psmx_feed *f)
{
    struct psmx_parcel *all = f->first;
    f->first = f->last = NULL;
    f->early = 0;
    return all;
}

static void note(struct psmx_feed *f, uint32_t waiting)
{
    struct eddy_notes notes = {.reliability =
                                   f->reliable ? EDDY_NOTED_RELIABLE : EDDY_NOTED_BEST_EFFORT,
                               .waiting = waiting};
    (void)eddy_reader_note(f->reader, &notes);
}

/* From now on it holds nobody up but with what is still out.  Writers that leave do not stay for
 * what is: it was handed over. */
static void stop(struct psmx_feed *f)
{
    atomic_store(&f->stopped, true);
    EDDY_POINT("psmx-feed:stopping");
    eddy_waitset_detach_reader(f->home->waitset, f->reader);
    EDDY_POINT("psmx-feed:detached");
    pthread_mutex_lock(&f->lock);
    note(f, 0); /* the last one, whatever the thread is at */
    (void)eddy_reader_stop(f->reader);
    struct psmx_parcel *early = drop_early(f);
    pthread_mutex_unlock(&f->lock);
    EDDY_POINT("psmx-feed:stopped");
    while (early != NULL) {
        struct psmx_parcel *next = early->next;
        psmx_parcel_unref(early);
        early = next;
    }
}

void psmx_feed_leave(struct psmx_feed *f)
{
    struct psmx_home *home = f->home;
    pthread_mutex_lock(&home->opening);
    bool is_last = --f->taps == 0;
    if (is_last) {
        unlink_feed(home, f);
        stop(f);
    }
    pthread_mutex_unlock(&home->opening);
    if (is_last)
        psmx_feed_unref(f);
}

void psmx_feed_ref(struct psmx_feed *f)
{
    atomic_fetch_add_explicit(&f->references, 1, memory_order_relaxed);
}

/* The thread may have the feed among those that it was told of: it frees the memory. */
void psmx_feed_unref(struct psmx_feed *f)
{
    if (atomic_fetch_sub(&f->references, 1) != 1)
        return;
    struct psmx_home *home = f->home;
    EDDY_POINT("psmx-feed:last");
    eddy_reader_close(f->reader);
    EDDY_POINT("psmx-feed:closed");
    pthread_mutex_lock(&home->lock);
    f->next = home->graveyard;
    home->graveyard = f;
    pthread_mutex_unlock(&home->lock);
    psmx_home_unref(home);
}

void psmx_feed_bury(struct psmx_home *home)
{
    struct psmx_feed *buried = NULL;
    pthread_mutex_lock(&home->lock);
    for (struct psmx_feed **at = &home->graveyard, *f; (f = *at) != NULL;) {
        if (f->is_again) {
            at = &f->next;
            continue;
        }
        *at = f->next;
        f->next = buried;
        buried = f;
    }
    pthread_mutex_unlock(&home->lock);
    EDDY_POINT("psmx-feed:to-be-buried");
    for (struct psmx_feed *next; buried != NULL; buried = next) {
        next = buried->next;
        free_feed(buried);
    }
}

/* --- taking ----------------------------------------------------------------------------------- */

void psmx_parcel_ref(struct psmx_parcel *p)
{
    atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
}

void psmx_parcel_unref(struct psmx_parcel *p)
{
    if (atomic_fetch_sub(&p->references, 1) != 1)
        return;
    struct psmx_feed *f = p->feed;
    EDDY_POINT("psmx-parcel:last");
    atomic_fetch_sub_explicit(&f->kept_bytes, p->sample.size, memory_order_relaxed);
    pthread_mutex_lock(&f->lock);
    eddy_reader_release(f->reader, &p->sample);
    pthread_mutex_unlock(&f->lock);
    EDDY_POINT("psmx-parcel:released");
    free(p);
    psmx_feed_unref(f);
}

void psmx_feed_note(struct psmx_feed *f, uint32_t in_hand)
{
    pthread_mutex_lock(&f->lock);
    if (!atomic_load(&f->stopped))
        note(f, atomic_load(&f->held) + f->early + in_hand);
    pthread_mutex_unlock(&f->lock);
}

/* A sample of others; those of this domain Cyclone DDS has delivered itself.  Under lock. */
static struct psmx_parcel *take(struct psmx_feed *f)
{
    struct psmx_parcel *p = NULL;
    struct eddy_sample sample;
    while (!atomic_load(&f->stopped) && eddy_reader_take(f->reader, &sample) == 0) {
        if (sample.source != f->me && (p = malloc(sizeof *p)) != NULL &&
            psmx_wire_read(&sample, &p->wire, &p->before)) {
            p->feed = f;
            p->next = NULL;
            p->sample = sample;
            atomic_init(&p->references, 1);
            psmx_feed_ref(f);
            atomic_fetch_add_explicit(&f->kept_bytes, sample.size, memory_order_relaxed);
            return p;
        }
        free(p);
        p = NULL;
        eddy_reader_release(f->reader, &sample);
    }
    return NULL;
}

struct psmx_parcel *psmx_feed_take(struct psmx_feed *f)
{
    pthread_mutex_lock(&f->lock);
    struct psmx_parcel *p = f->first;
    if (p == NULL) {
        p = take(f);
    } else {
        f->first = p->next;
        f->last = f->first == NULL ? NULL : f->last;
        f->early--;
        p->next = NULL;
    }
    pthread_mutex_unlock(&f->lock);
    EDDY_POINT("psmx-take:looked");
    return p;
}

static void take_early(struct psmx_feed *f)
{
    struct psmx_parcel *p;
    pthread_mutex_lock(&f->lock);
    while (f->early < EARLY_MAX && (p = take(f)) != NULL) {
        *(f->last != NULL ? &f->last->next : &f->first) = p;
        f->last = p;
        f->early++;
        EDDY_POINT("psmx-take:early");
    }
    pthread_mutex_unlock(&f->lock);
}

void psmx_feed_make_room(struct psmx_home *home, const char *name, const char *scope)
{
    pthread_mutex_lock(&home->lock);
    for (struct psmx_feed *f = home->feeds; f != NULL; f = f->next) {
        if (strcmp(f->name, name) == 0 && strcmp(f->scope, scope) == 0)
            take_early(f);
    }
    pthread_mutex_unlock(&home->lock);
}

bool psmx_feed_is_short(struct psmx_feed *f, uint64_t bytes)
{
    uint64_t kept = atomic_load_explicit(&f->kept_bytes, memory_order_relaxed);
    if (kept + bytes < f->limit_bytes / 64)
        return false;
    struct eddy_topic_stats stats = {0};
    pthread_mutex_lock(&f->lock);
    (void)eddy_reader_stats(f->reader, &stats);
    pthread_mutex_unlock(&f->lock);
    return stats.shared_bytes > f->limit_bytes / 2;
}
