/* Reporting a crash, and hearing of it.  spec/ring.md, "Crashes"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/ring/ring.h"

int eddy_ring_report_crash(eddy_ring *r, const struct eddy_crash *crash)
{
    uint64_t state = EDDY_RING_WORD_RUNNING;
    if (!r || !crash || r->role != EDDY_RING_PRODUCER)
        return EDDY_EINVAL;
    if (eddy_ring_forked(r))
        return EDDY_EFORKED;
    struct eddy_ring_header *h = r->header;
    if (crash->reserved[0] || crash->reserved[1])
        return EDDY_EINVAL;
    /* [report]: that we are here.  The first only, whatever the order. */
    if (!eddy_cas_release(&h->state, &state, EDDY_RING_WORD_REPORTING))
        return state == EDDY_RING_WORD_FINISHED ? EDDY_EFINISHED : EDDY_OK;
    EDDY_POINT("ring-crash:reporting");
    /* Relaxed: [end] comes after them. */
    eddy_store_relaxed(&h->crash_signal, crash->signal);
    eddy_store_relaxed(&h->crash_operation, crash->operation);
    eddy_store_relaxed(&h->crash_address, crash->address);
    EDDY_POINT("ring-crash:before-end");
    eddy_store_seq(&h->state, EDDY_RING_WORD_CRASHED); /* [end] */
    EDDY_POINT("ring-crash:reported");
    eddy_bell_ring(&h->data_bell);
    return EDDY_OK;
}

int eddy_ring_crash(const eddy_ring *r, struct eddy_crash *crash)
{
    if (!crash)
        return eddy_fail(EDDY_EINVAL, "eddy_ring_crash: no place for the result");
    if (eddy_ring_forked(r))
        return eddy_fail_forked();
    bool gone = !eddy_ring_role_alive(r, EDDY_RING_PRODUCER);
    uint64_t state = eddy_load_acquire(&r->header->state); /* from [end] */
    if (state == EDDY_RING_WORD_REPORTING && gone)
        *crash = (struct eddy_crash){0};
    else if (state == EDDY_RING_WORD_CRASHED) /* relaxed: written before [end] */
        *crash = (struct eddy_crash){.signal = eddy_load_relaxed(&r->header->crash_signal),
                                     .address = eddy_load_relaxed(&r->header->crash_address),
                                     .operation = eddy_load_relaxed(&r->header->crash_operation)};
    else
        return EDDY_EAGAIN;
    return EDDY_OK;
}
