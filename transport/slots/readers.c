/* Reader numbers: joining, leaving, being let go of.  spec/slots.md, "Readers"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/wait/futex.h"
#include "transport/slots/read.h"

int eddy_slots_check_reader(const struct eddy_slots *s, uint32_t reader)
{
    if (__builtin_expect(reader >= s->reader_limit, 0))
        return eddy_fail(EDDY_EBOUNDS, "reader %u of a segment of %u readers", reader,
                         s->reader_limit);
    /* Relaxed: whoever joined has told the thread that reads. */
    if (__builtin_expect(!(eddy_load_relaxed(&s->mine[reader / 64]) & eddy_slots_bit(reader)), 0))
        return eddy_fail(EDDY_EINVAL, "this handle has not joined as reader %u; eddy_slots_join it",
                         reader);
    return EDDY_OK;
}

static bool take_number(struct eddy_slots *s, uint32_t reader)
{
    uint64_t nobody = 0;
    return eddy_load_relaxed(&s->readers[reader]) == 0 && /* a guess; the swap decides */
           /* from [member]: what its last holder did is done; [owner].  seq: who still sees the word
            * void has looked before we came. */
           eddy_cas_seq(&s->readers[reader], &nobody, s->domain->id);
}

static bool take_wanted(struct eddy_slots *s, uint32_t wanted, uint32_t *reader)
{
    uint32_t first = wanted == EDDY_SLOTS_ANY_READER ? 0 : wanted;
    uint32_t last = wanted == EDDY_SLOTS_ANY_READER ? s->reader_limit - 1 : wanted;
    for (uint32_t r = first; r <= last; r++)
        if (take_number(s, r)) {
            *reader = r;
            return true;
        }
    return false;
}

static void forget_marks_of(struct eddy_slots *s, uint32_t reader)
{
    uint64_t bit = eddy_slots_bit(reader);
    for (uint32_t i = 0; i < s->slot_count; i++) {
        _Atomic uint64_t *word = eddy_slots_read_word(s, i, reader / 64);
        if (eddy_load_relaxed(word) & bit) /* only we set it, or clear it for good */
            eddy_and_relaxed(word, ~bit);  /* before we gate */
    }
}

/* The number is ours; from the last step on it gates. */
static void enter_as(struct eddy_slots *s, uint32_t reader)
{
    uint64_t bit = eddy_slots_bit(reader);
    EDDY_POINT("slots-join:taken");
    eddy_slots_clear_pins(s, reader);
    forget_marks_of(s, reader);
    eddy_store_relaxed(&s->cursors[reader], s->first_sn); /* ours, and so is the next */
    eddy_or_relaxed(&s->mine[reader / 64], bit);
    EDDY_POINT("slots-join:cleared");
    /* seq, both: next we look at the log, and whoever claims what is committed later looks here. */
    eddy_or_seq(&s->header->joined[reader / 64], bit);
    EDDY_POINT("slots-join:joined");
    eddy_and_seq(&s->header->gone[reader / 64], ~bit);
}

int eddy_slots_join(eddy_slots *s, uint32_t wanted, uint32_t *reader)
{
    EDDY_UNCANCELLED;
    uint32_t number;
    if (eddy_slots_forked(s))
        return eddy_fail_forked();
    if (wanted != EDDY_SLOTS_ANY_READER && wanted >= s->reader_limit)
        return eddy_fail(EDDY_EBOUNDS, "reader %u of a segment of %u readers", wanted,
                         s->reader_limit);
    if (!take_wanted(s, wanted, &number) &&
        !(eddy_slots_reap(s).reaped && take_wanted(s, wanted, &number)))
        return wanted == EDDY_SLOTS_ANY_READER
                   ? eddy_fail(EDDY_ELIMIT, "all %u readers of the segment are taken",
                               s->reader_limit)
                   : eddy_fail(EDDY_EBUSY, "reader %u is somebody else's, who is alive", wanted);
    enter_as(s, number);
    if (reader)
        *reader = number;
    return EDDY_OK;
}

int eddy_slots_leave(eddy_slots *s, uint32_t reader)
{
    EDDY_UNCANCELLED;
    if (eddy_slots_forked(s))
        return eddy_fail_forked();
    int error = eddy_slots_check_reader(s, reader);
    if (error)
        return error;
    uint64_t bit = eddy_slots_bit(reader);
    if (!(eddy_and_relaxed(&s->mine[reader / 64], ~bit) & bit)) /* once only, whoever it is */
        return eddy_fail(EDDY_EINVAL, "reader %u has left already", reader);
    eddy_slots_reader_leave(s, reader);
    return EDDY_OK;
}

int eddy_slots_let_go(eddy_slots *s, uint32_t reader)
{
    EDDY_UNCANCELLED;
    if (eddy_slots_forked(s))
        return eddy_fail_forked();
    if (reader >= s->reader_limit)
        return eddy_fail(EDDY_EBOUNDS, "reader %u of a segment of %u readers", reader,
                         s->reader_limit);
    /* seq: the bell comes next. */
    eddy_or_seq(&s->header->gone[reader / 64], eddy_slots_bit(reader));
    EDDY_POINT("slots-disconnect:gone");
    eddy_bell_ring(&s->header->room_bell);
    return EDDY_OK;
}
