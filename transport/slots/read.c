/* Reading samples: copied or in place, marking, and waiting.  spec/slots.md, "Reading"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/slots/read.h"

#include "allocator/error.h"
#include "allocator/wait/futex.h"

#include <string.h>

/* --- pins ------------------------------------------------------------------------------------ */

static int fail_stale(const struct eddy_slot_sample *sample)
{
    return eddy_fail(EDDY_ESTALE, "sample %llu is not in slot %u any more, or was given back",
                     (unsigned long long)sample->sn, sample->slot);
}

static int check_sample(const struct eddy_slots *s, const struct eddy_slot_sample *sample)
{
    if (__builtin_expect(eddy_slots_forked(s), 0))
        return eddy_fail_forked();
    if (sample->segment != s->tag)
        return eddy_fail(EDDY_EINVAL, "this sample is of another segment");
    if (sample->slot >= s->slot_count)
        return eddy_fail(EDDY_EBOUNDS, "slot %u of a segment of %u", sample->slot, s->slot_count);
    return eddy_slots_check_reader(s, sample->reader);
}

static void unpin(struct eddy_slots *s, const struct eddy_slot_sample *sample)
{
    _Atomic uint64_t *word = eddy_slots_pin_word(s, sample->slot, sample->reader / 64);
    eddy_and_seq(word, ~eddy_slots_bit(sample->reader)); /* [unpin] */
    EDDY_POINT("slots-pin:cleared");
    eddy_slots_hint(s, sample->slot);
    eddy_bell_ring(&s->header->room_bell);
}

/* Keeps the slot from being written while we look: *held says that it was pinned before.
 * EDDY_ESTALE, and no pin of ours, if the sample is another by now. */
static int pin(struct eddy_slots *s, const struct eddy_slot_sample *sample, bool *held)
{
    uint64_t bit = eddy_slots_bit(sample->reader);
    uint64_t wanted = eddy_slots_private_sn(s, sample->sn);
    *held = eddy_or_seq(eddy_slots_pin_word(s, sample->slot, sample->reader / 64), bit) & bit;
    EDDY_POINT("slots-pin:set");
    uint64_t sn = eddy_load_seq(&s->lines[sample->slot].sn); /* from [sample] */
    if (*held) /* then it may have ended meanwhile: it is still there */
        sn &= ~EDDY_SLOTS_ENDED;
    if (sn == wanted && eddy_slots_is_live(wanted))
        return EDDY_OK;
    if (!*held)
        unpin(s, sample);
    return fail_stale(sample);
}

static int check_size(const struct eddy_slots *s, struct eddy_slot_sample *sample)
{
    /* Relaxed: by way of sn, which we have looked at. */
    uint64_t size = eddy_load_relaxed(&s->lines[sample->slot].size);
    if (size > s->capacity)
        return eddy_fail(EDDY_ESEGMENT, "slot %u of %s claims %llu bytes of %llu", sample->slot,
                         s->id, (unsigned long long)size, (unsigned long long)s->capacity);
    sample->size = size;
    return EDDY_OK;
}

static void mark(struct eddy_slots *s, const struct eddy_slot_sample *sample)
{
    _Atomic uint64_t *word = eddy_slots_read_word(s, sample->slot, sample->reader / 64);
    eddy_or_relaxed(word, eddy_slots_bit(sample->reader)); /* under a pin: by way of [unpin] */
}

static const void *address_of(const struct eddy_slots *s, const struct eddy_slot_sample *sample)
{
    return s->payload + sample->slot * s->plan.stride;
}

static int fail_gone(uint32_t reader)
{
    return eddy_fail(EDDY_ELETGO, "writers have let go of reader %u; leave, and join again",
                     reader);
}

/* --- one sample ------------------------------------------------------------------------------ */

int eddy_slots_read(eddy_slots *s, struct eddy_slot_sample *sample, void *buffer, size_t bytes)
{
    bool held;
    int error = check_sample(s, sample);
    if (!error)
        error = pin(s, sample, &held);
    if (error)
        return error;
    error = check_size(s, sample);
    size_t most = sample->size < bytes ? sample->size : bytes;
    if (!error && most)
        memcpy(buffer, address_of(s, sample), most);
    if (!held)
        unpin(s, sample);
    return error;
}

static int hold(struct eddy_slots *s, struct eddy_slot_sample *sample)
{
    bool held;
    int error = pin(s, sample, &held);
    if (error)
        return error;
    if (held)
        return eddy_fail(EDDY_EBUSY, "reader %u holds sample %llu already", sample->reader,
                         (unsigned long long)sample->sn);
    error = check_size(s, sample);
    if (error)
        unpin(s, sample);
    else
        sample->data = address_of(s, sample);
    return error;
}

int eddy_slots_hold(eddy_slots *s, struct eddy_slot_sample *sample)
{
    int error = check_sample(s, sample);
    return error ? error : hold(s, sample);
}

int eddy_slots_release(eddy_slots *s, struct eddy_slot_sample *sample)
{
    int error = check_sample(s, sample);
    if (error)
        return error;
    /* Relaxed: the pin is ours, and under it the number can only end. */
    uint64_t pins = eddy_load_relaxed(eddy_slots_pin_word(s, sample->slot, sample->reader / 64));
    uint64_t sn = eddy_load_relaxed(&s->lines[sample->slot].sn) & ~EDDY_SLOTS_ENDED;
    if (!(pins & eddy_slots_bit(sample->reader)) || sn != eddy_slots_private_sn(s, sample->sn))
        return fail_stale(sample);
    sample->data = NULL;
    unpin(s, sample);
    return EDDY_OK;
}

int eddy_slots_mark_read(eddy_slots *s, const struct eddy_slot_sample *sample)
{
    bool held;
    int error = check_sample(s, sample);
    if (!error && eddy_slots_is_gone(s, sample->reader))
        error = fail_gone(sample->reader);
    if (!error)
        error = pin(s, sample, &held);
    if (error)
        return error;
    mark(s, sample);
    EDDY_POINT("slots-mark:marked");
    if (!held)
        unpin(s, sample); /* else who has it pinned rings, when there is room */
    return EDDY_OK;
}

/* --- the next, the newest -------------------------------------------------------------------- */

static int check_reading(const struct eddy_slots *s, uint32_t reader)
{
    if (__builtin_expect(eddy_slots_forked(s), 0))
        return eddy_fail_forked();
    int error = eddy_slots_check_reader(s, reader);
    return !error && eddy_slots_is_gone(s, reader) ? fail_gone(reader) : error;
}

int eddy_slots_next_unread(eddy_slots *s, uint32_t reader, struct eddy_slot_sample *sample)
{
    struct eddy_slot_sample found = {0};
    int error = check_reading(s, reader);
    if (!error)
        error = eddy_slots_find_unread(s, reader, UINT64_MAX, &found);
    if (!error)
        *sample = found;
    return error;
}

/* The oldest unread below `end`, marked and held; those that end under our hands are passed over.
 */
static int take_below(struct eddy_slots *s, uint32_t reader, uint64_t end,
                      struct eddy_slot_sample *sample)
{
    int error = EDDY_ESTALE;
    while (error == EDDY_ESTALE) {
        error = eddy_slots_find_unread(s, reader, end, sample);
        EDDY_POINT("slots-take:found");
        if (!error)
            error = hold(s, sample);
    }
    EDDY_POINT("slots-take:held");
    if (!error)
        mark(s, sample);
    EDDY_POINT("slots-take:marked");
    return error;
}

int eddy_slots_take(eddy_slots *s, uint32_t reader, uint64_t deadline,
                    struct eddy_slot_sample *sample)
{
    struct eddy_slot_sample found;
    for (;;) {
        int error = check_reading(s, reader);
        if (error)
            return error;
        uint64_t generation = eddy_slots_generation(s);
        error = take_below(s, reader, UINT64_MAX, &found);
        if (!error)
            *sample = found;
        if (error != EDDY_EAGAIN || deadline == EDDY_POLL)
            return error;
        error = eddy_slots_wait(s, generation, deadline);
        if (error)
            return error;
    }
}

int eddy_slots_take_latest(eddy_slots *s, uint32_t reader, struct eddy_slot_sample *sample)
{
    struct eddy_slot_sample newest, next;
    int error = check_reading(s, reader);
    if (error)
        return error;
    uint64_t end = eddy_log_end(&s->log);
    error = take_below(s, reader, end, &newest);
    while (!error && take_below(s, reader, end, &next) == EDDY_OK) {
        unpin(s, &newest);
        newest = next;
    }
    if (!error)
        *sample = newest;
    return error;
}

/* --- waiting --------------------------------------------------------------------------------- */

uint64_t eddy_slots_generation(const eddy_slots *s)
{
    return eddy_slots_forked(s) ? 0 : eddy_log_end(&s->log) - s->first_sn;
}

struct next {
    struct eddy_slots *slots;
    uint64_t last;
    struct eddy_entry_seen seen;
};

static int look_for_next(void *what)
{
    const struct next *next = what;
    if (eddy_slots_forked(next->slots))
        return eddy_fail_forked();
    return eddy_slots_generation(next->slots) != next->last ? EDDY_OK : EDDY_EAGAIN;
}

static void note_entry(void *what, bool begins)
{
    struct next *next = what;
    const struct eddy_log *log = &next->slots->log;
    uint64_t sn = next->slots->first_sn + next->last;
    if (begins)
        next->seen =
            (struct eddy_entry_seen){&log->entries[sn & log->mask], eddy_log_entry(log, sn)};
}

int eddy_slots_wait(eddy_slots *s, uint64_t last, uint64_t deadline)
{
    struct next next = {.slots = s, .last = last};
    const struct eddy_awaited kind = {.look = look_for_next,
                                      .sleeps = note_entry,
                                      .pauses = 1,
                                      .orphans = &s->domain->registry->orphans,
                                      .seen = &next.seen};
    return eddy_wait(&s->spin, &kind, &next, &s->header->new_bell, deadline);
}
