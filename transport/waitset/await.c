/* Waiting on a wait set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/waitset/fd.h"
#include "transport/waitset/foreign.h"
#include "transport/waitset/waitset.h"

static bool is_event_ready(struct eddy_attachment *a)
{
    /* seq, from [triggered]: a trigger that this look misses finds the event attached, and news of
     * it cleared. */
    uint64_t triggered = eddy_load_seq(&a->event->triggered);
    /* Relaxed: an older one costs a report too many. */
    uint64_t before = a->edge ? a->seen : eddy_load_relaxed(&a->event->reset);
    a->seen = triggered;
    return triggered != before;
}

static bool is_ready(const struct eddy_waitset *ws, struct eddy_attachment *a)
{
    if (a->event)
        return is_event_ready(a);
    if (!a->reader)
        return eddy_foreign_is_ready(ws->foreign, a);
    if (a->edge)
        return eddy_reader_has(a->reader, a->seen);
    return eddy_reader_ready(a->reader);
}

static void mark_reported(struct eddy_attachment *a)
{
    uint64_t end;
    /* A log that cannot be mapped is news until take has said so. */
    if (a->reader && a->edge && eddy_logs_end(a->reader->segment, &end) == EDDY_OK)
        a->seen = end;
}

/* What there is news of becomes pending.  The bits go first, then the topics are looked at. */
static void hear_news(struct eddy_waitset *ws)
{
    struct eddy_attachment *a;
    for (uint32_t w = 0; w < EDDY_NEWS_WORDS; w++) {
        /* seq, from [news]: a publication that finds its bit set is seen by the next look. */
        uint64_t bits = eddy_load_seq(&ws->seat->news[w]);
        if (bits)
            bits = eddy_swap_seq(&ws->seat->news[w], 0u);
        if (bits)
            EDDY_POINT("waitset:news-taken");
        for (; bits; bits &= bits - 1)
            for (a = LIST_FIRST(&ws->by_bit[w * 64 + (uint32_t)__builtin_ctzll(bits)]); a;
                 a = LIST_NEXT(a, sharers))
                eddy_attachment_pend(ws, a);
    }
}

/* A writer was killed before it could tell of what it has published: anything may be ready. */
static void hear_tolls(struct eddy_waitset *ws)
{
    struct eddy_attachment *a;
    /* from [toll]: its sample is seen.  After the arming of the bell: a later one wakes us. */
    uint32_t tolls = eddy_load_seq(&ws->domain->registry->orphans.tolls);
    if (__builtin_expect(tolls == ws->tolls, 1))
        return;
    ws->tolls = tolls;
    for (a = LIST_FIRST(&ws->all); a; a = LIST_NEXT(a, others))
        eddy_attachment_pend(ws, a);
}

/* Fills in what is ready, in turn; says whether there is any.  Who was reported goes to the end. */
static bool collect(struct eddy_waitset *ws, void **contexts, size_t max, size_t *found)
{
    size_t n = 0;
    hear_tolls(ws);
    hear_news(ws);
    const struct eddy_attachment *last = TAILQ_LAST(&ws->pending, eddy_pending);
    for (bool more = last != NULL; more && n < max;) {
        struct eddy_attachment *a = TAILQ_FIRST(&ws->pending);
        more = a != last;
        eddy_attachment_rest(ws, a);
        if (!is_ready(ws, a))
            continue;
        mark_reported(a);
        contexts[n++] = a->context;
        eddy_attachment_pend(ws, a);
    }
    *found = n;
    return n > 0;
}

struct collecting {
    struct eddy_waitset *ws;
    void **contexts;
    size_t max, found;
};

static int look_for_any(void *what)
{
    struct collecting *c = what;
    pthread_mutex_lock(&c->ws->lock);
    bool any = collect(c->ws, c->contexts, c->max, &c->found);
    pthread_mutex_unlock(&c->ws->lock);
    return any ? EDDY_OK : EDDY_EAGAIN;
}

static bool has_news(const void *what)
{
    const struct collecting *c = what;
    return eddy_waitset_has_news(c->ws);
}

void eddy_waitset_say_asleep(const struct eddy_waitset *ws)
{
    eddy_or_seq(eddy_waitset_sleeping(ws), eddy_waitset_bit(ws));
}

static void say_asleep(void *what, bool begins)
{
    const struct collecting *c = what;
    if (begins)
        eddy_waitset_say_asleep(c->ws);
    else if (!c->ws->pipe) /* whose thread may sleep at any time */
        /* Relaxed: seen late it costs a needless look at the bell. */
        eddy_and_relaxed(eddy_waitset_sleeping(c->ws), ~eddy_waitset_bit(c->ws));
    EDDY_POINT("waitset:said");
}

int eddy_waitset_wait(eddy_waitset *ws, uint64_t deadline, void **contexts, size_t max,
                      size_t *count)
{
    const struct eddy_awaited any = {.look = look_for_any,
                                     .hint = has_news,
                                     .sleeps = say_asleep,
                                     .pauses = 1,
                                     .orphans = &ws->domain->registry->orphans};
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (!contexts || !count || max == 0)
        return eddy_fail(EDDY_EINVAL, "eddy_waitset_wait: no room for a result");
    struct collecting c = {.ws = ws, .contexts = contexts, .max = max};
    int error = eddy_wait(&ws->spin, &any, &c, &ws->seat->bell, deadline);
    if (!error)
        *count = c.found;
    else if (ws->pipe)
        eddy_waitset_pipe_arm(ws->pipe);
    return error;
}
