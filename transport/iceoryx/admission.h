/* admission.h - whose samples Cyclone DDS is given.  (internal)
 *
 *   sample of a writer that DDS has matched with the reader  -> handed on
 *   of any other -> held back, with all that follow from it  -> matched: handed on, in order
 *                                                            -> too long, or too many: given up
 *
 * Cyclone DDS 0.10 drops what comes from a writer that its discovery has not found yet, and 0.10.2
 * to 0.10.4 never give such a sample back.  And it does not ask whether reader and writer match: a
 * reader in another partition, or one that asks for more than the writer offers, would get samples
 * that it must not have.  So DDS is asked, when a writer is new and every second, and a sample is handed
 * on only if its writer is matched.
 *
 * What is held back is pinned in its topic; no writer waits for it.  For each writer it is bounded
 * in number, bytes and time.  Of a writer that DDS knows and does not match (another partition, say)
 * nothing is held; of one that nobody has told of for that time, less.
 *
 * Threads: the one that calls Cyclone DDS back, with no lock held; what others look at, too, changes
 *          under the subscriber's lock.  A subscriber's counts are noted for people in its reader
 *          (eddy_reader_note).
 * Crash:   private memory; the engine takes back what a dead reader had pinned.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_ADMISSION_H
#define EDDY_ICEORYX_ADMISSION_H

#include "chunk.h"
#include "dds.h"
#include "holding.h"

#include <stdatomic.h>

/* A sample that is held back. */
struct eddy_waiting {
    struct eddy_held held;
    struct eddy_chunk_origin origin;
    uint64_t until; /* it is given up then */
};

/* First in, first out. */
struct eddy_waiting_line {
    struct eddy_waiting *list;
    size_t first, count, room; /* room: 0 or a power of two */
    size_t past;               /* of them were kept for late readers */
    uint64_t bytes;            /* of the others */
};

/* A writer that DDS has not matched. */
struct eddy_stranger {
    uint8_t guid[EDDY_DDS_GUID_BYTES];
    bool refused; /* DDS has known it for long enough, and does not match it */
    bool strange; /* nobody has told of it for as long as a sample may wait */
    struct eddy_waiting_line line;
    struct eddy_stranger *next;
};

struct eddy_admission {
    bool decided;   /* whether DDS can be asked, and what there is to know of its reader */
    bool asks;      /* it can */
    int32_t reader; /* of DDS */
    bool reliable;  /* it is */
    uint64_t ready; /* when DDS had created the reader */
    uint64_t now;   /* of this turn */
    uint64_t asked; /* when DDS was last asked */
    atomic_bool has_waiting;
    atomic_bool stale; /* what it answered holds no more: a writer has come or leaves */
    uint64_t pause;    /* before it is asked again, while something waits */
    struct eddy_dds_matches matches;
    size_t last; /* the match that was of use last */
    struct eddy_stranger *strangers;
    struct eddy_waiting_line admitted; /* of writers that have been matched since */
    uint32_t waiting, given_up;
    uint32_t noted_waiting, noted_given_up;
};

enum eddy_judgement { EDDY_HAND_ON, EDDY_PASS_OVER, EDDY_HELD_BACK };

struct cpp2c_Subscriber;

/* Calls Cyclone DDS back for all that there is to take.  Returns the moment at which that must be
 * done again whatever comes, or 0. */
uint64_t eddy_admission_deliver(struct cpp2c_Subscriber *sub,
                                void (*callback)(struct cpp2c_Subscriber *, void *), void *context);

/* What is to be done with a sample that was taken just now.  EDDY_HELD_BACK: it is the admission's
 * now.  Under the subscriber's lock. */
enum eddy_judgement eddy_admission_judge(struct cpp2c_Subscriber *sub, const struct eddy_held *held,
                                         const struct eddy_chunk_origin *origin);

/* The next sample that waited long enough; false: there is none. */
bool eddy_admission_next(struct cpp2c_Subscriber *sub, struct eddy_held *held);

/* The reader is another one: what was handed on so far may come again, and is not wanted.  Under the
 * subscriber's lock. */
void eddy_admission_renew(struct eddy_admission *admission);

/* Forgets all; what is held goes back with its reader. */
void eddy_admission_free(struct eddy_admission *admission);

#endif
