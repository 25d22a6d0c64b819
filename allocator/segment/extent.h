/* extent.h - runs of slots of one capacity, added while the topic is in use.  (internal)
 *
 * An extent is a sparse file: it has memory for what tells the state of its slots, and address space
 * for their payloads, which get memory when they are needed (block.h).
 *
 *   entry 0 -- a writer links <nonce>.x<i> and swaps the descriptor in --> in use
 *   in use, all slots ABSENT -- exchange, when all numbers are taken --> at rest, another has its number
 *   at rest -- exchange --> in use, under the same number
 *
 * An extent's file is built without a name and linked when complete.  If its maker dies before the
 * swap, the next who wants to grow finds the file under that name and swaps the descriptor in for
 * it.
 *
 * What was mapped stays mapped until the segment is detached, so who still looks at an extent that is
 * at rest finds slots without memory, and none with the sample that it wants: then it asks which extent
 * has the number (eddy_extent_now).
 *
 * Threads: any; two that grow at once: one links, the other drops its file and looks again.
 * Crash:   nothing is lost: see above.        spec/protocols.md, "Growth" and "Exchange of extents"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_EXTENT_H
#define EDDY_EXTENT_H

#include "allocator/file.h"
#include "allocator/segment/segment.h"

/* What a descriptor says of an extent. */
struct eddy_extent_shape {
    uint64_t capacity;
    uint32_t slots, block_slots, blocks;
    uint64_t block_bytes;
    uint64_t slots_at;      /* where the slots begin */
    uint64_t head_bytes;    /* header, blocks and slots: whole pages */
    uint64_t payload_bytes; /* whole pages, behind the head */
};
struct eddy_extent_shape eddy_extent_shape(uint64_t descriptor);

/* What to add for slots of at least `need` bytes, with `room` bytes left of the topic's limit.  0:
 * nothing fits. */
uint64_t eddy_extent_plan(const struct eddy_segment *segment, uint64_t need, uint64_t room);

/* Files, for those who add. */
#define EDDY_EXTENT_NAME 56
void eddy_extent_name(const struct eddy_segment *segment, uint32_t file,
                      char name[EDDY_EXTENT_NAME]);
int eddy_extent_build(const struct eddy_segment *segment, uint64_t descriptor,
                      struct eddy_file *file);
/* Believed only as far as it fits. */
int eddy_extent_open_file(const struct eddy_segment *segment, uint32_t file, int *fd,
                          uint64_t *descriptor);

/* Adds an extent whose slots hold at least `need` bytes; none of them has memory yet.  EDDY_OK also
 * if another writer just added one.  EDDY_ELIMIT at the topic's limit, EDDY_ETOOBIG if it could never
 * fit, EDDY_ENOMEM. */
int eddy_extent_add(struct eddy_segment *segment, uint64_t need, uint64_t room);

int eddy_extent_fail_limit(const struct eddy_segment *segment, uint64_t room);

#define EDDY_SUITS_ALL 4096u /* no slot up to here is too large for anything */

/* Room enough, and not far too much: small samples leave large slots to large ones. */
static inline bool eddy_extent_suits(const struct eddy_extent *x, uint64_t need)
{
    return x->capacity >= need && (x->capacity <= EDDY_SUITS_ALL || x->capacity / 4 <= need);
}

/* When all numbers are taken: one whose slots are all ABSENT rests, and another comes in its place,
 * whose slots hold at least `need` bytes.  EDDY_OK also if another writer was faster.  EDDY_ELIMIT: none
 * can be had, EDDY_ENOMEM. */
int eddy_extent_exchange(struct eddy_segment *segment, uint64_t need, uint64_t room);

/* True if it has its number, and its slots may get memory. */
bool eddy_extent_is_open(const struct eddy_segment *segment, const struct eddy_extent *extent);

/* The capacity that wastes little on `need` bytes. */
uint64_t eddy_extent_fits(uint64_t need);

/* The file of a mapped extent, to change what memory it has.  -1: it cannot be opened, or is another's
 * by now. */
int eddy_extent_open(struct eddy_segment *segment, const struct eddy_extent *extent);

/* Maps the extent that has the number i now, if it is not mapped yet.  EDDY_ESEGMENT if there is
 * none. */
int eddy_extent_map(struct eddy_segment *segment, uint32_t i, struct eddy_extent **extent);

/* Maps the extent in that file, also if it is at rest. */
int eddy_extent_map_file(struct eddy_segment *segment, uint32_t file, struct eddy_extent **extent);

/* The extent that is known here to have the number i; NULL: none.  eddy_extent_now asks whether another
 * has it by now. */
struct eddy_extent *eddy_extent_known(struct eddy_segment *segment, uint32_t i);
int eddy_extent_now(struct eddy_segment *segment, uint32_t i, struct eddy_extent **extent);

/* The payloads of a mapped extent for writing; NULL if they cannot be mapped. */
uint8_t *eddy_extent_writable(struct eddy_segment *segment, struct eddy_extent *extent);

/* As eddy_extent_column, for one that is not mapped here yet. */
_Atomic uint64_t *eddy_extent_map_column(struct eddy_segment *segment, struct eddy_extent *extent,
                                         uint32_t c, bool create);

/* Mask column c >= 1 of a mapped extent; made if `create`.  NULL: none, or it cannot be mapped. */
static inline _Atomic uint64_t *eddy_extent_column(struct eddy_segment *s, struct eddy_extent *x,
                                                   uint32_t c, bool create)
{
    /* acquire, from [mapped]: the page is there before anybody uses it. */
    _Atomic uint64_t *column = eddy_load_acquire(&x->column[c]);
    return __builtin_expect(column != NULL, 1) ? column : eddy_extent_map_column(s, x, c, create);
}

/* Makes column c of all extents that there are: for a reader that joins, before it takes anything.
 * EDDY_ENOMEM. */
int eddy_columns_make(struct eddy_segment *segment, uint32_t c);

/* Makes the columns of an extent for all who have joined: before any of its slots is used. */
int eddy_extent_columns_make(struct eddy_segment *segment, struct eddy_extent *extent);

/* Clears all bits of a mapped extent's columns; no slot of it is in use.  EDDY_EBUSY: one cannot be looked
 * at. */
int eddy_extent_columns_clear(struct eddy_segment *segment, struct eddy_extent *extent);

void eddy_extent_unmap(struct eddy_extent *extent);

/* Extents in use: they are numbered without gaps. */
uint32_t eddy_extent_count(const struct eddy_segment *segment);

/* Slots of all extents. */
uint32_t eddy_extent_slots(const struct eddy_segment *segment);

/* Least bytes that a topic takes for one sample of `need`. */
uint64_t eddy_extent_least(uint64_t need);

#endif
