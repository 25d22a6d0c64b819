/* holding.h - which samples a subscriber holds, found by their payload.  (internal)
 *
 *   empty -> add ... remove -> empty
 *
 * A hash table with open addressing.  It has no limit; memory is asked for only when it grows.
 *
 * Threads: the caller locks.
 * Crash:   private memory; the engine takes back what a dead reader held.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_HOLDING_H
#define EDDY_ICEORYX_HOLDING_H

#include "binding.h"

struct eddy_intake;

struct eddy_held {
    struct eddy_sample sample;  /* sample.data is the key; NULL: a free place */
    struct eddy_intake *intake; /* the reader that it came from */
};

struct eddy_holding {
    struct eddy_held *places;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

/* EDDY_ENOMEM: nothing was added. */
int eddy_holding_add(struct eddy_holding *holding, const struct eddy_held *held);

/* What has this payload, until the next call; NULL: there is none. */
const struct eddy_held *eddy_holding_find(const struct eddy_holding *holding, const void *payload);

/* Takes out what has this payload; false: there is none. */
bool eddy_holding_remove(struct eddy_holding *holding, const void *payload,
                         struct eddy_held *removed);

/* Anything that is there: false if nothing is. */
bool eddy_holding_any(const struct eddy_holding *holding, struct eddy_held *held);

void eddy_holding_free(struct eddy_holding *holding);

#endif
