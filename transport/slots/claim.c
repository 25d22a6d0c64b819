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

/* Who wants a slot, and how far it goes. */
struct want {
    const uint64_t *active; /* NULL: the joined readers gate */
    bool last;              /* there is nothing better: what the dead held is looked through */
};

/* Those of some readers of one word whose seats are void. */
static uint64_t void_ones(const struct eddy_slots *s, uint32_t word, uint64_t readers)
{
    uint64_t ones = 0;
    for (uint64_t left = readers; left; left &= left - 1) {
        uint32_t r = word * 64 + (uint32_t)__builtin_ctzll(left);
        if (r < s->reader_limit && eddy_seat_is_void(&s->readers[r]))
            ones |= left & -left;
    }
    return ones;
}

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

static bool is_read(const struct eddy_slots *s, uint32_t slot, const struct want *want)
{
    for (uint32_t w = 0; w < s->plan.words; w++) {
        uint64_t wanted = gating(s, want->active, w);
        /* Relaxed: by way of [unpin], as a mark is set under a pin and the pins were looked at
         * before; and those of an older sample were forgotten before [give up slot]. */
        uint64_t missing =
            wanted ? wanted & ~eddy_load_relaxed(eddy_slots_read_word(s, slot, w)) : 0;
        if (missing && !(want->last && void_ones(s, w, missing) == missing))
            return false;
    }
    return true;
}

/* In the words that are in use. */
static bool is_pinned(const struct eddy_slots *s, uint32_t slot, uint64_t words,
                      const struct want *want)
{
    for (; words; words &= words - 1) {
        uint32_t w = (uint32_t)__builtin_ctzll(words);
        uint64_t pins = eddy_load_seq(eddy_slots_pin_word(s, slot, w)); /* from [unpin] */
        if (pins && !(want->last && void_ones(s, w, pins) == pins))
            return true;
    }
    return false;
}

/* What is left of the dead; the slot is ours, and its sample has ended. */
static void forget_pins(const struct eddy_slots *s, uint32_t slot, uint64_t words)
{
    for (; words; words &= words - 1) {
        uint32_t w = (uint32_t)__builtin_ctzll(words);
        _Atomic uint64_t *word = eddy_slots_pin_word(s, slot, w);
        uint64_t ones = void_ones(s, w, eddy_load_seq(word)); /* who has come late looks at sn */
        if (ones)
            eddy_and_relaxed(word, ~ones); /* nobody reads under them */
    }
}

static void forget_marks(const struct eddy_slots *s, uint32_t slot, uint64_t words)
{
    for (; words; words &= words - 1) /* the others' are cleared by who joins there */
        eddy_store_release(eddy_slots_read_word(s, slot, (uint32_t)__builtin_ctzll(words)),
                           0u); /* [forgotten] */
}

/* The slot is ours.  False: somebody holds it, so nobody may write there yet. */
static bool end_sample(struct eddy_slots *s, uint32_t slot, const struct want *want)
{
    struct eddy_slots_line *line = &s->lines[slot];
    uint64_t sn = eddy_load_relaxed(&line->sn); /* the last, by way of [give up slot] */
    if (eddy_slots_is_live(sn))
        eddy_store_seq(&line->sn, sn | EDDY_SLOTS_ENDED);
    EDDY_POINT("slots-claim:ended");
    /* seq, from [unjoined]: who joins later pins later, and finds that the sample has ended. */
    uint64_t words = eddy_slots_words_in_use(s);
    if (is_pinned(s, slot, words, want))
        return false;
    EDDY_POINT("slots-claim:not-held");
    if (want->last)
        forget_pins(s, slot, words);
    forget_marks(s, slot, words);
    EDDY_POINT("slots-claim:forgotten");
    return true;
}

static bool claim(struct eddy_slots *s, uint32_t slot, const struct want *want, uint64_t *ticket)
{
    struct eddy_slots_line *line = &s->lines[slot];
    /* First the state: if the swap succeeds, the sample is the one whose marks were looked at.
     * from [give up slot]; seq, as one who is about to sleep for room looks here after arming its
     * bell. */
    uint64_t state = eddy_load_seq(&line->state);
    if (want->last && (state & EDDY_SLOTS_OWNER) && eddy_slots_take_back(s, slot))
        state = eddy_load_seq(&line->state); /* as above */
    uint64_t mine = ((state & ~(EDDY_SLOTS_COMMITTING | EDDY_SLOTS_UNSAID)) + EDDY_SLOTS_TURN) |
                    (s->member + 1u);
    if ((state & EDDY_SLOTS_OWNER) != 0 || is_pinned(s, slot, eddy_slots_words_in_use(s), want) ||
        /* Relaxed: at least the one that was there when the slot was given up. */
        (eddy_slots_is_live(eddy_load_relaxed(&line->sn)) && !(state & EDDY_SLOTS_UNSAID) &&
         !is_read(s, slot, want)))
        return false;
    EDDY_POINT("slots-claim:looked");
    /* No state comes twice, so it succeeds on the one that was acquired above.  [loan]: that we have
     * our seat. */
    if (!eddy_cas_release(&line->state, &state, mine))
        return false;
    EDDY_POINT("slots-claim:owned");
    if (end_sample(s, slot, want)) {
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

static bool claim_empty(struct eddy_slots *s, const struct want *want, uint32_t *slot,
                        uint64_t *ticket)
{
    uint32_t hint = eddy_load_relaxed(&s->header->empty); /* a hint */
    if (hint == 0 || hint > s->slot_count ||
        eddy_slots_is_live(eddy_load_relaxed(&s->lines[hint - 1].sn)))
        return false;
    *slot = hint - 1;
    eddy_store_relaxed(&s->header->empty, 0u);
    return claim(s, *slot, want, ticket);
}

/* `tries` slots from the hand on. */
static bool claim_at_hand(struct eddy_slots *s, const struct want *want, uint32_t tries,
                          uint32_t *slot, uint64_t *ticket)
{
    uint32_t hand = eddy_load_relaxed(&s->header->hand) % s->slot_count; /* a hint */
    for (uint32_t i = 0; i < tries && i < s->slot_count; i++) {
        uint32_t at = hand + i < s->slot_count ? hand + i : hand + i - s->slot_count;
        if (claim(s, at, want, ticket)) {
            eddy_store_relaxed(&s->header->hand, at + 1);
            *slot = at;
            return true;
        }
    }
    return false;
}

static bool claim_hinted(struct eddy_slots *s, const struct want *want, uint32_t *slot,
                         uint64_t *ticket)
{
    uint32_t n = eddy_load_relaxed(&s->header->hint_count);
    for (uint32_t i = 1; i <= TRIES_HINTS; i++) {
        uint32_t hint = eddy_load_relaxed(&s->header->hints[(n - i) % EDDY_SLOTS_HINTS]);
        if (hint == 0 || hint > s->slot_count || !claim(s, hint - 1, want, ticket))
            continue;
        *slot = hint - 1;
        return true;
    }
    return false;
}

bool eddy_slots_claim(struct eddy_slots *s, const uint64_t *active, uint32_t *slot,
                      uint64_t *ticket)
{
    const struct want want = {active, false}, past_the_dead = {active, true};
    if (claim_empty(s, &want, slot, ticket) || claim_at_hand(s, &want, TRIES_HAND, slot, ticket) ||
        claim_hinted(s, &want, slot, ticket))
        return true;
    EDDY_POINT("slots-claim:last");
    return claim_at_hand(s, &past_the_dead, s->slot_count, slot, ticket);
}

/* --- who is in the way ------------------------------------------------------------------------- */

/* Readers of one word that hold a slot, or have not read its sample.  Relaxed: guesses. */
static uint64_t holding_up(const struct eddy_slots *s, uint32_t slot, const uint64_t *active,
                           uint32_t word)
{
    uint64_t readers = eddy_load_relaxed(eddy_slots_pin_word(s, slot, word));
    if (eddy_slots_is_live(eddy_load_relaxed(&s->lines[slot].sn)))
        readers |=
            gating(s, active, word) & ~eddy_load_relaxed(eddy_slots_read_word(s, slot, word));
    return readers & ~void_ones(s, word, readers);
}

bool eddy_slots_in_the_way(const struct eddy_slots *s, const uint64_t *active, uint32_t turn,
                           uint32_t *seat)
{
    uint32_t slot = (eddy_load_relaxed(&s->header->hand) + turn) % s->slot_count; /* a hint */
    uint64_t owner = eddy_load_relaxed(&s->lines[slot].state) & EDDY_SLOTS_OWNER; /* a guess */
    *seat = (uint32_t)owner - 1;
    if (owner != 0)
        return owner <= EDDY_SLOTS_MEMBERS;
    for (uint32_t i = 0; i < s->plan.words; i++) {
        uint32_t word = (turn + i) % s->plan.words, first = turn % 64;
        uint64_t readers = holding_up(s, slot, active, word);
        uint64_t later = readers >> first << first; /* of which one is taken, if there is one */
        readers = later ? later : readers;
        *seat = EDDY_SLOTS_MEMBERS + word * 64 + (readers ? (uint32_t)__builtin_ctzll(readers) : 0);
        if (readers)
            return *seat < EDDY_SLOTS_MEMBERS + s->reader_limit;
    }
    return false;
}
