/* The thread of an instance: from Eddy to DDS.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"
#include "roster.h"
#include "say.h"

#include "allocator/point.h"

#include <signal.h>
#include <string.h>

#define CONTEXTS 64
#define BATCH    32 /* samples of one feed before another's turn */

struct rounds {
    struct psmx_home *home;
    struct psmx_feed *again; /* feeds that may have more */
};

static void queue(struct rounds *r, struct psmx_feed *f)
{
    if (f->is_again)
        return;
    f->is_again = true;
    f->again = r->again;
    r->again = f;
}

static bool is_idle(const struct psmx_feed *f)
{
    return atomic_load(&f->full) > 0;
}

/* True: there may be more. */
static bool serve_batch(struct psmx_feed *f)
{
    for (int i = 0; i < BATCH && !is_idle(f); i++) {
        struct psmx_parcel *p = psmx_feed_take(f);
        if (p == NULL)
            return false;
        for (struct psmx_tap *t = psmx_tap_next_of(f, NULL); t != NULL; t = psmx_tap_next_of(f, t))
            psmx_tap_give(t, p);
        psmx_parcel_unref(p);
    }
    return !is_idle(f); /* else it is queued when there is room again */
}

/* Who waits for us to have taken its samples (eddy_writer_awaited) waits for us to have handed them
 * over. */
static bool serve(struct psmx_feed *f)
{
    psmx_feed_note(f, 1);
    EDDY_POINT("psmx-thread:noted");
    bool has_more = serve_batch(f);
    EDDY_POINT("psmx-thread:served");
    psmx_feed_note(f, 0);
    return has_more;
}

static void serve_all(struct rounds *r)
{
    struct psmx_feed *all = r->again;
    r->again = NULL;
    for (struct psmx_feed *f = all, *next; f != NULL; f = next) {
        next = f->again;
        f->is_again = false;
        if (serve(f))
            queue(r, f);
    }
}

/* Feeds from which a writer has taken early. */
static void queue_early(struct rounds *r)
{
    struct psmx_home *home = r->home;
    pthread_mutex_lock(&home->lock);
    for (struct psmx_feed *f = home->feeds; f != NULL; f = f->next)
        queue(r, f);
    pthread_mutex_unlock(&home->lock);
}

static void retry_tap(struct rounds *r, struct psmx_tap *t, bool now)
{
    bool was_full = t->is_full;
    psmx_tap_retry(t, now);
    for (unsigned i = 0; was_full && !t->is_full && i < t->link_count; i++)
        queue(r, t->links[i].feed);
}

/* Something has changed besides samples: readers came, or DDS has found writers. */
static void look_around(struct rounds *r)
{
    struct psmx_home *home = r->home;
    unsigned made = atomic_load(&home->sources_made);
    if (made != atomic_load(&home->sources_heard)) {
        psmx_roster_watch_all(home->roster);
        atomic_store(&home->sources_heard, made);
    }
    for (struct psmx_tap *t = psmx_tap_next(home, NULL); t != NULL; t = psmx_tap_next(home, t)) {
        if (!t->is_watched && atomic_load(&t->reader) != 0) {
            t->is_watched = true;
            psmx_roster_watch(home->roster, atomic_load(&t->reader));
        }
        retry_tap(r, t, true);
    }
    queue_early(r);
}

static void retry_all(struct rounds *r)
{
    struct psmx_home *home = r->home;
    for (struct psmx_tap *t = psmx_tap_next(home, NULL); t != NULL; t = psmx_tap_next(home, t))
        retry_tap(r, t, false);
}

/* When the next of what is held back is to be tried. */
static uint64_t next_retry(struct psmx_home *home)
{
    uint64_t earliest = EDDY_FOREVER;
    if (atomic_load(&home->holding) == 0)
        return earliest;
    for (struct psmx_tap *t = psmx_tap_next(home, NULL); t != NULL; t = psmx_tap_next(home, t)) {
        if (t->held > 0 && t->retry_at < earliest)
            earliest = t->retry_at;
    }
    return earliest;
}

static void *run(void *argument)
{
    struct psmx_home *home = argument;
    struct rounds rounds = {.home = home};
    void *contexts[CONTEXTS];
    while (!atomic_load(&home->ends)) {
        size_t count = 0;
        psmx_feed_bury(home);
        uint64_t deadline = rounds.again != NULL ? EDDY_POLL : next_retry(home);
        if (eddy_waitset_wait(home->waitset, deadline, contexts, CONTEXTS, &count) != 0)
            count = 0;
        EDDY_POINT("psmx-thread:woken");
        bool is_woken = false;
        for (size_t i = 0; i < count; i++) {
            is_woken = is_woken || contexts[i] == home;
            if (contexts[i] != home)
                queue(&rounds, contexts[i]);
        }
        if (is_woken)
            look_around(&rounds);
        else if (atomic_load(&home->holding) > 0)
            retry_all(&rounds);
        serve_all(&rounds);
    }
    for (struct psmx_feed *f = rounds.again; f != NULL; f = f->again)
        f->is_again = false; /* else those that are closed by now would not be freed */
    return NULL;
}

/* All signals are the program's. */
int psmx_thread_start(struct psmx_home *home)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&home->thread, NULL, run, home);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    home->has_thread = error == 0;
    if (error == 0)
        pthread_setname_np(home->thread, "eddy-psmx");
    return error;
}

void psmx_thread_stop(struct psmx_home *home)
{
    if (!home->has_thread)
        return;
    atomic_store(&home->ends, true);
    eddy_event_trigger(home->wake);
    pthread_join(home->thread, NULL);
    home->has_thread = false;
}
