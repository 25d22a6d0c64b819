/* All numbers of extents are taken: one without memory gives its number to one of another size.
 * spec/protocols.md, "Exchange of extents"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/lock.h"
#include "allocator/point.h"
#include "allocator/segment/block.h"

#include <unistd.h>

#define NO_FILE UINT32_MAX

/* --- which ----------------------------------------------------------------------------------- */

/* A guess, as long as it is not closed. */
static bool has_memory(const struct eddy_extent *x)
{
    return eddy_block_committed_from(x, 0) < x->count / x->block_slots;
}

/* Nobody has a slot, nor can get one: it is closed.  seq: who has one now says so before looking
 * whether it is closed. */
static bool is_empty(const struct eddy_extent *x)
{
    if (has_memory(x))
        return false;
    for (uint32_t i = 0; i < x->count; i++)
        if ((eddy_load_seq(&x->first[i].owner) & EDDY_SLOT_SEAT) != EDDY_SLOT_ABSENT)
            return false;
    return true;
}

/* What an entry of the log could find here is not there.  A number that was never published may have
 * been left by the dead. */
static void forget_numbers(const struct eddy_extent *x)
{
    for (uint32_t i = 0; i < x->count; i++)
        eddy_store_relaxed(&x->first[i].sn, 0); /* seen by way of [extent] */
}

/* Of one at rest that comes back.  Nobody holds anything there: such bits are of readers that were killed
 * before they saw so, or have yet to see it, and take theirs back again.  Relaxed: seen by way of
 * [extent]. */
static int forget_pins(struct eddy_segment *s, uint32_t file)
{
    struct eddy_extent *x;
    if (eddy_extent_map_file(s, file, &x))
        return EDDY_EBUSY;
    for (uint32_t i = 0; i < x->count; i++)
        eddy_store_relaxed(&x->first[i].mask, 0u);
    return eddy_extent_columns_clear(s, x);
}

/* --- by what --------------------------------------------------------------------------------- */

/* One at rest that is of the right size and has slots enough.  NO_FILE: none; then `*fresh` is the
 * first number without a file, if there is one. */
static uint32_t find_at_rest(const struct eddy_segment *s, uint32_t i, uint64_t wanted,
                             uint64_t *descriptor, uint32_t *fresh)
{
    uint64_t capacity = eddy_descriptor_capacity(wanted);
    *fresh = NO_FILE;
    for (uint32_t turn = 0; turn < EDDY_TURNS_MAX; turn++) {
        uint32_t file = i + turn * EDDY_EXTENTS_MAX;
        int fd, error = eddy_extent_open_file(s, file, &fd, descriptor);
        if (error == EDDY_ENOENT) {
            *fresh = file;
            return NO_FILE;
        }
        if (error)
            continue; /* damaged: nobody uses it */
        close(fd);
        if (eddy_descriptor_capacity(*descriptor) == capacity &&
            eddy_descriptor_slots(*descriptor) >= eddy_descriptor_slots(wanted) / 2)
            return file;
    }
    return NO_FILE;
}

static int make(const struct eddy_segment *s, uint32_t number, uint64_t descriptor)
{
    char name[EDDY_EXTENT_NAME];
    struct eddy_file file;
    int error = eddy_extent_build(s, descriptor, &file);
    if (error)
        return error;
    eddy_extent_name(s, number, name);
    EDDY_POINT("exchange:before-link");
    error = eddy_file_link(&file, name);
    eddy_file_drop(&file);
    EDDY_POINT("exchange:linked");
    return error;
}

/* --- the exchange itself; one at a time ---------------------------------------------------------- */

/* EDDY_EBUSY: somebody has a slot of it. */
static int exchange(struct eddy_segment *s, uint32_t i, const struct eddy_extent *x,
                    uint64_t wanted)
{
    _Atomic uint64_t *entry = &s->control->extents[i];
    uint32_t fresh;
    uint64_t descriptor;
    eddy_or_seq(entry, EDDY_EXTENT_CLOSED); /* [closed] */
    EDDY_POINT("exchange:closed");
    int error = is_empty(x) ? EDDY_OK : EDDY_EBUSY;
    uint32_t file = error ? NO_FILE : find_at_rest(s, i, wanted, &descriptor, &fresh);
    if (!error && file == NO_FILE) {
        file = fresh;
        descriptor = wanted;
        error = fresh == NO_FILE ? EDDY_EBUSY : make(s, fresh, wanted);
    } else if (!error) {
        error = forget_pins(s, file);
    }
    if (error) {
        eddy_and_seq(entry, ~EDDY_EXTENT_CLOSED); /* as it was */
        return error;
    }
    forget_numbers(x);
    EDDY_POINT("exchange:made");
    /* seq, as for any extent that comes into use: see link_extent. */
    eddy_store_seq(entry, eddy_extent_entry(file / EDDY_EXTENTS_MAX, descriptor)); /* [extent] */
    EDDY_POINT("exchange:entered");
    return EDDY_OK;
}

/* Those that have one of the right size at rest come first: so there are no more files than sizes. */
static bool suits_exchange(struct eddy_segment *s, uint32_t i, uint64_t wanted, bool known_size,
                           struct eddy_extent **x)
{
    uint64_t descriptor;
    uint32_t fresh;
    /* Relaxed: under the lock.  One that died here had closed it. */
    if (eddy_load_relaxed(&s->control->extents[i]) & EDDY_EXTENT_CLOSED)
        eddy_and_seq(&s->control->extents[i], ~EDDY_EXTENT_CLOSED);
    if (eddy_extent_now(s, i, x) || has_memory(*x))
        return false;
    return !known_size || find_at_rest(s, i, wanted, &descriptor, &fresh) != NO_FILE;
}

static int exchange_any(struct eddy_segment *s, uint64_t wanted)
{
    uint32_t from = eddy_load_relaxed(&s->exchanged);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t n = 0; n < EDDY_EXTENTS_MAX; n++) {
            struct eddy_extent *x;
            uint32_t i = (from + n) % EDDY_EXTENTS_MAX;
            if (!suits_exchange(s, i, wanted, pass == 0, &x))
                continue;
            int error = exchange(s, i, x, wanted);
            if (error == EDDY_EBUSY)
                continue;
            eddy_store_relaxed(&s->exchanged, i + 1); /* a hint */
            return error;
        }
    return eddy_fail(
        EDDY_ELIMIT,
        "topic \"%.*s\" has samples of so many sizes that all of its %u extents are in "
        "use; release samples of some size",
        EDDY_SEGMENT_LABEL(s), EDDY_EXTENTS_MAX);
}

int eddy_extent_exchange(struct eddy_segment *s, uint64_t need, uint64_t room)
{
    EDDY_UNCANCELLED;
    char name[48];
    int fd;
    struct stat status;
    uint64_t wanted = eddy_extent_plan(s, need, room);
    if (!wanted)
        return eddy_extent_fail_limit(s, room);
    eddy_segment_control_file(s->id, name);
    int error = eddy_file_open(eddy_segment_dir(s), name, true, &fd, &status);
    if (error)
        return error;
    /* Who has it, even if it is stopped, is just exchanging some: it is not waited for. */
    if (eddy_lock_try(fd, 0, EDDY_LOCK_EXCLUSIVE)) {
        error = exchange_any(s, wanted);
        EDDY_POINT("exchange:done");
        eddy_lock_drop(fd, 0); /* a child may have a copy of the descriptor */
    } else {
        error = eddy_fail(EDDY_ELIMIT,
                          "another process exchanges extents of topic \"%.*s\"; try "
                          "again",
                          EDDY_SEGMENT_LABEL(s));
    }
    close(fd);
    return error;
}
