/* reclaim.h - chunks that Cyclone DDS 0.10.2 to 0.10.4 forgets.  (internal)
 *
 * They take a chunk, look at its user header once, and if they have not discovered its writer they
 * go on to the next take without releasing it.  Every other chunk they look at once more, in
 * libddsc's from_iox_buffer, before the next take.  So a chunk that was looked at exactly once
 * between two takes of one subscriber on one thread is forgotten, and may be released.
 *
 * This holds for libddsc's own kind of samples.  It is relied on only if the library in this
 * process is one of the three versions, by its file name, and if nothing else that is loaded makes
 * kinds of samples of its own: nothing but libddsc refers to ddsi_serdata_init or
 * ddsi_sertype_init, without which none can be made.  Otherwise forgotten chunks stay held until
 * the reader is deleted, which costs memory but nothing else.
 *
 * Threads: any; what was taken last is kept for each thread.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_RECLAIM_H
#define EDDY_ICEORYX_RECLAIM_H

#include <stdatomic.h>
#include <stdbool.h>

/* True once any subscriber reclaims: until then looking up a header costs nothing more. */
extern atomic_bool eddy_reclaim_active;

/* Whether a subscriber that is opened now shall reclaim. */
bool eddy_reclaim_is_safe(void);

/* The payload that this thread took last, if it came from this subscriber and was looked at exactly
 * once since; else NULL.  It is told once. */
const void *eddy_reclaim_forgotten(const void *sub);

/* This thread has taken this payload. */
void eddy_reclaim_taken(const void *sub, const void *payload);

void eddy_reclaim_count(const void *payload);

/* This thread has looked up the header of this payload. */
static inline void eddy_reclaim_looked_up(const void *payload)
{
    /* Relaxed: a thread that reclaims has got its subscriber after this was set. */
    if (atomic_load_explicit(&eddy_reclaim_active, memory_order_relaxed)) {
        eddy_reclaim_count(payload);
    }
}

#endif
