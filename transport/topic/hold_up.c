/* Readers that have said how long they may hold writers up.  spec/protocols.md, "Letting go of a
 * reader"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/logs.h"
#include "transport/topic/let_go.h"
#include "transport/topic/writer.h"

/* Relaxed, all that is read here: hints, and what is stale now is looked at again. */
static bool is_in_the_way(const struct eddy_writer *w, const struct eddy_reader_seat *r,
                          uint64_t cursor, enum eddy_room what)
{
    const struct eddy_control *c = w->segment->control;
    uint64_t depth = eddy_load_relaxed(&r->depth), next = eddy_load_relaxed(&c->next_sn);
    if (cursor == EDDY_CURSOR_ABSENT || cursor >= next)
        return false;
    if (what == EDDY_ROOM_SLOT) /* who is furthest behind keeps them all */
        return cursor <= eddy_load_relaxed(&c->min_cursor);
    return next >= cursor + depth || next >= cursor + eddy_logs_length(w->segment);
}

/* Since when we have seen it in the way, right there. */
static uint64_t held_up_since(const struct eddy_writer *w, uint32_t seat, uint64_t cursor,
                              uint64_t now)
{
    for (uint32_t i = 0; i < w->obstacle_count; i++)
        if (w->obstacles[i].seat == seat && w->obstacles[i].cursor == cursor)
            return w->obstacles[i].since;
    return now;
}

void eddy_writer_watch_readers(struct eddy_writer *w, enum eddy_room what)
{
    struct eddy_obstacle seen[EDDY_OBSTACLES];
    uint32_t count = 0, i;
    uint64_t now = eddy_now();
    struct eddy_seats seats = eddy_seats_of_readers(w->segment);
    while (eddy_seats_next(&seats, &i)) {
        const struct eddy_reader_seat *r = &w->segment->readers[i];
        uint64_t may = eddy_load_relaxed(&w->segment->reader_rests[i].hold_up_ns);
        uint64_t cursor = eddy_load_relaxed(&r->cursor);
        if (may == 0 || eddy_is_let_go(r) || !is_in_the_way(w, r, cursor, what))
            continue;
        uint64_t since = held_up_since(w, i, cursor, now);
        if (now - since >= may)
            (void)eddy_let_go(w->segment, i, 0);
        else if (count < EDDY_OBSTACLES) /* more come in turn */
            seen[count++] = (struct eddy_obstacle){.cursor = cursor, .since = since, .seat = i};
    }
    for (i = 0; i < count; i++)
        w->obstacles[i] = seen[i];
    w->obstacle_count = count;
}
