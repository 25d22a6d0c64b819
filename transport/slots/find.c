/* The oldest sample that a reader has not read.  spec/slots.md, "Finding the oldest unread"
 *
 * The log from the reader's cursor on; samples so old that the log has gone over them are found in
 * the slots themselves.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/slots/read.h"

#define ROUNDS 4 /* of falling behind the log again while looking through the slots */

/* Is sample sn, which was seen in the slot, unread?  A writer that ends a sample forgets its marks
 * afterwards: a missing mark counts only if the sample is still there. */
static bool is_unread(const struct eddy_slots *s, uint32_t slot, uint64_t sn, uint32_t reader)
{
    /* from [forgotten]: the sample has been ended before. */
    uint64_t marks = eddy_load_acquire(eddy_slots_read_word(s, slot, reader / 64));
    /* Relaxed: what it must not be too old for is acquired by now. */
    return !(marks & eddy_slots_bit(reader)) && eddy_load_relaxed(&s->lines[slot].sn) == sn;
}

static void fill(const struct eddy_slots *s, uint32_t slot, uint64_t sn, uint32_t reader,
                 struct eddy_slot_sample *sample)
{
    uint64_t size = eddy_load_relaxed(&s->lines[slot].size); /* looked at again when read */
    *sample = (struct eddy_slot_sample){.size = size < s->capacity ? size : s->capacity,
                                        .sn = eddy_slots_public_sn(s, sn),
                                        .slot = slot,
                                        .reader = reader,
                                        .segment = s->tag};
}

/* Between the cursor and `tail`, by looking at every slot.  Commits there are finished. */
static bool look_in_slots(const struct eddy_slots *s, uint32_t reader, uint64_t cursor,
                          uint64_t tail, struct eddy_slot_sample *sample)
{
    uint64_t oldest = tail;
    for (uint32_t i = 0; i < s->slot_count; i++) {
        /* from [sample]: if it is one that is being committed, the state says so by now. */
        uint64_t sn = eddy_load_acquire(&s->lines[i].sn);
        /* from [give up slot]: a number that was tried in vain has gone from sn by then. */
        uint64_t state = eddy_load_acquire(&s->lines[i].state);
        if ((state & (EDDY_SLOTS_COMMITTING | EDDY_SLOTS_UNSAID)) || !eddy_slots_is_live(sn) ||
            sn < cursor || sn >= oldest || !is_unread(s, i, sn, reader))
            continue;
        oldest = sn;
        fill(s, i, sn, reader, sample);
    }
    return oldest < tail;
}

enum walk { WALK_FOUND, WALK_END, WALK_LAPPED, WALK_DAMAGED };

/* Along the log from *cursor, which moves over what is read or has ended: for good, both. */
static enum walk walk_log(const struct eddy_slots *s, uint32_t reader, uint64_t *cursor,
                          uint64_t end, struct eddy_slot_sample *sample)
{
    for (uint32_t steps = 0; steps <= s->log.mask && *cursor < end; steps++, ++*cursor) {
        uint64_t entry = eddy_log_entry(&s->log, *cursor); /* from [publish] */
        enum eddy_entry_age age = eddy_entry_age(&s->log, entry, *cursor);
        uint32_t slot = eddy_entry_slot(entry);
        if (age == EDDY_ENTRY_OLDER)
            return WALK_END;
        if (age == EDDY_ENTRY_NEWER)
            return WALK_LAPPED;
        if (slot >= s->slot_count)
            return WALK_DAMAGED;
        /* Relaxed: by way of [publish]; so it was there, and its slot's older marks are gone. */
        if (eddy_load_relaxed(&s->lines[slot].sn) == *cursor && eddy_slots_is_live(*cursor) &&
            is_unread(s, slot, *cursor, reader)) {
            fill(s, slot, *cursor, reader, sample);
            return WALK_FOUND;
        }
    }
    return *cursor < end ? WALK_LAPPED : WALK_END;
}

static int fail_log(const struct eddy_slots *s)
{
    return eddy_fail(EDDY_ESEGMENT,
                     "the log of slots segment %s names a slot that it does not have", s->id);
}

int eddy_slots_find_unread(struct eddy_slots *s, uint32_t reader, uint64_t end,
                           struct eddy_slot_sample *sample)
{
    /* Relaxed: the reader's own. */
    uint64_t cursor = eddy_load_relaxed(&s->cursors[reader]);
    enum walk walk = WALK_LAPPED;
    for (int i = 0; i < ROUNDS && walk == WALK_LAPPED; i++) {
        walk = walk_log(s, reader, &cursor, end, sample);
        if (walk != WALK_LAPPED)
            break;
        uint64_t last = eddy_log_end(&s->log), length = s->log.mask + 1ull;
        uint64_t tail = last > cursor + length ? last - length : cursor;
        if (look_in_slots(s, reader, cursor, tail < end ? tail : end, sample)) {
            cursor = eddy_slots_private_sn(s, sample->sn);
            walk = WALK_FOUND;
        } else {
            cursor = tail;
        }
    }
    eddy_store_relaxed(&s->cursors[reader], cursor);
    return walk == WALK_FOUND ? EDDY_OK : walk == WALK_DAMAGED ? fail_log(s) : EDDY_EAGAIN;
}
