/* eddy/memory.h - a topic's memory ahead of need, and back when it is not needed any more.
 *
 * A topic takes memory as its samples need it, up to its limit, and turns what is free into what is
 * wanted.  What a burst left behind goes back to the system when somebody asks for that; what is not
 * to be waited for can be had beforehand.
 *
 * Threads: as for the handles.  All of these make system calls: not for the data path.
 * Crash:   a program that dies in one of these leaves at most a block of memory to be reaped.
 *                                                               spec/topics.md, "Memory"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_MEMORY_H
#define EDDY_MEMORY_H

#include <eddy/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Locks what is reserved in this process's memory, too (see `ulimit -l`). */
#define EDDY_MEMORY_LOCKED 1u

/* All zero but `size` and `count` means default. */
struct eddy_reservation {
    size_t size, alignment, header_size, header_alignment; /* as in eddy_loan_options */
    uint32_t count;                                        /* so many at once */
    uint32_t flags;                                        /* EDDY_MEMORY_LOCKED */
};

/* Sees to it that the topic has memory for `count` samples of this size, which it keeps as long as it
 * lives, and brings that and all else that publishing touches into this process's memory: no page
 * faults from then on, as long as no more than these are in use at once.  What was reserved before,
 * by whomever, counts.  Never waits for room.  Errors: EDDY_EINVAL, EDDY_ETOOBIG, EDDY_ELIMIT (the
 * topic's limit), EDDY_ENOMEM (the system's, or `ulimit -l`), EDDY_EFORKED; what was reserved until
 * then stays so. */
static inline int eddy_writer_reserve(eddy_writer *writer,
                                      const struct eddy_reservation *reservation)
{
    return eddy_writer_reserve_sized(writer, reservation, sizeof *reservation);
}

/* Brings what is reserved on the topic into the memory of a reader's process.  flags:
 * EDDY_MEMORY_LOCKED.  Errors: EDDY_EINVAL, EDDY_ENOMEM, EDDY_EFORKED. */
EDDY_API int eddy_reader_prefault(eddy_reader *reader, uint32_t flags);

/* Gives back to the system what a topic has and nobody uses: what no reader has still to take or holds,
 * no writer has on loan or keeps for late readers, and nobody reserved.  The topic must exist: flink
 * as from eddy_writer_flink or a snapshot, in the domain's folder.  bytes (may be NULL): how much that
 * was.  Errors: EDDY_EINVAL, EDDY_ENOENT, as eddy_writer_open. */
EDDY_API int eddy_topic_trim(eddy_domain *domain, const char *flink, uint64_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
