/* directory.h - from the name of a topic to its segment, and the end of it.  (internal)
 *
 *   nobody has it -> create segment, announce flink -> others attach by the flink
 *                 -> the last one leaves: withdraw, remove
 *
 * All of it under the topic's lock in the registry, which the kernel drops if its holder dies; the
 * next holder finds what was done and goes on from there.  A topic whose participants are all dead
 * is removed and made anew.
 *
 * Threads: any, each with a name of its own.
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

/* A name that this process opens or closes: the registry's lock of it does not keep the process's own
 * threads apart. */
struct eddy_name {
    int64_t lock; /* its byte: eddy_flink_lock */
    int fd;       /* of the registry, open for as long as the name is had */
    struct eddy_name *next;
};

/* Takes a name, and the domain's lock with it.  It waits for whoever has the name, in whatever
 * process, without the domain's lock: one name that is stuck does not keep others.  EDDY_EBUSY. */
int eddy_directory_enter(struct eddy_domain *domain, int64_t lock, struct eddy_name *name);
/* With the domain's lock held: takes a name if that is to be had at once. */
bool eddy_directory_try(struct eddy_domain *domain, int64_t lock, struct eddy_name *name);
/* Gives a name back; the domain's lock stays. */
void eddy_directory_drop(struct eddy_domain *domain, struct eddy_name *name);
/* Gives back both. */
void eddy_directory_leave(struct eddy_domain *domain, struct eddy_name *name);
/* In a forked child: closes its copies. */
void eddy_directory_forget_names(struct eddy_domain *domain);

/* Finds the topic's segment or creates it.  The name is held. */
int eddy_directory_open(struct eddy_domain *domain, const struct eddy_flink_key *key,
                        const struct eddy_wanted *wanted, struct eddy_segment **segment);

/* Finds it by its flink alone, and never creates.  Likewise. */
int eddy_directory_attach(struct eddy_domain *domain, const char *file,
                          struct eddy_segment **segment);

/* EDDY_ETYPE if the segment is of another type than wanted. */
int eddy_directory_check_type(const struct eddy_segment *segment, const struct eddy_wanted *wanted);

/* Removes the topic if no living participant has a seat; reaps nobody.  The name is held.  Returns the files
 * removed. */
uint32_t eddy_directory_close(struct eddy_domain *domain, const char *file,
                              struct eddy_segment *segment);

/* EDDY_ECONFIG if EDDY_MAX_BYTES is set to something that cannot be a topic's limit. */
int eddy_directory_check_limit(void);

/* What can be told of a topic without a seat on it. */
void eddy_directory_stats(int dir, struct eddy_segment *segment, struct eddy_topic_stats *stats);

#endif
