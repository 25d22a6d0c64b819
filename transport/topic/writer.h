/* writer.h - the inside of a writer handle.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WRITER_INSIDE_H
#define EDDY_WRITER_INSIDE_H

#include "allocator/error.h"
#include "allocator/segment/block.h"
#include "allocator/segment/line.h"
#include "allocator/segment/logs.h"
#include "allocator/wait/wait.h"
#include "discovery/reap.h"
#include "transport/topic/keep.h"
#include "transport/topic/let_go.h"
#include "transport/topic/topic.h"
#include "transport/topic/with.h"

#define EDDY_RECENT 256u /* slots that a writer remembers, a power of two */

/* Who has the turn, while there is room for number `number` that it does not take. */
struct eddy_watched {
    uint64_t since, number;
    uint32_t turn;
};

/* A reader that has said how long it may hold writers up, and does. */
struct eddy_obstacle {
    uint64_t cursor, since;
    uint32_t seat;
};
#define EDDY_OBSTACLES 8u /* that a writer watches at once */

struct eddy_watch;

/* A look at all slots in vain, and what was there before it: as long as that is so, the next would be,
 * too. */
struct eddy_vain {
    uint64_t need, cursor, next, epoch, limit;
    uint64_t began, until; /* ns; it counts for nothing later */
    uint32_t news;
};

struct eddy_writer {
    /* What each loan and publication reads, together: few lines of the cache. */
    struct eddy_segment *segment;
    const struct eddy_log *log; /* that it published in last */
    struct eddy_registry *registry;
    struct eddy_writer_seat *seat;
    uint64_t source, published, bytes, patience_ns;
    uint32_t me; /* seat + 1 */
    uint32_t fork_count;
    uint32_t mark; /* see eddy_handle_mark */
    uint32_t tag;
    uint32_t recent_first, recent_count;
    bool in_line; /* for room */
    bool quiet;   /* it has published, and not woken who waits */
    /* The slot claimed ahead, so that neither swap nor cache miss lies on the next sample's path.
     */
    uint64_t wasted; /* by slots that are too large, since it was looked how much is in use */
    bool thrifty;    /* much is */
    bool has_spare;
    uint32_t with; /* EDDY_WITH_*: goes with each sample */
    struct eddy_place spare;
    uint64_t last_sn;      /* of what it published last */
    struct eddy_keep keep; /* for late readers */

    /* The last slot that was discarded, by whatever thread, + 1; 0: none since the writer looked. */
    _Atomic uint32_t discarded;
    struct eddy_spared spared;
    struct eddy_obstacle obstacles[EDDY_OBSTACLES];
    uint32_t obstacle_count;
    struct eddy_watched watched;
    struct eddy_vain vain;                        /* until 0: none yet */
    uint64_t given_up, look_again, lag, lag_size; /* see patience.c */
    uint32_t scan;                                /* where its last look through all slots ended */
    struct eddy_topic *topic;
    const struct eddy_domain *domain;
    struct eddy_watch *watch;         /* of its topic, or NULL */
    struct eddy_spin spin, turn_spin; /* waiting for room, and for the turn */
    struct eddy_reap_pace reaping;
    uint32_t asked;     /* the seat that it asked about last: eddy_reap_mark_next */
    uint32_t exporters; /* open: transport/foreign/ */
    /* Slots that it published, oldest first: the likeliest to be free, and warm. */
    uint32_t recent[EDDY_RECENT];
};

/* Claims a slot of at least `need` bytes; grows the topic, or waits.  Errors: of eddy_writer_loan. */
int eddy_writer_claim(struct eddy_writer *writer, uint64_t need, uint64_t deadline,
                      struct eddy_place *place);

/* Claims one only if that is quick, without growing or waiting. */
bool eddy_writer_claim_quickly(struct eddy_writer *writer, uint64_t need, struct eddy_place *place);

/* Claims one that gets its memory for this; that of free slots of other sizes if there is no other.
 * Never waits.  EDDY_ELIMIT, EDDY_ENOMEM, EDDY_ETOOBIG. */
int eddy_writer_grow(struct eddy_writer *writer, uint64_t need, struct eddy_place *place);

/* What there is before a look at all slots; and after it, if it was in vain. */
void eddy_vain_begin(struct eddy_writer *writer, uint64_t need, struct eddy_vain *look);
void eddy_vain_end(struct eddy_writer *writer, const struct eddy_vain *look);

/* True, once, if something was let go of since a look in vain: most likely this slot. */
bool eddy_writer_was_told(struct eddy_writer *writer, uint32_t *slot);

/* True if a look at all slots for so many bytes would be as in vain as the last one. */
bool eddy_writer_looked_in_vain(const struct eddy_writer *writer, uint64_t need);

/* Bytes of a slot that such a loan needs.  EDDY_EINVAL, EDDY_ETOOBIG. */
int eddy_writer_need(const struct eddy_writer *writer, const struct eddy_loan_options *options,
                     uint64_t *need);

/* Where the payload of a slot is, to write to it; NULL if it cannot be mapped. */
static inline uint8_t *eddy_writer_payload(struct eddy_writer *w, const struct eddy_place *p)
{
    /* acquire, from [mapped]: the pages are there before anybody writes to them. */
    uint8_t *base = eddy_load_acquire(&p->extent->writable);
    if (__builtin_expect(!base, 0))
        base = eddy_extent_writable(w->segment, p->extent);
    return base ? base + p->extent->capacity * p->index : NULL;
}

/* The slot of a loan, if it is one and still ours: EDDY_ESTALE, EDDY_EFORKED. */
static inline int eddy_writer_find_loan(struct eddy_writer *w, const struct eddy_loan *loan,
                                        struct eddy_place *p)
{
    if (__builtin_expect(w->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (eddy_slot_find(w->segment, loan->slot, p))
        return eddy_fail(EDDY_ESTALE, "this is no loan of this writer");
    /* Relaxed: only the owner writes them, and that is us or the answer is no. */
    if (eddy_slot_owner(p->slot) != w->me ||
        (eddy_load_relaxed(&p->slot->ticket) ^ w->mark) != loan->ticket)
        return eddy_fail(EDDY_ESTALE,
                         "this loan was published or discarded already, or is another writer's");
    return EDDY_OK;
}

/* Remembers a slot it just published. */
static inline void eddy_writer_remember(struct eddy_writer *w, uint32_t slot)
{
    if (w->recent_count == EDDY_RECENT) { /* the oldest is left to the table */
        w->recent_first++;
        w->recent_count--;
    }
    w->recent[(w->recent_first + w->recent_count++) % EDDY_RECENT] = slot;
}

/* Remembers one that was discarded. */
static inline void eddy_writer_recall(struct eddy_writer *w)
{
    uint32_t slot = eddy_load_relaxed(&w->discarded); /* a hint */
    if (__builtin_expect(slot == 0, 1))
        return;
    eddy_store_relaxed(&w->discarded, 0u); /* if it is another by now, the table has that one */
    eddy_writer_remember(w, slot - 1);
}

/* True if so much (EDDY_WITH_*) can go with a sample, which `history` does not take for its own. */
static inline bool eddy_writer_can_with(const struct eddy_writer *w, uint32_t with)
{
    return !(with & ~EDDY_WITH_ALL) &&
           (!(with & EDDY_WITH_KEY) || w->keep.keyed || w->keep.depth == 0);
}

/* --- publishing, in its steps: publish.c */

struct eddy_publishing {
    struct eddy_place place;
    uint32_t id; /* of the slot */
    bool ends;   /* its key */
    uint64_t size, source;
    struct eddy_kind_kept *kind; /* under which it is kept; NULL: it is not */
};

/* What the caller says goes with a sample, and the size of that as it knows it.  EDDY_EINVAL. */
int eddy_publication_take(const struct eddy_publication *given, size_t size,
                          struct eddy_publication *what);

/* Finds a loan, checks what is to be published of it, and writes all that goes with it. */
int eddy_publish_prepare(struct eddy_writer *writer, const struct eddy_loan *loan, size_t size,
                         const struct eddy_publication *what, struct eddy_publishing *one);

/* Gives it the next number; waits for room until the deadline.  Else it is refused. */
int eddy_publish_number(struct eddy_writer *writer, const struct eddy_publishing *one,
                        uint64_t deadline, uint64_t *sn);

/* It has no number after all, and is a loan as before. */
void eddy_publish_refuse(struct eddy_writer *writer, const struct eddy_publishing *one);

/* When next_sn is behind it: it is kept, if it is to be, and no loan any more. */
void eddy_publish_give_up(struct eddy_writer *writer, const struct eddy_publishing *one);

/* Wakes who waits for what was published quietly. */
void eddy_publish_wake(struct eddy_writer *writer);

void eddy_publish_count(struct eddy_writer *writer, uint64_t samples, uint64_t bytes);

/* Waits until room may have come, not past `deadline`: in line, from where the caller leaves, with
 * success or without, when it has used the room.  EDDY_EAGAIN, EDDY_ETIMEDOUT. */
int eddy_writer_wait_for_room(struct eddy_writer *writer, enum eddy_room what, uint64_t deadline,
                              bool (*is_there)(struct eddy_writer *, void *context), void *context);

void eddy_writer_leave_line(struct eddy_writer *writer);

/* Nobody waits for it, or we do and it is our turn. */
static inline bool eddy_writer_has_turn(const struct eddy_writer *w, enum eddy_room what)
{
    /* Relaxed: out of turn is no harm. */
    uint32_t turn = eddy_load_relaxed(&w->segment->control->turn[what]);
    return __builtin_expect(turn == 0, 1) || turn == w->me;
}

/* The dead may have the room.  Who waits reaps them; who does not asks about one at a time, and only
 * marks it.  False: nothing has changed, or it is too early to look again. */
bool eddy_writer_look_for_the_dead(struct eddy_writer *writer, bool waits);

/* Lets go of readers that hold it up for longer than they have said that they may. */
void eddy_writer_watch_readers(struct eddy_writer *writer, enum eddy_room what);

/* How far behind a reader may be for samples of this size. */
void eddy_writer_expect_lag(struct eddy_writer *writer, uint64_t size);

/* Before number n is published, if a reader may be that far behind: waits, as long as the writer's
 * patience, for readers whose programs promise reliability, and for as long as they move on. */
void eddy_writer_be_patient(struct eddy_writer *writer, uint64_t n);

static inline uint32_t eddy_place_id(const struct eddy_place *p)
{
    return eddy_slot_id(p->extent_index, p->index);
}

#endif
