/* A writer that has no room waits for it, in turn with others.  spec/protocols.md, "Served in turn"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/segment/block.h"
#include "discovery/reap.h"
#include "transport/topic/gate.h"
#include "transport/topic/reclaim.h"

#define ROOM_PAUSES 16u       /* between looks at what the readers write to all the time */
#define ROOM_NAP    2000000u  /* ns: bounds what a reader's unfenced look at the bell can cost */
#define PASS_OVER   10000000u /* ns that there may be room which who has the turn does not take */

/* What the dead had on loan was memory, too. */
static bool reap(const struct eddy_writer *w)
{
    bool changed = eddy_reap_topic(w->topic->domain, w->segment).reaped > 0;
    if (changed)
        eddy_blocks_tidy(w->segment, w->me);
    return changed;
}

bool eddy_writer_look_for_the_dead(struct eddy_writer *w, bool waits)
{
    uint64_t began = eddy_now();
    if (!eddy_reap_is_due(&w->reaping))
        return false;
    bool changed = waits ? reap(w) : eddy_reap_mark_next(w->topic->domain, w->segment, &w->asked);
    eddy_reap_has_been(&w->reaping, began);
    return changed;
}

/* --- the room itself ----------------------------------------------------------------------------- */

struct room {
    struct eddy_writer *writer;
    enum eddy_room what;
    bool (*is_there)(struct eddy_writer *, void *);
    void *context;
    uint64_t next_reap;
};

static int look_for_room(void *what)
{
    const struct room *room = what;
    EDDY_POINT("room:wanted");
    if (room->is_there(room->writer, room->context))
        return EDDY_OK;
    return eddy_writer_has_turn(room->writer, room->what) ? EDDY_EAGAIN : EDDY_EBUSY;
}

/* Before each sleep: who holds us up?  And now and then: who is dead? */
static void reap_for_room(void *what, bool begins)
{
    struct room *room = what;
    if (!begins)
        return;
    eddy_writer_watch_readers(room->writer, room->what);
    if (eddy_reap_turn(&room->writer->reaping, &room->next_reap))
        (void)eddy_writer_look_for_the_dead(room->writer, true);
}

/* EDDY_EBUSY: the turn is another's by now. */
static int wait_for_room(struct room *room, uint64_t deadline)
{
    const struct eddy_awaited kind = {
        .look = look_for_room, .sleeps = reap_for_room, .pauses = ROOM_PAUSES, .nap_ns = ROOM_NAP};
    struct eddy_writer *w = room->writer;
    return eddy_wait(&w->spin, &kind, room, &w->segment->control->room_bell, deadline);
}

/* --- the turn ------------------------------------------------------------------------------------ */

/* Passes over who has the turn and does not take the room that there is. */
static void watch_turn(struct eddy_writer *w, enum eddy_room what)
{
    struct eddy_control *c = w->segment->control;
    /* Relaxed: hints, and what is stale now is looked at again. */
    uint32_t turn = eddy_load_relaxed(&c->turn[what]);
    uint64_t n = eddy_load_relaxed(&c->next_sn), now = eddy_now();
    bool there = what == EDDY_ROOM_SLOT || eddy_gate_lets_pass(w->segment, w->log, n);
    if (!there || turn != w->watched.turn || n != w->watched.number)
        w->watched = (struct eddy_watched){.since = now, .number = n, .turn = turn};
    else if (now - w->watched.since >= PASS_OVER)
        eddy_line_pass_over(w->segment, what, turn);
}

static int look_for_turn(void *what)
{
    const struct room *room = what;
    struct eddy_writer *w = room->writer;
    bool first = eddy_line_enter(w->segment, room->what, w->me - 1);
    EDDY_POINT("room:in-line");
    return first || room->is_there(w, room->context) ? EDDY_OK : EDDY_EAGAIN;
}

static void watch_for_turn(void *what, bool begins)
{
    const struct room *room = what;
    if (begins)
        watch_turn(room->writer, room->what);
}

static int wait_for_turn(struct room *room, uint64_t deadline)
{
    const struct eddy_awaited kind = {
        .look = look_for_turn, .sleeps = watch_for_turn, .pauses = ROOM_PAUSES, .nap_ns = ROOM_NAP};
    struct eddy_writer *w = room->writer;
    return eddy_wait(&w->turn_spin, &kind, room, &w->seat->bell, deadline);
}

/* Without waiting: also what the dead have, and the turn of one who does not take it. */
static int look_once(struct room *room)
{
    struct eddy_writer *w = room->writer;
    if (room->is_there(w, room->context))
        return EDDY_OK;
    eddy_writer_watch_readers(w, room->what);
    if (!eddy_writer_has_turn(w, room->what))
        watch_turn(w, room->what);
    (void)eddy_writer_look_for_the_dead(w, false);
    return room->is_there(w, room->context) ? EDDY_OK : EDDY_EAGAIN;
}

int eddy_writer_wait_for_room(struct eddy_writer *w, enum eddy_room what, uint64_t deadline,
                              bool (*is_there)(struct eddy_writer *, void *), void *context)
{
    struct room room = {w, what, is_there, context, 0};
    int error = EDDY_EBUSY;
    if (deadline == EDDY_POLL)
        return look_once(&room);
    w->in_line = true;
    while (error == EDDY_EBUSY) {
        error = wait_for_turn(&room, deadline);
        if (!error)
            error = wait_for_room(&room, deadline);
    }
    return error;
}

void eddy_writer_leave_line(struct eddy_writer *w)
{
    w->in_line = false;
    eddy_line_leave(w->segment, w->me - 1);
}

/* --- out of line: for what nobody else can have --------------------------------------------------- */

struct awaited {
    struct room room;
    int (*look)(void *);
};

static int look_out_of_line(void *what)
{
    const struct awaited *a = what;
    return a->look(a->room.context);
}

static void reap_out_of_line(void *what, bool begins)
{
    reap_for_room(&((struct awaited *)what)->room, begins);
}

int eddy_writer_await(struct eddy_writer *w, int (*look)(void *), void *context, uint64_t deadline)
{
    const struct eddy_awaited kind = {.look = look_out_of_line,
                                      .sleeps = reap_out_of_line,
                                      .pauses = ROOM_PAUSES,
                                      .nap_ns = ROOM_NAP};
    struct awaited a = {{w, EDDY_ROOM_SLOT, NULL, context, 0}, look};
    if (deadline != EDDY_POLL)
        return eddy_wait(&w->spin, &kind, &a, &w->segment->control->room_bell, deadline);
    int error = look(context);
    if (error != EDDY_EAGAIN)
        return error;
    eddy_writer_watch_readers(w, EDDY_ROOM_SLOT);
    (void)eddy_writer_look_for_the_dead(w, false);
    return look(context);
}
