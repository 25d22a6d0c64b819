/* Taking and releasing: the consumer's part.  spec/ring.md, "Consuming"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/ring/ring.h"

#include <fcntl.h>

#define TRIES_TAKE (1u << 20) /* each is lost to another thread, unless somebody scribbles */

static int check(const struct eddy_ring *r)
{
    if (__builtin_expect(eddy_ring_forked(r), 0))
        return eddy_fail_forked();
    if (__builtin_expect(r->role != EDDY_RING_CONSUMER, 0))
        return eddy_fail(EDDY_EINVAL, "this handle of ring %s is not the consumer's", r->id);
    return EDDY_OK;
}

/* --- taking ---------------------------------------------------------------------------------- */

static int fail_scribbled(const struct eddy_ring *r, const char *what)
{
    return eddy_fail(EDDY_ESEGMENT,
                     "%s of ring %s cannot be right: the shared memory was scribbled on", what,
                     r->id);
}

static void hand_out(struct eddy_ring *r, uint64_t position, uint64_t at, uint64_t bytes,
                     struct eddy_chunk *chunk)
{
    eddy_store_release(&r->held[at], position + 1); /* [held] */
    /* Relaxed: nobody can release the chunk before it is handed out, which is after this. */
    eddy_add_relaxed(&r->users, 1u);
    *chunk = (struct eddy_chunk){.data = r->payload + at * r->slot_bytes,
                                 .size = bytes,
                                 .sn = position + 1,
                                 .position = position};
}

/* What an earlier consumer took and did not release. */
static int take_again(struct eddy_ring *r, struct eddy_chunk *chunk)
{
    uint64_t p = eddy_load_relaxed(&r->again); /* a guess; the swap decides */
    while (p < r->again_end) {
        if (!eddy_cas_relaxed(&r->again, &p, p + 1)) /* only who is to have it */
            continue;
        uint64_t at = p % r->slots, bytes = eddy_load_relaxed(&r->lengths[at]);
        EDDY_POINT("ring-take:again");
        /* It only rises: if it was done, the slot may have gone round meanwhile.  Relaxed: marks of
         * one who died come before the lock that made us its successor, so before all of us. */
        if (eddy_load_relaxed(&r->done[at]) >= ++p)
            continue;
        if (bytes > r->slot_bytes)
            return fail_scribbled(r, "the length of a chunk");
        hand_out(r, p - 1, at, bytes, chunk);
        chunk->redelivered = true;
        eddy_add_relaxed(&r->header->redelivered, 1u); /* statistics */
        return EDDY_OK;
    }
    return EDDY_EAGAIN;
}

/* What was seen of it last, if that is enough: the word itself is on a line that the producer
 * writes for each chunk. */
static uint64_t look_at_write(struct eddy_ring *r, uint64_t position)
{
    uint64_t seen = eddy_load_acquire(&r->write_seen); /* from [seen], and so from [chunk] */
    if (seen - position - 1 < r->slots)
        return seen;
    seen = eddy_load_seq(&r->header->write);  /* from [chunk] */
    eddy_store_release(&r->write_seen, seen); /* [seen] */
    return seen;
}

static int take_next(struct eddy_ring *r, struct eddy_chunk *chunk)
{
    struct eddy_ring_header *h = r->header;
    for (uint32_t tries = 0; tries < TRIES_TAKE; tries++) {
        uint64_t p =
            eddy_load_acquire(&h->taken); /* from [taken]: `write` is seen as far as that */
        uint64_t write = look_at_write(r, p);
        if (write == p)
            return EDDY_EAGAIN;
        uint64_t at = p % r->slots;
        __builtin_prefetch(r->payload + at * r->slot_bytes);
        uint64_t bytes = eddy_load_relaxed(&r->lengths[at]); /* written before [chunk] */
        EDDY_POINT("ring-take:looked");
        /* Who released it did so before its slot was published again.  acquire, from [held]: if it
         * is given out again already, `taken` is seen to have moved. */
        bool placed = write - p <= r->slots && eddy_load_acquire(&r->held[at]) == 0;
        bool sound = placed && bytes <= r->slot_bytes;
        uint64_t now = p;
        if (sound && eddy_cas_release(&h->taken, &now, p + 1)) { /* [taken] */
            EDDY_POINT("ring-take:taken");
            hand_out(r, p, at, bytes, chunk);
            return EDDY_OK;
        }
        /* Unless the others were faster.  Relaxed: what we saw of their work comes after it. */
        if (!sound && eddy_load_relaxed(&h->taken) == p)
            return fail_scribbled(r, placed ? "the length of a chunk" : "the positions");
    }
    return fail_scribbled(r, "the number of chunks taken");
}

static int take_now(struct eddy_ring *r, struct eddy_chunk *chunk)
{
    int error = EDDY_EAGAIN;
    if (__builtin_expect(eddy_load_relaxed(&r->again) < r->again_end, 0)) /* a guess, as above */
        error = take_again(r, chunk);
    return error == EDDY_EAGAIN ? take_next(r, chunk) : error;
}

/* How the stream has ended, or EDDY_OK.  What was published before is to be seen after this. */
static int end_of(const struct eddy_ring *r)
{
    bool gone = eddy_ring_peer_gone(r);
    switch (eddy_load_seq(&r->header->state)) { /* from [end] */
    case EDDY_RING_WORD_FINISHED:
        return EDDY_EFINISHED;
    case EDDY_RING_WORD_CRASHED:
        return EDDY_ECRASHED;
    case EDDY_RING_WORD_REPORTING:
        /* Asked anew: who was gone before may not be the one who reports.  from [report] */
        return eddy_ring_peer_gone(r) ? EDDY_ECRASHED : EDDY_OK;
    default:
        return gone ? EDDY_EPEERGONE : EDDY_OK;
    }
}

/* An end that was told stays.  Another producer may come after one that has gone, though. */
static int remember(struct eddy_ring *r, int end)
{
    if (end != EDDY_EPEERGONE)
        eddy_store_relaxed(&r->end, end); /* all hangs on the state, which others see as well */
    return end;
}

static int look_for_chunk(struct eddy_ring *r, struct eddy_chunk *chunk)
{
    int end = end_of(r); /* before the look at what it may have published */
    if (end == EDDY_ECRASHED && r->crash_first)
        return remember(r, end);
    int error = take_now(r, chunk);
    return error == EDDY_EAGAIN && end ? remember(r, end) : error;
}

static bool has_chunk(const struct eddy_ring *r)
{
    /* Relaxed: guesses; taking looks again. */
    return eddy_load_relaxed(&r->header->write) != eddy_load_relaxed(&r->header->taken) ||
           eddy_load_relaxed(&r->header->state) != EDDY_RING_WORD_RUNNING;
}

static const struct eddy_ring_sought a_chunk = {look_for_chunk, has_chunk};

int eddy_ring_take(eddy_ring *r, uint64_t deadline, struct eddy_chunk *chunk)
{
    int error = check(r);
    if (error)
        return error;
    error = eddy_load_relaxed(&r->end); /* see remember() */
    if (error)
        return error;
    error = r->crash_first ? look_for_chunk(r, chunk) : take_now(r, chunk);
    return error == EDDY_EAGAIN ? eddy_ring_wait(r, deadline, &a_chunk, chunk) : error;
}

/* --- releasing ------------------------------------------------------------------------------- */

/* Moves `read`, which was seen to be that, over what is done, and tells the producer. */
static void advance_from(struct eddy_ring *r, uint64_t read)
{
    bool moved = false;
    /* Bounded, since the memory is shared: after so many steps ours has been passed. */
    for (uint64_t steps = 0; steps <= r->slots; steps++) {
        /* from [done], of whoever released it.  Seq: two who release next to each other each say
         * so, then look at the other's. */
        if (eddy_load_seq(&r->done[read % r->slots]) != read + 1)
            break;
        if (eddy_cas_seq(&r->header->read, &read, read + 1)) { /* [read] */
            EDDY_POINT("ring-release:moved");
            moved = true;
            read++;
        }
    }
    eddy_store_relaxed(&r->read_left, read); /* a guess for whoever releases next */
    EDDY_POINT("ring-release:advanced");
    if (moved)
        eddy_bell_ring(&r->header->room_bell);
}

void eddy_ring_advance(struct eddy_ring *r)
{
    advance_from(r, eddy_load_seq(&r->header->read));
}

/* Marks a position as done, and goes over it. */
static void mark_done(struct eddy_ring *r, uint64_t position, uint64_t at)
{
    /* The next to go, if the guess is right; then moving `read` is what the others see of us, and
     * is seq itself.  If it is wrong, `read` is beyond: somebody saw the mark. */
    bool next = eddy_load_relaxed(&r->read_left) == position;
    if (next)
        eddy_store_release(&r->done[at], position + 1); /* [done] */
    else
        eddy_store_seq(&r->done[at], position + 1); /* [done] */
    EDDY_POINT("ring-release:done");
    if (next)
        advance_from(r, position);
    else
        eddy_ring_advance(r);
}

static void punch(const struct eddy_ring *r, uint64_t position)
{
    EDDY_UNCANCELLED; /* the chunk is neither held nor done */
    /* Best effort: what cannot be given back stays in use. */
    (void)fallocate(eddy_kept_fd(&r->file), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t)(r->plan.payload + position % r->slots * r->slot_bytes),
                    (off_t)r->slot_bytes);
}

int eddy_ring_release(eddy_ring *r, const struct eddy_chunk *chunk)
{
    uint64_t position = chunk->position, at = position % r->slots, held = position + 1;
    int error = check(r);
    if (error)
        return error;
    /* Relaxed: once only; who releases a chunk has it from who took it. */
    if (held == 0 || !eddy_ring_has_given(r, chunk) || !eddy_cas_relaxed(&r->held[at], &held, 0))
        return eddy_fail(EDDY_ESTALE,
                         "chunk %llu of ring %s was released already, or is another handle's",
                         (unsigned long long)position + 1, r->id);
    if (r->flags & EDDY_RING_PUNCH)
        punch(r, position);
    EDDY_POINT("ring-release:before-done");
    mark_done(r, position, at);
    if (eddy_sub_acq_rel(&r->users, 1u) == 1) /* [last use], from [last use] */
        eddy_ring_leave(r);
    return EDDY_OK;
}
