/* SPDX-License-Identifier: Apache-2.0 */
#include "admission.h"

#include "parting.h"
#include "runtime.h"
#include "subscriber.h"

#include <stdlib.h>
#include <string.h>

#define MILLISECOND UINT64_C(1000000)
#define SECOND      UINT64_C(1000000000)

/* As long as Cyclone DDS itself takes a silent peer for alive. */
#define PATIENCE (10 * SECOND)
/* DDS matches a writer at once when it finds it, or when it has got the description of its type. */
#define LONG_ENOUGH SECOND
/* An answer of DDS holds so long: a writer that was stopped may be given up by discovery and found
 * anew. */
#define FRESH          SECOND
#define SHORTEST_PAUSE MILLISECOND
#define LONGEST_PAUSE  (50 * MILLISECOND)
/* Of one writer; the first suffices for all that a writer can publish until discovery is through. */
#define MOST_SAMPLES         4096u
#define MOST_BYTES           (UINT64_C(64) << 20)
#define MOST_SAMPLES_STRANGE 16u
#define MOST_BYTES_STRANGE   (UINT64_C(1) << 20)
#define MOST_STRANGERS       256u

/* --- lines ------------------------------------------------------------------------------------ */

static struct eddy_waiting *at(const struct eddy_waiting_line *line, size_t index)
{
    return &line->list[(line->first + index) & (line->room - 1)];
}

static bool widen(struct eddy_waiting_line *line)
{
    size_t room = line->room == 0 ? 16 : 2 * line->room;
    struct eddy_waiting *list = malloc(room * sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < line->count; i++) {
        list[i] = *at(line, i);
    }
    free(line->list);
    line->list = list;
    line->first = 0;
    line->room = room;
    return true;
}

/* What its writer has kept for late readers: that is in memory anyway. */
static bool is_past(const struct eddy_held *held)
{
    return held->sample.sn <= held->intake->past_sn;
}

static bool line_up(struct eddy_waiting_line *line, const struct eddy_waiting *last)
{
    if (line->count == line->room && !widen(line)) {
        return false;
    }
    *at(line, line->count++) = *last;
    if (is_past(&last->held))
        line->past++;
    else
        line->bytes += last->held.sample.size;
    return true;
}

static struct eddy_waiting step_out(struct eddy_waiting_line *line)
{
    struct eddy_waiting first = *at(line, 0);
    line->first = (line->first + 1) & (line->room - 1);
    line->count--;
    if (is_past(&first.held))
        line->past--;
    else
        line->bytes -= first.held.sample.size;
    return first;
}

/* --- what DDS says of a writer ---------------------------------------------------------------- */

static struct eddy_dds_match *match_of(struct eddy_admission *a, const uint8_t *guid)
{
    for (size_t i = 0; i < a->matches.count; i++) {
        size_t index = (a->last + i) % a->matches.count;
        if (memcmp(a->matches.list[index].guid, guid, EDDY_DDS_GUID_BYTES) == 0) {
            a->last = index;
            return &a->matches.list[index];
        }
    }
    return NULL;
}

/* True if the sample has outlived the lifespan that its writer gave it.  DDS has the source's time in
 * the header, but begins to count when it gets the sample.  What ends an instance does not age. */
static bool is_expired(const struct eddy_dds_match *match, const struct eddy_chunk_origin *origin)
{
    if (match->lifespan == EDDY_DDS_FOREVER || origin->status != 0) {
        return false;
    }
    int64_t age = eddy_runtime_wall_clock() - origin->written;
    return origin->written > 0 && age > match->lifespan;
}

static void note_newest(struct eddy_dds_match *match, const struct eddy_chunk_origin *origin)
{
    match->newest = origin->written > match->newest ? origin->written : match->newest;
}

/* --- holding back ----------------------------------------------------------------------------- */

static struct eddy_stranger *stranger_of(struct eddy_admission *a, const uint8_t *guid)
{
    struct eddy_stranger *stranger = a->strangers;
    while (stranger != NULL && memcmp(stranger->guid, guid, sizeof stranger->guid) != 0) {
        stranger = stranger->next;
    }
    return stranger;
}

static struct eddy_stranger *meet(struct eddy_admission *a, const uint8_t *guid)
{
    struct eddy_stranger *stranger = calloc(1, sizeof *stranger);
    if (stranger != NULL) {
        memcpy(stranger->guid, guid, sizeof stranger->guid);
        stranger->next = a->strangers;
        a->strangers = stranger;
        a->pause = 0; /* it may be known any moment */
    }
    return stranger;
}

/* Under the subscriber's lock. */
static void give_up_oldest(iox_sub_t sub, struct eddy_stranger *stranger)
{
    struct eddy_waiting oldest = step_out(&stranger->line);
    eddy_subscriber_drop(sub, &oldest.held);
    sub->admission.waiting--;
    sub->admission.given_up++;
}

static bool is_too_much(const struct eddy_stranger *stranger)
{
    const struct eddy_waiting_line *line = &stranger->line;
    uint64_t bytes = stranger->strange ? MOST_BYTES_STRANGE : MOST_BYTES;
    size_t samples = stranger->strange ? MOST_SAMPLES_STRANGE : MOST_SAMPLES;
    return line->count - line->past > samples || (line->count > 1 && line->bytes > bytes);
}

static enum eddy_judgement hold_back(iox_sub_t sub, const struct eddy_held *held,
                                     const struct eddy_chunk_origin *origin)
{
    struct eddy_admission *a = &sub->admission;
    struct eddy_stranger *stranger = stranger_of(a, origin->guid);
    struct eddy_waiting last = {.held = *held, .origin = *origin, .until = a->now + PATIENCE};
    if (stranger == NULL) {
        stranger = meet(a, origin->guid);
    }
    if (stranger == NULL || stranger->refused || !line_up(&stranger->line, &last)) {
        a->given_up++;
        return EDDY_PASS_OVER;
    }
    a->waiting++;
    held->intake->held++;
    while (is_too_much(stranger)) {
        give_up_oldest(sub, stranger);
    }
    return EDDY_HELD_BACK;
}

enum eddy_judgement eddy_admission_judge(iox_sub_t sub, const struct eddy_held *held,
                                         const struct eddy_chunk_origin *origin)
{
    struct eddy_admission *a = &sub->admission;
    if (!a->asks) {
        return EDDY_HAND_ON;
    }
    struct eddy_dds_match *match = match_of(a, origin->guid);
    if (match == NULL) {
        return hold_back(sub, held, origin);
    }
    bool late = is_past(held) && is_expired(match, origin);
    if (late || (match->had != 0 && origin->written <= match->had)) {
        return EDDY_PASS_OVER;
    }
    note_newest(match, origin);
    return EDDY_HAND_ON;
}

bool eddy_admission_next(iox_sub_t sub, struct eddy_held *held)
{
    struct eddy_admission *a = &sub->admission;
    while (a->admitted.count > 0) {
        struct eddy_waiting first = step_out(&a->admitted);
        *held = first.held;
        a->waiting--;
        struct eddy_dds_match *match = match_of(a, first.origin.guid);
        if (match == NULL || !is_expired(match, &first.origin)) {
            if (match != NULL) {
                note_newest(match, &first.origin);
            }
            held->intake->held--; /* counted again when it is handed on */
            return true;
        }
        eddy_subscriber_drop(sub, held);
    }
    return false;
}

/* --- letting in ------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct eddy_waiting *x = a, *y = b;
    return (x->held.sample.sn > y->held.sample.sn) - (x->held.sample.sn < y->held.sample.sn);
}

/* Those of one writer stay in its order; those of several come as they were published. */
static void let_in(struct eddy_admission *a, struct eddy_stranger *stranger)
{
    while (stranger->line.count > 0) {
        struct eddy_waiting first = *at(&stranger->line, 0);
        if (!line_up(&a->admitted, &first)) {
            return; /* no memory: the next time */
        }
        (void)step_out(&stranger->line);
    }
}

static void forget(struct eddy_stranger **link)
{
    struct eddy_stranger *stranger = *link;
    *link = stranger->next;
    free(stranger->line.list);
    free(stranger);
}

/* With no lock held. */
static void refuse_the_known(struct eddy_admission *a)
{
    for (struct eddy_stranger *s = a->strangers; s != NULL; s = s->next) {
        uint64_t since = s->refused ? 0 : eddy_parting_known_since(s->guid);
        /* DDS matches a reader that is new, too, at its own pace. */
        since = since != 0 && since < a->ready ? a->ready : since;
        s->refused = s->refused || (since != 0 && a->asked > since + LONG_ENOUGH);
    }
}

/* Gives up what has waited too long.  The writer is remembered, unless there are too many. */
static void lose_patience(iox_sub_t sub, uint64_t now)
{
    unsigned count = 0;
    struct eddy_stranger **link = &sub->admission.strangers;
    while (*link != NULL) {
        struct eddy_stranger *stranger = *link;
        while (stranger->line.count > 0 &&
               (stranger->refused || at(&stranger->line, 0)->until <= now)) {
            give_up_oldest(sub, stranger);
            stranger->strange = true;
        }
        if (stranger->line.count == 0 && ++count > MOST_STRANGERS) {
            forget(link);
        } else {
            link = &stranger->next;
        }
    }
}

/* True if there is something new to hand on. */
static bool let_in_the_matched(iox_sub_t sub)
{
    struct eddy_admission *a = &sub->admission;
    size_t before = a->admitted.count;
    struct eddy_stranger **link = &a->strangers;
    while (*link != NULL) {
        struct eddy_stranger *stranger = *link;
        bool matched = match_of(a, stranger->guid) != NULL;
        if (matched) {
            let_in(a, stranger);
        }
        if (matched && stranger->line.count == 0) {
            forget(link);
        } else {
            link = &stranger->next;
        }
    }
    /* Without memory to straighten the line each writer's own order holds all the same. */
    if (a->admitted.count > before && (a->admitted.first == 0 || widen(&a->admitted))) {
        qsort(a->admitted.list, a->admitted.count, sizeof *a->admitted.list, by_number);
    }
    return a->admitted.count > before;
}

/* Asks DDS, with no lock held.  True if there is something new to hand on: what waited of a writer
 * that is matched now, which comes before all that is taken from now on. */
static bool ask(iox_sub_t sub)
{
    bool more = false;
    struct eddy_admission *a = &sub->admission;
    struct eddy_dds_matches now, before = a->matches;
    a->asked = eddy_now();
    atomic_store(&a->stale, false);
    if (eddy_dds_matched(a->reader, &before, &now)) {
        pthread_mutex_lock(&sub->lock);
        a->matches = now;
        a->last = 0;
        more = let_in_the_matched(sub);
        pthread_mutex_unlock(&sub->lock);
        eddy_dds_matches_free(&before);
    }
    return more;
}

/* --- a turn ----------------------------------------------------------------------------------- */

/* Tells people. */
static void note(iox_sub_t sub)
{
    struct eddy_admission *a = &sub->admission;
    if (sub->intake == NULL) {
        return;
    }
    struct eddy_notes notes = {
        .reliability = a->reliable ? EDDY_NOTED_RELIABLE : EDDY_NOTED_BEST_EFFORT,
        .waiting = a->waiting,
        .given_up = a->given_up,
    };
    (void)eddy_reader_note(sub->intake->reader, &notes);
    a->noted_waiting = a->waiting;
    a->noted_given_up = a->given_up;
}

/* After a turn: true if there is more to hand on now.  Else *again is when to look again, or 0. */
static bool settle(iox_sub_t sub, uint64_t *again)
{
    struct eddy_admission *a = &sub->admission;
    *again = 0;
    if (!a->asks) {
        return false;
    }
    bool more = false;
    if (a->waiting > 0) {
        more = ask(sub);
        refuse_the_known(a);
        pthread_mutex_lock(&sub->lock);
        lose_patience(sub, eddy_now());
        pthread_mutex_unlock(&sub->lock);
    }
    if (a->waiting > 0) {
        uint64_t longer = 2 * a->pause;
        a->pause = longer < SHORTEST_PAUSE  ? SHORTEST_PAUSE
                   : longer > LONGEST_PAUSE ? LONGEST_PAUSE
                                            : longer;
        *again = eddy_deadline(a->pause);
    }
    atomic_store(&a->has_waiting, a->waiting > 0);
    if (a->waiting != a->noted_waiting || a->given_up != a->noted_given_up) {
        pthread_mutex_lock(&sub->lock);
        note(sub);
        pthread_mutex_unlock(&sub->lock);
    }
    return more;
}

/* When DDS created the reader.  False: perhaps another thread is being told of it just now. */
static bool find_out_since(iox_sub_t sub)
{
    struct eddy_admission *a = &sub->admission;
    uint8_t guid[EDDY_DDS_GUID_BYTES];
    eddy_dds_guid(a->reader, guid);
    int64_t created = eddy_parting_reader_created(guid);
    if (created != 0) {
        sub->since = created;
    }
    return created != 0 || eddy_now() > a->ready + LONG_ENOUGH;
}

/* Finds out whom to ask.  False: DDS has not finished creating the reader. */
static bool get_ready(iox_sub_t sub, const void *context)
{
    struct eddy_admission *a = &sub->admission;
    if (a->decided) {
        return true;
    }
    if (!a->asks) {
        enum eddy_dds_known known =
            eddy_dds_reader(context, &sub->service, &a->reader, &a->reliable);
        if (known == EDDY_DDS_NOT_YET) {
            return false;
        }
        a->ready = eddy_now();
        a->asks = known == EDDY_DDS_READER;
        a->noted_waiting = UINT32_MAX; /* the reliability is to be noted */
        if (a->asks) {
            eddy_parting_watch(a->reader);
        }
    }
    a->decided = !a->asks || find_out_since(sub);
    return a->decided;
}

uint64_t eddy_admission_deliver(iox_sub_t sub, void (*callback)(iox_sub_t, void *), void *context)
{
    struct eddy_admission *a = &sub->admission;
    uint64_t again = 0;
    if (!get_ready(sub, context)) {
        return eddy_deadline(SHORTEST_PAUSE);
    }
    do {
        a->now = eddy_now();
        if (a->asks && (a->now - a->asked > FRESH || atomic_load(&a->stale))) {
            (void)ask(sub);
        }
        callback(sub, context);
    } while (settle(sub, &again));
    return again;
}

void eddy_admission_renew(struct eddy_admission *a)
{
    for (size_t i = 0; i < a->matches.count; i++) {
        a->matches.list[i].had = a->matches.list[i].newest;
    }
    a->noted_waiting = UINT32_MAX; /* the new reader's notes are empty */
}

void eddy_admission_free(struct eddy_admission *a)
{
    while (a->strangers != NULL) {
        forget(&a->strangers);
    }
    free(a->admitted.list);
    eddy_dds_matches_free(&a->matches);
}
