/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gate.h"

/* What a best-effort reader has not taken yet and is entitled to begins here.  Its position is a
 * hint, which can only be too low: the pin decides whether it gets a sample. */
static uint64_t wanted_from(const struct eddy_reader_seat *seat, uint64_t next)
{
    if (eddy_load_seq(&seat->owner) == 0)
        return next;
    uint64_t position = eddy_load_relaxed(&seat->position);
    uint32_t depth = eddy_load_relaxed(&seat->depth);
    uint64_t reach = next > depth ? next - depth : 0;
    return position > reach ? position : reach;
}

bool eddy_gate_recompute(struct eddy_segment *s)
{
    struct eddy_control *c = s->control;
    uint64_t lowest =
        eddy_load_seq(&c->next_sn); /* before the cursors: who joins later begins there or behind */
    uint64_t next = lowest, untaken = lowest, gate = lowest + s->log_length;
    uint32_t high = eddy_load_seq(&c->reader_high);
    for (uint32_t i = 0; i < high && i < EDDY_SEATS_MAX; i++) {
        uint64_t cursor = eddy_load_seq(&s->readers[i].cursor); /* acquire, from [cursor] */
        if (cursor == EDDY_CURSOR_ABSENT) {
            uint64_t from = wanted_from(&s->readers[i], next);
            untaken = from < untaken ? from : untaken;
            continue;
        }
        if (cursor == EDDY_CURSOR_JOINING)
            return false;
        uint64_t reach =
            cursor + eddy_load_relaxed(&s->readers[i].depth); /* set before the cursor */
        lowest = cursor < lowest ? cursor : lowest;
        gate = reach < gate ? reach : gate;
    }
    eddy_raise64(&c->min_cursor, lowest); /* [gate] */
    eddy_raise64(&c->untaken, untaken);
    eddy_store_seq(&c->gate, gate);
    return true;
}
