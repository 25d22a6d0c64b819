/* block.h - memory for slots, a block at a time.  (internal)
 *
 *   ABSENT -- commit by a writer --> there, one of its slots on loan to that writer
 *     ^------ trim, of all its slots at once, by a writer that has claimed them ------'
 *
 * An extent is address space for many slots.  Memory is given to a block of them at a time: 64 KiB
 * of small slots, or one large slot.  The owner of the block's first slot is the only one that
 * changes what the block has; slots without memory are owned by EDDY_SLOT_ABSENT, so that nobody
 * who looks for a slot needs to know of blocks.
 *
 *   committed   the block may have memory: set before it gets some, cleared when it has none.  What
 *               the topic uses is the sum of these, so there is no count that a death could spoil
 *   reserved    the block keeps its memory as long as the topic lives
 *
 * Threads: any; none waits.
 * Crash:   who takes a slot back from the dead sees by the others whether the block was ready.
 *                                                       spec/protocols.md, "Memory of slots"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_BLOCK_H
#define EDDY_BLOCK_H

#include "allocator/segment/slot.h"

/* Gets memory for a slot of at least `need` bytes, in an extent that there is or a new one, and
 * claims it for `me`.  EDDY_ELIMIT: not within the topic's limit; EDDY_ENOMEM: the system has
 * none, or it cannot be mapped; EDDY_ETOOBIG. */
int eddy_slot_grow(struct eddy_segment *segment, uint64_t need, uint32_t me,
                   struct eddy_place *place);

/* Takes the memory of blocks of free slots, whose samples `limit` lets go, until `bytes` have come
 * together.  `but_for`: not of slots that fit so many bytes; 0: of any.  Returns what came. */
uint64_t eddy_blocks_trim(struct eddy_segment *segment, uint32_t me, const struct eddy_limit *limit,
                          uint64_t bytes, uint64_t but_for);

/* Takes the memory of blocks none of whose slots can be used: what was on loan to the dead. */
void eddy_blocks_tidy(struct eddy_segment *segment, uint32_t me);

/* Discards what a seat of this process still has on loan; it must not be void yet. */
void eddy_slots_discard_own(struct eddy_segment *segment, uint32_t seat);

/* Gives back a slot on loan, and its memory if that came for this loan alone. */
void eddy_slot_discard(struct eddy_segment *segment, const struct eddy_place *place);

/* The block of a slot that is ours keeps its memory from now on. */
void eddy_block_reserve(const struct eddy_place *place);
bool eddy_block_is_reserved(const struct eddy_extent *extent, uint32_t block);

/* Bytes that the topic's samples use, of its limit.  EDDY_ENOMEM: an extent cannot be mapped. */
int eddy_blocks_bytes(struct eddy_segment *segment, uint64_t *bytes);

/* The first block from `block` on that has memory; the number of blocks if there is none. */
uint32_t eddy_block_committed_from(const struct eddy_extent *extent, uint32_t block);

/* Slots with memory. */
uint32_t eddy_extent_committed(const struct eddy_extent *extent);

#endif
