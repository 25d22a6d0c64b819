/* Reserving, committing, discarding.  spec/slots.md, "Reserving" and "Committing"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/wait/futex.h"
#include "transport/slots/slots.h"

#include <string.h>

#define ROOM_NAP    50000000u /* ns: between looks, whatever it is told */
#define ROOM_PAUSES 16u       /* between looks at what the readers write to all the time */
#define LOG_TRIES   100000u   /* more than any number of committers in between; then it is damage */

/* --- reserving ------------------------------------------------------------------------------- */

static int check_bits(const struct eddy_slots *s, const uint64_t *active, size_t words)
{
    uint32_t limit = s->reader_limit;
    for (size_t w = 0; w < words; w++) {
        uint64_t allowed = w < limit / 64    ? UINT64_MAX
                           : w == limit / 64 ? (1ull << (limit % 64)) - 1
                                             : 0;
        if (active[w] & ~allowed)
            return eddy_fail(EDDY_EBOUNDS,
                             "the mask names a reader beyond %u, the last of this segment",
                             limit - 1);
    }
    return EDDY_OK;
}

/* The mask in as many words as the segment has. */
static const uint64_t *pad(const struct eddy_slots *s, const uint64_t *active, size_t words,
                           uint64_t room[EDDY_SLOTS_WORDS_MAX])
{
    if (!active || words >= s->plan.words)
        return active;
    for (size_t w = 0; w < s->plan.words; w++)
        room[w] = w < words ? active[w] : 0;
    return room;
}

static void fill_loan(const struct eddy_slots *s, uint32_t slot, uint64_t ticket,
                      struct eddy_slot_loan *loan)
{
    loan->data = s->payload + slot * s->plan.stride;
    loan->size = s->capacity;
    loan->ticket = ticket;
    loan->slot = slot;
    loan->segment = s->tag;
}

struct room {
    struct eddy_slots *slots;
    const uint64_t *active;
    uint32_t *slot;
    uint64_t *ticket, next_reap;
};

static int look_for_slot(void *what)
{
    const struct room *room = what;
    return eddy_slots_claim(room->slots, room->active, room->slot, room->ticket) ? EDDY_OK
                                                                                 : EDDY_EAGAIN;
}

/* The dead may have it.  Who waits reaps them; who does not asks about one at a time, and only marks it.
 * False: nothing has changed, or it is too early to look again. */
static bool look_for_the_dead(const struct room *room, bool waits)
{
    struct eddy_slots *s = room->slots;
    uint64_t began = eddy_now();
    if (!eddy_reap_is_due(&s->reaping))
        return false;
    bool changed = waits ? eddy_slots_reap(s).reaped > 0 : eddy_slots_mark_next(s, room->active);
    eddy_reap_has_been(&s->reaping, began);
    return changed;
}

static void reap_for_slot(void *what, bool begins)
{
    struct room *room = what;
    if (begins && eddy_reap_turn(&room->slots->reaping, &room->next_reap))
        (void)look_for_the_dead(room, true);
}

static int wait_for_slot(struct eddy_slots *s, const uint64_t *active, uint64_t deadline,
                         uint32_t *slot, uint64_t *ticket)
{
    static const struct eddy_awaited kind = {
        .look = look_for_slot, .sleeps = reap_for_slot, .pauses = ROOM_PAUSES, .nap_ns = ROOM_NAP};
    struct room room = {s, active, slot, ticket, 0};
    if (deadline != EDDY_POLL)
        return eddy_wait(&s->room_spin, &kind, &room, &s->header->room_bell, deadline);
    return look_for_the_dead(&room, false) && look_for_slot(&room) == EDDY_OK ? EDDY_OK
                                                                              : EDDY_EAGAIN;
}

int eddy_slots_loan(eddy_slots *s, const uint64_t *active, size_t words, uint64_t deadline,
                    struct eddy_slot_loan *loan)
{
    uint64_t padded[EDDY_SLOTS_WORDS_MAX], ticket;
    uint32_t slot;
    if (__builtin_expect(eddy_slots_forked(s), 0))
        return eddy_fail_forked();
    int error = active ? check_bits(s, active, words) : EDDY_OK;
    if (error)
        return error;
    active = pad(s, active, words, padded);
    /* Relaxed: who sees it too late asks under a lock, and a page is the kernel's. */
    if (__builtin_expect(!eddy_load_relaxed(&s->writable), 0))
        error = eddy_slots_make_writable(s);
    if (!error && !eddy_slots_claim(s, active, &slot, &ticket))
        error = wait_for_slot(s, active, deadline, &slot, &ticket);
    if (!error)
        fill_loan(s, slot, ticket, loan);
    return error;
}

/* --- what a loan is -------------------------------------------------------------------------- */

static int fail_stale(void)
{
    return eddy_fail(EDDY_ESTALE,
                     "this loan was published or discarded already, or is another handle's");
}

static int check_loan(const struct eddy_slots *s, const struct eddy_slot_loan *loan)
{
    if (__builtin_expect(eddy_slots_forked(s), 0))
        return eddy_fail_forked();
    if (loan->segment != s->tag)
        return eddy_fail(EDDY_EINVAL, "this loan is of another segment");
    if (loan->slot >= s->slot_count)
        return eddy_fail(EDDY_EBOUNDS, "slot %u of a segment of %u", loan->slot, s->slot_count);
    if ((loan->ticket & (EDDY_SLOTS_OWNER | EDDY_SLOTS_COMMITTING)) != s->member + 1u)
        return fail_stale();
    return EDDY_OK;
}

/* --- committing ------------------------------------------------------------------------------ */

/* The sample of the lap before may still lack its writer's last step; it is published, and once its
 * entry is gone nobody could tell. */
static void finish_older(const struct eddy_slots *s, uint64_t entry, uint64_t sn)
{
    uint32_t slot = eddy_entry_slot(entry);
    if (sn < s->first_sn + s->log.mask + 1 || slot >= s->slot_count)
        return; /* the first lap has none before it */
    /* from [committing]: with the state of a later loan the number is seen to have ended. */
    uint64_t state = eddy_load_acquire(&s->lines[slot].state);
    if ((state & EDDY_SLOTS_COMMITTING) &&
        /* Relaxed: not older than that, and by way of the entry not older than what it names. */
        eddy_load_relaxed(&s->lines[slot].sn) == sn - (s->log.mask + 1))
        eddy_slots_finish(&s->lines[slot], state);
}

static bool is_number(const struct eddy_slots *s, uint64_t n)
{
    return n >= s->first_sn && n <= eddy_log_last_sn(&s->log) && n < EDDY_SLOTS_ENDED;
}

/* Gives the slot the next number; lock-free: a failed swap means that another sample went in. */
static int enter_log(const struct eddy_slots *s, uint32_t slot, uint64_t *sn)
{
    for (uint32_t tries = 0; tries < LOG_TRIES; tries++) {
        uint64_t n = eddy_load_relaxed(s->log.next_sn); /* the entry decides */
        uint64_t entry = eddy_log_entry(&s->log, n);
        enum eddy_entry_age age = eddy_entry_age(&s->log, entry, n);
        if (n < s->first_sn) /* a stranger put it back, as the case may be below */
            eddy_raise64_relaxed(s->log.next_sn, s->first_sn);
        else if (age == EDDY_ENTRY_NEWER)
            eddy_log_mend(&s->log, n, entry);
        else if (age == EDDY_ENTRY_PRESENT)
            eddy_log_help(&s->log, n);
        if (n < s->first_sn || age != EDDY_ENTRY_OLDER)
            continue;
        if (!is_number(s, n))
            break;
        EDDY_POINT("slots-commit:entry-read");
        finish_older(s, entry, n);
        EDDY_POINT("slots-commit:older-finished");
        eddy_store_release(&s->lines[slot].sn, n); /* [sample] */
        EDDY_POINT("slots-commit:before-swap");
        if (eddy_log_publish(&s->log, n, entry, slot)) {
            *sn = n;
            return EDDY_OK;
        }
    }
    return eddy_fail(EDDY_ESEGMENT, "the log of slots segment %s is damaged; create it anew",
                     s->id);
}

static int publish(eddy_slots *s, const struct eddy_slot_loan *loan, size_t size, uint64_t *sn)
{
    struct eddy_slots_line *line = &s->lines[loan->slot];
    uint64_t state = loan->ticket, number = 0;
    /* Relaxed: the loan is ours, and the log's swap shows it to others. */
    eddy_store_relaxed(&line->size, size);
    struct eddy_robust *own = eddy_orphans_begin(&s->domain->registry->orphans);
    int error = enter_log(s, loan->slot, &number);
    if (error) {
        eddy_orphans_end(own);
        eddy_store_relaxed(&line->sn, EDDY_SLOTS_ENDED); /* by way of the next */
        eddy_store_release(&line->state, state);         /* [give up slot]: the loan goes on */
        return error;
    }
    EDDY_POINT("slots-commit:swapped");
    eddy_slots_finish(line, state | EDDY_SLOTS_COMMITTING);
    EDDY_POINT("slots-commit:finished");
    eddy_log_help(&s->log, number);
    EDDY_POINT("slots-commit:helped");
    eddy_bell_ring(&s->header->new_bell);
    eddy_orphans_end(own);
    /* Its readers may have been through with it before we gave it up, and rung for nothing. */
    eddy_bell_ring(&s->header->room_bell);
    if (sn)
        *sn = eddy_slots_public_sn(s, number);
    return EDDY_OK;
}

/* Only one of those who commit or discard a loan at once gets it. */
static int take_ticket(eddy_slots *s, const struct eddy_slot_loan *loan, uint64_t next)
{
    uint64_t state = loan->ticket;
    return eddy_cas_seq(&s->lines[loan->slot].state, &state, next) ? EDDY_OK : fail_stale();
}

static int commit(eddy_slots *s, const struct eddy_slot_loan *loan, const void *data, size_t size,
                  uint64_t *sn)
{
    int error = check_loan(s, loan);
    if (error)
        return error;
    if (size > s->capacity)
        return eddy_fail(EDDY_ETOOBIG, "a sample of %zu bytes for a slot of %llu", size,
                         (unsigned long long)s->capacity);
    error = take_ticket(s, loan, loan->ticket | EDDY_SLOTS_COMMITTING); /* [committing] */
    if (error)
        return error;
    EDDY_POINT("slots-commit:taken");
    if (data && size)
        memcpy(s->payload + loan->slot * s->plan.stride, data, size);
    return publish(s, loan, size, sn);
}

int eddy_slots_publish_copy(eddy_slots *s, const struct eddy_slot_loan *loan, const void *data,
                            size_t size, uint64_t *sn)
{
    if (!data && size)
        return eddy_fail(EDDY_EINVAL, "eddy_slots_publish_copy: %zu bytes from nowhere", size);
    return commit(s, loan, data, size, sn);
}

int eddy_slots_publish(eddy_slots *s, const struct eddy_slot_loan *loan, size_t size, uint64_t *sn)
{
    return commit(s, loan, NULL, size, sn);
}

int eddy_slots_discard(eddy_slots *s, const struct eddy_slot_loan *loan)
{
    int error = check_loan(s, loan);
    if (!error)
        error = take_ticket(s, loan, loan->ticket & ~EDDY_SLOTS_OWNER); /* [give up slot] */
    if (error)
        return error;
    EDDY_POINT("slots-discard:given-up");
    eddy_store_relaxed(&s->header->empty, loan->slot + 1); /* a hint */
    eddy_bell_ring(&s->header->room_bell);
    return EDDY_OK;
}
