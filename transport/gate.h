/* gate.h - how far writers may go: the limits that readers set.  (internal)
 *
 *   min_cursor  no reliable reader needs a sample below it: its slot may be claimed, its log entry
 * overwritten gate        min(cursor + depth) of the reliable readers: a writer about to publish it
 * waits (a hint) window      the last so many samples are not reused, read or not (history,
 * best-effort depths)
 *
 * Both are cached in the segment, recomputed only when they are in the way, and min_cursor is only
 * ever raised. Join against gate: a reader stores JOINING, then reads next_sn, then stores that as
 * its cursor; a writer reads next_sn, then the cursors, and raises nothing while one says JOINING.
 *
 * Threads: any.  Crash: both can be recomputed by anybody.           spec/protocols.md, "The gate"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_GATE_H
#define EDDY_GATE_H

#include "allocator/segment.h"

/* Recomputes min_cursor and gate.  False: a reader is joining just now, so that nothing was raised.
 */
bool eddy_gate_recompute(struct eddy_segment *segment);

/* Slots with samples below this may be claimed. */
static inline uint64_t eddy_claim_limit(const struct eddy_segment *s)
{
    /* acquire, from [cursor] by way of [gate]: who read below it has done so. */
    uint64_t limit = eddy_load_acquire(&s->control->min_cursor);
    uint64_t window = eddy_load_acquire(&s->control->window); /* from [window] */
    if (window) {
        uint64_t next = eddy_load_acquire(&s->control->next_sn);
        uint64_t retained = next > window ? next - window : 0;
        limit = retained < limit ? retained : limit;
    }
    return limit;
}

#endif
