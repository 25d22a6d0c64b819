/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/reclaim.h"

#include "transport/topic/gate.h"
#include "transport/topic/own.h"

struct eddy_limit eddy_writer_reclaim_limit(struct eddy_writer *w, bool presses)
{
    struct eddy_segment *s = w->segment;
    eddy_writer_recompute(w);
    uint64_t below = eddy_hard_limit(s);
    uint64_t untaken = eddy_load_relaxed(&s->control->untaken); /* a hint, the pins decide */
    if (!presses && untaken < below)
        below = untaken;
    struct eddy_limit limit = eddy_limit_make(s, &w->spared, below);
    limit.past_the_dead = true; /* there is one slot that will do */
    return limit;
}

/* Another has claimed the slot since, be it ourselves. */
static bool is_claimed(const struct eddy_slot *slot, const struct eddy_published *sample)
{
    /* acquire, from [claimed]: what its readers read is done, as the claimer saw it. */
    if (eddy_load_acquire(&slot->ticket) != sample->ticket)
        return true;
    /* Relaxed: another number is there in another extent of the same number alone, long after. */
    uint64_t sn = eddy_load_relaxed(&slot->sn);
    return sn != 0 && sn != sample->sn;
}

bool eddy_writer_reclaim(struct eddy_writer *w, const struct eddy_published *sample,
                         const struct eddy_limit *limit)
{
    struct eddy_place p;
    struct eddy_limit its = *limit;
    if (eddy_slot_find(w->segment, sample->slot, &p))
        return false;
    if (is_claimed(p.slot, sample))
        return true;
    /* Never the next sample of this slot, should another writer publish one just now. */
    if (its.below > sample->sn)
        its.below = sample->sn + 1;
    if (!eddy_slot_claim(w->segment, &p, w->me, &its))
        return false;
    EDDY_POINT("reclaim:claimed");
    eddy_slot_discard(w->segment, &p);
    eddy_bell_ring(&w->segment->control->room_bell);
    return true;
}
