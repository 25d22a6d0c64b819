/* Taking a group: the entries first, then what they lead to, so that cache lines that come from other
 * processors come at the same time.  Nothing of it is pinned: the cursor stays on the first.
 *                                                            spec/protocols.md, "Groups"
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "allocator/wait/fence.h"
#include "transport/topic/sample.h"

#define SELDOM 1024u /* looks at next_sn for one at the log */
#define PAUSES 64u   /* some microseconds: longer than it takes to publish a group */

/* A cursor that stands still holds writers up: not for longer than half of the depth. */
static size_t most_of(const struct eddy_reader *r, size_t max)
{
    size_t most = r->depth / 2 < EDDY_UNDER_MAX ? r->depth / 2 : EDDY_UNDER_MAX;
    return most < 1 ? 1 : max < most ? max : most;
}

/* Who lets go of us has to spare more than one sample. */
static void say_groups(struct eddy_reader *r)
{
    r->groups = true;
    /* Relaxed: only we write it; seen by who fences all, as the cursor is. */
    eddy_store_relaxed(&r->seat->flags, eddy_load_relaxed(&r->seat->flags) | EDDY_SEAT_GROUPS);
    eddy_fence_light(); /* before the first look at `let_go` with a group in hand */
}

/* Finds what comes next, as far as it is there, in addition to `n`. */
static size_t find_group(struct eddy_reader *r, size_t max, struct eddy_place *places, size_t n)
{
    uint64_t entry;
    enum eddy_entry_age age;
    while (n < max && eddy_reader_look_up(r, r->next + n, &entry, &age) == EDDY_OK &&
           age == EDDY_ENTRY_PRESENT &&
           eddy_slot_find(r->segment, eddy_entry_slot(entry), &places[n]) == EDDY_OK)
        eddy_place_bring(&places[n++]);
    return n;
}

/* True if there may be something.  As long as next_sn does not say so, the log is looked at now and
 * then only, and when somebody was told that there is something: a writer that publishes a group needs
 * that line for each sample. */
static bool is_worth_a_look(struct eddy_reader *r)
{
    if (eddy_logs_next(r->segment) > r->next || ++r->looks % SELDOM == 0)
        return true;
    if (!r->found)
        return false;
    r->found = false;
    return true;
}

/* True if somebody was just publishing: next_sn is not behind what is there yet.  Looks at it and not
 * at the log, whose line the writer needs for what it publishes next. */
static bool await_publisher(const struct eddy_reader *r, uint64_t end)
{
    if (eddy_logs_next(r->segment) >= end)
        return false;
    for (uint32_t i = 0; i < PAUSES && eddy_logs_next(r->segment) < end; i++)
        eddy_pause();
    return true;
}

/* The slot is the one that the entry named: it may have been looked for in an extent that does not have
 * its number any more.  Then taking one asks again. */
static bool is_there(const struct eddy_reader *r, const struct eddy_place *p)
{
    return __builtin_expect(eddy_load_relaxed(&p->slot->sn) == r->next,
                            1); /* by way of the entry */
}

/* 0: nothing that is simple. */
static size_t take_group(struct eddy_reader *r, struct eddy_sample *samples, size_t max)
{
    struct eddy_place places[EDDY_UNDER_MAX];
    if (!r->groups)
        say_groups(r);
    size_t found = find_group(r, max, places, 0), n = 0;
    if (found > 0 && found < max && await_publisher(r, r->next + found))
        found = find_group(r, max, places, found);
    /* seq, after the entries, as in taking one. */
    if (__builtin_expect(eddy_load_seq(&r->seat->let_go) != 0, 0))
        return 0;
    EDDY_POINT("take-many:found");
    while (n < found && is_there(r, &places[n]) &&
           eddy_sample_fill(r, &places[n], r->next, &samples[n]) == EDDY_OK)
        eddy_under_add(r, &samples[n++]);
    if (n > 0)
        eddy_reader_count(r, (uint32_t)n);
    return n;
}

static int take_each(struct eddy_reader *r, struct eddy_sample *samples, size_t max, size_t *count)
{
    size_t n = 0;
    int error = EDDY_OK;
    while (n < max && !error) {
        error = eddy_reader_take(r, &samples[n]);
        n += !error;
    }
    r->owes = n > 0 && error == EDDY_ELETGO;
    if (n > 0)
        *count = n;
    return n > 0 ? EDDY_OK : error;
}

int eddy_reader_take_many(eddy_reader *r, struct eddy_sample *samples, size_t max, size_t *count)
{
    if (__builtin_expect(r->fork_count != eddy_fork_count, 0))
        return eddy_fail_forked();
    if (max == 0)
        return eddy_fail(EDDY_EINVAL, "eddy_reader_take_many: no room for a sample");
    if (__builtin_expect(r->owes, 0))
        return eddy_reader_say_let_go(r);
    if (!r->reliable || r->pinning || r->past_next < r->past_count)
        return take_each(r, samples, max, count);
    int error = r->under ? eddy_under_pin(r) : EDDY_OK;
    if (error)
        return error;
    size_t n = 0;
    if (is_worth_a_look(r))
        n = take_group(r, samples, most_of(r, max));
    else if (eddy_load_seq(&r->seat->let_go) == 0)
        return eddy_reader_nothing(r);
    if (n == 0) /* nothing there, or something to be said */
        return take_each(r, samples, 1, count);
    *count = n;
    return EDDY_OK;
}
