/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/reap.h"

#include "allocator/error.h"
#include "allocator/segment/slot.h"
#include "allocator/wait/futex.h"

/* Who has a seat now: its participant, or the one that reaps it. */
static uint64_t holder_of(uint64_t owner)
{
    return owner & ~EDDY_OWNER_REAPING;
}

void eddy_reader_seat_leave(struct eddy_segment *s, uint32_t seat)
{
    struct eddy_reader_seat *r = &s->readers[seat];
    /* The gate first: writers may wait for it.  [cursor]: what was read is done.  No more than
     * release: who waits looks again within its nap, as for any cursor. */
    eddy_store_release(&r->cursor, EDDY_CURSOR_ABSENT);
    EDDY_POINT("leave:reader-cursor");
    eddy_slots_unpin_all(s, seat);
    EDDY_POINT("leave:reader-unpinned");
    eddy_store_relaxed(&r->bell, 0u);    /* only a hint for statistics by now */
    if (eddy_load_relaxed(&r->let_go)) { /* what was spared for it is not any more; see let_go.h */
        eddy_store_relaxed(&r->let_go, 0u);
        eddy_add_release(&s->control->let_go_epoch, 1u); /* [epoch] */
    }
    EDDY_POINT("leave:reader-forgotten");
    eddy_bell_ring(&s->control->room_bell);
    EDDY_POINT("leave:reader-rung");
    eddy_and_release(&s->control->reader_bits[seat / 64], ~eddy_seat_bit(seat)); /* [vacant] */
    EDDY_POINT("leave:reader-unmarked");
    /* Last: a reaper that dies before is followed by another. */
    eddy_store_release(&r->owner, 0u); /* [seat] */
}

void eddy_writer_seat_leave(struct eddy_segment *s, uint32_t seat)
{
    struct eddy_writer_seat *w = &s->writers[seat];
    /* Relaxed: who finds a sample let go, [let go], sees that the writer keeps none any more. */
    eddy_or_relaxed(&w->owner, EDDY_OWNER_REAPING);
    EDDY_POINT("leave:writer-marked");
    eddy_slots_release_all(s, seat);
    EDDY_POINT("leave:writer-released");
    eddy_add_relaxed(&s->control->gone_bytes, eddy_load_relaxed(&w->bytes)); /* statistics */
    eddy_store_relaxed(&w->bytes, 0u);
    eddy_bell_ring(&s->control->room_bell);
    EDDY_POINT("leave:writer-rung");
    eddy_and_relaxed(&s->control->writer_bits[seat / 64], ~eddy_seat_bit(seat)); /* for reapers */
    EDDY_POINT("leave:writer-unmarked");
    eddy_store_release(&w->owner, 0u); /* [seat], last, as above */
}

/* Takes a dead holder's seat over.  False: it is alive, or another reaper was faster. */
static bool take_over(const struct eddy_domain *d, _Atomic uint64_t *owner, uint64_t seen)
{
    /* [holder]: who sees it sees us alive.  No acquire: what the dead did is known from their lock,
     * and `seen` was acquired. */
    return eddy_cas_release(owner, &seen, d->id | EDDY_OWNER_REAPING);
}

/* A pass over all seats of a topic. */
struct pass {
    const struct eddy_domain *domain;
    struct eddy_segment *segment;
    bool reap;
    struct eddy_reaped sum;
    /* What it has asked the kernel already, which looks through all locks of the domain each time: a
     * participant may have thousands of seats.  Who is dead stays dead. */
    struct {
        uint64_t id;
        bool alive;
    } known[64];
};

static bool is_alive(struct pass *pass, uint64_t id)
{
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
    _Atomic uint64_t *owner = writer ? &s->writers[seat].owner : &s->readers[seat].owner;
    /* from [holder]: who has it is not taken for dead, as it has joined before. */
    uint64_t seen = eddy_load_acquire(owner);
    if (seen == 0)
        return;
    if (is_alive(pass, holder_of(seen))) {
        pass->sum.alive++;
        pass->sum.others += holder_of(seen) != d->id;
        return;
    }
    pass->sum.reaped++;
    if (!pass->reap || !take_over(d, owner, seen))
        return;
    EDDY_POINT("reap:taken-over");
    if (writer) {
        eddy_wake_topic(s, d->registry); /* it may have published and woken nobody */
        EDDY_POINT("reap:woken");
        eddy_writer_seat_leave(s, seat);
    } else {
        eddy_reader_seat_leave(s, seat);
    }
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
