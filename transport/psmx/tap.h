/* tap.h - a reader of DDS, fed from Eddy.  (internal)
 *
 *   created -> reader known (on_data_available) -> samples handed over -> closed -> freed
 *
 * What DDS cannot take yet is held back, each writer's in its order: as DDS does not know the writer
 * yet, as the reader's cache is full, or as the reader is still being created.
 *
 * Threads: created and deleted by threads of the program; the rest is the instance's thread's.
 *          Deleting never waits: if that thread has the tap in hand, it frees it.
 * Locks:   none is held while DDS is called.
 * Crash:   private memory.
 *                                                  spec/psmx.md, "Handing samples to DDS"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_TAP_H
#define EDDY_PSMX_TAP_H

#include "feed.h"

struct psmx_held {
    struct psmx_held *next;
    struct psmx_parcel *parcel;
};

/* Of one writer, in order. */
struct psmx_stalled {
    struct psmx_stalled *next;
    struct psmx_guid writer;
    struct psmx_held *first, *last;
    uint32_t count, old;   /* old: kept for late readers, and so from before their time */
    uint64_t bytes, since; /* bytes: of those that are not old */
};

/* What DDS said when it was asked whether it has matched a writer. */
struct psmx_asked {
    struct psmx_guid writer;
    bool is_matched;
    uint64_t until; /* a "no" is asked again after that */
};
#define PSMX_ASKED 64u

struct psmx_tap {
    struct psmx_endpoint psmx; /* first */
    struct psmx_home *home;
    struct psmx_tap *next, *previous; /* under the instance's lock */
    struct psmx_policies asked;
    struct psmx_shape shape;
    bool is_limited;   /* its cache may be full */
    bool is_closed;    /* under the instance's lock */
    unsigned hands;    /* under the instance's lock: of the thread, that are on it */
    atomic_int reader; /* of DDS; 0: not known yet */
    /* The thread's: */
    bool is_watched; /* the roster hears of its participant */
    bool is_full;    /* counted in its feeds' `full` */
    bool has_warned;
    struct psmx_stalled *stalled;
    uint32_t held;
    uint64_t retry_at, pause; /* next try of what is held */
    struct psmx_asked answers[PSMX_ASKED];
    unsigned link_count;
    struct psmx_link links[]; /* under the instance's lock: of each partition, each lane */
};

/* Its link to a feed that it has. */
static inline struct psmx_link *psmx_link_of(struct psmx_tap *tap, const struct psmx_feed *feed)
{
    struct psmx_link *link = tap->links;
    while (link->feed != feed)
        link++;
    return link;
}

static inline struct psmx_tap *psmx_tap_of(struct psmx_endpoint *endpoint)
{
    return (struct psmx_tap *)endpoint;
}

/* All for the instance's thread.  The first tap, or the one after `tap`, that is open, with a hand on
 * it; the hand on `tap` is taken off. */
struct psmx_tap *psmx_tap_next(struct psmx_home *home, struct psmx_tap *tap);
/* The same among those of a feed. */
struct psmx_tap *psmx_tap_next_of(struct psmx_feed *feed, struct psmx_tap *tap);

/* Hands a sample to the tap, or holds it back. */
void psmx_tap_give(struct psmx_tap *tap, struct psmx_parcel *parcel);
/* Tries what is held back, if it is time or `now`. */
void psmx_tap_retry(struct psmx_tap *tap, bool now);

/* held.c: what is held back.  The writer's, NULL: nothing of it. */
struct psmx_stalled *psmx_held_of(struct psmx_tap *tap, const struct psmx_guid *writer);
void psmx_held_add(struct psmx_tap *tap, struct psmx_parcel *parcel);
/* Lets go of the writer's oldest; frees `stalled` with its last one. */
void psmx_held_drop(struct psmx_tap *tap, struct psmx_stalled *stalled);
void psmx_held_drop_all(struct psmx_tap *tap);

#endif
