/* Loaning, publishing, finishing: the producer's part.  spec/ring.md, "Producing"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/ring/ring.h"

#define AHEAD       3u  /* slots: about as long as a line takes to come */
#define MOST_PAUSES 32u /* about a microsecond */

static int check(const struct eddy_ring *r)
{
    if (__builtin_expect(eddy_ring_forked(r), 0))
        return eddy_fail_forked();
    if (__builtin_expect(r->role != EDDY_RING_PRODUCER, 0))
        return eddy_fail(EDDY_EINVAL, "this handle of ring %s is not the producer's", r->id);
    return EDDY_OK;
}

/* --- room ------------------------------------------------------------------------------------ */

/* The caller has the loan word; so `write` and `read_seen` are its own. */
static bool has_room(const struct eddy_ring *r)
{
    return r->write - eddy_load_relaxed(&r->header->read) < r->slots; /* a guess: looks again */
}

static int find_room(struct eddy_ring *r)
{
    if (r->write - r->read_seen < r->slots)
        return EDDY_OK;
    /* acquire, from [read]: whoever held the slot has read it.  Seq: we may have armed the bell. */
    uint64_t read = eddy_load_seq(&r->header->read);
    if (r->write - read > r->slots)
        return eddy_fail(EDDY_ESEGMENT,
                         "the positions of ring %s were scribbled on: %llu chunks were published "
                         "and %llu released, of %u slots",
                         r->id, (unsigned long long)r->write, (unsigned long long)read, r->slots);
    r->read_seen = read;
    return r->write - read < r->slots ? EDDY_OK : EDDY_EAGAIN;
}

static int look_for_room(struct eddy_ring *r, struct eddy_chunk *chunk)
{
    (void)chunk;
    bool gone = eddy_ring_peer_gone(r); /* before the look at what it may have released */
    if (eddy_load_seq(&r->loan) != LOAN_WAITING)
        return EDDY_EFINISHED; /* another thread did */
    int error = find_room(r);
    return error == EDDY_EAGAIN && gone ? EDDY_EPEERGONE : error;
}

/* Each look at `read` takes its line from the consumer, which moves it for each chunk; and it has a
 * whole ring before it. */
static void let_it_go_on(const struct eddy_ring *r)
{
    for (uint32_t i = 0; i < r->slots / 32 && i < MOST_PAUSES; i++)
        eddy_pause();
}

static int wait_for_room(struct eddy_ring *r, uint64_t deadline)
{
    static const struct eddy_ring_sought room = {look_for_room, has_room};
    if (deadline != EDDY_POLL && r->spin.may)
        let_it_go_on(r);
    return eddy_ring_wait(r, deadline, &room, NULL);
}

/* --- loans ----------------------------------------------------------------------------------- */

static int how_it_ended(const struct eddy_ring *r)
{
    switch (eddy_load_relaxed(&r->header->state)) { /* relaxed: it alone counts */
    case EDDY_RING_WORD_RUNNING:
        return EDDY_OK;
    case EDDY_RING_WORD_FINISHED:
        return EDDY_EFINISHED;
    default:
        return EDDY_ECRASHED;
    }
}

static int fail_loan(const struct eddy_ring *r, uint64_t word)
{
    if (word == LOAN_ENDED)
        return EDDY_EFINISHED;
    return eddy_fail(EDDY_EBUSY,
                     "a slot of ring %s is on loan already; publish or discard it first", r->id);
}

static int fail_stale(const struct eddy_ring *r)
{
    return eddy_fail(
        EDDY_ESTALE,
        "this loan of ring %s was published or discarded already, or is another handle's", r->id);
}

/* Asks for the beginning of a slot that is free already, and will be loaned before long: the
 * consumer had it last. */
static void fetch_ahead(const struct eddy_ring *r)
{
    uint64_t next = r->write + AHEAD;
    if (next - r->read_seen < r->slots)
        eddy_prefetch_write(eddy_ring_slot(r, next));
}

int eddy_ring_loan(eddy_ring *r, uint64_t deadline, struct eddy_chunk *chunk)
{
    uint64_t word = LOAN_NONE;
    int error = check(r);
    if (error)
        return error;
    if (!eddy_cas_acquire(&r->loan, &word, LOAN_WAITING)) /* from [loan] */
        return fail_loan(r, word);
    error = how_it_ended(r);
    if (!error)
        error = find_room(r);
    if (error == EDDY_EAGAIN)
        error = wait_for_room(r, deadline);
    uint64_t ticket = error ? LOAN_NONE : r->tickets++;
    word = LOAN_WAITING;
    if (!eddy_cas_release(&r->loan, &word, ticket)) /* [loan], if it is none again */
        return EDDY_EFINISHED;
    if (error)
        return error;
    *chunk = (struct eddy_chunk){
        .data = eddy_ring_slot(r, r->write), .size = r->slot_bytes, .position = ticket};
    fetch_ahead(r);
    EDDY_POINT("ring-loan:loaned");
    return EDDY_OK;
}

/* The caller's from now on.  False: it is not this one, or somebody was faster.  Who has the chunk
 * has it from who loaned it, and all that goes with it. */
static bool claim_loan(struct eddy_ring *r, const struct eddy_chunk *chunk, uint64_t word)
{
    uint64_t ticket = chunk->position;
    return ticket >= LOAN_TICKETS && eddy_ring_has_given(r, chunk) &&
           eddy_cas_release(&r->loan, &ticket, word); /* [loan] */
}

static int end_stream(struct eddy_ring *r)
{
    uint64_t state = EDDY_RING_WORD_RUNNING;
    EDDY_POINT("ring-finish:no-more-loans");
    bool done = eddy_cas_seq(&r->header->state, &state, EDDY_RING_WORD_FINISHED); /* [end] */
    EDDY_POINT("ring-finish:finished");
    if (done)
        eddy_bell_ring(&r->header->data_bell);
    return done || state == EDDY_RING_WORD_FINISHED ? EDDY_OK : EDDY_ECRASHED;
}

static void publish_next(struct eddy_ring *r, size_t bytes)
{
    _Atomic uint64_t *length = &r->lengths[r->write % r->slots];
    /* Relaxed: only the producer writes it, and [chunk] comes after it.  Where chunks are of one
     * length the line is never written again, and stays in the consumer's cache. */
    if (eddy_load_relaxed(length) != bytes)
        eddy_store_relaxed(length, bytes);
    EDDY_POINT("ring-publish:before-write");
    eddy_store_seq(&r->header->write, ++r->write); /* [chunk] */
    EDDY_POINT("ring-publish:written");
}

int eddy_ring_publish(eddy_ring *r, const struct eddy_chunk *chunk, size_t bytes)
{
    int error = check(r);
    if (error)
        return error;
    if (bytes > r->slot_bytes)
        return eddy_fail(EDDY_ETOOBIG, "a chunk of %zu bytes, where a slot of ring %s has %llu",
                         bytes, r->id, (unsigned long long)r->slot_bytes);
    if (!claim_loan(r, chunk, LOAN_PUBLISHING))
        return fail_stale(r);
    error = how_it_ended(r);
    if (!error)
        publish_next(r, bytes);
    uint64_t word = LOAN_PUBLISHING;
    if (!eddy_cas_release(&r->loan, &word, LOAN_NONE)) { /* [loan] */
        /* Another thread finished meanwhile and left the rest to us.  [loan]: who finishes once
         * more may be the first to say so, and what we published comes before. */
        eddy_store_release(&r->loan, LOAN_ENDED);
        end_stream(r);
    }
    if (error)
        return fail_stale(r);
    eddy_bell_ring(&r->header->data_bell);
    return EDDY_OK;
}

int eddy_ring_discard(eddy_ring *r, const struct eddy_chunk *chunk)
{
    int error = check(r);
    if (error)
        return error;
    return claim_loan(r, chunk, LOAN_NONE) ? EDDY_OK : fail_stale(r); /* [loan] */
}

int eddy_ring_finish(eddy_ring *r)
{
    int error = check(r);
    if (error)
        return error;
    uint64_t word = eddy_load_acquire(&r->loan); /* from [loan]: all that was published */
    /* What is being published is part of the stream: then its publisher finishes. */
    while (word != LOAN_ENDED && word != LOAN_ENDING &&
           !eddy_cas_seq(&r->loan, &word, word == LOAN_PUBLISHING ? LOAN_ENDING : LOAN_ENDED))
        ; /* from [loan], too.  Seq: who waits for room arms its bell, then looks at it */
    if (word == LOAN_WAITING)
        eddy_bell_ring(&r->header->room_bell);
    if (word == LOAN_PUBLISHING || word == LOAN_ENDING)
        return EDDY_OK;
    return end_stream(r);
}
