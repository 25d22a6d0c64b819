/* segment.h - one topic's shared memory as this process sees it.  (internal)
 *
 *   eddy_segment_create, or attach (a ladder of checks) -> ... -> detach
 *   eddy_segment_remove takes the files away; mappings stay good
 *
 * Geometry is read from shared memory once, checked, and kept here; every index that comes out of
 * shared memory later is compared with it.  Extents are mapped when a slot in them is first met.
 * Threads: any may map; `lock` guards mapping alone.
 * Crash:   a control file appears complete or not at all; see spec/layout.md, "Files".
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SEGMENT_H
#define EDDY_SEGMENT_H

#include "allocator/life/kept.h"
#include "allocator/segment/format.h"
#include "allocator/segment/log.h"

#include <pthread.h>
#include <stdbool.h>

#define EDDY_NONCE_TEXT 33 /* 32 hexadecimal digits and a NUL */

struct eddy_extent {
    _Atomic(struct eddy_slot *)
        slots;                /* NULL until mapped, and where another has the number by now */
    struct eddy_slot *first;  /* the slots, for good; the rest, too, is set before `slots` */
    struct eddy_extent *next; /* mapped here, of those that had a number later */
    struct eddy_extent_header *header;
    struct eddy_blocks *blocks; /* 64 in each */
    const uint8_t *payload;
    _Atomic(uint8_t *) writable; /* NULL until a writer maps it */
    bool whole;                  /* header, slots and `writable` are one mapping */
    uint64_t capacity;
    uint32_t file; /* the number in its name */
    uint32_t count;
    uint32_t block_slots; /* a block's, all alike */
    uint32_t stride;      /* from slot to slot of a block when all are visited */
    /* EDDY_SEATS_MAX / 64; [0] is unused: it is in the slot.  Apart, as few of a topic's extents are
     * there: so what a process has for a topic needs no mapping of its own. */
    _Atomic(_Atomic uint64_t *) *column;
};

struct eddy_segment {
    struct eddy_control *control;
    _Atomic(const struct eddy_log *) log; /* the longest that is mapped here: see logs.h */
    struct eddy_log logs[EDDY_LOG_MAX_SHIFT + 1 - EDDY_LOG_MIN_SHIFT];
    _Atomic uint64_t known_from; /* `log` has or had all numbers from here on */
    struct eddy_reader_seat *readers;
    struct eddy_reader_rest *reader_rests;
    struct eddy_writer_seat *writers;
    uint64_t control_bytes, first_sn;
    uint32_t log_length; /* at first */
    uint32_t names_bytes, name_length, type_length, scope_length, flags;
    uint8_t nonce[16], type_hash[16];
    char id[EDDY_NONCE_TEXT];
    int dir;                        /* borrowed */
    const struct eddy_kept *folder; /* the domain's; NULL: `dir` is good for as long as this */
    _Atomic bool writes;            /* a writer is open, or was */
    pthread_mutex_t lock;
    struct eddy_extent extents[EDDY_EXTENTS_MAX]; /* the first that was met here of each number */
    _Atomic(struct eddy_extent *) later[EDDY_EXTENTS_MAX]; /* one that has the number since */
    struct eddy_extent *all_later;
    _Atomic uint32_t exchanged; /* the number at which to look next; a hint */
};

extern const struct eddy_format eddy_topic_format;

struct eddy_segment_options {
    const char *name, *type, *scope;
    const uint8_t *type_hash;
    uint64_t limit_bytes, creator;
    uint32_t log_length; /* a power of two */
    uint32_t flags;
};

/* A new segment under a fresh nonce; its files are in `dir`. */
int eddy_segment_create(int dir, const struct eddy_segment_options *options,
                        struct eddy_segment **segment);
/* To look alone, it is mapped read-only.  EDDY_ENOENT, EDDY_EACCES, EDDY_ESEGMENT, EDDY_EVERSION,
 * EDDY_ENOMEM. */
int eddy_segment_attach(int dir, const char *id, enum eddy_use use, struct eddy_segment **segment);
void eddy_segment_detach(struct eddy_segment *segment);

/* The folder's descriptor, for this call. */
static inline int eddy_segment_dir(const struct eddy_segment *s)
{
    return s->folder ? eddy_kept_fd(s->folder) : s->dir;
}

/* The name of a segment's control file. */
void eddy_segment_control_file(const char *id, char name[48]);

/* Most shared memory for samples: what anybody asked for at most. */
static inline uint64_t eddy_segment_limit(const struct eddy_segment *s)
{
    return eddy_load_relaxed(&s->control->limit_bytes); /* it only rises */
}

/* Removes the files of a segment; mappings stay good.  Returns how many there were.  `readers`: how
 * many seats of readers it has had, EDDY_SEATS_MAX if that is not known. */
uint32_t eddy_segment_remove(int dir, const char *id, uint32_t readers);

#define EDDY_SEGMENT_SUFFIX ".seg"
/* True if this is, all of it, the name of another file of a segment: <id>.x<f>, <id>.x<f>.m<c>.
 * *magic: what that begins with; 0: with anything. */
bool eddy_segment_part(const char *name, uint64_t *magic);

/* 128 random bits that name an object, also as text. */
int eddy_nonce_make(uint8_t nonce[16], char id[EDDY_NONCE_TEXT]);

/* True if `id` begins with these, as text. */
bool eddy_nonce_is(const uint8_t nonce[16], const char *id);

/* The strings of a topic, not NUL-terminated. */
const char *eddy_segment_name(const struct eddy_segment *segment);
const char *eddy_segment_type(const struct eddy_segment *segment);
const char *eddy_segment_scope(const struct eddy_segment *segment);

/* The topic's name for messages: for "%.*s". */
#define EDDY_SEGMENT_LABEL(s)                                                                      \
    (int)((s)->name_length < 80 ? (s)->name_length : 80), eddy_segment_name(s)

/* How many seats have ever been taken, whatever the word says. */
static inline uint32_t eddy_seats_bound(const _Atomic uint32_t *high)
{
    uint32_t seats = eddy_load_relaxed(high); /* it rises before its holder makes any file */
    return seats < EDDY_SEATS_MAX ? seats : EDDY_SEATS_MAX;
}

/* The bit of a seat, in masks and among the bits of its kind. */
static inline uint64_t eddy_seat_bit(uint32_t seat)
{
    return 1ull << (seat & 63);
}

/* True if what the seat held counts for nothing any more: its holder is dead, or leaves.  seq: who
 * takes the seat next does so after this look, and joins, pins and claims later still. */
static inline bool eddy_seat_is_void(const _Atomic uint64_t *owner)
{
    return eddy_load_seq(owner) & EDDY_OWNER_REAPING; /* from [void] */
}

/* True if number sn is of the writer that has the seat now, of this participant, and not of one that had
 * it before: of the same participant, too, whose owner cannot be told apart. */
static inline bool eddy_writer_has_seat(const struct eddy_segment *s, uint32_t seat,
                                        uint64_t participant, uint64_t sn)
{
    /* Relaxed: who comes after the close of the last holder sees no older `since`, and others ask
     * again. */
    return seat < EDDY_SEATS_MAX && eddy_load_relaxed(&s->writers[seat].owner) == participant &&
           sn >= eddy_load_relaxed(&s->writers[seat].since);
}

/* A walk over the seats that may be taken: those with a bit, in the groups of 64 with a bit. */
struct eddy_seats {
    const _Atomic uint64_t *words;
    uint64_t groups, bits;
    uint32_t group;
};

static inline struct eddy_seats eddy_seats_walk(const _Atomic uint64_t *groups,
                                                const _Atomic uint64_t *words)
{
    /* acquire, from [empty].  seq: the gate reads next_sn, then here; who joins sets its bits, then
     * reads next_sn. */
    return (struct eddy_seats){words, eddy_load_seq(groups), 0, 0};
}

static inline struct eddy_seats eddy_seats_of_readers(const struct eddy_segment *s)
{
    return eddy_seats_walk(&s->control->reader_groups, s->control->reader_bits);
}

static inline struct eddy_seats eddy_seats_of_writers(const struct eddy_segment *s)
{
    return eddy_seats_walk(&s->control->writer_groups, s->control->writer_bits);
}

/* False: that was all. */
static inline bool eddy_seats_next(struct eddy_seats *walk, uint32_t *seat)
{
    while (walk->bits == 0) {
        if (walk->groups == 0)
            return false;
        walk->group = (uint32_t)__builtin_ctzll(walk->groups);
        walk->groups &= walk->groups - 1;
        /* acquire, from [vacant]: what the last holder read is read.  seq, as for the groups. */
        walk->bits = eddy_load_seq(&walk->words[walk->group]);
    }
    *seat = walk->group * 64 + (uint32_t)__builtin_ctzll(walk->bits);
    walk->bits &= walk->bits - 1;
    return true;
}

/* Memory for seat `seat` and its page, before it is used. */
int eddy_segment_reserve_seat(struct eddy_segment *segment, bool writer, uint32_t seat);

/* Shared memory of the topic's files.  `readers`: as above. */
uint64_t eddy_segment_bytes(int dir, const char *id, uint32_t readers);

#endif
