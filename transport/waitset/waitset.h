/* waitset.h - the inside of a wait set: what is attached, and what may be ready.  (internal)
 *
 *   attached -- news of it --> pending -- looked at, and there was nothing --> attached
 *
 * A wait looks at what is pending alone.  Whoever publishes on a topic sets the topic's bit among
 * the news of every bell that is subscribed; the bit follows from the topic's nonce, so that all
 * sides know it.  A wait clears the bits first, then looks at the topics that they stand for: what
 * is published after the look sets its bit again.  Several topics may share a bit.
 *
 * Threads: see eddy/waitset.h; `lock` guards the lists and is never held while asleep.
 * Crash:   what was published and not yet told is told by the next publication or by reaping.
 *                                                              spec/protocols.md, "Sleeping"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WAITSET_INSIDE_H
#define EDDY_WAITSET_INSIDE_H

#include "allocator/wait/wait.h"
#include "discovery/reap.h"
#include "transport/topic/reader.h"

#include <eddy/waitset.h>
#include <sys/queue.h>

/* One attached reader, event or descriptor. */
struct eddy_attachment {
    struct eddy_reader *reader; /* or */
    struct eddy_event *event;   /* or, where both are NULL, */
    int fd;
    uint32_t events; /* of the descriptor, as for poll(2) */
    void *context;
    uint64_t seen; /* edge: reported up to here */
    bool edge, is_pending;
    LIST_ENTRY(eddy_attachment) sharers; /* of its bit */
    LIST_ENTRY(eddy_attachment) others;  /* all of the wait set */
    TAILQ_ENTRY(eddy_attachment) turn;   /* while pending */
};
LIST_HEAD(eddy_attachments, eddy_attachment);
TAILQ_HEAD(eddy_pending, eddy_attachment);

struct eddy_waitset {
    struct eddy_domain *domain;
    uint32_t fork_count, bell_index;
    struct eddy_bell_seat *seat;
    struct eddy_spin spin;
    pthread_mutex_t lock;
    struct eddy_attachments all, by_bit[EDDY_NEWS_BITS];
    uint32_t tolls;                 /* of the domain's orphans, as far as it has heard them */
    struct eddy_pending pending;    /* in the order in which they are looked at */
    struct eddy_waitset_pipe *pipe; /* if a descriptor was asked for */
    struct eddy_foreign *foreign;   /* if a descriptor was attached */
};

struct eddy_event {
    _Atomic uint64_t triggered, reset; /* counts; set while they differ */
    _Atomic(struct eddy_waitset *) waitset;
    _Atomic uint32_t triggering; /* threads that may have the wait set in view */
};

static inline _Atomic uint64_t *eddy_waitset_sleeping(const struct eddy_waitset *ws)
{
    return &ws->domain->registry->sleeping[ws->bell_index / 64];
}

static inline uint64_t eddy_waitset_bit(const struct eddy_waitset *ws)
{
    return 1ull << ws->bell_index % 64;
}

/* Who publishes looks at the bells of those alone that say so. */
void eddy_waitset_say_asleep(const struct eddy_waitset *ws);

/* A hint: the look decides. */
static inline bool eddy_waitset_has_news(const struct eddy_waitset *ws)
{
    bool any = false;
    for (uint32_t w = 0; w < EDDY_NEWS_WORDS; w++)
        any = any || eddy_load_seq(&ws->seat->news[w]); /* from [news] */
    return any;
}

/* The bit by which an event tells of itself. */
static inline uint32_t eddy_event_news(const struct eddy_event *e)
{
    return (uint32_t)((uintptr_t)e / sizeof *e % EDDY_NEWS_BITS);
}

static inline uint32_t eddy_fd_news(int fd)
{
    return (uint32_t)fd % EDDY_NEWS_BITS;
}

/* Attaches a copy, with its bit: it is looked at by the next wait.  The lock is held. */
int eddy_waitset_add(struct eddy_waitset *ws, const struct eddy_attachment *like, uint32_t bit);
/* Detaches what is the same as `like`; EDDY_ENOENT. */
int eddy_waitset_detach(struct eddy_waitset *ws, const struct eddy_attachment *like, uint32_t bit);
/* A sleeping wait must look at what is new. */
void eddy_waitset_rouse(const struct eddy_waitset *ws);

/* The lock is held. */
static inline void eddy_attachment_pend(struct eddy_waitset *ws, struct eddy_attachment *a)
{
    if (!a->is_pending)
        TAILQ_INSERT_TAIL(&ws->pending, a, turn);
    a->is_pending = true;
}

static inline void eddy_attachment_rest(struct eddy_waitset *ws, struct eddy_attachment *a)
{
    if (a->is_pending)
        TAILQ_REMOVE(&ws->pending, a, turn);
    a->is_pending = false;
}

#endif
