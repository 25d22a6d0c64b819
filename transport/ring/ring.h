/* ring.h - the inside of a ring: the handle, and the life of a position.  (internal)
 *
 *   free -- loan --> on loan -- publish --> ready -- take --> held -- release --> done
 *     ^                                                                            |
 *     '------------------------ read goes over it, one lap later ------------------'
 *
 * A position is a number from 0 on, for ever; its slot is position % slots.
 *
 *   write    below: published                         the producer moves it
 *   taken    below: given to a consumer               the consumer moves it, by CAS
 *   read     below: done, all of them                 the consumer moves it, by CAS
 *   done[]   position + 1: this one is done
 *
 *   read <= taken <= write <= read + slots
 *
 * The positions are the truth and bells say "look again", so nothing has to be counted back when
 * somebody dies.  Nothing shared is ever moved back.
 *
 * A role is a lock on the ring's file (seat.c).  A thread of this process that waits in the kernel
 * for the other role's lock tells when that side has gone (peer.c).
 *
 * Threads: any may call anything at any time; the roles' calls wait for each other only.
 * Crash:   what the dead had on loan is free again; what it had taken and not done is given to the
 *          next consumer.                                                     spec/ring.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_RING_INSIDE_H
#define EDDY_RING_INSIDE_H

#include "allocator/atomic.h"
#include "allocator/file.h"
#include "allocator/life/kept.h"
#include "allocator/life/life.h"
#include "allocator/point.h"
#include "allocator/region/place.h"
#include "allocator/wait/futex.h"
#include "allocator/wait/wait.h"
#include "discovery/domain.h"
#include "discovery/kind.h"
#include "transport/ring/layout.h"

#include <eddy/ring.h>
#include <pthread.h>

extern struct eddy_kind eddy_ring_kind;

/* Waiting for the end of the other side: see peer.c. */
struct eddy_ring_watch {
    pthread_mutex_t lock;
    pthread_t thread;
    bool runs;
    int fd;                  /* for the thread: what it waits by */
    _Atomic uint64_t target; /* what the thread watches */
    _Atomic uint64_t epoch;  /* of the life that is watched; 0: none yet */
    _Atomic uint64_t gone;   /* the epoch that has ended; 0: none yet */
};

struct eddy_ring {
    struct eddy_place place; /* the whole file, for observers without the payload */
    struct eddy_ring_header *header;
    _Atomic uint64_t *lengths, *done;
    uint8_t *payload; /* NULL: an observer's */
    struct eddy_ring_plan plan;
    uint64_t slot_bytes;
    uint32_t slots, flags;
    enum eddy_ring_role role;
    bool crash_first, owns_domain;
    uint32_t fork_count;
    struct eddy_life life; /* the locks of this handle; none: it only looks */
    int64_t user;          /* the byte of USERS that it has; 0: none */
    struct eddy_kept file; /* to ask about locks; nothing is mapped from its description */
    struct eddy_domain *domain;
    char id[EDDY_NONCE_TEXT], flink[EDDY_KIND_FLINK_ROOM];
    char *object;
    struct eddy_spin spin;
    struct eddy_ring_watch watch;
    struct eddy_ring *next;                   /* in the list of open handles */
    _Atomic uint32_t users;                   /* the open handle, and each chunk that is out */
    _Atomic(struct eddy_ring *) watched_next; /* signals.c */
    bool is_watched;

    /* producer */
    _Atomic uint64_t loan;     /* enum eddy_ring_loan_word, or the ticket of the open loan */
    uint64_t tickets;          /* the next one; whoever has `loan` */
    uint64_t write, read_seen; /* likewise */

    /* consumer */
    _Atomic uint64_t *held; /* a slot's position + 1 while a chunk is out */
    _Atomic uint64_t again; /* the next that an earlier consumer may not have released */
    uint64_t again_end;
    _Atomic uint64_t write_seen; /* by any thread of it; may be put back by a slow one */
    _Atomic uint64_t read_left;  /* where the last walk ended; likewise */
    _Atomic int end;             /* how the stream ended, once somebody was told */
};

/* Tickets are above. */
enum eddy_ring_loan_word {
    LOAN_NONE,
    LOAN_WAITING,
    LOAN_PUBLISHING,
    LOAN_ENDING,
    LOAN_ENDED,
    LOAN_TICKETS
};

/* --- object.c: the file ---------------------------------------------------------------------- */

/* A file, filled, its creator in its seat, linked last. */
int eddy_ring_object_create(struct eddy_domain *domain, const struct eddy_ring_options *options,
                            struct eddy_ring **ring);
/* The ladder, then what the role may see is mapped; no lock is held yet.  EDDY_ENOENT,
 * EDDY_EACCES, EDDY_ESEGMENT, EDDY_EVERSION, EDDY_ENOMEM. */
int eddy_ring_object_attach(int dir, const char *id, enum eddy_ring_role role, enum eddy_use use,
                            struct eddy_ring **ring);
void eddy_ring_object_drop(struct eddy_ring *ring);

/* --- seat.c: locks --------------------------------------------------------------------------- */

/* A description to ask by. */
int eddy_ring_file_open(struct eddy_ring *ring, const struct eddy_file *file);
/* The handle's locks go. */
void eddy_ring_locks_end(struct eddy_ring *ring);
/* All open handles of this process; none if another thread is opening or closing one. */
void eddy_rings_visit(void (*visit)(struct eddy_ring *ring));
/* True if any handle is open, besides this one. */
bool eddy_ring_is_used(const struct eddy_ring *ring);
/* The role's locks, and that of a user.  EDDY_EBUSY: somebody alive has the role. */
int eddy_ring_seat_lock(struct eddy_ring *ring, const struct eddy_file *file, uint64_t epoch);
/* True if somebody has a role; for the handle's own: true. */
bool eddy_ring_role_alive(const struct eddy_ring *ring, enum eddy_ring_role role);
/* The byte that is locked while this epoch of a role lasts. */
int64_t eddy_ring_life(enum eddy_ring_role role, uint64_t epoch);

/* --- peer.c: the other side ------------------------------------------------------------------ */

void eddy_ring_watch_init(struct eddy_ring_watch *watch);
/* Sees to it that eddy_ring_peer_gone tells when the other side goes.  Cheap if that is so. */
int eddy_ring_peer_watch(struct eddy_ring *ring);
/* True if there was somebody, who has gone.  [gone] */
bool eddy_ring_peer_gone(const struct eddy_ring *ring);
void eddy_ring_watch_end(struct eddy_ring *ring);

/* --- wait.c ---------------------------------------------------------------------------------- */

struct eddy_ring_sought {
    int (*look)(struct eddy_ring *ring, struct eddy_chunk *chunk); /* EDDY_EAGAIN: not yet */
    bool (*hint)(const struct eddy_ring *ring); /* a cheap guess: a look would find something */
};
int eddy_ring_wait(struct eddy_ring *ring, uint64_t deadline, const struct eddy_ring_sought *sought,
                   struct eddy_chunk *chunk);

/* --- consume.c ------------------------------------------------------------------------------- */

/* Moves `read` over what is done, and tells the producer. */
void eddy_ring_advance(struct eddy_ring *ring);
/* Once taken or released for the last time: the rest of closing.  open.c */
void eddy_ring_leave(struct eddy_ring *ring);

/* --- signals.c ------------------------------------------------------------------------------- */

/* Ends watching, if it was; afterwards no handler looks at the ring. */
void eddy_ring_forget_crashes(struct eddy_ring *ring);

/* --- words ----------------------------------------------------------------------------------- */

static inline bool eddy_ring_forked(const struct eddy_ring *r)
{
    return r->fork_count != eddy_fork_count;
}

static inline struct eddy_ring_seat *eddy_ring_seat(const struct eddy_ring *r,
                                                    enum eddy_ring_role role)
{
    return &r->header->seats[role - EDDY_RING_PRODUCER];
}

static inline enum eddy_ring_role eddy_ring_peer(const struct eddy_ring *r)
{
    return r->role == EDDY_RING_PRODUCER ? EDDY_RING_CONSUMER : EDDY_RING_PRODUCER;
}

/* The bell that this side sleeps on. */
static inline _Atomic uint32_t *eddy_ring_bell(const struct eddy_ring *r)
{
    return r->role == EDDY_RING_PRODUCER ? &r->header->room_bell : &r->header->data_bell;
}

/* True if a chunk lies in this handle's view: another's lies elsewhere, also of the same ring. */
static inline bool eddy_ring_has_given(const struct eddy_ring *r, const struct eddy_chunk *chunk)
{
    return r->payload && (uintptr_t)chunk->data - (uintptr_t)r->payload < r->slots * r->slot_bytes;
}

static inline uint8_t *eddy_ring_slot(const struct eddy_ring *r, uint64_t position)
{
    return r->payload + position % r->slots * r->slot_bytes;
}

#endif
