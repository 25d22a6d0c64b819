/* keep.h - which of its samples a writer keeps for late readers.  (internal)
 *
 *   no kind of that key -> eddy_keep_prepare -> kind with room for one more -> eddy_keep_add
 *                          ... -> eddy_keep_end, or the writer closes
 *
 * A kind is what the history counts by: all samples of a writer, or those with one key.  It is a
 * ring of slots, oldest first.  What the ring lets go, the caller un-marks in the slot.
 *
 * Memory:  without keys all of it is there from the beginning; with keys it grows with their number
 *          and with the samples of each, up to the depth.
 * Threads: the writer's.  Crash: private memory; reap finds what was kept by the slots' keepers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_KEEP_H
#define EDDY_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct eddy_kind_kept {
    uint8_t key[16];
    uint32_t published; /* samples of this kind so far */
    uint32_t first, count, room;
    uint32_t *slots;
};

struct eddy_keep {
    uint32_t depth; /* samples of a kind; 0: nothing is kept */
    bool keyed;
    uint32_t total;              /* samples kept now */
    struct eddy_kind_kept *last; /* used last: the next sample's, most likely */
    struct eddy_kind_kept whole; /* without keys */
    void *kinds;                 /* with keys: a tree of them */
};

/* EDDY_ENOMEM. */
int eddy_keep_open(struct eddy_keep *keep, uint32_t depth, bool keyed);
void eddy_keep_close(struct eddy_keep *keep);

/* The kind of this key, with room for one more.  NULL: no memory. */
struct eddy_kind_kept *eddy_keep_prepare(struct eddy_keep *keep, const uint8_t key[16]);

/* Adds the newest of a kind that was prepared; true if `*gone` had to give way to it. */
bool eddy_keep_add(struct eddy_keep *keep, struct eddy_kind_kept *kind, uint32_t slot,
                   uint32_t *gone);

/* Takes the oldest of a kind out; false: there is none. */
bool eddy_keep_drop(struct eddy_keep *keep, struct eddy_kind_kept *kind, uint32_t *gone);

/* Calls for each sample that is kept, in no order. */
void eddy_keep_each(const struct eddy_keep *keep,
                    void (*each)(void *context, const struct eddy_kind_kept *kind, uint32_t slot),
                    void *context);

/* Forgets a kind, which has nothing any more. */
void eddy_keep_end(struct eddy_keep *keep, struct eddy_kind_kept *kind);

#endif
