/* feed.h - a reader of an Eddy topic that serves all readers of DDS alike.  (internal)
 *
 *   open (first tap) -> attached to the wait set -> ... -> stopped (last tap gone) -> closed when
 *   the last sample of it is given back
 *
 * A parcel is a sample taken: one for all taps, and given back to Eddy when the last of them lets go
 * of it.
 *
 * Threads: taking: the instance's thread, or a writer's that makes room.  Giving back: any.  Both
 *          under the feed's lock, which is held for the one call of Eddy.
 * Crash:   the kernel drops the participant; others take back what it held.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_FEED_H
#define EDDY_PSMX_FEED_H

#include "topic.h"

struct psmx_parcel {
    struct psmx_feed *feed;
    struct psmx_parcel *next; /* of those that the feed has taken and not yet handed out */
    struct eddy_sample sample;
    struct psmx_wire wire; /* a copy: nobody changes it under us */
    struct psmx_before before;
    atomic_uint references;
};

/* A tap's place among those of a feed. */
struct psmx_link {
    struct psmx_tap *tap;
    struct psmx_feed *feed;
    struct psmx_link *next, *previous;
    uint64_t from; /* Eddy's number: what is below was there before the tap */
    uint64_t partition;
};

struct psmx_feed {
    struct psmx_home *home;
    struct psmx_link *links; /* under the instance's lock */
    struct psmx_feed *next;  /* of the instance's feeds; of the graveyard */
    struct psmx_feed *again; /* of those that the thread has not emptied; its own */
    bool is_again;
    char *name, *scope;
    enum psmx_lane lane;
    bool reliable;
    bool is_own;         /* of one tap, which is owed what was written before it came */
    uint64_t first_live; /* its number; is_own: what is below is what was kept */
    unsigned taps;       /* under the instance's `opening` */
    atomic_uint held;    /* samples that taps hold back */
    /* is_own: and its tap until it is linked */
    atomic_uint full; /* taps that cannot take any more for now: nothing is taken */
    atomic_uint references;
    atomic_bool stopped;
    pthread_mutex_t lock;
    eddy_reader *reader; /* under lock */
    uint64_t me;         /* its participant: samples that come from there are its own domain's */
    struct psmx_parcel *first, *last; /* under lock: taken early, see psmx_feed_make_room */
    unsigned early;
    uint64_t limit_bytes; /* of the topic */
    _Atomic uint64_t kept_bytes;
};

/* What a tap wants of a lane. */
struct psmx_wants {
    enum psmx_lane lane;
    const char *partition;
    bool reliable;
    bool history; /* also what writers have kept for late readers */
};

/* The feed for a lane, opened if there is none yet, or if it is to begin with history; *from: the
 * first sample of Eddy that a tap that begins now may have.  NULL: it was said why. */
struct psmx_feed *psmx_feed_open(struct psmx_subject *subject, const struct psmx_wants *wants,
                                 uint64_t *from);
/* One tap less. */
void psmx_feed_leave(struct psmx_feed *feed);
/* How many readers of Eddy this instance has on a lane: its own, which a writer need not serve. */
unsigned psmx_feed_count(struct psmx_home *home, const char *name, const char *scope);

/* Notes how many samples are held back, in all that it has taken. */
void psmx_feed_note(struct psmx_feed *feed, uint32_t in_hand);
/* True for what was kept for late readers. */
static inline bool psmx_parcel_is_old(const struct psmx_parcel *parcel)
{
    return parcel->feed->is_own && parcel->sample.sn < parcel->feed->first_live;
}

/* The next sample of others; NULL: there is none.  For the instance's thread. */
struct psmx_parcel *psmx_feed_take(struct psmx_feed *feed);
/* Where this instance's own readers keep its writer waiting, takes what is there, for the thread to
 * hand out later. */
void psmx_feed_make_room(struct psmx_home *home, const char *name, const char *scope);
/* True if what stays longer had better be copied: memory of the topic is running short. */
bool psmx_feed_is_short(struct psmx_feed *feed, uint64_t bytes);

void psmx_parcel_ref(struct psmx_parcel *parcel);
void psmx_parcel_unref(struct psmx_parcel *parcel);

void psmx_feed_ref(struct psmx_feed *feed);
void psmx_feed_unref(struct psmx_feed *feed);
/* Frees what has been closed: when the thread holds none of them. */
void psmx_feed_bury(struct psmx_home *home);

#endif
