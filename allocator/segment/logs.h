/* logs.h - the log of a topic, which is made longer while the topic is in use.  (internal)
 *
 *   in use, 2^k entries
 *     -- memory for 2^m entries, m > k, is had in the control file
 *     -- CAS of the entry of next_sn = S to a mark --> ended: nothing is published in it any more
 *     -- what it holds is copied           } by whoever comes to the mark,
 *     -- log_shift: k -> m --> the longer  } as often as may be
 *        one is in use, and S the first number that is published there
 *
 * The mark is put where S would be published, so it competes with writers as a sample does, and from
 * then on the old log stays as it is: who still looks there finds what is below S, and at S the mark.
 * Nobody can be sent past S before the longer log is in use, since next_sn rises by what is published.
 *
 * Which log to look in: read next_sn, then log_shift, and no number up to that next_sn is published
 * in a log that is longer.  Logs never get shorter, and each length has a place of its own.
 *
 * Threads: any may call anything; none waits for another.
 * Crash:   before the mark nothing has happened; after it, whoever comes next goes on.
 *                                             spec/protocols.md, "A longer log"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LOGS_H
#define EDDY_LOGS_H

#include "allocator/segment/segment.h"
#include "allocator/wait/orphans.h"

#include <eddy/errors.h>

/* As a segment is attached: where its first log is. */
void eddy_logs_begin(struct eddy_segment *segment, _Atomic uint64_t *entries);

/* Unmaps the longer ones. */
void eddy_logs_unmap(struct eddy_segment *segment);

/* Makes the log at least that long, if it is not, and EDDY_LOG_MAX at most.  EDDY_ENOMEM. */
int eddy_logs_grow(struct eddy_segment *segment, uint64_t length);

/* Makes the log long enough for readers that may be so far behind, as far as the topic's limit and
 * memory go.  Returns how far that is. */
uint32_t eddy_logs_reach(struct eddy_segment *segment, uint32_t depth);

/* How many samples a limit has room for, even of the smallest: no log need be longer. */
uint32_t eddy_logs_most(uint64_t limit_bytes);

/* Maps the log that is in use now; NULL if it cannot be, and eddy_last_error says why. */
const struct eddy_log *eddy_logs_follow(struct eddy_segment *segment);

/* Goes on from a mark that was met in `log`. */
int eddy_logs_finish(struct eddy_segment *segment, const struct eddy_log *log);

/* A newer entry was met in `log` where next_sn led: goes on from a mark, or mends next_sn. */
int eddy_logs_mend(struct eddy_segment *segment, const struct eddy_log *log, uint64_t sn,
                   uint64_t entry);

/* The entry of a number up to next_sn in the log that is in use.  EDDY_ENOMEM: cannot be mapped.
 * EDDY_ENTRY_OLDER: it is not published; or, if it is below next_sn, it was gone when the log was made
 * longer. */
int eddy_logs_find(struct eddy_segment *segment, uint64_t sn, uint64_t *entry,
                   enum eddy_entry_age *age);

/* The first number that is not published; next_sn is helped on to it.  EDDY_ENOMEM: cannot be
 * mapped. */
int eddy_logs_end(struct eddy_segment *segment, uint64_t *end);

/* A log that has nothing but a mark: who does not know yet which one is in use looks here. */
extern const struct eddy_log eddy_log_elsewhere;

/* The same, for who only looks: nothing is written, nor mapped. */
uint64_t eddy_logs_seen(const struct eddy_segment *segment);

/* True if an entry that is newer than `sn` says that sn is published: it is no mark, or one in whose
 * place there is something by now.  Also true if that cannot be told: take says why. */
bool eddy_logs_passed(struct eddy_segment *segment, uint64_t sn, uint64_t entry);

/* The longest log that is mapped here. */
static inline const struct eddy_log *eddy_logs_mapped(const struct eddy_segment *s)
{
    return eddy_load_acquire(&s->log); /* from [log mapped] */
}

/* The next number, to be read before it is asked which log is in use. */
static inline uint64_t eddy_logs_next(const struct eddy_segment *s)
{
    /* acquire, from [help]: who moved it past the end of a log had found the next one in use. */
    return eddy_load_acquire(&s->control->next_sn);
}

/* True if `log` is in use, for numbers up to the eddy_logs_next before.  Relaxed: what is behind
 * another value is acquired by eddy_logs_follow. */
static inline bool eddy_logs_is_used(const struct eddy_segment *s, const struct eddy_log *log)
{
    return eddy_load_relaxed(&s->control->log_shift) == log->shift;
}

/* How many entries the log has now. */
static inline uint64_t eddy_logs_length(const struct eddy_segment *s)
{
    uint32_t ours = eddy_logs_mapped(s)->shift;
    uint32_t theirs = eddy_load_relaxed(&s->control->log_shift); /* it only rises */
    return 1ull << (theirs > ours && theirs <= EDDY_LOG_MAX_SHIFT ? theirs : ours);
}

/* Where `sn` will be published, and what is there now; whether it has been, the caller looks later. */
struct eddy_entry_seen eddy_logs_look(struct eddy_segment *segment, uint64_t sn);

/* True if `sn` or a later one is published.  For numbers that were found in the log: its cache lines
 * alone are looked at, as somebody may look all the time; but for numbers that may have been gone
 * when the log was made longer. */
static inline bool eddy_logs_have(struct eddy_segment *s, uint64_t sn)
{
    const struct eddy_log *log = eddy_logs_mapped(s);
    uint64_t entry = eddy_log_entry(log, sn);
    enum eddy_entry_age age = eddy_entry_age(log, entry, sn);
    if (age == EDDY_ENTRY_OLDER)
        /* Relaxed: from [log mapped]. */
        return sn < eddy_load_relaxed(&s->known_from) && sn < eddy_logs_next(s);
    return age == EDDY_ENTRY_PRESENT || eddy_logs_passed(s, sn, entry);
}

#endif
