/* directory.h - from the name of a topic to its segment, and the end of it.  (internal)
 *
 *   nobody has it -> create segment, announce flink -> others attach by the flink
 *                 -> the last one leaves: withdraw, remove
 *
 * All of it under the topic's lock in the registry, which the kernel drops if its holder dies; the
 * next holder finds what was done and goes on from there.  A topic whose participants are all dead
 * is removed and made anew.
 *
 * Threads: the caller holds the domain's lock as well: a file lock does not keep threads apart.
 * Crash:   a segment without a flink: the sweep or `eddy gc` removes it.
 *                                                     spec/topics.md, "Opening and closing"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_DIRECTORY_H
#define EDDY_DIRECTORY_H

#include "discovery/domain.h"
#include "discovery/flink.h"

struct eddy_wanted {
    const char *name, *type, *scope;
    const uint8_t *type_hash;
    uint64_t limit_bytes;
    uint32_t depth; /* the log should hold so many */
};

/* Takes and drops the lock of a topic. */
int eddy_directory_lock(struct eddy_domain *domain, int64_t lock);
void eddy_directory_unlock(struct eddy_domain *domain, int64_t lock);

/* The domain's lock, then that of a flink's name; and both back.  For what is opened rarely. */
int eddy_directory_enter(struct eddy_domain *domain, const char *flink);
void eddy_directory_leave(struct eddy_domain *domain, const char *flink);

/* Finds the topic's segment or creates it.  The lock is held. */
int eddy_directory_open(struct eddy_domain *domain, const struct eddy_flink_key *key,
                        const struct eddy_wanted *wanted, struct eddy_segment **segment);

/* Finds it by its flink alone, and never creates.  The lock is held. */
int eddy_directory_attach(struct eddy_domain *domain, const char *file,
                          struct eddy_segment **segment);

/* EDDY_ETYPE if the segment is of another type than wanted. */
int eddy_directory_check_type(const struct eddy_segment *segment, const struct eddy_wanted *wanted);

/* Removes the topic if no living participant has a seat.  The lock is held.  Returns the files
 * removed. */
uint32_t eddy_directory_close(struct eddy_domain *domain, const char *file,
                              struct eddy_segment *segment);

/* EDDY_ECONFIG if EDDY_MAX_BYTES is set to something that cannot be a topic's limit. */
int eddy_directory_check_limit(void);

/* What can be told of a topic without a seat on it. */
void eddy_directory_stats(int dir, struct eddy_segment *segment, struct eddy_topic_stats *stats);

#endif
