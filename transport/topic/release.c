/* Giving samples back: those under the cursor of a reliable reader, which it took last, and pins.
 *
 * Under the cursor it is mostly one, which is given back before the next is taken; or a group, of
 * which the first may be given back last.             spec/protocols.md, "Keeping" and "Groups"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/segment/room.h"
#include "allocator/wait/fence.h"
#include "transport/topic/reader.h"

/* Of each sample, writers that wait would be woken in vain all the time: of many at once, or when
 * there is nothing more to take.  No fence between the cursor's store and this look: a waiting writer
 * looks again within ROOM_NAP, whatever it is told. */
void eddy_reader_tell_of_room(struct eddy_reader *r)
{
    r->told = eddy_reader_cursor(r);
    if (__builtin_expect(eddy_load_relaxed(&r->segment->control->room_bell) & 1u, 0))
        eddy_bell_ring(&r->segment->control->room_bell);
}

void eddy_reader_move_cursor(struct eddy_reader *r)
{
    uint64_t cursor = eddy_reader_cursor(r);
    eddy_store_release(&r->seat->cursor, cursor); /* [cursor] */
    eddy_fence_light();                           /* before the next look at `let_go` */
    EDDY_POINT("release:cursor-moved");
    if (cursor - r->told >= r->depth / 4)
        eddy_reader_tell_of_room(r);
}

/* The first `count` under the cursor are given back, or pinned. */
static void advance(struct eddy_reader *r, uint32_t count)
{
    r->released = count < 64 ? r->released >> count : 0;
    r->under -= count;
    eddy_reader_move_cursor(r);
}

/* A pin takes the cursor's place. */
static int pin(struct eddy_reader *r, uint64_t sn)
{
    struct eddy_place p;
    /* Not from the log: writers that have let go of us may have gone round it. */
    int error = eddy_slot_find(r->segment, r->unders[sn & (EDDY_UNDER_MAX - 1)].slot, &p);
    if (!error)
        error = eddy_reader_pin(r, &p, sn);
    if (error == EDDY_ENOMEM || !error)
        return error;
    return eddy_fail(EDDY_ESEGMENT, "sample %llu cannot be kept: its slot was scribbled on",
                     (unsigned long long)sn);
}

int eddy_under_pin(struct eddy_reader *r)
{
    uint64_t first = eddy_reader_cursor(r);
    int error = EDDY_OK;
    uint32_t done = 0;
    while (done < r->under && !error) {
        if (!(r->released >> done & 1))
            error = pin(r, first + done);
        done += !error;
    }
    EDDY_POINT("keep:pinned");
    if (done > 0)
        advance(r, done);
    return error;
}

static inline bool release_under(struct eddy_reader *r, const struct eddy_sample *sample)
{
    uint64_t sn = sample->sn + r->segment->first_sn - 1, at = sn - eddy_reader_cursor(r);
    const struct eddy_under *u = &r->unders[sn & (EDDY_UNDER_MAX - 1)];
    if (at >= r->under || u->slot != sample->slot || u->mark != sample->ticket ||
        (r->released >> at & 1))
        return false;
    r->released |= 1ull << at;
    return true;
}

static inline void settle(struct eddy_reader *r)
{
    if (__builtin_expect(r->under == 1, 1)) { /* as is mostly so */
        r->released = 0;
        r->under = 0;
        eddy_reader_move_cursor(r);
        return;
    }
    uint32_t front = 0;
    while (front < r->under && (r->released >> front & 1))
        front++;
    if (front > 0)
        advance(r, front);
}

/* --- pins ------------------------------------------------------------------------------------- */

/* The bit is still set: seq, as the bell comes next. */
static void clear_bit(struct eddy_reader *r, _Atomic uint64_t *word)
{
    eddy_and_seq(word, ~eddy_seat_bit(r->seat_id)); /* [unpin] */
    EDDY_POINT("release:unpinned");
}

void eddy_reader_unpin(struct eddy_reader *r, const struct eddy_place *p)
{
    _Atomic uint64_t *word = eddy_slot_mask(r->segment, p, r->seat_id);
    if (word)
        clear_bit(r, word);
    eddy_room_tell(r->segment->control);
}

/* Who waits for room is not told yet. */
static int release_pinned(struct eddy_reader *r, const struct eddy_sample *sample)
{
    struct eddy_place p;
    int error = eddy_slot_find(r->segment, sample->slot, &p);
    _Atomic uint64_t *word = error ? NULL : eddy_slot_mask(r->segment, &p, r->seat_id);
    /* Relaxed: it is set by who took the sample, and handed on with it; and the ticket rests while
     * the bit is set. */
    if (!word || !(eddy_load_relaxed(word) & eddy_seat_bit(r->seat_id)) ||
        (eddy_load_relaxed(&p.slot->ticket) ^ r->mark) != sample->ticket)
        return eddy_fail(EDDY_ESTALE, "this sample was released already, or is another reader's");
    clear_bit(r, word);
    eddy_room_hint(r->segment->control, sample->slot);
    return EDDY_OK;
}

/* Statistics, all relaxed.  Of a shared reader others count at the same time. */
static void count_released(struct eddy_reader *r, uint32_t released)
{
    if (__builtin_expect(r->shared, 0))
        eddy_sub_relaxed(&r->seat->held, released);
    else
        eddy_store_relaxed(&r->seat->held, r->held -= released);
}

/* --- both -------------------------------------------------------------------------------------- */

int eddy_reader_release(eddy_reader *r, struct eddy_sample *sample)
{
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (r->under > 0 && release_under(r, sample)) {
        settle(r);
    } else {
        int error = release_pinned(r, sample);
        if (error)
            return error;
        eddy_room_tell(r->segment->control);
    }
    count_released(r, 1);
    return EDDY_OK;
}

int eddy_reader_release_many(eddy_reader *r, struct eddy_sample *samples, size_t count)
{
    int error = EDDY_OK;
    uint32_t under = 0, pinned = 0;
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    for (size_t i = 0; i < count; i++) {
        if (r->under > 0 && release_under(r, &samples[i])) {
            under++;
            continue;
        }
        int failed = release_pinned(r, &samples[i]);
        pinned += !failed;
        error = failed ? failed : error;
    }
    if (under)
        settle(r);
    if (pinned)
        eddy_room_tell(r->segment->control);
    count_released(r, under + pinned);
    return error;
}

/* --- stopping ---------------------------------------------------------------------------------- */

void eddy_reader_drop_past(struct eddy_reader *r, size_t until)
{
    struct eddy_place p;
    for (; r->past_next < until; r->past_next++)
        if (eddy_slot_find(r->segment, r->past[r->past_next].slot, &p) == EDDY_OK)
            eddy_reader_unpin(r, &p);
}

int eddy_reader_stop(eddy_reader *r)
{
    if (r->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    int error = r->under ? eddy_under_pin(r) : EDDY_OK;
    if (error)
        return error;
    eddy_reader_drop_past(r, r->past_count);
    /* Never published, so nothing is there to take; and nothing is waited for below it. */
    r->next = r->told = eddy_log_last_sn(eddy_logs_mapped(r->segment));
    eddy_store_relaxed(&r->seat->position, r->next); /* a hint to writers; statistics */
    EDDY_POINT("stop:positioned");
    if (r->reliable)
        eddy_store_release(&r->seat->cursor, EDDY_CURSOR_ABSENT); /* [cursor] */
    EDDY_POINT("stop:absent");
    eddy_room_tell(r->segment->control); /* a writer may wait for us */
    return EDDY_OK;
}
