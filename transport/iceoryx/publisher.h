/* publisher.h - iox_pub_*: a writer with up to eight loans out.  (internal)
 *
 *   init --(offerOnCreate)--> offered <--offer / stop_offer--> not offered --deinit--> gone
 *   each loan:  free -> loaned -> published or released -> free
 *
 * The Eddy writer opens when it is first offered or lent from.  A publisher whose writer could not
 * be opened is a valid handle: its loans fail with AllocationResult_UNDEFINED_ERROR.
 *
 * Threads: any; a lock for each publisher.  With WAIT_FOR_CONSUMER publish waits in short turns,
 * and stop_offer, deinit by nobody else, or iox_runtime_shutdown end the wait: the chunk is then
 *          dropped.
 * Crash:   loans and history go back, as for every eddy_writer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_PUBLISHER_H
#define EDDY_ICEORYX_PUBLISHER_H

#include "service.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a publisher tells its subscribers with each sample: the writer's `tag`. */
#define EDDY_PUB_HAS_HISTORY 1u
#define EDDY_PUB_WAITS       2u

struct cpp2c_Publisher {
    pthread_mutex_t lock;
    struct eddy_service service;
    eddy_writer *writer; /* NULL while it is not needed or cannot be had */
    struct eddy_loan loans[EDDY_IOX_LOANS];
    uint32_t used; /* a bit for each loan that is out */
    uint32_t history;
    bool waits, is_cyclone;
    bool is_best_effort;         /* of Cyclone DDS, and known to be */
    enum eddy_noted reliability; /* of the DDS writer, for people */
    atomic_bool offered;
    unsigned generation;          /* of the domain that the writer is in */
    struct cpp2c_Publisher *next; /* see renewal.c */
};

/* If loans are out: sees to it that their memory stays mapped when the writer closes.  iceoryx leaves its
 * memory where it is, so a program may touch a loan that it has forgotten. */
void eddy_publisher_keep_mapped(iox_pub_t pub);

/* Moves to the domain that there is now, with what is kept for late readers, if no loan is out. */
void eddy_publisher_renew(iox_pub_t pub);

#endif
