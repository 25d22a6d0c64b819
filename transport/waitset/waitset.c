/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/waitset/waitset.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/waitset/fd.h"
#include "transport/waitset/foreign.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- bells ----------------------------------------------------------------------------------- */

/* Memory for a bell, which lies with others on a page. */
static int reserve_bell(const struct eddy_domain *d, int registry_fd, uint32_t i)
{
    uint64_t at = offsetof(struct eddy_registry, bells) + i * sizeof(struct eddy_bell_seat);
    return i % 16 ? EDDY_OK
                  : eddy_registry_reserve(registry_fd, at, 16 * sizeof *d->registry->bells);
}

/* With `of_dead`, also from whoever has died: that is asked last, as it asks the kernel. */
static bool take_one(struct eddy_waitset *ws, uint32_t i, bool of_dead)
{
    struct eddy_domain *d = ws->domain;
    struct eddy_bell_seat *seat = &d->registry->bells[i];
    /* acquire, from [holder]: who has it is not taken for dead, as it has joined before. */
    uint64_t owner = eddy_load_acquire(&seat->owner);
    if (owner != 0 && (!of_dead || eddy_domain_knows_alive(d, owner)))
        return false;
    /* [holder]; acquire, from [seat]: the last holder has cleared its bits in `bells` and
     * `sleeping`, and will not clear ours.  Its news and its bell stay: a needless look. */
    if (!eddy_cas_acq_rel(&seat->owner, &owner, d->id))
        return false;
    EDDY_POINT("bell:taken");
    ws->bell_index = i;
    ws->seat = seat;
    return true;
}

static int search_bells(struct eddy_waitset *ws, int registry_fd)
{
    for (uint32_t i = 0; i < 2 * EDDY_BELLS_MAX; i++) {
        bool again = i >= EDDY_BELLS_MAX;
        int error = again ? EDDY_OK : reserve_bell(ws->domain, registry_fd, i);
        if (error || take_one(ws, i % EDDY_BELLS_MAX, again))
            return error;
    }
    return eddy_fail(EDDY_ELIMIT, "the domain has %u wait sets, which is all it can have",
                     EDDY_BELLS_MAX);
}

static int take_bell(struct eddy_waitset *ws)
{
    int fd;
    int error = eddy_domain_registry(ws->domain, eddy_domain_folder(ws->domain), &fd);
    if (error)
        return error;
    error = search_bells(ws, fd);
    close(fd);
    return error;
}

/* Makes publications on the reader's topic look at our bell. */
static void subscribe_bell(const struct eddy_waitset *ws, const struct eddy_reader *r)
{
    struct eddy_control *c = r->segment->control;
    eddy_store_relaxed(&r->rest->bell, ws->bell_index + 1); /* for people to read */
    EDDY_POINT("subscribe:told");
    /* Relaxed: who sees the next step sees this. */
    eddy_or_relaxed(&c->bells[ws->bell_index / 64], eddy_waitset_bit(ws));
    EDDY_POINT("subscribe:bit-set");
    /* [bells], also when the bit is there.  seq: the next wait looks at the log, and who publishes
     * looks here afterwards. */
    eddy_or_seq(&c->bell_words, 1ull << ws->bell_index / 64);
}

static bool bell_has_other_reader(const struct eddy_waitset *ws, const struct eddy_reader *r)
{
    const struct eddy_attachment *a;
    for (a = LIST_FIRST(&ws->by_bit[eddy_topic_news(r->segment)]); a; a = LIST_NEXT(a, sharers))
        if (a->reader && a->reader != r && a->reader->segment == r->segment)
            return true;
    return false;
}

static void unsubscribe_bell(const struct eddy_waitset *ws, const struct eddy_reader *r)
{
    eddy_store_relaxed(&r->rest->bell, 0u); /* for people to read */
    EDDY_POINT("unsubscribe:told");
    /* Relaxed: seen late it costs a needless look; [seat] has it before the next holder's. */
    if (!bell_has_other_reader(ws, r))
        eddy_and_relaxed(&r->segment->control->bells[ws->bell_index / 64], ~eddy_waitset_bit(ws));
}

/* --- opening and closing --------------------------------------------------------------------- */

int eddy_waitset_open(eddy_domain *domain, eddy_waitset **waitset)
{
    EDDY_UNCANCELLED;
    if (!domain || !waitset)
        return eddy_fail(EDDY_EINVAL, "eddy_waitset_open: no domain or no place for the result");
    if (eddy_domain_forked(domain) || eddy_is_guest())
        return eddy_fail_forked();
    struct eddy_waitset *ws = calloc(1, sizeof *ws);
    if (!ws)
        return eddy_fail(EDDY_ENOMEM, "no memory to open a wait set");
    ws->domain = domain;
    ws->fork_count = eddy_fork_enter();
    pthread_mutex_lock(&domain->lock);
    int error = take_bell(ws);
    domain->handles += !error;
    pthread_mutex_unlock(&domain->lock);
    if (error) {
        free(ws);
        return error;
    }
    eddy_spin_init(&ws->spin, domain->spin_ns);
    pthread_mutex_init(&ws->lock, NULL);
    TAILQ_INIT(&ws->pending);
    *waitset = ws;
    return EDDY_OK;
}

/* Afterwards no thread that triggers it has the wait set in view.  Waits for those that do, for as
 * long as their system call takes. */
static void take_off(struct eddy_event *e)
{
    eddy_store_seq(&e->waitset, NULL); /* seq, then the look */
    EDDY_POINT("event:off");
    /* from [told]; seq: who comes later finds no wait set */
    eddy_await_none(&e->triggering);
}

static void forget(struct eddy_waitset *ws, struct eddy_attachment *a)
{
    if (a->reader) {
        unsubscribe_bell(ws, a->reader);
        a->reader->waitset = NULL;
    } else if (a->event) {
        take_off(a->event);
    } else {
        eddy_foreign_drop(ws->foreign, a);
    }
    eddy_attachment_rest(ws, a);
    LIST_REMOVE(a, sharers);
    LIST_REMOVE(a, others);
    free(a);
}

/* Of the child's copy: nothing shared is touched. */
static void free_attachments(struct eddy_waitset *ws)
{
    for (struct eddy_attachment *a = LIST_FIRST(&ws->all), *next; a; a = next) {
        next = LIST_NEXT(a, others);
        free(a);
    }
}

int eddy_waitset_close(eddy_waitset *ws)
{
    EDDY_UNCANCELLED;
    if (!ws)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = ws->fork_count != eddy_fork_count;
    eddy_foreign_free(ws->foreign, forked);
    ws->foreign = NULL;
    eddy_waitset_pipe_free(ws->pipe, forked);
    if (!forked) {
        for (struct eddy_attachment *a = LIST_FIRST(&ws->all), *next; a; a = next) {
            next = LIST_NEXT(a, others);
            forget(ws, a);
        }
        eddy_and_relaxed(eddy_waitset_sleeping(ws), ~eddy_waitset_bit(ws)); /* before [seat] */
        EDDY_POINT("bell:silent");
        eddy_store_release(&ws->seat->owner, 0u); /* [seat] */
        pthread_mutex_lock(&ws->domain->lock);
        ws->domain->handles--;
        pthread_mutex_unlock(&ws->domain->lock);
    }
    if (forked)
        free_attachments(ws);
    pthread_mutex_destroy(&ws->lock);
    free(ws);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

/* --- attaching ------------------------------------------------------------------------------- */

/* It is looked at by the next wait, whatever was told before: there is news of it. */
int eddy_waitset_add(struct eddy_waitset *ws, const struct eddy_attachment *like, uint32_t bit)
{
    struct eddy_attachment *a = malloc(sizeof *a);
    if (!a)
        return eddy_fail(EDDY_ENOMEM, "no memory to attach to a wait set");
    *a = *like;
    LIST_INSERT_HEAD(&ws->by_bit[bit], a, sharers);
    LIST_INSERT_HEAD(&ws->all, a, others);
    eddy_bell_tell(ws->seat, bit);
    return EDDY_OK;
}

void eddy_waitset_rouse(const struct eddy_waitset *ws)
{
    eddy_bell_ring(&ws->seat->bell);
}

int eddy_waitset_attach_reader(eddy_waitset *ws, eddy_reader *r, uint32_t mode, void *context)
{
    EDDY_UNCANCELLED;
    const struct eddy_attachment like = {
        .reader = r, .context = context, .edge = mode == EDDY_WAIT_EDGE, .seen = r->next};
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    pthread_mutex_lock(&ws->lock);
    int error = r->waitset ? eddy_fail(EDDY_EBUSY,
                                       "the reader is on a wait set already; detach it there first")
                           : 0;
    if (!error)
        error = eddy_waitset_add(ws, &like, eddy_topic_news(r->segment));
    if (!error) {
        r->waitset = ws;
        subscribe_bell(ws, r);
    }
    pthread_mutex_unlock(&ws->lock);
    eddy_waitset_rouse(ws);
    return error;
}

int eddy_waitset_attach_event(eddy_waitset *ws, eddy_event *e, uint32_t mode, void *context)
{
    EDDY_UNCANCELLED;
    const struct eddy_attachment like = {
        .event = e, .context = context, .edge = mode == EDDY_WAIT_EDGE};
    struct eddy_waitset *none = NULL;
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (!eddy_cas_seq(&e->waitset, &none, ws))
        return eddy_fail(EDDY_EBUSY, "the event is on a wait set already; detach it there first");
    pthread_mutex_lock(&ws->lock);
    int error = eddy_waitset_add(ws, &like, eddy_event_news(e));
    pthread_mutex_unlock(&ws->lock);
    if (error)
        take_off(e);
    eddy_waitset_rouse(ws);
    return error;
}

static struct eddy_attachment *find(struct eddy_waitset *ws, const struct eddy_attachment *like,
                                    uint32_t bit)
{
    struct eddy_attachment *a;
    LIST_FOREACH(a, &ws->by_bit[bit], sharers)
    if (a->reader == like->reader && a->event == like->event && a->fd == like->fd)
        return a;
    return NULL;
}

int eddy_waitset_detach(struct eddy_waitset *ws, const struct eddy_attachment *like, uint32_t bit)
{
    int error = EDDY_ENOENT;
    pthread_mutex_lock(&ws->lock);
    struct eddy_attachment *a = find(ws, like, bit);
    if (a) {
        forget(ws, a);
        error = EDDY_OK;
    }
    pthread_mutex_unlock(&ws->lock);
    return error ? eddy_fail(error, "it is not attached to this wait set") : error;
}

int eddy_waitset_detach_reader(eddy_waitset *ws, eddy_reader *reader)
{
    EDDY_UNCANCELLED;
    const struct eddy_attachment like = {.reader = reader};
    return ws->fork_count != eddy_fork_count
               ? eddy_fail_forked()
               : eddy_waitset_detach(ws, &like, eddy_topic_news(reader->segment));
}

int eddy_waitset_detach_event(eddy_waitset *ws, eddy_event *event)
{
    EDDY_UNCANCELLED;
    const struct eddy_attachment like = {.event = event};
    return ws->fork_count != eddy_fork_count
               ? eddy_fail_forked()
               : eddy_waitset_detach(ws, &like, eddy_event_news(event));
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
    EDDY_UNCANCELLED;
    if (!e)
        return EDDY_OK;
    struct eddy_waitset *ws = eddy_load_relaxed(&e->waitset); /* nobody else uses it any more */
    if (ws && ws->fork_count == eddy_fork_count)
        (void)eddy_waitset_detach_event(ws, e);
    free(e);
    return EDDY_OK;
}

void eddy_event_trigger(eddy_event *e)
{
    eddy_add_seq(&e->triggering, 1u); /* seq: before the wait set is looked for */
    eddy_add_seq(&e->triggered, 1u);  /* [triggered] */
    EDDY_POINT("event:triggered");
    struct eddy_waitset *ws = eddy_load_seq(&e->waitset);
    if (ws) {
        EDDY_POINT("event:found");
        eddy_bell_tell(ws->seat, eddy_event_news(e));
        EDDY_POINT("event:told");
        eddy_bell_ring(&ws->seat->bell);
    }
    eddy_sub_release(&e->triggering, 1u); /* [told] */
}

bool eddy_event_triggered(const eddy_event *e)
{
    /* acquire, from [triggered]: what came before the trigger.  `reset` hands nothing on. */
    return eddy_load_acquire(&e->triggered) != eddy_load_relaxed(&e->reset);
}

void eddy_event_reset(eddy_event *e)
{
    /* acquire, from [triggered]: what is forgotten here is seen by who looks after it. */
    eddy_store_relaxed(&e->reset, eddy_load_acquire(&e->triggered));
}
