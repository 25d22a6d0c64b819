/* Telling of who is on a topic.  spec/topics.md, "Watching who is there"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/watch.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"
#include "discovery/reap.h"
#include "transport/topic/let_go.h"

#include <stdlib.h>
#include <string.h>

/* --- differences ------------------------------------------------------------------------------- */

/* A seat, as it is looked at. */
struct seat {
    struct eddy_watch *watch;
    struct eddy_endpoint_file *file;
    bool writer;
    uint32_t number;
    uint64_t word, owner;
    struct eddy_presence_seen seen;
};

static int told(struct eddy_known_member *k, enum eddy_change what,
                struct eddy_member_change *change)
{
    k->told.change = what;
    *change = k->told;
    return EDDY_OK;
}

/* Nothing is different; as take says it. */
#define SAME EDDY_EAGAIN

static bool is_alive(const struct seat *s, uint64_t id)
{
    return eddy_domain_knows_alive(s->watch->topic->domain, id);
}

/* Room for its blob, and what that is.  EDDY_ESTALE: it has just gone. */
static int copy_blob(const struct seat *s, void **blob)
{
    *blob = s->seen.blob_size ? malloc(EDDY_BLOB_BYTES) : NULL;
    if (!*blob)
        return s->seen.blob_size ? eddy_fail(EDDY_ENOMEM, "no memory for what an endpoint says")
                                 : EDDY_OK;
    int error = eddy_endpoint_blob(s->file, s->writer, s->number, s->word, *blob);
    if (!error)
        return EDDY_OK;
    free(*blob);
    *blob = NULL;
    return error == EDDY_ESTALE ? error : EDDY_OK; /* its file was made shorter: it says nothing */
}

/* One that is dead already was never there, for who has not seen it alive. */
static int look_who_came(const struct seat *s, struct eddy_known_member *k,
                         struct eddy_member_change *change)
{
    const struct eddy_watch *w = s->watch;
    void *blob;
    if (s->seen.state != EDDY_THERE || s->owner == 0 || (s->owner & EDDY_OWNER_REAPING) ||
        (s->writer == w->of_writer && s->number == w->own_seat) || !is_alive(s, s->owner))
        return SAME;
    int error = copy_blob(s, &blob);
    if (error)
        return error == EDDY_ESTALE ? SAME : error;
    *k = (struct eddy_known_member){.there = true, .deaths = s->seen.deaths};
    k->told = (struct eddy_member_change){.is_writer = s->writer,
                                          .seat = s->number,
                                          .participant = s->owner,
                                          .holder = s->seen.holder,
                                          .blob = blob,
                                          .blob_size = blob ? s->seen.blob_size : 0};
    if (!s->writer) /* relaxed: a picture of what moves; so below */
        k->let_go_count =
            eddy_load_relaxed(&w->topic->segment->reader_rests[s->number].let_go_count);
    uint32_t seat = EDDY_SEAT_OF_ID(s->owner);
    if (seat < EDDY_PARTICIPANTS_MAX)
        eddy_participant_name(&w->topic->domain->registry->participants[seat], s->owner,
                              &k->told.pid, k->told.name);
    return told(k, EDDY_CAME, change);
}

/* Whoever reaps counts the dead of a seat.  If others have had it since, the count may be one of theirs:
 * then its own participant must be dead, too. */
static bool has_died(const struct seat *s, const struct eddy_known_member *k)
{
    return s->seen.deaths != k->deaths &&
           (s->seen.holder == k->told.holder || !is_alive(s, k->told.participant));
}

static bool is_same_member(const struct seat *s, const struct eddy_known_member *k)
{
    return s->seen.holder == k->told.holder &&
           (s->seen.state == EDDY_THERE || s->seen.state == EDDY_LEAVING);
}

static int look_who_went(const struct seat *s, struct eddy_known_member *k,
                         struct eddy_member_change *change)
{
    bool died = k->dead || has_died(s, k), silent = k->dead;
    free(s->watch->last_blob);
    s->watch->last_blob = (void *)(uintptr_t)k->told.blob;
    k->there = false;
    return silent ? SAME : told(k, died ? EDDY_DIED : EDDY_GONE, change);
}

/* Each that it has come back from is told of, also if it was let go of again since. */
static int look_whether_let_go(const struct seat *s, struct eddy_known_member *k,
                               struct eddy_member_change *change)
{
    const struct eddy_segment *segment = s->watch->topic->segment;
    uint64_t word = eddy_load_relaxed(&segment->readers[s->number].let_go);
    uint32_t count = eddy_load_relaxed(&segment->reader_rests[s->number].let_go_count);
    bool is = eddy_let_go_state(word) == EDDY_LET_GO_DONE;
    if (k->let_go && (!is || count != k->let_go_count)) {
        k->let_go = false;
        k->let_go_count = count;
        return told(k, EDDY_CAME_BACK, change);
    }
    if (k->let_go || (!is && count == k->let_go_count))
        return SAME;
    k->let_go = true;
    if (is)
        k->let_go_count = count;
    return told(k, EDDY_LET_GO, change);
}

static int look_how_it_is(const struct seat *s, struct eddy_known_member *k,
                          struct eddy_member_change *change)
{
    struct eddy_beat_life life = eddy_watchman_ask(&s->watch->watched, k->told.participant);
    /* Another reaps it. */
    bool reaped =
        s->owner & EDDY_OWNER_REAPING && (s->owner & ~EDDY_OWNER_REAPING) != k->told.participant;
    if (k->dead)
        return SAME;
    if (life.dead || reaped) {
        k->dead = true;
        return told(k, EDDY_DIED, change);
    }
    if (life.stopped != k->stopped) {
        k->stopped = life.stopped;
        return told(k, life.stopped ? EDDY_STOPPED : EDDY_CONTINUED, change);
    }
    return s->writer ? SAME : look_whether_let_go(s, k, change);
}

/* The next difference at a seat, which then is none any more. */
static int look_at_seat(struct seat *s, struct eddy_known_member *k,
                        struct eddy_member_change *change)
{
    const struct eddy_segment *segment = s->watch->topic->segment;
    int error = SAME;
    if (!eddy_endpoint_look(segment, s->writer, s->number, &s->word, &s->owner))
        return SAME; /* whoever changes it tells */
    s->seen = eddy_presence_read(s->word);
    if (k->there && !is_same_member(s, k))
        error = look_who_went(s, k, change);
    else if (k->there)
        return look_how_it_is(s, k, change);
    return error == SAME ? look_who_came(s, k, change) : error;
}

/* --- rounds ---------------------------------------------------------------------------------------- */

/* Room for what is known of the 64 seats that this one is among. */
static int make_room(struct eddy_watch *w, bool writer, uint32_t seat)
{
    uint32_t room = seat / 64 * 64 + 64, had = w->room[writer];
    if (seat < had)
        return EDDY_OK;
    struct eddy_known_member *longer = realloc(w->known[writer], room * sizeof *longer);
    if (!longer)
        return eddy_fail(EDDY_ENOMEM, "no memory to watch who is there");
    memset(longer + had, 0, (room - had) * sizeof *longer);
    w->known[writer] = longer;
    w->room[writer] = room;
    return EDDY_OK;
}

/* Whether anybody may be there, or was. */
static bool is_of_interest(const struct eddy_watch *w, bool writer, uint32_t seat)
{
    const struct eddy_control *c = w->topic->segment->control;
    /* Relaxed: who comes or goes tells after that. */
    uint64_t bits =
        eddy_load_relaxed(writer ? &c->writer_bits[seat / 64] : &c->reader_bits[seat / 64]);
    return (seat < w->room[writer] && w->known[writer][seat].there) || (bits & eddy_seat_bit(seat));
}

/* A seat is looked at until there is nothing different about it. */
static int go_round(struct eddy_watch *w, struct eddy_endpoint_file *file,
                    struct eddy_member_change *change)
{
    for (; w->at < 2 * EDDY_SEATS_MAX; w->at++) {
        bool writer = w->at >= EDDY_SEATS_MAX;
        uint32_t seat = w->at % EDDY_SEATS_MAX;
        if (!is_of_interest(w, writer, seat))
            continue;
        int error = make_room(w, writer, seat);
        struct seat s = {.watch = w, .file = file, .writer = writer, .number = seat};
        if (!error)
            error = look_at_seat(&s, &w->known[writer][seat], change);
        if (error != SAME)
            return error;
    }
    return SAME;
}

/* The event is reset before a round: what comes after its look sets it again. */
static void begin_round(struct eddy_watch *w)
{
    eddy_event_reset(w->event);
    w->at = 0;
    w->in_round = true;
    w->told_any = false;
}

static int take(struct eddy_watch *w, struct eddy_endpoint_file *file,
                struct eddy_member_change *change)
{
    for (;;) {
        if (!w->in_round)
            begin_round(w);
        int error = go_round(w, file, change);
        if (error != SAME) {
            if (!w->told_any) /* there may be more */
                eddy_event_trigger(w->event);
            w->told_any = true;
            return error;
        }
        w->in_round = false;
        if (!w->told_any)
            return EDDY_EAGAIN;
    }
}

int eddy_watch_take(eddy_watch *w, struct eddy_member_change *change)
{
    EDDY_UNCANCELLED;
    if (!w || !change)
        return eddy_fail(EDDY_EINVAL, "eddy_watch_take: no watch or no place for the result");
    if (w->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    free(w->last_blob);
    w->last_blob = NULL;
    struct eddy_endpoint_file file = {w->topic->segment, -1};
    int error = take(w, &file, change);
    eddy_endpoint_file_close(&file);
    return error;
}

/* --- opening and closing ----------------------------------------------------------------------------- */

static void hear(struct eddy_beat *watched)
{
    eddy_event_trigger(((struct eddy_watch *)watched)->event);
}

static void free_watch(struct eddy_watch *w)
{
    for (int writer = 0; writer < 2; writer++) {
        for (uint32_t i = 0; i < w->room[writer]; i++)
            if (w->known[writer][i].there)
                free((void *)(uintptr_t)w->known[writer][i].told.blob);
        free(w->known[writer]);
    }
    free(w->last_blob);
    free(w);
}

static int begin(struct eddy_watch *w)
{
    int error = eddy_event_open(&w->event);
    if (error)
        return error;
    eddy_event_trigger(w->event); /* all who are there */
    error = eddy_watchman_add(w->topic->domain, &w->watched);
    if (error)
        eddy_event_close(w->event);
    return error;
}

int eddy_watch_open(struct eddy_topic *topic, enum eddy_role role, uint32_t seat,
                    const struct eddy_watch_options *options, size_t options_size,
                    struct eddy_watch **holder)
{
    struct eddy_watch_options o;
    int error = EDDY_SIZED(eddy_watch_options, o, options, options_size);
    if (!error && (o.flags || o.reserved))
        error =
            eddy_fail(EDDY_EINVAL, "unknown flags %#x of a watch, or `reserved` is set", o.flags);
    if (!error)
        error = eddy_watch_check_none(*holder, "reader or writer");
    struct eddy_watch *w = error ? NULL : calloc(1, sizeof *w);
    if (error)
        return error;
    if (!w)
        return eddy_fail(EDDY_ENOMEM, "no memory to watch who is there");
    *w = (struct eddy_watch){
        .watched = {.segment = topic->segment, .stops_ns = o.stops_ns, .tell = hear},
        .topic = topic,
        .holder = holder,
        .of_writer = role == EDDY_ROLE_WRITER,
        .own_seat = seat,
        .fork_count = eddy_fork_count};
    error = begin(w);
    if (error)
        free_watch(w);
    else
        *holder = w;
    return error;
}

int eddy_watch_check_none(const struct eddy_watch *w, const char *whose)
{
    return w ? eddy_fail(EDDY_EBUSY, "the %s has a watch; close that first", whose) : EDDY_OK;
}

int eddy_watch_close(eddy_watch *w)
{
    EDDY_UNCANCELLED;
    if (!w)
        return EDDY_OK;
    if (eddy_is_guest())
        return eddy_fail_forked();
    bool forked = w->fork_count != eddy_fork_count;
    *w->holder = NULL;
    if (forked)
        eddy_watchman_forget(&w->watched);
    else
        eddy_watchman_drop(w->topic->domain, &w->watched);
    eddy_event_close(w->event);
    free_watch(w);
    return forked ? eddy_fail_forked() : EDDY_OK;
}

eddy_event *eddy_watch_event(eddy_watch *w)
{
    return w->event;
}
