/* topic.h - a topic as this process has it open: one for all its writers and readers.  (internal)
 *
 *   eddy_topic_open (seat taken) -> writer or reader -> eddy_topic_close (seat left)
 *
 * The last handle of this process unmaps it.
 * Threads: opening and closing under the domain's lock; the rest is constant.
 * Crash:   seats are reaped by whoever meets them next.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOPIC_INSIDE_H
#define EDDY_TOPIC_INSIDE_H

#include "allocator/segment/endpoint.h"
#include "allocator/segment/slot.h"
#include "allocator/wait/futex.h"
#include "discovery/directory.h"

#include <eddy/topic.h>

struct eddy_topic {
    struct eddy_segment *segment;
    struct eddy_domain *domain;
    struct eddy_flink_key key;
    char *flink; /* path */
    uint32_t handles;
    _Atomic uint32_t not_own;    /* readers that want nothing of this participant */
    struct eddy_topic *below[2]; /* among the topics of this process: see topic.c */
};

enum eddy_role { EDDY_ROLE_READER, EDDY_ROLE_WRITER };

/* Which topic, as what. */
struct eddy_topic_request {
    const struct eddy_topic_identity *name; /* or, if NULL, */
    const char *file;                       /* the name of its flink: then it must exist */
    struct eddy_wanted wanted;              /* limit and depth if it is to be created */
    enum eddy_role role;
};

/* Opens a topic and takes a seat on it.  The endpoint is not there yet: eddy_topic_arrive. */
int eddy_topic_open(struct eddy_domain *domain, const struct eddy_topic_request *request,
                    struct eddy_topic **topic, uint32_t *seat);

/* EDDY_EINVAL for what no endpoint can say of itself. */
int eddy_topic_check_blob(const void *blob, size_t size);

/* The endpoint with this seat is complete, and others see it, with what it says of itself. */
int eddy_topic_arrive(struct eddy_topic *topic, enum eddy_role role, uint32_t seat,
                      const void *blob, size_t blob_size);

/* Up to `room` bytes of the text that describes the type. */
int eddy_topic_type_text(const struct eddy_topic *topic, void *bytes, size_t room, size_t *size);

/* Leaves the seat and the topic. */
void eddy_topic_close(struct eddy_topic *topic, enum eddy_role role, uint32_t seat);

/* What tells the loans or samples of one handle from those of another: a handle keeps its mark, and
 * tickets go out and come back with it (ticket ^ mark).  Two handles hold the same slot under the
 * same ticket whenever they read the same sample, or are the first on two topics. */
uint32_t eddy_handle_mark(void);

void eddy_topic_stats(const struct eddy_topic *topic, struct eddy_topic_stats *stats);

/* The flags of a seat with the reliability that its program notes in place of what was noted. */
static inline uint32_t eddy_seat_noted(uint32_t flags, enum eddy_noted reliability)
{
    flags &= ~(EDDY_SEAT_NOTED | EDDY_SEAT_NOTED_RELIABLE);
    if (reliability == EDDY_NOTED_RELIABLE)
        return flags | EDDY_SEAT_NOTED | EDDY_SEAT_NOTED_RELIABLE;
    return reliability == EDDY_NOTED_BEST_EFFORT ? flags | EDDY_SEAT_NOTED : flags;
}

/* EDDY_EINVAL for notes that say what this version does not know. */
int eddy_notes_take(const struct eddy_notes *notes, size_t size, struct eddy_notes *own);

/* Seats in use. */
uint32_t eddy_topic_count(const struct eddy_segment *segment, enum eddy_role role);

#endif
