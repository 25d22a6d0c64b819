/* reader.h - the inside of a reader handle.  (internal)
 *
 *   reliable     a cursor in the segment; the sample under it needs no pin: taking the next one
 *                pins it if it is still held
 *   best-effort  no cursor; each sample is pinned, then looked at again
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_READER_INSIDE_H
#define EDDY_READER_INSIDE_H

#include "allocator/segment/logs.h"
#include "allocator/wait/wait.h"
#include "transport/topic/topic.h"

struct eddy_waitset;

/* A sample from before the reader's time, pinned until it is taken. */
struct eddy_past {
    uint64_t sn;
    uint32_t slot, writer;
    uint32_t count; /* how-manieth of its kind */
    uint32_t depth; /* samples of its kind that its writer keeps; 0: it ends its key */
    uint8_t key[EDDY_KEY_BYTES];
    bool keyed;
    bool of_topic, of_writer; /* whose history it is in; or both */
    bool wanted;
    bool dropped;
};

struct eddy_reader {
    struct eddy_topic *topic;
    struct eddy_domain *domain;
    bool owns_domain;
    struct eddy_segment *segment;
    const struct eddy_log *log; /* that it looks in: see logs.h */
    struct eddy_reader_seat *seat;
    struct eddy_reader_rest *rest;
    uint32_t seat_id, fork_count;
    bool reliable, deep;
    bool shallow;      /* less deep than it asked for */
    bool under_cursor; /* reliable: the sample at `next - 1` is held, and the cursor still protects
                          it */
    uint32_t mark;     /* see eddy_handle_mark */
    uint32_t cursor_slot; /* of the sample under the cursor, */
    uint32_t cursor_mark; /* and its ticket with our mark */
    uint64_t next;        /* the number to take next */
    uint64_t told;        /* reliable: of room up to there waiting writers were told */
    uint64_t born;        /* what was published from here on can be lost */
    uint64_t taken, lost;
    uint32_t let_go_count;
    uint32_t held, depth;
    struct eddy_spin spin;
    struct eddy_past *past;
    size_t past_count, past_next;
    struct eddy_waitset *waitset;
};

/* Finds and pins what was published before `until`, oldest first, as the topic and the reader want
 * it. */
int eddy_reader_gather_past(struct eddy_reader *reader, uint64_t until, uint32_t wanted);

/* Sets the reader's bit on a slot, which carries `sn` afterwards or not: then EDDY_EBUSY, and the bit
 * is gone again.  EDDY_ENOMEM: its column cannot be mapped. */
int eddy_reader_pin(struct eddy_reader *reader, const struct eddy_place *place, uint64_t sn);
void eddy_reader_unpin(struct eddy_reader *reader, const struct eddy_place *place);

/* What comes before `until` is lost to the reader, which goes on there. */
void eddy_reader_lose(struct eddy_reader *reader, uint64_t until);

/* Writers have let go of it, or somebody says so: it joins again.  EDDY_ELETGO; EDDY_OK: that was not
 * for this reader, which has lost nothing. */
int eddy_reader_come_back(struct eddy_reader *reader);

/* True if sample `sn` or a later one is published. */
static inline bool eddy_reader_has(const struct eddy_reader *r, uint64_t sn)
{
    return eddy_logs_have(r->segment, sn);
}

#endif
