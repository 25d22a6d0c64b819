/* slots.h - the inside of a slots segment: the handle, and the life of a slot.  (internal)
 *
 *          reserve           commit as n                reserve by anyone, once read
 *   EMPTY ---------> LOANED -------------> LIVE n ------------------------------------> LOANED
 *     ^--- discard ----'                     | ^  hold / release, mark read (a bit each)
 *
 *   state  owner (0: nobody, else member + 1), "committing", and the turn that makes a ticket
 *   sn     the number of the sample; with the top bit when that sample has ended
 *   read   a bit for each reader that has read it
 *   pins   a bit for each reader that holds it, or is just marking it
 *
 * Pin against claim: a reader sets its pin, then looks whether sn is still what it came for; a
 * claimer ends sn, then looks at the pins.  One of the two sees the other.  A claimer that finds a
 * pin leaves: the sample has ended, but nobody writes where somebody reads.
 * A mark is set under a pin alone, so it can only hit the sample that it was meant for.
 *
 * The order of samples is a log (allocator/segment/log.h): the swap of its entry is the commit.
 *
 * Threads: any may call anything at any time; none waits.
 * Crash:   a member or reader is marked as dead by one swap of its word, which is void from then on:
 *          its loans, pins and marks count for nothing to a writer that finds no other slot.  Whoever
 *          reaps puts its id there, so that a reaper that dies is followed by another; every step may
 *          be done twice.                                           spec/slots.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SLOTS_INSIDE_H
#define EDDY_SLOTS_INSIDE_H

#include "allocator/point.h"
#include "allocator/segment/log.h"
#include "allocator/segment/segment.h"
#include "allocator/wait/wait.h"
#include "discovery/domain.h"
#include "discovery/kind.h"
#include "discovery/reap.h"
#include "transport/slots/layout.h"

#include <eddy/slots.h>
#include <pthread.h>

extern struct eddy_kind eddy_slots_kind;

struct eddy_slots {
    struct eddy_slots_header *header;
    _Atomic uint64_t *members, *readers;
    struct eddy_log log;
    struct eddy_slots_line *lines;
    struct eddy_slots_column *columns;
    uint8_t *payload;
    _Atomic bool writable; /* the payload's pages */
    struct eddy_slots_plan plan;
    uint64_t capacity, first_sn;
    uint32_t slot_count, reader_limit;
    uint32_t tag; /* of the nonce: goes with loans and samples */
    uint32_t member;
    uint8_t type_hash[16];
    struct eddy_domain *domain;
    bool owns_domain;
    uint32_t fork_count;
    char id[EDDY_NONCE_TEXT];
    char *file, *flink, *object;                 /* the flink's name and path, the object's path */
    pthread_mutex_t lock;                        /* making the payload writable */
    _Atomic uint64_t mine[EDDY_SLOTS_WORDS_MAX]; /* readers that joined by this handle */
    _Atomic uint64_t *cursors;                   /* of these: the first that may be unread */
    struct eddy_spin spin, room_spin;            /* waiting for samples, for slots */
    struct eddy_reap_pace reaping;
    _Atomic uint32_t asked; /* how often eddy_slots_mark_next was */
};

/* --- object.c: the file ---------------------------------------------------------------- */

int eddy_slots_object_create(struct eddy_domain *domain, const struct eddy_slots_options *options,
                             struct eddy_slots **slots);
/* The ladder.  EDDY_ENOENT, EDDY_EACCES, EDDY_ESEGMENT, EDDY_EVERSION, EDDY_ENOMEM. */
int eddy_slots_object_attach(struct eddy_domain *domain, const char *id, enum eddy_use use,
                             struct eddy_slots **slots);
void eddy_slots_object_detach(struct eddy_slots *slots);
/* Makes the payload writable for this process. */
int eddy_slots_make_writable(struct eddy_slots *slots);

/* --- reap.c: members, leaving, taking back --------------------------------------------- */

struct eddy_slots_census {
    uint32_t alive, reaped;
};
/* Takes back what dead members and readers held: asks the kernel about everybody, and looks at all
 * slots for each who is dead.  For those who attach, join, wait or leave. */
struct eddy_slots_census eddy_slots_reap(struct eddy_slots *slots);
/* For those who do not wait: asks the kernel about one who is in the way, and marks the seat if its
 * holder is dead.  True: it was.  `active` as for claiming. */
bool eddy_slots_mark_next(struct eddy_slots *slots, const uint64_t *active);
/* Looks without touching. */
struct eddy_slots_census eddy_slots_count(const struct eddy_slots *slots);
int eddy_slots_member_enter(struct eddy_slots *slots);
void eddy_slots_member_leave(struct eddy_slots *slots, uint32_t member);
void eddy_slots_reader_leave(struct eddy_slots *slots, uint32_t reader);
void eddy_slots_clear_pins(struct eddy_slots *slots, uint32_t reader);
/* Takes a slot back from a member whose seat is void: LIVE if its sample was committed, else EMPTY. */
bool eddy_slots_take_back(struct eddy_slots *slots, uint32_t slot);

/* --- claim.c: coming by a slot --------------------------------------------------------- */

/* A slot for a writer gated by `active` (NULL: the joined readers).  False: none is to be had. */
bool eddy_slots_claim(struct eddy_slots *slots, const uint64_t *active, uint32_t *slot,
                      uint64_t *ticket);
/* Somebody because of whom a slot cannot be had, another slot and somebody else each turn: a member, or
 * EDDY_SLOTS_MEMBERS + a reader.  False: nobody, in this turn. */
bool eddy_slots_in_the_way(const struct eddy_slots *slots, const uint64_t *active, uint32_t turn,
                           uint32_t *seat);
/* A slot that is worth a look by the next who claims. */
void eddy_slots_hint(struct eddy_slots *slots, uint32_t slot);

/* --- words of a slot ------------------------------------------------------------------------- */

static inline bool eddy_slots_forked(const struct eddy_slots *s)
{
    return s->fork_count != eddy_fork_count;
}

static inline _Atomic uint64_t *eddy_slots_read_word(const struct eddy_slots *s, uint32_t slot,
                                                     uint32_t word)
{
    if (word == 0)
        return &s->lines[slot].read;
    return &s->columns[(uint64_t)slot * (s->plan.words - 1) + word - 1].read;
}

static inline _Atomic uint64_t *eddy_slots_pin_word(const struct eddy_slots *s, uint32_t slot,
                                                    uint32_t word)
{
    if (word == 0)
        return &s->lines[slot].pins;
    return &s->columns[(uint64_t)slot * (s->plan.words - 1) + word - 1].pins;
}

static inline uint64_t eddy_slots_bit(uint32_t reader)
{
    return 1ull << (reader & 63);
}

static inline bool eddy_slots_is_live(uint64_t sn)
{
    return sn != 0 && !(sn & EDDY_SLOTS_ENDED);
}

static inline bool eddy_slots_is_gone(const struct eddy_slots *s, uint32_t reader)
{
    /* Relaxed: nothing is read behind it. */
    return eddy_load_relaxed(&s->header->gone[reader / 64]) & eddy_slots_bit(reader);
}

/* Numbers as callers see them begin with 1. */
static inline uint64_t eddy_slots_public_sn(const struct eddy_slots *s, uint64_t sn)
{
    return sn - s->first_sn + 1;
}

static inline uint64_t eddy_slots_private_sn(const struct eddy_slots *s, uint64_t sn)
{
    return sn + s->first_sn - 1;
}

/* The words of the masks in which somebody may be: their bits.  Whoever joins sets its bit in `joined`
 * before it pins or marks, and clears it when it has let go of all. */
static inline uint64_t eddy_slots_words_in_use(const struct eddy_slots *s)
{
    uint64_t words = 0;
    for (uint32_t w = 0; w < s->plan.words; w++)
        words |= (uint64_t)(eddy_load_seq(&s->header->joined[w]) != 0) << w;
    return words;
}

/* A commit whose entry is in the log is done, whether or not its writer has said so yet. */
static inline void eddy_slots_finish(struct eddy_slots_line *line, uint64_t state)
{
    uint64_t done = state & ~(EDDY_SLOTS_OWNER | EDDY_SLOTS_COMMITTING | EDDY_SLOTS_UNSAID);
    eddy_cas_seq(&line->state, &state, done); /* [give up slot] */
}

#endif
