/* ringing.c - see ringing.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/ringing.h"

#include <signal.h>

enum { MOVE = 32, CRASHED_AT = 0x1000 };

const struct ring_kind ring_kinds[RINGS] = {
    {"out", 2000, 40}, {"in", 40000, 64}, {"fleeting", 200000, 9}};

/* True: it worked.  False: what rings may say at any time. */
static bool ring_let(int result)
{
    switch (result) {
    case EDDY_OK:
        return true;
    case EDDY_EBUSY: /* the role, or the name, is in somebody's hands */
    case EDDY_EEXIST:
    case EDDY_ENOENT:
    case EDDY_EAGAIN:
    case EDDY_ETIMEDOUT:
    case EDDY_EPEERGONE:
    case EDDY_EFINISHED:
    case EDDY_ECRASHED:
        board_add(&board_line()->ring_refused, 1);
        return false;
    default:
        must(result);
        return false;
    }
}

/* --- opening and closing --------------------------------------------------------------------- */

static int create(struct ringing *r, eddy_domain *domain, uint32_t flags)
{
    const struct ring_kind *kind = &ring_kinds[r->ring];
    struct eddy_ring_options options = {
        .slot_bytes = kind->slot_bytes, .slots = kind->slots, .flags = flags, .role = r->role};
    return timed("eddy_ring_create", eddy_ring_create(domain, kind->name, &options, &r->handle));
}

static int attach(struct ringing *r, eddy_domain *domain)
{
    const struct ring_kind *kind = &ring_kinds[r->ring];
    struct eddy_ring_wanted wanted = {.slot_bytes = kind->slot_bytes, .slots = kind->slots};
    return timed("eddy_ring_attach",
                 eddy_ring_attach(domain, kind->name, r->role, &wanted, &r->handle));
}

void ringing_open(struct ringing *r, eddy_domain *domain, uint64_t author, uint64_t seed)
{
    if (r->handle)
        return;
    *r = (struct ringing){.ring = r->ring, .role = r->role, .author = author};
    bool opened = false;
    if (r->ring == RING_FLEETING && seed % 2 == 0)
        opened = ring_let(create(r, domain, seed % 16 == 0 ? EDDY_RING_REPLACE : 0));
    if (!opened)
        opened = ring_let(attach(r, domain));
    if (!opened)
        r->handle = NULL;
    board_add(&board_line()->ring_opened, opened);
}

static void release_at(struct ringing *r, size_t at)
{
    struct eddy_chunk chunk = r->held[at];
    struct payload now;
    if (!chunk.data)
        return;
    check(payload_whole(chunk.data, chunk.size, &now));
    same(now.sum, r->was[at].sum);
    if (r->ring == RING_OUT)
        board_release(chunk.sn, &now, false);
    must(timed("eddy_ring_release", eddy_ring_release(r->handle, &chunk)));
    if (r->ring == RING_OUT)
        board_release(chunk.sn, &now, true);
    r->held[at].data = NULL;
}

static void release_all(struct ringing *r)
{
    for (size_t at = 0; at < HELD; at++)
        release_at(r, at);
}

/* The last release completes what was closed before. */
void ringing_close(struct ringing *r, uint64_t seed)
{
    if (!r->handle)
        return;
    if (seed % 2)
        release_all(r);
    must(timed("eddy_ring_close", eddy_ring_close(r->handle)));
    release_all(r);
    r->handle = NULL;
}

void ringing_try(struct ringing *r)
{
    struct eddy_chunk chunk = {0};
    if (!r->handle)
        return;
    must_fail(eddy_ring_loan(r->handle, EDDY_POLL, &chunk), EDDY_EFORKED);
    must_fail(eddy_ring_take(r->handle, EDDY_POLL, &chunk), EDDY_EFORKED);
    must_fail(eddy_ring_close(r->handle), EDDY_EFORKED);
}

/* --- producing ------------------------------------------------------------------------------- */

static uint64_t draw_deadline(uint64_t *seed)
{
    uint64_t choice = payload_random(seed);
    return choice % 8 == 0 ? EDDY_POLL : eddy_deadline((choice >> 3) % (4 * MILLISECOND));
}

/* Mostly small. */
static size_t draw_size(const struct ringing *r, uint64_t *seed)
{
    size_t most = ring_kinds[r->ring].slot_bytes, least = sizeof(struct payload);
    uint64_t choice = payload_random(seed);
    if (choice % 8)
        most = least + most / 64;
    return least + (size_t)((choice >> 8) % (most - least + 1));
}

static bool produce_one(struct ringing *r, uint64_t deadline, uint64_t *seed)
{
    struct eddy_chunk chunk;
    if (!ring_let(timed("eddy_ring_loan", eddy_ring_loan(r->handle, deadline, &chunk))))
        return false;
    if (payload_random(seed) % 16 == 0) {
        must(timed("eddy_ring_discard", eddy_ring_discard(r->handle, &chunk)));
        return true;
    }
    size_t size = draw_size(r, seed);
    payload_fill(chunk.data, size, r->author, r->number);
    must(timed("eddy_ring_publish", eddy_ring_publish(r->handle, &chunk, size)));
    r->number++;
    if (r->ring == RING_IN)
        board_add(&board->ring_in, 1);
    board_add(&board_line()->produced, 1);
    return true;
}

void ringing_produce(struct ringing *r, uint32_t count, uint64_t seed)
{
    while (r->handle && count-- > 0 && produce_one(r, draw_deadline(&seed), &seed))
        continue;
}

void ringing_end(struct ringing *r, uint64_t seed)
{
    struct eddy_crash crash = {
        .signal = SIGSEGV, .address = CRASHED_AT, .operation = EDDY_CRASH_WRITE};
    if (!r->handle || r->ring != RING_FLEETING)
        return;
    if (seed % 2)
        ring_let(timed("eddy_ring_finish", eddy_ring_finish(r->handle)));
    else
        ring_let(timed("eddy_ring_report_crash", eddy_ring_report_crash(r->handle, &crash)));
    ringing_close(r, seed);
}

/* --- consuming ------------------------------------------------------------------------------- */

static void wrong(const struct ringing *r, const struct eddy_chunk *chunk,
                  const struct payload *payload, const char *how)
{
    check_fail(CHECK_HERE("ring"),
               "chunk %llu of ring %s (%s), number %llu of author %llx, %s; chunk %llu, number "
               "%llu of author %llx came before",
               (unsigned long long)chunk->sn, ring_kinds[r->ring].name,
               chunk->redelivered ? "redelivered" : "new", (unsigned long long)payload->number,
               (unsigned long long)payload->author, how, (unsigned long long)r->last_sn,
               (unsigned long long)r->last.number, (unsigned long long)r->last.author);
}

/* Ascending; what an earlier consumer had in work comes first, and then without a gap. */
static void check_order(struct ringing *r, const struct eddy_chunk *chunk,
                        const struct payload *payload)
{
    if (chunk->sn <= r->last_sn)
        wrong(r, chunk, payload, "is repeated or late");
    bool next = chunk->sn == r->last_sn + 1;
    if (r->fresh > 0 && (!next || chunk->redelivered))
        wrong(r, chunk, payload, "comes after a new one");
    r->fresh += !chunk->redelivered;
    if (!next || r->last_sn == 0)
        return;
    if (payload->author == r->last.author && payload->number != r->last.number + 1)
        wrong(r, chunk, payload, "is not the author's next");
    if (payload->author != r->last.author && payload->number != 0)
        wrong(r, chunk, payload, "is not the author's first");
}

static struct payload see(struct ringing *r, const struct eddy_chunk *chunk)
{
    struct payload payload;
    check(payload_whole(chunk->data, chunk->size, &payload));
    check_order(r, chunk, &payload);
    if (r->ring == RING_OUT)
        board_take(chunk->sn, &payload, chunk->redelivered);
    r->last_sn = chunk->sn;
    r->last = payload;
    board_add(&board_line()->consumed, 1);
    board_add(&board_line()->redelivered, chunk->redelivered);
    return payload;
}

/* Only what the producer said, and not before its last chunk was taken. */
static void check_end(struct ringing *r, int result)
{
    struct eddy_crash crash = {0};
    struct eddy_ring_info info;
    must(eddy_ring_describe(r->handle, &info));
    check(r->ring == RING_FLEETING && info.taken == info.published);
    if (result == EDDY_ECRASHED) {
        must(eddy_ring_crash(r->handle, &crash));
        check(crash.signal == 0 || (crash.signal == SIGSEGV && crash.address == CRASHED_AT));
    }
}

/* What is there is given at once, and what the last consumer had in work before all else. */
static void check_there(struct ringing *r, const struct eddy_ring_info *before, int result,
                        const struct eddy_chunk *chunk)
{
    bool again = r->last_sn == 0 && before->released < before->taken;
    if (result != EDDY_OK && (again || before->taken < before->published))
        check_fail(CHECK_HERE("ring"), "ring %s: %d, though %llu of %llu are to be taken%s",
                   ring_kinds[r->ring].name, result,
                   (unsigned long long)(before->published - before->taken),
                   (unsigned long long)before->published, again ? ", and some again" : "");
    if (again)
        check(chunk->redelivered && chunk->sn == before->released + 1);
}

static bool consume_one(struct ringing *r, uint64_t deadline, uint64_t *seed)
{
    struct eddy_chunk chunk;
    struct eddy_ring_info before;
    must(eddy_ring_describe(r->handle, &before));
    int result = timed("eddy_ring_take", eddy_ring_take(r->handle, deadline, &chunk));
    check_there(r, &before, result, &chunk);
    if (result == EDDY_EFINISHED || result == EDDY_ECRASHED) {
        check_end(r, result);
        ringing_close(r, *seed);
    }
    if (!ring_let(result))
        return false;
    struct payload payload = see(r, &chunk);
    size_t at = (size_t)(payload_random(seed) % HELD);
    release_at(r, at);
    r->held[at] = chunk;
    r->was[at] = payload;
    if (payload_random(seed) % 4)
        release_at(r, at);
    return true;
}

void ringing_consume(struct ringing *r, uint32_t count, uint64_t seed)
{
    while (r->handle && count-- > 0 && consume_one(r, draw_deadline(&seed), &seed))
        continue;
    for (uint32_t i = 0; r->handle && i < HELD; i++)
        release_at(r, (size_t)(payload_random(&seed) % HELD));
}

/* --- the checker ----------------------------------------------------------------------------- */

void ring_pair_open(struct ring_pair *pair, eddy_domain *domain)
{
    *pair =
        (struct ring_pair){.out = {.ring = RING_OUT, .role = EDDY_RING_PRODUCER, .author = CHECKER},
                           .in = {.ring = RING_IN, .role = EDDY_RING_CONSUMER}};
    must(create(&pair->out, domain, 0));
    must(create(&pair->in, domain, 0));
}

void ring_pair_move(struct ring_pair *pair)
{
    uint64_t seed = eddy_now() | 1; /* sizes alone: events do not hang on it */
    for (int i = 0; i < MOVE && produce_one(&pair->out, EDDY_POLL, &seed); i++)
        continue;
    for (int i = 0; i < MOVE && consume_one(&pair->in, EDDY_POLL, &seed); i++)
        continue;
}

/* All that was published has been taken, and is free again. */
static void check_drained(struct ringing *r)
{
    struct eddy_ring_info info;
    release_all(r);
    must(eddy_ring_describe(r->handle, &info));
    same(info.taken, info.published);
    same(info.released, info.published);
    same(r->last_sn, info.published);
}

void ring_pair_close(struct ring_pair *pair, eddy_domain *domain)
{
    struct ringing rest = {.ring = RING_OUT, .role = EDDY_RING_CONSUMER};
    uint64_t seed = 1;
    must(attach(&rest, domain));
    while (consume_one(&rest, EDDY_POLL, &seed) || consume_one(&pair->in, EDDY_POLL, &seed))
        continue;
    for (int i = 0; i < MOVE; i++) { /* it goes on as if nothing had been */
        check(produce_one(&pair->out, EDDY_POLL, &seed));
        consume_one(&rest, EDDY_POLL, &seed);
        release_all(&rest);
    }
    check_drained(&rest);
    check_drained(&pair->in);
    check(pair->in.fresh >= atomic_load(&board->ring_in));
    ringing_close(&rest, 0);
    ringing_close(&pair->out, 0);
    ringing_close(&pair->in, 0);
}
