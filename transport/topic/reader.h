/* reader.h - the inside of a reader handle.  (internal)
 *
 *   reliable     a cursor in the segment; what was taken last, one sample or a group, needs no pin, as
 *                the cursor stays on the first of them: taking more pins what is still held
 *   best-effort  no cursor; each sample is pinned, then looked at again
 *   pinning      reliable, but pinned as it is taken, so that the cursor is always at `next`: for
 *                releases by any thread, and for a cursor that writers move, too
 *
 * Threads: one at a time; of a pinning or best-effort reader with `shared`, releases by any others
 *          meanwhile.  They touch the slot's mask, `held` of the seat and the room bell, no more.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_READER_INSIDE_H
#define EDDY_READER_INSIDE_H

#include "allocator/segment/logs.h"
#include "allocator/wait/wait.h"
#include "transport/topic/topic.h"

struct eddy_waitset;
struct eddy_watch;

#define EDDY_UNDER_MAX 64u /* samples that a cursor protects at once; a power of two */

/* What tells a sample under the cursor from others of its number: its slot, and its ticket with our
 * mark. */
struct eddy_under {
    uint32_t slot, mark;
};

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
    bool shallow; /* less deep than it asked for */
    bool groups;  /* it has taken several at once, and its seat says so */
    bool pinning, shared, not_own;
    bool found; /* by who asked whether there is something */
    uint16_t looks;
    bool owes;      /* to say that it was let go of, as it had taken something first in that call */
    uint32_t mark;  /* see eddy_handle_mark */
    uint32_t under; /* samples that were taken and that the cursor protects: those before `next` */
    uint64_t released; /* bit i: the i-th of them was given back */
    uint64_t next;     /* the number to take next */
    uint64_t told;     /* reliable: of room up to there waiting writers were told */
    uint64_t born;     /* what was published from here on can be lost */
    uint64_t taken, lost;
    uint32_t let_go_count;
    uint32_t held, depth;
    struct eddy_spin spin;
    struct eddy_past *past;
    size_t past_count, past_next;
    struct eddy_waitset *waitset;
    struct eddy_watch *watch;
    struct eddy_under unders[EDDY_UNDER_MAX]; /* of those under the cursor, by number */
};

/* Finds and pins what was published before `until`, oldest first, as the topic and the reader want
 * it. */
int eddy_reader_gather_past(struct eddy_reader *reader, uint64_t until, uint32_t wanted);

/* Sets the reader's bit on a slot, which carries `sn` afterwards or not: then EDDY_EBUSY, and the bit
 * is gone again.  EDDY_ENOMEM: its column cannot be mapped. */
int eddy_reader_pin(struct eddy_reader *reader, const struct eddy_place *place, uint64_t sn);
void eddy_reader_unpin(struct eddy_reader *reader, const struct eddy_place *place);

/* Samples from before its time, up to this one, are let go of. */
void eddy_reader_drop_past(struct eddy_reader *reader, size_t until);

/* --- the samples under the cursor of a reliable reader: release.c */

/* The number that its cursor says. */
static inline uint64_t eddy_reader_cursor(const struct eddy_reader *r)
{
    return r->next - r->under;
}

/* One more sample, that of `next`, was taken without a pin. */
static inline void eddy_under_add(struct eddy_reader *r, const struct eddy_sample *sample)
{
    struct eddy_under *u = &r->unders[r->next++ & (EDDY_UNDER_MAX - 1)];
    *u = (struct eddy_under){sample->slot, sample->ticket};
    r->under++;
}

/* What is held under the cursor gets pins, and the cursor moves to `next`.  Else some of it has, and
 * the cursor moved so far: EDDY_ENOMEM, EDDY_ESEGMENT. */
int eddy_under_pin(struct eddy_reader *reader);

/* Moves the gate: what lies below the cursor may be reused, but for what is pinned. */
void eddy_reader_move_cursor(struct eddy_reader *reader);

/* Writers that wait hear of the room up to the cursor. */
void eddy_reader_tell_of_room(struct eddy_reader *reader);

/* --- what was published */

/* So many more were taken. */
void eddy_reader_count(struct eddy_reader *reader, uint32_t taken);

/* The entry of a number: in a longer log, where the reader's has ended. */
int eddy_reader_look_up(struct eddy_reader *reader, uint64_t sn, uint64_t *entry,
                        enum eddy_entry_age *age);

/* The slot's line says where in the payload the data begins, but that is nearly always near its
 * beginning: both lines come at once rather than one after the other. */
static inline void eddy_place_bring(const struct eddy_place *p)
{
    const uint8_t *payload = p->extent->payload + p->extent->capacity * p->index;
    __builtin_prefetch(payload);
    __builtin_prefetch(p->slot);
}

/* --- for readers that want nothing of their own participant: own.c */

/* Passes over samples of its own participant that come next; then `next` is another's, or nothing is
 * there. */
void eddy_reader_pass_own(struct eddy_reader *reader);

static inline bool eddy_reader_is_own(const struct eddy_reader *r, uint64_t source)
{
    return __builtin_expect(r->not_own, 0) && source == r->domain->id;
}

/* What comes before `until` is lost to the reader, which goes on there. */
void eddy_reader_lose(struct eddy_reader *reader, uint64_t until);

/* Writers have let go of it, or somebody says so: it joins again.  EDDY_ELETGO; EDDY_OK: that was not
 * for this reader, which has lost nothing. */
int eddy_reader_come_back(struct eddy_reader *reader);

/* A reliable one: what was taken last was all.  EDDY_EAGAIN. */
int eddy_reader_nothing(struct eddy_reader *reader);

/* What it owes.  EDDY_ELETGO. */
int eddy_reader_say_let_go(struct eddy_reader *reader);

/* True if sample `sn` or a later one is published. */
static inline bool eddy_reader_has(const struct eddy_reader *r, uint64_t sn)
{
    return eddy_logs_have(r->segment, sn);
}

#endif
