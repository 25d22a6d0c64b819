/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/gate.h"

bool eddy_gate_recompute(struct eddy_segment *s)
{
    struct eddy_control *c = s->control;
    uint64_t lowest =
        eddy_load_seq(&c->next_sn); /* before the cursors: who joins later begins there or behind */
    uint64_t gate = lowest + s->log_length;
    uint32_t high = eddy_load_seq(&c->reader_high);
    for (uint32_t i = 0; i < high && i < EDDY_SEATS_MAX; i++) {
        uint64_t cursor = eddy_load_seq(&s->readers[i].cursor); /* acquire, from [cursor] */
        if (cursor == EDDY_CURSOR_ABSENT)
            continue;
        if (cursor == EDDY_CURSOR_JOINING)
            return false;
        uint64_t reach =
            cursor + eddy_load_relaxed(&s->readers[i].depth); /* set before the cursor */
        lowest = cursor < lowest ? cursor : lowest;
        gate = reach < gate ? reach : gate;
    }
    eddy_raise64(&c->min_cursor, lowest); /* [gate] */
    eddy_store_seq(&c->gate, gate);
    return true;
}
