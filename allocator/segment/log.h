/* log.h - the order of a topic: a ring of entries, each the slot of one number.  (internal)
 *
 *   entry n mod L:   lap n/L - 1 (older: nothing yet)
 *                      -- CAS by the publisher of n -->  lap n/L (published)
 *                      -- CAS by who makes the log longer -->  mark: n is published elsewhere
 *
 *   bits 63..22  lap   n / L, in full, so that a writer which slept for a whole lap cannot swap
 *                      by mistake; the last 32 laps are marks (logs.h), and tell a log's length
 *   bits 21..0   slot  extent (8), index (14)
 *
 * The compare-and-swap is the publication.  next_sn is a hint that trails it: whoever finds entry
 * next_sn published helps it on.  The log is the truth; next_sn can be rebuilt from it.
 *
 * Threads: any writer may publish, any reader look, at any time; a failed swap means that another
 *          succeeded.
 * Crash:   before the swap nothing has happened, after it all has.
 *                                                             spec/protocols.md, "Publishing"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SEGMENT_LOG_H
#define EDDY_SEGMENT_LOG_H

#include "allocator/atomic.h"
#include "allocator/segment/layout.h"

struct eddy_log {
    _Atomic uint64_t *entries;
    _Atomic uint64_t *next_sn;
    uint32_t mask;
    uint32_t shift; /* log2 of the length */
};

#define EDDY_LAP_MARK ((1ull << 42) - 32)

enum eddy_entry_age { EDDY_ENTRY_OLDER, EDDY_ENTRY_PRESENT, EDDY_ENTRY_NEWER };

static inline uint64_t eddy_entry_make(const struct eddy_log *log, uint64_t sn, uint32_t slot)
{
    return sn >> log->shift << EDDY_SLOT_BITS | slot;
}

static inline uint32_t eddy_entry_slot(uint64_t entry)
{
    return (uint32_t)entry & ((1u << EDDY_SLOT_BITS) - 1);
}

/* What takes the place of `old` where a log has ended, for one of 2^shift entries: the slot stays. */
static inline uint64_t eddy_entry_mark(uint64_t old, uint32_t shift)
{
    return (EDDY_LAP_MARK | shift) << EDDY_SLOT_BITS | eddy_entry_slot(old);
}

/* A mark is newer than any number. */
static inline bool eddy_entry_is_mark(uint64_t entry)
{
    return entry >> EDDY_SLOT_BITS >= EDDY_LAP_MARK;
}

static inline uint32_t eddy_mark_shift(uint64_t mark)
{
    return mark >> EDDY_SLOT_BITS & 31;
}

static inline enum eddy_entry_age eddy_entry_age(const struct eddy_log *log, uint64_t entry,
                                                 uint64_t sn)
{
    uint64_t have = entry >> EDDY_SLOT_BITS, want = sn >> log->shift;
    return have == want ? EDDY_ENTRY_PRESENT : have < want ? EDDY_ENTRY_OLDER : EDDY_ENTRY_NEWER;
}

static inline uint64_t eddy_log_entry(const struct eddy_log *log, uint64_t sn)
{
    /* acquire, from [publish]: the slot's words and the payload are there when the entry is.  seq,
     * because a sleeper looks here after arming its bell, and the publisher at the bell after
     * swapping. */
    return eddy_load_seq(&log->entries[sn & log->mask]);
}

/* True if n is published. */
static inline bool eddy_log_has(const struct eddy_log *log, uint64_t sn)
{
    return eddy_entry_age(log, eddy_log_entry(log, sn), sn) != EDDY_ENTRY_OLDER;
}

/* Helps next_sn over n, which is published. */
static inline void eddy_log_help(const struct eddy_log *log, uint64_t sn)
{
    /* [help]: who reads next_sn has all that is published below it.  seq: the gate reads it, then
     * the cursors; who joins says so in its cursor, then reads it. */
    eddy_cas_seq(log->next_sn, &sn, sn + 1);
}

/* Helps next_sn over the numbers from `from` on and below `to`, which are all published. */
static inline void eddy_log_help_to(const struct eddy_log *log, uint64_t from, uint64_t to)
{
    /* [help], as above. */
    while (from < to && !eddy_cas_seq(log->next_sn, &from, to))
        ;
}

/* The entry of n is of a newer lap than n: next_sn was read long ago, or somebody scribbled on it.
 * The log knows better.  Relaxed: who published the entry had found its number in next_sn, so only
 * what was scribbled on is changed here. */
static inline void eddy_log_mend(const struct eddy_log *log, uint64_t sn, uint64_t entry)
{
    uint64_t lap = entry >> EDDY_SLOT_BITS;
    eddy_raise64_relaxed(log->next_sn, lap << log->shift | (sn & log->mask));
}

/* The first sequence number that is not published; what is below it is there for the caller.
 * Bounded: it trails by at most the writers between swap and help. */
static inline uint64_t eddy_log_end(const struct eddy_log *log)
{
    uint64_t n = eddy_load_acquire(log->next_sn); /* from [help] */
    for (uint32_t tries = 0; tries < log->mask && eddy_log_has(log, n); tries++) {
        eddy_log_help(log, n);
        n = eddy_load_acquire(log->next_sn); /* from [help] */
    }
    return n;
}

/* As eddy_log_end, for who only looks: it writes nothing, so others stay where they were. */
static inline uint64_t eddy_log_seen(const struct eddy_log *log)
{
    uint64_t n = eddy_load_acquire(log->next_sn); /* from [help] */
    for (uint32_t tries = 0; tries < log->mask && eddy_log_has(log, n); tries++)
        n++;
    return n;
}

/* Publishes `slot` as n over the entry of the lap before.  False: another writer was first. */
static inline bool eddy_log_publish(const struct eddy_log *log, uint64_t sn, uint64_t old,
                                    uint32_t slot)
{
    /* [publish] */
    return eddy_cas_seq(&log->entries[sn & log->mask], &old, eddy_entry_make(log, sn, slot));
}

/* The largest number that an entry can hold. */
static inline uint64_t eddy_log_last_sn(const struct eddy_log *log)
{
    return (EDDY_LAP_MARK - 1) << log->shift;
}

#endif
