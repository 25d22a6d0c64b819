/* gate.h - how far writers may go: the limits that readers set.  (internal)
 *
 *   min_cursor  no reliable reader needs a sample below it: its slot may be claimed, its log entry
 *               overwritten
 *   gate        min(cursor + depth) of the reliable readers: a writer about to publish it waits (a
 *               hint)
 *   untaken     no best-effort reader is entitled to a sample below it that it has not taken
 *   untaken_deep  no deep one would like one below it; heeded as long as that is cheap
 *   window      the last so many samples are not reused, read or not (history of the topic)
 *
 * The first three are cached in the segment and recomputed only when they are in the way;
 * min_cursor and untaken are only ever raised. Join against gate: a reader stores JOINING, then
 * reads next_sn, then stores that as its cursor; a writer reads next_sn, then the cursors, and
 * raises nothing while one says JOINING.
 *
 * It looks at the seats that have a bit, which who joins sets before that (eddy_seats_next).
 *
 * Threads: any.  Crash: both can be recomputed by anybody.           spec/protocols.md, "The gate"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_GATE_H
#define EDDY_GATE_H

#include "allocator/segment/logs.h"

/* Recomputes min_cursor, gate and untaken.  False: a reader is joining just now, so that nothing
 * was raised.
 */
bool eddy_gate_recompute(struct eddy_segment *segment);

/* The first number that may not be published in this log, as far as the readers go. */
static inline uint64_t eddy_gate_end(const struct eddy_segment *s, const struct eddy_log *log)
{
    /* The gate, relaxed, is a hint.  acquire, from [gate]: whoever reads reliably is through with
     * the entry of the lap before, which a number takes the place of. */
    uint64_t gate = eddy_load_relaxed(&s->control->gate);
    uint64_t end = eddy_load_acquire(&s->control->min_cursor) + log->mask + 1;
    return gate < end ? gate : end;
}

/* True if number n may be published in this log, as far as the readers go. */
static inline bool eddy_gate_lets_pass(const struct eddy_segment *s, const struct eddy_log *log,
                                       uint64_t n)
{
    return n < eddy_gate_end(s, log);
}

/* Slots with samples below this may be claimed when there is no other way: best-effort readers lose
 * what they have not taken. */
static inline uint64_t eddy_hard_limit(const struct eddy_segment *s)
{
    /* acquire, from [cursor] by way of [gate]: who read below it has done so. */
    uint64_t limit = eddy_load_acquire(&s->control->min_cursor);
    /* Relaxed: by way of the limit; a window was there before the samples of its writer that lie
     * below. */
    uint64_t window = eddy_load_relaxed(&s->control->window);
    if (window) {
        uint64_t next = eddy_load_relaxed(&s->control->next_sn); /* an older one keeps more */
        uint64_t retained = next > window ? next - window : 0;
        limit = retained < limit ? retained : limit;
    }
    return limit;
}

#define EDDY_DEEP_BYTES (1u << 20) /* that a topic keeps back for deep readers beyond their depth */

/* Slots with samples below this may be claimed for a sample of `need` bytes. */
static inline uint64_t eddy_claim_limit(const struct eddy_segment *s, uint64_t need)
{
    uint64_t limit = eddy_hard_limit(s);
    /* Relaxed: hints, the pins decide. */
    uint64_t untaken = eddy_load_relaxed(&s->control->untaken);
    uint64_t deep = eddy_load_relaxed(&s->control->untaken_deep);
    if (deep < untaken) {
        uint64_t next = eddy_load_relaxed(&s->control->next_sn),
                 most = EDDY_DEEP_BYTES / (need | 1);
        uint64_t oldest = next > most ? next - most : 0;
        uint64_t kept = deep > oldest ? deep : oldest;
        untaken = kept < untaken ? kept : untaken;
    }
    return untaken < limit ? untaken : limit;
}

#endif
