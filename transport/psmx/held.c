/* What is held back for a reader: of each writer, in its order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

struct psmx_stalled *psmx_held_of(struct psmx_tap *tap, const struct psmx_guid *writer)
{
    struct psmx_stalled *s = tap->stalled;
    while (s != NULL && memcmp(&s->writer, writer, sizeof *writer) != 0)
        s = s->next;
    return s;
}

static struct psmx_stalled *stalled_for(struct psmx_tap *tap, const struct psmx_guid *writer)
{
    struct psmx_stalled *s = psmx_held_of(tap, writer);
    if (s != NULL || (s = calloc(1, sizeof *s)) == NULL)
        return s;
    s->writer = *writer;
    s->since = eddy_now();
    s->next = tap->stalled;
    tap->stalled = s;
    return s;
}

/* `before` it changed. */
static void count_held(struct psmx_tap *tap, uint32_t before)
{
    if (before == 0 && tap->held > 0)
        atomic_fetch_add(&tap->home->holding, 1);
    else if (before > 0 && tap->held == 0)
        atomic_fetch_sub(&tap->home->holding, 1);
}

void psmx_held_add(struct psmx_tap *tap, struct psmx_parcel *parcel)
{
    struct psmx_held *held = malloc(sizeof *held);
    struct psmx_stalled *s = held != NULL ? stalled_for(tap, &parcel->wire.meta.writer) : NULL;
    if (s == NULL) {
        free(held);
        return;
    }
    psmx_parcel_ref(parcel);
    *held = (struct psmx_held){NULL, parcel};
    *(s->last != NULL ? &s->last->next : &s->first) = held;
    s->last = held;
    s->count++;
    if (psmx_parcel_is_old(parcel))
        s->old++;
    else
        s->bytes += parcel->sample.size;
    atomic_fetch_add(&parcel->feed->held, 1);
    count_held(tap, tap->held++);
}

static void remove_stalled(struct psmx_tap *tap, struct psmx_stalled *s)
{
    struct psmx_stalled **at = &tap->stalled;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    free(s);
}

void psmx_held_drop(struct psmx_tap *tap, struct psmx_stalled *s)
{
    struct psmx_held *held = s->first;
    s->first = held->next;
    s->last = s->first != NULL ? s->last : NULL;
    s->count--;
    if (psmx_parcel_is_old(held->parcel))
        s->old--;
    else
        s->bytes -= held->parcel->sample.size;
    atomic_fetch_sub(&held->parcel->feed->held, 1);
    psmx_parcel_unref(held->parcel);
    free(held);
    count_held(tap, tap->held--);
    if (s->count == 0)
        remove_stalled(tap, s);
}

void psmx_held_drop_all(struct psmx_tap *tap)
{
    while (tap->stalled != NULL)
        psmx_held_drop(tap, tap->stalled);
}
