/* extent.h - runs of slots of one capacity, added while the topic is in use.  (internal)
 *
 *   descriptor 0 -- a writer links <nonce>.x<i> and swaps the descriptor in --> in use, for good
 *
 * An extent's file is built without a name and linked when complete.  If its maker dies before the
 * swap, the next who wants to grow finds the file under that name and swaps the descriptor in for
 * it.
 *
 * Threads: any; two that grow at once: one links, the other drops its file and looks again.
 * Crash:   nothing is lost: see above.                         spec/protocols.md, "Growth"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_EXTENT_H
#define EDDY_EXTENT_H

#include "allocator/segment/segment.h"

/* Adds an extent whose slots hold at least `need` bytes.  EDDY_OK also if another writer just added
 * one. EDDY_ELIMIT at the topic's limit, EDDY_ETOOBIG if it could never fit, EDDY_ENOMEM. */
int eddy_extent_add(struct eddy_segment *segment, uint64_t need);

/* Maps extent i, if it is not mapped yet.  EDDY_ESEGMENT if there is none. */
int eddy_extent_map(struct eddy_segment *segment, uint32_t i);

/* The payloads of a mapped extent for writing; NULL if they cannot be mapped. */
uint8_t *eddy_extent_writable(struct eddy_segment *segment, uint32_t i);

/* Mask column c >= 1 of a mapped extent; made if `create`.  NULL: none, or it cannot be mapped. */
_Atomic uint64_t *eddy_extent_column(struct eddy_segment *segment, uint32_t i, uint32_t c,
                                     bool create);

void eddy_extent_unmap(struct eddy_extent *extent);

/* Extents in use: they are numbered without gaps. */
uint32_t eddy_extent_count(const struct eddy_segment *segment);

/* Slots of all extents. */
uint32_t eddy_extent_slots(const struct eddy_segment *segment);

/* Bytes of the file of an extent. */
uint64_t eddy_extent_bytes(uint64_t descriptor);

/* Capacity of the slots that would be made for `need` bytes. */
uint64_t eddy_extent_capacity(uint64_t need);

#endif
