/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/reap.h"

#include "allocator/error.h"
#include "allocator/segment/endpoint.h"
#include "allocator/segment/line.h"
#include "allocator/segment/room.h"
#include "allocator/segment/slot.h"
#include "allocator/wait/futex.h"

/* Who has a seat now: its participant, or the one that reaps it; 0: nobody. */
static uint64_t holder_of(uint64_t owner)
{
    return owner & ~EDDY_OWNER_REAPING;
}

/* Of one that has slots which cannot be looked at here: whoever comes next begins again. */
static void hand_on(_Atomic uint64_t *owner)
{
    eddy_store_release(owner, EDDY_OWNER_REAPING); /* [void] */
    EDDY_POINT("leave:handed-on");
}

/* The gate first: writers may wait for it. */
static void give_up_cursor(struct eddy_reader_seat *r)
{
    /* [cursor]: what was read is done.  No more than release: who waits looks again within its nap,
     * as for any cursor. */
    eddy_store_release(&r->cursor, EDDY_CURSOR_ABSENT);
    EDDY_POINT("leave:reader-cursor");
}

/* Its pins are gone. */
static void free_reader_seat(struct eddy_segment *s, uint32_t seat, bool died)
{
    struct eddy_reader_seat *r = &s->readers[seat];
    EDDY_POINT("leave:reader-unpinned");
    eddy_endpoint_leave(s, false, seat, died);
    eddy_store_relaxed(&s->reader_rests[seat].bell, 0u); /* for people to read */
    if (eddy_load_relaxed(&r->let_go)) { /* what was spared for it is not any more; see let_go.h */
        eddy_store_relaxed(&r->let_go, 0u);
        eddy_add_release(&s->control->let_go_epoch, 1u); /* [epoch] */
    }
    EDDY_POINT("leave:reader-forgotten");
    eddy_room_tell(s->control);
    EDDY_POINT("leave:reader-rung");
    eddy_and_release(&s->control->reader_bits[seat / 64], ~eddy_seat_bit(seat)); /* [vacant] */
    EDDY_POINT("leave:reader-unmarked");
    /* Last: a reaper that dies before is followed by another. */
    eddy_store_release(&r->owner, 0u); /* [seat] */
    eddy_segment_touch(s);
}

void eddy_reader_seat_leave(struct eddy_segment *s, uint32_t seat)
{
    give_up_cursor(&s->readers[seat]);
    eddy_slots_unpin_own(s, seat);
    free_reader_seat(s, seat, false);
}

static void reap_reader(struct eddy_segment *s, uint32_t seat)
{
    give_up_cursor(&s->readers[seat]);
    if (eddy_slots_unpin_all(s, seat) == EDDY_OK)
        free_reader_seat(s, seat, true);
    else
        hand_on(&s->readers[seat].owner);
}

/* Its loans and history are gone. */
static void free_writer_seat(struct eddy_segment *s, uint32_t seat, bool died)
{
    struct eddy_writer_seat *w = &s->writers[seat];
    EDDY_POINT("leave:writer-released");
    eddy_endpoint_leave(s, true, seat, died);
    eddy_add_relaxed(&s->control->gone_bytes, eddy_load_relaxed(&w->bytes)); /* statistics */
    eddy_store_relaxed(&w->bytes, 0u);
    eddy_room_tell(s->control);
    EDDY_POINT("leave:writer-rung");
    eddy_line_leave(s, seat);
    EDDY_POINT("leave:writer-out-of-line");
    eddy_and_relaxed(&s->control->writer_bits[seat / 64], ~eddy_seat_bit(seat)); /* for reapers */
    eddy_store_relaxed(&w->since, UINT64_MAX); /* nothing is of who comes next; by way of [seat] */
    EDDY_POINT("leave:writer-unmarked");
    eddy_store_release(&w->owner, 0u); /* [seat], last, as above */
    eddy_segment_touch(s);
}

void eddy_writer_seat_leave(struct eddy_segment *s, uint32_t seat)
{
    eddy_or_release(&s->writers[seat].owner, EDDY_OWNER_REAPING); /* [void] */
    EDDY_POINT("leave:writer-marked");
    eddy_slots_release_own(s, seat);
    free_writer_seat(s, seat, false);
}

static void reap_writer(const struct eddy_domain *d, struct eddy_segment *s, uint32_t seat)
{
    eddy_wake_topic(s, d->registry); /* it may have published and woken nobody */
    EDDY_POINT("reap:woken");
    if (eddy_slots_release_all(s, seat) == EDDY_OK)
        free_writer_seat(s, seat, true);
    else
        hand_on(&s->writers[seat].owner);
}

bool eddy_endpoint_look(const struct eddy_segment *s, bool writer, uint32_t seat,
                        uint64_t *presence, uint64_t *owner)
{
    const _Atomic uint64_t *word = eddy_presence_of(s, writer, seat);
    *presence = eddy_load_acquire(word); /* from [there]: whose it is */
    *owner = eddy_seat_owner(s, writer, seat);
    /* Relaxed: after the owner.  Who has it next has seen it ABSENT, and so do we. */
    return eddy_load_relaxed(word) == *presence;
}

static _Atomic uint64_t *owner_of(const struct eddy_segment *s, bool writer, uint32_t seat)
{
    return writer ? &s->writers[seat].owner : &s->readers[seat].owner;
}

/* Makes a dead holder's seat void, and ours or (0) nobody's.  False: another was faster. */
static bool take_over(struct eddy_segment *s, bool writer, uint32_t seat, uint64_t seen,
                      uint64_t reaper)
{
    /* [holder]: who sees it sees us alive.  [void].  No acquire: what the dead did is known from
     * their lock, and `seen` was acquired. */
    if (!eddy_cas_release(owner_of(s, writer, seat), &seen, reaper | EDDY_OWNER_REAPING))
        return false;
    if (!writer && eddy_load_relaxed(&s->readers[seat].let_go)) /* the dead one's, or none */
        eddy_add_release(&s->control->let_go_epoch, 1u); /* [epoch]: nothing is spared for it */
    eddy_room_tell(s->control);                          /* what it held can be had from now on */
    return true;
}

/* A pass over all seats of a topic. */
struct pass {
    const struct eddy_domain *domain;
    struct eddy_segment *segment;
    bool reap;
    struct eddy_reaped sum;
    /* What it has asked the kernel already: a participant may have thousands of seats.  Who is dead
     * stays dead. */
    struct {
        uint64_t id;
        bool alive;
    } known[64];
};

static bool is_alive(struct pass *pass, uint64_t id)
{
    if (id == 0)
        return false;
    uint32_t at = EDDY_SEAT_OF_ID(id) % 64;
    if (pass->known[at].id != id) {
        pass->known[at].id = id;
        pass->known[at].alive = eddy_domain_knows_alive(pass->domain, id);
    }
    return pass->known[at].alive;
}

static void visit_seat(struct pass *pass, bool writer, uint32_t seat)
{
    const struct eddy_domain *d = pass->domain;
    struct eddy_segment *s = pass->segment;
    uint64_t seen = eddy_seat_owner(s, writer, seat);
    if (seen == 0)
        return;
    if (is_alive(pass, holder_of(seen))) {
        pass->sum.alive++;
        pass->sum.others += holder_of(seen) != d->id;
        return;
    }
    pass->sum.reaped++;
    if (!pass->reap || !take_over(s, writer, seat, seen, d->id))
        return;
    EDDY_POINT("reap:taken-over");
    if (writer)
        reap_writer(d, s, seat);
    else
        reap_reader(s, seat);
    eddy_log(EDDY_LOG_INFO, "reaped %s seat %u of a dead participant on segment %s",
             writer ? "writer" : "reader", seat, s->id);
}

static struct eddy_reaped visit_all(const struct eddy_domain *d, struct eddy_segment *s, bool reap)
{
    struct pass pass = {.domain = d, .segment = s, .reap = reap};
    struct eddy_seats readers = eddy_seats_of_readers(s), writers = eddy_seats_of_writers(s);
    uint32_t seat;
    while (eddy_seats_next(&readers, &seat))
        visit_seat(&pass, false, seat);
    while (eddy_seats_next(&writers, &seat))
        visit_seat(&pass, true, seat);
    return pass.sum;
}

struct eddy_reaped eddy_reap_topic(const struct eddy_domain *d, struct eddy_segment *s)
{
    return visit_all(d, s, true);
}

struct eddy_reaped eddy_count_members(const struct eddy_domain *d, struct eddy_segment *s)
{
    return visit_all(d, s, false);
}

/* --- marking --------------------------------------------------------------------------------- */

/* The seat after *at of those that may be taken, readers before writers, and round again. */
static bool next_of_all(struct eddy_segment *s, uint32_t *at)
{
    uint32_t seat, first = UINT32_MAX;
    struct eddy_seats walks[] = {eddy_seats_of_readers(s), eddy_seats_of_writers(s)};
    for (uint32_t role = 0; role < 2; role++)
        while (eddy_seats_next(&walks[role], &seat)) {
            uint32_t i = role * EDDY_SEATS_MAX + seat;
            first = first == UINT32_MAX ? i : first;
            if (i > *at) {
                *at = i;
                return true;
            }
        }
    *at = first;
    return first != UINT32_MAX;
}

bool eddy_reap_mark_next(const struct eddy_domain *d, struct eddy_segment *s, uint32_t *asked)
{
    if (!next_of_all(s, asked))
        return false;
    bool writer = *asked >= EDDY_SEATS_MAX;
    uint32_t seat = *asked % EDDY_SEATS_MAX;
    uint64_t seen = eddy_seat_owner(s, writer, seat);
    if (seen == 0 || (seen & EDDY_OWNER_REAPING) || eddy_domain_knows_alive(d, seen) ||
        !take_over(s, writer, seat, seen, 0))
        return false;
    EDDY_POINT("reap:marked");
    if (writer)
        eddy_wake_topic(s, d->registry); /* as above */
    return true;
}
