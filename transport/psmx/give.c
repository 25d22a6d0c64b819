/* From the thread's hands to DDS: at once, later, or never.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "handover.h"
#include "qos.h"
#include "roster.h"
#include "say.h"

#include "allocator/point.h"

#include <stdlib.h>
#include <string.h>

#define MS            UINT64_C(1000000)
#define PAUSE_LEAST   (1 * MS)
#define PAUSE_MOST    (50 * MS)
#define PATIENCE      (10000 * MS) /* for a writer that DDS does not know */
#define UNKNOWN_MOST  4096u        /* samples of such a writer, */
#define UNKNOWN_BYTES (UINT64_C(64) << 20)
#define STRANGER_MOST 16u   /* and after PATIENCE */
#define FULL          1024u /* samples held back for a full cache: then nothing more is taken */

/* --- asking DDS ------------------------------------------------------------------------------- */

static bool is_matched_now(const struct psmx_cyclone *c, int32_t reader,
                           const struct psmx_guid *writer)
{
    uint64_t some[64], *handles = some;
    int32_t known = c->dds_get_matched_publications(reader, some, 64);
    if (known > 64) {
        handles = calloc((size_t)known, sizeof *handles);
        int32_t again =
            handles != NULL ? c->dds_get_matched_publications(reader, handles, (size_t)known) : 0;
        known = again < known ? again : known;
    }
    bool found = false;
    for (int32_t i = 0; i < known && !found; i++) {
        struct psmx_publication *p = c->dds_get_matched_publication_data(reader, handles[i]);
        if (p != NULL) {
            found = memcmp(&p->writer, writer, sizeof *writer) == 0;
            c->dds_builtintopic_free_endpoint(p);
        }
    }
    if (handles != some)
        free(handles);
    return found;
}

/* Where the types are not known to be the same, DDS has compared them. */
static bool is_matched(struct psmx_tap *t, const struct psmx_guid *writer)
{
    uint64_t mix[2];
    memcpy(mix, writer, sizeof mix);
    struct psmx_asked *a =
        &t->answers[((mix[0] ^ mix[1]) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PSMX_ASKED];
    bool is_it = memcmp(&a->writer, writer, sizeof *writer) == 0;
    if (is_it && (a->is_matched || eddy_now() < a->until))
        return a->is_matched;
    *a = (struct psmx_asked){*writer, is_matched_now(&t->home->cyclone, t->reader, writer),
                             eddy_now() + PAUSE_MOST};
    return a->is_matched;
}

/* --- one sample ------------------------------------------------------------------------------- */

static enum psmx_fit fit_of(struct psmx_tap *t, const struct psmx_parcel *p)
{
    enum psmx_fit fit = psmx_shape_fits(&p->wire.shape, &t->shape, p->wire.meta.state);
    if (fit == PSMX_FITS_NOT && !t->has_warned) {
        t->has_warned = true;
        psmx_say(EDDY_LOG_WARN,
                 "topic %s: a writer's type differs from the reader's; its samples "
                 "are passed over",
                 p->feed->name);
    }
    return fit;
}

static enum psmx_outcome attempt(struct psmx_tap *t, struct psmx_parcel *p, enum psmx_fit fit)
{
    const struct psmx_guid *writer = &p->wire.meta.writer;
    if (atomic_load(&t->reader) == 0)
        return PSMX_UNKNOWN;
    if (psmx_wire_is_expired(&p->wire)) /* DDS begins to count when it gets it */
        return PSMX_GIVEN;
    if (fit == PSMX_FITS_IF_MATCHED && !is_matched(t, writer))
        return psmx_roster_knows(t->home->roster, writer) == PSMX_HAS_LEFT ? PSMX_GIVEN
                                                                           : PSMX_UNKNOWN;
    enum psmx_outcome outcome = psmx_hand_over(t, p);
    if (outcome == PSMX_UNKNOWN && psmx_roster_knows(t->home->roster, writer) == PSMX_HAS_LEFT)
        outcome = psmx_hand_over_late(t, p);
    return outcome;
}

/* A best-effort reader whose cache is full loses the sample, as it does over the network; and a
 * sample that is refused although there is no limit is bad. */
static bool is_kept_for_later(const struct psmx_tap *t, enum psmx_outcome outcome)
{
    return outcome == PSMX_UNKNOWN ||
           (outcome == PSMX_REFUSED && t->is_limited && t->asked.reliable);
}

static void set_full(struct psmx_tap *t)
{
    bool is_full = t->held >= FULL && t->is_limited;
    if (is_full == t->is_full)
        return;
    t->is_full = is_full;
    for (unsigned i = 0; i < t->link_count; i++)
        atomic_fetch_add(&t->links[i].feed->full, is_full ? 1u : -1u);
}

/* Of a writer that DDS does not know, not without end.  What it kept for late readers, which is in
 * memory anyway, is not given up before its time. */
static void trim(struct psmx_tap *t, struct psmx_stalled *s)
{
    uint64_t age = eddy_now() - s->since;
    uint32_t most = age < PATIENCE ? UNKNOWN_MOST + s->old : STRANGER_MOST;
    while (s->count > most || (s->count > 1 && s->bytes > UNKNOWN_BYTES))
        psmx_held_drop(t, s);
}

static void hold(struct psmx_tap *t, struct psmx_parcel *p, bool is_first)
{
    EDDY_POINT("psmx-hold:to-be-held");
    if (is_first) {
        t->pause = PAUSE_LEAST;
        t->retry_at = eddy_now() + t->pause;
    }
    psmx_held_add(t, p);
    struct psmx_stalled *s = psmx_held_of(t, &p->wire.meta.writer);
    if (s != NULL && !t->is_limited)
        trim(t, s);
    set_full(t);
    EDDY_POINT("psmx-hold:held");
}

/* Of a writer in several partitions, the reader has it from the first that it is in, too. */
static bool is_repeated(const struct psmx_tap *t, const struct psmx_parcel *p)
{
    for (unsigned i = 0; i < p->before.count; i++) {
        for (unsigned k = 0; k < t->link_count; k++) {
            if (p->before.partitions[i] == t->links[k].partition)
                return true;
        }
    }
    return false;
}

void psmx_tap_give(struct psmx_tap *t, struct psmx_parcel *p)
{
    if (p->sample.sn < psmx_link_of(t, p->feed)->from ||
        !psmx_policies_match(&p->wire.offer, &t->asked) || is_repeated(t, p))
        return;
    enum psmx_fit fit = fit_of(t, p);
    if (fit == PSMX_FITS_NOT)
        return;
    if (t->held > 0 && psmx_held_of(t, &p->wire.meta.writer) != NULL) {
        hold(t, p, false);
        return;
    }
    if (is_kept_for_later(t, attempt(t, p, fit)))
        hold(t, p, t->held == 0);
}

/* --- later ------------------------------------------------------------------------------------ */

/* Tries a writer's samples in their order.  True: all are gone. */
static bool retry_writer(struct psmx_tap *t, struct psmx_stalled *s, bool *moved)
{
    for (;;) {
        struct psmx_parcel *p = s->first->parcel;
        enum psmx_outcome outcome =
            attempt(t, p, psmx_shape_fits(&p->wire.shape, &t->shape, p->wire.meta.state));
        bool is_old = eddy_now() - s->since > PATIENCE;
        if (is_kept_for_later(t, outcome)) {
            if (outcome == PSMX_UNKNOWN && is_old) /* nobody we shall hear of */
                trim(t, s);
            return false;
        }
        *moved = true;
        EDDY_POINT("psmx-hold:given");
        bool is_last = s->count == 1;
        psmx_held_drop(t, s);
        if (is_last)
            return true;
    }
}

void psmx_tap_retry(struct psmx_tap *t, bool now)
{
    if (t->held == 0 || (!now && eddy_now() < t->retry_at))
        return;
    bool moved = false;
    for (struct psmx_stalled *s = t->stalled, *next; s != NULL; s = next) {
        next = s->next;
        (void)retry_writer(t, s, &moved);
    }
    set_full(t);
    t->pause = moved ? PAUSE_LEAST : 2 * t->pause;
    t->pause = t->pause < PAUSE_MOST ? t->pause : PAUSE_MOST;
    t->retry_at = eddy_now() + t->pause;
}
