/* How a writer comes by a slot.  spec/slots.md, "Reserving"
 *
 * First a slot that is known to be empty; then a few at the hand, which goes round, so that the
 * oldest samples go first; then those that were marked or let go lately; then all.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/wait/futex.h"
#include "transport/slots/slots.h"

#define TRIES_HAND  16u
#define TRIES_HINTS 8u

/* The readers that gate in one word of the mask. */
static uint64_t gating(const struct eddy_slots *s, const uint64_t *active, uint32_t word)
{
    /* seq, both: a reader that joined before a sample was committed is seen by whoever sees the
     * sample.  joined alone would not do: its bit is set before the one in gone is cleared, so the
     * number's last holder could still be seen to have left. */
    uint64_t wanted = active ? active[word] : eddy_load_seq(&s->header->joined[word]);
    /* from [gone]: what it held is let go. */
    return wanted ? wanted & ~eddy_load_seq(&s->header->gone[word]) : 0;
}

static bool is_read(const struct eddy_slots *s, uint32_t slot, const uint64_t *active)
{
    for (uint32_t w = 0; w < s->plan.words; w++) {
        uint64_t wanted = gating(s, active, w);
        /* Relaxed: by way of [unpin], as a mark is set under a pin and the pins were looked at
         * before; and those of an older sample were forgotten before [give up slot]. */
        if (wanted && (eddy_load_relaxed(eddy_slots_read_word(s, slot, w)) & wanted) != wanted)
            return false;
    }
    return true;
}

static bool is_pinned(const struct eddy_slots *s, uint32_t slot)
{
    for (uint32_t w = 0; w < s->plan.words; w++)
        if (eddy_load_seq(eddy_slots_pin_word(s, slot, w)) != 0) /* from [unpin] */
            return true;
    return false;
}

static void forget_marks(const struct eddy_slots *s, uint32_t slot)
{
    for (uint32_t w = 0; w < s->plan.words; w++)
        eddy_store_release(eddy_slots_read_word(s, slot, w), 0u); /* [forgotten] */
}

/* The slot is ours.  False: somebody holds it, so nobody may write there yet. */
static bool end_sample(struct eddy_slots *s, uint32_t slot)
{
    struct eddy_slots_line *line = &s->lines[slot];
    uint64_t sn = eddy_load_relaxed(&line->sn); /* the last, by way of [give up slot] */
    if (eddy_slots_is_live(sn))
        eddy_store_seq(&line->sn, sn | EDDY_SLOTS_ENDED);
    EDDY_POINT("slots-claim:ended");
    if (is_pinned(s, slot))
        return false;
    EDDY_POINT("slots-claim:not-held");
    forget_marks(s, slot);
    EDDY_POINT("slots-claim:forgotten");
    return true;
}

static bool claim(struct eddy_slots *s, uint32_t slot, const uint64_t *active, uint64_t *ticket)
{
    struct eddy_slots_line *line = &s->lines[slot];
    /* First the state: if the swap succeeds, the sample is the one whose marks were looked at.
     * from [give up slot]; seq, as one who is about to sleep for room looks here after arming its
     * bell. */
    uint64_t state = eddy_load_seq(&line->state);
    uint64_t mine = ((state & ~EDDY_SLOTS_COMMITTING) + EDDY_SLOTS_TURN) | (s->member + 1u);
    if ((state & EDDY_SLOTS_OWNER) != 0 || is_pinned(s, slot) ||
        /* Relaxed: at least the one that was there when the slot was given up. */
        (eddy_slots_is_live(eddy_load_relaxed(&line->sn)) && !is_read(s, slot, active)))
        return false;
    EDDY_POINT("slots-claim:looked");
    /* Relaxed: no state comes twice, so it succeeds on the one that was acquired above. */
    if (!eddy_cas_relaxed(&line->state, &state, mine))
        return false;
    EDDY_POINT("slots-claim:owned");
    if (end_sample(s, slot)) {
        *ticket = mine;
        return true;
    }
    EDDY_POINT("slots-claim:held");
    eddy_slots_finish(line, mine);
    /* Who held it may have let go, and rung for nothing, while the slot was ours. */
    eddy_bell_ring(&s->header->room_bell);
    return false;
}

/* --- where to look --------------------------------------------------------------------------- */

void eddy_slots_hint(struct eddy_slots *s, uint32_t slot)
{
    struct eddy_slots_header *h = s->header;
    /* Relaxed: hints; a lost or doubled one costs a look. */
    uint32_t n = eddy_load_relaxed(&h->hint_count);
    if (eddy_load_relaxed(&h->hints[(n - 1) % EDDY_SLOTS_HINTS]) == slot + 1)
        return;
    eddy_store_relaxed(&h->hints[n % EDDY_SLOTS_HINTS], slot + 1);
    eddy_store_relaxed(&h->hint_count, n + 1);
}

static bool claim_empty(struct eddy_slots *s, const uint64_t *active, uint32_t *slot,
                        uint64_t *ticket)
{
    uint32_t hint = eddy_load_relaxed(&s->header->empty); /* a hint */
    if (hint == 0 || hint > s->slot_count ||
        eddy_slots_is_live(eddy_load_relaxed(&s->lines[hint - 1].sn)))
        return false;
    *slot = hint - 1;
    eddy_store_relaxed(&s->header->empty, 0u);
    return claim(s, *slot, active, ticket);
}

/* `tries` slots from the hand on. */
static bool claim_at_hand(struct eddy_slots *s, const uint64_t *active, uint32_t tries,
                          uint32_t *slot, uint64_t *ticket)
{
    uint32_t hand = eddy_load_relaxed(&s->header->hand) % s->slot_count; /* a hint */
    for (uint32_t i = 0; i < tries && i < s->slot_count; i++) {
        uint32_t at = hand + i < s->slot_count ? hand + i : hand + i - s->slot_count;
        if (claim(s, at, active, ticket)) {
            eddy_store_relaxed(&s->header->hand, at + 1);
            *slot = at;
            return true;
        }
    }
    return false;
}

static bool claim_hinted(struct eddy_slots *s, const uint64_t *active, uint32_t *slot,
                         uint64_t *ticket)
{
    uint32_t n = eddy_load_relaxed(&s->header->hint_count);
    for (uint32_t i = 1; i <= TRIES_HINTS; i++) {
        uint32_t hint = eddy_load_relaxed(&s->header->hints[(n - i) % EDDY_SLOTS_HINTS]);
        if (hint == 0 || hint > s->slot_count || !claim(s, hint - 1, active, ticket))
            continue;
        *slot = hint - 1;
        return true;
    }
    return false;
}

bool eddy_slots_claim(struct eddy_slots *s, const uint64_t *active, uint32_t *slot,
                      uint64_t *ticket)
{
    return claim_empty(s, active, slot, ticket) ||
           claim_at_hand(s, active, TRIES_HAND, slot, ticket) ||
           claim_hinted(s, active, slot, ticket) ||
           claim_at_hand(s, active, s->slot_count, slot, ticket);
}
