/* A writer that does not wait, and has looked at every slot in vain, need not look again before
 * something has changed.  spec/protocols.md, "At the limit"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/extent.h"
#include "allocator/segment/room.h"
#include "transport/topic/writer.h"

#define VAIN_NS    2000000u  /* that a look counts: bounds what nobody tells of */
#define VAIN_SHARE 16u       /* or so many times as long as it took, */
#define VAIN_MOST  50000000u /* but no longer than this: it may have been stopped meanwhile */

void eddy_vain_begin(struct eddy_writer *w, uint64_t need, struct eddy_vain *look)
{
    const struct eddy_control *c = w->segment->control;
    look->news = eddy_room_watch(w->segment->control);
    look->need = need;
    look->began = eddy_now();
    /* Relaxed, all: older ones than the look has make it count for less. */
    look->cursor = eddy_load_relaxed(&c->min_cursor);
    look->next = eddy_load_relaxed(&c->next_sn);
    look->epoch = eddy_load_relaxed(&c->let_go_epoch);
    look->limit = eddy_segment_limit(w->segment);
}

void eddy_vain_end(struct eddy_writer *w, const struct eddy_vain *look)
{
    uint64_t now = eddy_now(), counts = VAIN_SHARE * (now - look->began);
    counts = counts < VAIN_MOST ? counts : VAIN_MOST;
    w->vain = *look;
    w->vain.until = now + (counts > VAIN_NS ? counts : VAIN_NS);
}

bool eddy_writer_was_told(struct eddy_writer *w, uint32_t *slot)
{
    const struct eddy_control *c = w->segment->control;
    if (w->vain.until == 0 || eddy_load_relaxed(&c->room_news) == w->vain.news) /* as below */
        return false;
    w->vain.until = 0;
    *slot = eddy_load_relaxed(&c->room_slot); /* a hint */
    return true;
}

bool eddy_writer_looked_in_vain(const struct eddy_writer *w, uint64_t need)
{
    const struct eddy_vain *look = &w->vain;
    const struct eddy_control *c = w->segment->control;
    /* Relaxed, all: what was let go of before this call is seen by way of whatever told us so, and the
     * rest is as if it came a moment later. */
    return need >= look->need && eddy_load_relaxed(&c->room_news) == look->news &&
           eddy_load_relaxed(&c->min_cursor) == look->cursor &&
           eddy_load_relaxed(&c->next_sn) == look->next &&
           eddy_load_relaxed(&c->let_go_epoch) == look->epoch &&
           eddy_segment_limit(w->segment) == look->limit &&
           eddy_extent_least(need) <= look->limit && eddy_now() < look->until;
}
