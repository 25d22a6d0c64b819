/* let_go.h - writers go on without a reliable reader that holds them up.  (internal)
 *
 * In the reader's seat, `let_go`:
 *
 *        who lets go                  who lets go                    who lets go
 *   0 ---------------> BEGUN(reader) ------------> READY(until) ----------------> DONE(until)
 *   ^                    | fence of all, cursor       | epoch + 1                   |
 *   '-- the reader, as soon as it comes to take ------+-----------------------------'
 *
 * A reader that is let go of may be anywhere in a take: with its eyes on the sample under its
 * cursor, or just about to have it.  So what lies from its cursor up to `until` is spared: nobody
 * claims those slots.  Where the kernel has a fence for all, that is one sample; else all that were
 * published when it began.  From DONE on the gate passes the reader over.  When the reader comes
 * back it sees the word before it trusts what it took, and goes on with what comes next.  What it
 * has pinned stays as it is.
 *
 * `let_go_epoch` of the topic moves whenever what is spared may have changed; each writer keeps the
 * list of it for itself until then.
 *
 * Threads: any may let go, also several at once of the same reader: they help each other.
 * Crash:   of who lets go: BEGUN and READY hold nobody up but as the reader did before, and the next
 *          who lets go goes on from there.  Of the reader: reap clears the word.
 *                                             spec/protocols.md, "Letting go of a reader"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LET_GO_H
#define EDDY_LET_GO_H

#include "allocator/segment/slot.h"

#define EDDY_LET_GO_SHIFT 62u

enum eddy_let_go_state { EDDY_NOT_LET_GO, EDDY_LET_GO_BEGUN, EDDY_LET_GO_READY, EDDY_LET_GO_DONE };

static inline enum eddy_let_go_state eddy_let_go_state(uint64_t word)
{
    return (enum eddy_let_go_state)(word >> EDDY_LET_GO_SHIFT);
}

/* True if the gate passes over the reader in this seat. */
static inline bool eddy_is_let_go(const struct eddy_reader_seat *seat)
{
    /* acquire, from [let go]: the epoch has moved, and what is spared is known.  seq: one that comes
     * back takes the word away, then reads next_sn; the gate reads that, then the word. */
    return eddy_let_go_state(eddy_load_seq(&seat->let_go)) == EDDY_LET_GO_DONE;
}

/* Lets go of the reliable reader in a seat.  participant: whose reader it is; 0: whoever has the
 * seat.  EDDY_ENOENT: there is none. EDDY_EINVAL: it is best-effort. */
int eddy_let_go(struct eddy_segment *segment, uint32_t seat, uint64_t participant);

/* --- what is spared, as a writer knows it ----------------------------------------------------- */

#define EDDY_SPANS 16u

struct eddy_spared {
    uint64_t epoch;
    uint32_t count;
    struct eddy_span spans[EDDY_SPANS];
};

void eddy_spared_look(struct eddy_segment *segment, struct eddy_spared *spared);

/* `below` is read before. */
static inline struct eddy_limit eddy_limit_make(struct eddy_segment *s, struct eddy_spared *spared,
                                                uint64_t below)
{
    /* Relaxed: it has moved before min_cursor passes a reader over, and comes with it by [gate]. */
    if (__builtin_expect(eddy_load_relaxed(&s->control->let_go_epoch) != spared->epoch, 0))
        eddy_spared_look(s, spared);
    return (struct eddy_limit){below, spared->spans, spared->count, false};
}

#endif
