/* SPDX-License-Identifier: Apache-2.0 */
#include <eddy/waitset.h>

#include "allocator/error.h"
#include "transport/reader.h"

#include <stdlib.h>
#include <string.h>

/* One attached reader or event. */
struct attachment {
    struct eddy_reader *reader; /* or */
    struct eddy_event *event;
    void *context;
    uint64_t seen; /* edge: reported up to here */
    bool edge;
};

struct eddy_waitset {
    struct eddy_domain *domain;
    uint32_t fork_count, bell_index;
    struct eddy_bell_seat *seat;
    pthread_mutex_t lock; /* the list; never held while asleep */
    struct attachment *list;
    size_t count, room, turn; /* turn: where the next report begins, so that none starves */
};

struct eddy_event {
    _Atomic uint64_t triggered, reset; /* counts; set while they differ */
    _Atomic(struct eddy_waitset *) waitset;
};

/* --- bells ----------------------------------------------------------------------------------- */

static int take_bell(struct eddy_waitset *ws)
{
    struct eddy_domain *d = ws->domain;
    for (uint32_t i = 0; i < EDDY_BELLS_MAX; i++) {
        struct eddy_bell_seat *seat = &d->registry->bells[i];
        if (i % 16 == 0) {
            int error = eddy_registry_reserve(d->registry_fd,
                                              (uint64_t)((uint8_t *)seat - (uint8_t *)d->registry),
                                              16 * sizeof *seat);
            if (error)
                return error;
        }
        uint64_t owner = eddy_load_acquire(&seat->owner);
        if ((owner == 0 || !eddy_domain_knows_alive(d, owner)) &&
            eddy_cas_seq(&seat->owner, &owner, d->id)) {
            eddy_store_seq(&seat->bell, 0u);
            ws->bell_index = i;
            ws->seat = seat;
            return EDDY_OK;
        }
    }
    return eddy_fail(EDDY_ELIMIT, "the domain has %u wait sets, which is all it can have",
                     EDDY_BELLS_MAX);
}

static _Atomic uint64_t *sleeping_word(const struct eddy_waitset *ws)
{
    return &ws->domain->registry->sleeping[ws->bell_index / 64];
}

static uint64_t bell_bit(const struct eddy_waitset *ws)
{
    return 1ull << ws->bell_index % 64;
}

/* Makes publications on the reader's topic look at our bell. */
static void subscribe_bell(const struct eddy_waitset *ws, const struct eddy_reader *r)
{
    struct eddy_control *c = r->segment->control;
    eddy_store_seq(&r->seat->bell, ws->bell_index + 1);
    eddy_or_seq(&c->bells[ws->bell_index / 64], bell_bit(ws));
    eddy_or_seq(&c->bell_words, 1ull << ws->bell_index / 64);
}

static bool bell_has_other_reader(const struct eddy_waitset *ws, const struct eddy_reader *r)
{
    for (size_t i = 0; i < ws->count; i++)
        if (ws->list[i].reader && ws->list[i].reader != r &&
            ws->list[i].reader->segment == r->segment)
            return true;
    return false;
}

static void unsubscribe_bell(const struct eddy_waitset *ws, const struct eddy_reader *r)
{
    eddy_store_seq(&r->seat->bell, 0u);
    if (!bell_has_other_reader(ws, r))
        eddy_and_seq(&r->segment->control->bells[ws->bell_index / 64], ~bell_bit(ws));
}

/* --- opening and closing --------------------------------------------------------------------- */

int eddy_waitset_open(eddy_domain *domain, eddy_waitset **waitset)
{
    if (!domain || !waitset)
        return eddy_fail(EDDY_EINVAL, "eddy_waitset_open: no domain or no place for the result");
    if (eddy_domain_forked(domain))
        return eddy_fail_forked();
    struct eddy_waitset *ws = calloc(1, sizeof *ws);
    if (!ws)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a wait set");
    ws->domain = domain;
    ws->fork_count = eddy_fork_count;
    pthread_mutex_lock(&domain->lock);
    int error = take_bell(ws);
    domain->handles += !error;
    pthread_mutex_unlock(&domain->lock);
    if (error) {
        free(ws);
        return error;
    }
    pthread_mutex_init(&ws->lock, NULL);
    *waitset = ws;
    return EDDY_OK;
}

static void forget(struct eddy_waitset *ws, size_t i)
{
    struct attachment *a = &ws->list[i];
    if (a->reader) {
        unsubscribe_bell(ws, a->reader);
        a->reader->waitset = NULL;
    } else {
        eddy_store_seq(&a->event->waitset, NULL);
    }
    ws->list[i] = ws->list[--ws->count];
}

int eddy_waitset_close(eddy_waitset *ws)
{
    if (!ws)
        return EDDY_OK;
    bool forked = ws->fork_count != eddy_fork_count;
    if (!forked) {
        while (ws->count)
            forget(ws, ws->count - 1);
        eddy_and_seq(sleeping_word(ws), ~bell_bit(ws));
        eddy_store_release(&ws->seat->owner, 0u); /* [seat] */
        pthread_mutex_lock(&ws->domain->lock);
        ws->domain->handles--;
        pthread_mutex_unlock(&ws->domain->lock);
    }
    pthread_mutex_destroy(&ws->lock);
    free(ws->list);
    free(ws);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

/* --- attaching ------------------------------------------------------------------------------- */

static int add(struct eddy_waitset *ws, struct attachment a)
{
    if (ws->count == ws->room) {
        size_t room = ws->room ? 2 * ws->room : 16;
        struct attachment *list = realloc(ws->list, room * sizeof *list);
        if (!list)
            return eddy_fail(EDDY_ENOMEM, "no memory to attach to a wait set");
        ws->list = list;
        ws->room = room;
    }
    ws->list[ws->count++] = a;
    return EDDY_OK;
}

/* A sleeping wait must look at what is new. */
static void rouse(struct eddy_waitset *ws)
{
    eddy_bell_ring(&ws->seat->bell);
}

int eddy_waitset_attach_reader(eddy_waitset *ws, eddy_reader *r, uint32_t mode, void *context)
{
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    pthread_mutex_lock(&ws->lock);
    int error = r->waitset ? eddy_fail(EDDY_EBUSY,
                                       "the reader is on a wait set already; detach it there first")
                           : 0;
    if (!error)
        error = add(ws, (struct attachment){.reader = r,
                                            .context = context,
                                            .edge = mode == EDDY_WAIT_EDGE,
                                            .seen = r->next});
    if (!error) {
        r->waitset = ws;
        subscribe_bell(ws, r);
    }
    pthread_mutex_unlock(&ws->lock);
    rouse(ws);
    return error;
}

int eddy_waitset_attach_event(eddy_waitset *ws, eddy_event *e, uint32_t mode, void *context)
{
    struct eddy_waitset *none = NULL;
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (!eddy_cas_seq(&e->waitset, &none, ws))
        return eddy_fail(EDDY_EBUSY, "the event is on a wait set already; detach it there first");
    pthread_mutex_lock(&ws->lock);
    int error = add(
        ws, (struct attachment){.event = e, .context = context, .edge = mode == EDDY_WAIT_EDGE});
    pthread_mutex_unlock(&ws->lock);
    if (error)
        eddy_store_seq(&e->waitset, NULL);
    rouse(ws);
    return error;
}

static int detach(struct eddy_waitset *ws, const struct eddy_reader *r, const struct eddy_event *e)
{
    int error = EDDY_ENOENT;
    pthread_mutex_lock(&ws->lock);
    for (size_t i = 0; i < ws->count; i++)
        if (ws->list[i].reader == r && ws->list[i].event == e) {
            forget(ws, i);
            error = EDDY_OK;
            break;
        }
    pthread_mutex_unlock(&ws->lock);
    return error ? eddy_fail(error, "it is not attached to this wait set") : error;
}

int eddy_waitset_detach_reader(eddy_waitset *ws, eddy_reader *reader)
{
    return ws->fork_count != eddy_fork_count ? eddy_fail_forked() : detach(ws, reader, NULL);
}

int eddy_waitset_detach_event(eddy_waitset *ws, eddy_event *event)
{
    return ws->fork_count != eddy_fork_count ? eddy_fail_forked() : detach(ws, NULL, event);
}

/* --- waiting --------------------------------------------------------------------------------- */

static bool is_ready(struct attachment *a)
{
    if (a->event) {
        uint64_t triggered = eddy_load_seq(&a->event->triggered);
        return a->edge ? triggered != a->seen : triggered != eddy_load_seq(&a->event->reset);
    }
    if (a->edge)
        return eddy_reader_has(a->reader, a->seen);
    return eddy_reader_ready(a->reader);
}

static void mark_reported(struct attachment *a)
{
    if (a->event)
        a->seen = eddy_load_seq(&a->event->triggered);
    else if (a->edge)
        a->seen = eddy_log_end(&a->reader->segment->log);
}

/* Fills in what is ready, in turn; says whether there is any. */
static bool collect(struct eddy_waitset *ws, void **contexts, size_t max, size_t *found)
{
    size_t n = 0;
    for (size_t i = 0; i < ws->count && n < max; i++) {
        struct attachment *a = &ws->list[(ws->turn + i) % ws->count];
        if (!is_ready(a))
            continue;
        mark_reported(a);
        contexts[n++] = a->context;
        if (n == max)
            ws->turn = (ws->turn + i + 1) % ws->count;
    }
    *found = n;
    return n > 0;
}

static bool collect_locked(struct eddy_waitset *ws, void **contexts, size_t max, size_t *found)
{
    pthread_mutex_lock(&ws->lock);
    bool any = collect(ws, contexts, max, found);
    pthread_mutex_unlock(&ws->lock);
    return any;
}

int eddy_waitset_wait(eddy_waitset *ws, uint64_t deadline, void **contexts, size_t max,
                      size_t *count)
{
    size_t found = 0;
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (!contexts || !count || max == 0)
        return eddy_fail(EDDY_EINVAL, "eddy_waitset_wait: no room for a result");
    bool any = collect_locked(ws, contexts, max, &found);
    bool in_time = deadline != EDDY_POLL;
    while (!any && in_time) {
        eddy_bell_arm(&ws->seat->bell);
        eddy_or_seq(sleeping_word(ws), bell_bit(ws));
        EDDY_POINT("waitset:armed");
        any = collect_locked(ws, contexts, max, &found);
        if (!any) {
            in_time = eddy_bell_wait(&ws->seat->bell, deadline);
            any = collect_locked(ws, contexts, max, &found);
        }
        eddy_and_seq(sleeping_word(ws), ~bell_bit(ws));
    }
    if (!any)
        return EDDY_ETIMEDOUT;
    *count = found;
    return EDDY_OK;
}

/* --- events ---------------------------------------------------------------------------------- */

int eddy_event_open(eddy_event **event)
{
    if (!event)
        return eddy_fail(EDDY_EINVAL, "eddy_event_open: no place for the result");
    *event = calloc(1, sizeof **event);
    return *event ? EDDY_OK : eddy_fail(EDDY_ENOMEM, "no memory for an event");
}

int eddy_event_close(eddy_event *e)
{
    if (!e)
        return EDDY_OK;
    struct eddy_waitset *ws = eddy_load_seq(&e->waitset);
    if (ws && ws->fork_count == eddy_fork_count)
        detach(ws, NULL, e);
    free(e);
    return EDDY_OK;
}

void eddy_event_trigger(eddy_event *e)
{
    atomic_fetch_add_explicit(&e->triggered, 1, memory_order_seq_cst);
    struct eddy_waitset *ws = eddy_load_seq(&e->waitset);
    if (ws)
        eddy_bell_ring(&ws->seat->bell);
}

bool eddy_event_triggered(const eddy_event *e)
{
    return eddy_load_seq(&e->triggered) != eddy_load_seq(&e->reset);
}

void eddy_event_reset(eddy_event *e)
{
    eddy_store_seq(&e->reset, eddy_load_seq(&e->triggered));
}
