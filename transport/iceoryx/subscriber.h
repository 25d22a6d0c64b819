/* subscriber.h - iox_sub_*: a reader, and the samples that the program holds.  (internal)
 *
 *   init --(subscribeOnCreate)--> subscribed <--subscribe / unsubscribe--> not --deinit--> gone
 *   each chunk:  queued in the topic -> taken (held) -> released
 *
 * The handle lies 8 bytes into its block: the word before it belongs to the caller for as long as
 * the handle lives.  Cyclone DDS keeps a pointer there.
 *
 * Unsubscribing retires the reader; it closes when the last chunk that came from it is released.
 * A subscriber whose reader could not be opened is a valid handle: it takes nothing, and says
 * ChunkReceiveResult_UNDEFINED_ERROR.
 *
 * For Cyclone DDS admission.h decides what is handed out.
 *
 * Threads: any; a lock for each subscriber, never held during a callback.
 * Crash:   chunks that were held go back, as for every eddy_reader.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_SUBSCRIBER_H
#define EDDY_ICEORYX_SUBSCRIBER_H

#include "admission.h"
#include "holding.h"
#include "service.h"

#include <pthread.h>
#include <stdatomic.h>

struct eddy_watch;

/* One time of being subscribed. */
struct eddy_intake {
    eddy_reader *reader;
    size_t held;               /* chunks out that came from it */
    uint64_t own;              /* this process's participant */
    uint64_t past_sn;          /* up to here was published before it opened */
    uint64_t lost_told;        /* losses up to here were reported */
    struct eddy_intake *older; /* retired ones, newest first */
};

struct cpp2c_Subscriber {
    pthread_mutex_t lock;
    struct eddy_service service;
    struct eddy_reader_options options;
    uint32_t must_have;         /* bits of the tag without which a sample is passed over */
    struct eddy_intake *intake; /* NULL: not subscribed, or no reader to be had */
    struct eddy_intake *retired;
    struct eddy_holding held;
    struct eddy_watch *watch; /* guarded by the lock in watch.c */
    bool wants;               /* to be subscribed */
    int64_t since;            /* of Cyclone DDS: what was written before is not for its reader */
    struct eddy_admission admission; /* for Cyclone DDS */
    uint64_t names;                  /* this and the next: see parting.c */
    struct cpp2c_Subscriber *next;
};

/* Opens the reader anew, in the domain that there is now; the old one goes with the last chunk that
 * came from it.  Also where none could be opened before.  False: none could be opened now. */
bool eddy_subscriber_renew(iox_sub_t sub);

/* Gives a sample that nobody got back, and forgets it.  Under the lock. */
void eddy_subscriber_drop(iox_sub_t sub, const struct eddy_held *held);

#endif
