/* A writer of DDS comes and leaves: the others must have what it wrote before they hear of that.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "allocator/point.h"

#include <string.h>
#include <time.h>

#define HEARING UINT64_C(20000000)   /* ns */
#define LINGER  UINT64_C(1000000000) /* ns; as Cyclone DDS itself waits for acknowledgements */

static struct psmx_source *find(struct psmx_home *home, const struct psmx_guid *writer)
{
    pthread_mutex_lock(&home->lock);
    struct psmx_source *w = home->sources;
    while (w != NULL && !(w->has_written && memcmp(&w->me, writer, sizeof *writer) == 0))
        w = w->next;
    if (w != NULL)
        atomic_fetch_add(&w->references, 1);
    pthread_mutex_unlock(&home->lock);
    return w;
}

static bool is_awaited(struct psmx_source *w)
{
    pthread_mutex_lock(&w->lock);
    bool is = false;
    for (unsigned i = 0; i < w->outlet_count; i++)
        is = is || eddy_writer_awaited(w->outlets[i].writer) > 0;
    pthread_mutex_unlock(&w->lock);
    return is;
}

/* DDS tells by each participant that listens, one after the other: they share the time. */
static uint64_t leaves_by(struct psmx_source *w)
{
    uint64_t first = 0, now = eddy_deadline(LINGER);
    return atomic_compare_exchange_strong(&w->leaves_by, &first, now) ? now : first;
}

/* Over the network a writer's samples and the news that it leaves come one after the other. */
void psmx_source_linger(struct psmx_home *home, const struct psmx_guid *writer)
{
    static const struct timespec pause = {.tv_nsec = 200000};
    struct psmx_source *w = find(home, writer);
    if (w == NULL)
        return;
    EDDY_POINT("psmx-linger:found");
    uint64_t deadline = leaves_by(w);
    while (w->wire.offer.reliable && is_awaited(w) && eddy_now() < deadline)
        nanosleep(&pause, NULL);
    EDDY_POINT("psmx-linger:over");
    psmx_source_unref(w);
}

/* A writer that leaves right after its first sample has to be heard of, too: so that one waits until
 * it would be, which is when the thread has looked around. */
static void await_hearing(struct psmx_source *w)
{
    static const struct timespec pause = {.tv_nsec = 20000};
    uint64_t deadline = eddy_deadline(HEARING);
    while ((int)(atomic_load(&w->home->sources_heard) - w->number) < 0 &&
           !pthread_equal(pthread_self(), w->home->thread) && eddy_now() < deadline)
        nanosleep(&pause, NULL);
}

void psmx_source_introduce(struct psmx_source *w, const struct psmx_guid *me)
{
    w->number = atomic_fetch_add(&w->home->sources_made, 1) + 1;
    EDDY_POINT("psmx-write:numbered");
    eddy_event_trigger(w->home->wake);
    await_hearing(w);
    EDDY_POINT("psmx-write:to-be-introduced");
    pthread_mutex_lock(&w->home->lock);
    w->me = *me;
    w->has_written = true;
    pthread_mutex_unlock(&w->home->lock);
}

void psmx_source_link(struct psmx_source *w)
{
    struct psmx_home *home = w->home;
    pthread_mutex_lock(&home->lock);
    w->next = home->sources;
    if (w->next != NULL)
        w->next->previous = w;
    home->sources = w;
    pthread_mutex_unlock(&home->lock);
}

void psmx_source_unlink(struct psmx_source *w)
{
    struct psmx_home *home = w->home;
    pthread_mutex_lock(&home->lock);
    *(w->previous != NULL ? &w->previous->next : &home->sources) = w->next;
    if (w->next != NULL)
        w->next->previous = w->previous;
    pthread_mutex_unlock(&home->lock);
}
