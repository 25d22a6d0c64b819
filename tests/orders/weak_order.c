/* weak_order.c - see weak.h: the one order of the seq_cst accesses.
 *
 * Not the order of time: of the last few it is only kept which have to come before which, because
 * they happened so, or because the one overwrote or read what the other stored.  A new one may come
 * in wherever that leaves room, before such as have run already.  When one becomes too old, it and
 * what comes before it are before all that are new.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <string.h>

enum { EVENTS = 64 };

static struct event {
    uint64_t *floor; /* of its word: what stands below comes before all that is new */
    uint64_t index;  /* of the value that it stored or read */
    uint32_t thread, when;
    bool used, stores;
    uint64_t before; /* a bit for each event that comes before it */
} events[EVENTS];

static uint32_t next;

static uint64_t bit(uint32_t i)
{
    return UINT64_C(1) << i;
}

static void sink(struct event *e)
{
    e->used = false;
    if (e->stores && e->index > *e->floor)
        *e->floor = e->index;
}

/* These, and what comes before them, are before all that is new. */
static void sink_all(uint64_t gone)
{
    for (uint32_t i = 0; i < EVENTS; i++)
        if (events[i].used && (gone & bit(i)))
            gone |= events[i].before;
    for (uint32_t i = 0; i < EVENTS; i++) {
        if (events[i].used && (gone & bit(i)))
            sink(&events[i]);
        events[i].before &= ~gone;
    }
}

/* It happened before what the calling thread does next, and not only because of the store that
 * itself was seen by an acquire. */
static bool happened(const struct event *e, const uint64_t *floor, const struct weak_clock *clock)
{
    uint32_t known = clock->at[e->thread];
    return e->thread == weak_seat - 1 || known > e->when || (known == e->when && e->floor == floor);
}

/* The one that has to go to make room goes now: afterwards the access might have come in before what
 * goes with it, and nobody would know. */
uint64_t weak_order_past(const uint64_t *floor)
{
    const struct weak_clock *clock = weak_mine();
    uint64_t past = 0;
    sink_all(bit(next % EVENTS));
    for (uint32_t i = 0; i < EVENTS; i++)
        if (events[i].used && happened(&events[i], floor, clock))
            past |= bit(i) | events[i].before;
    return past;
}

uint64_t weak_order_least(uint64_t past, const uint64_t *floor)
{
    uint64_t least = *floor;
    for (uint32_t i = 0; i < EVENTS; i++)
        if ((past & bit(i)) && events[i].floor == floor && events[i].stores &&
            events[i].index > least)
            least = events[i].index;
    return least;
}

/* `e`, of the same word, is to come before the new one. */
static bool precedes(const struct event *e, uint64_t index, bool stores)
{
    return stores ? e->index < index : e->stores && e->index == index;
}

static void put_before(uint32_t new, uint32_t later)
{
    for (uint32_t i = 0; i < EVENTS; i++)
        if (events[i].used && (i == later || (events[i].before & bit(later))))
            events[i].before |= events[new].before | bit(new);
}

void weak_order_note(uint64_t past, uint64_t *floor, uint64_t index, bool stores)
{
    uint32_t new = next++ % EVENTS;
    sink_all(bit(new));
    struct event *n = &events[new];
    *n = (struct event){.floor = floor,
                        .index = index,
                        .thread = weak_seat - 1,
                        .when = weak_mine()->at[weak_seat - 1],
                        .stores = stores};
    for (uint32_t i = 0; i < EVENTS; i++) {
        const struct event *e = &events[i];
        bool before = (past & bit(i)) || (e->floor == floor && precedes(e, index, stores));
        if (e->used && before)
            n->before |= bit(i) | e->before;
    }
    n->used = true;
    for (uint32_t i = 0; i < EVENTS; i++)
        if (i != new &&events[i].used &&
            events[i].floor == floor &&events[i].stores &&events[i].index > index)
            put_before(new, i);
}

void weak_order_shift(uint64_t *floor, uint64_t index)
{
    *floor += *floor >= index;
    for (uint32_t i = 0; i < EVENTS; i++)
        if (events[i].floor == floor)
            events[i].index += events[i].index >= index;
}

void weak_order_forget(const uint64_t *floor)
{
    uint64_t gone = 0;
    for (uint32_t i = 0; i < EVENTS; i++)
        if (events[i].used && events[i].floor == floor)
            gone |= bit(i);
    sink_all(gone);
}
