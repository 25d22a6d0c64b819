/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/topic/let_go.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/segment/room.h"
#include "allocator/wait/fence.h"
#include "allocator/wait/futex.h"
#include "discovery/flink.h"
#include "discovery/registry.h"
#include "transport/topic/gate.h"
#include "transport/topic/reader.h"

#include <eddy/inspect.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIES 64u /* each is lost to another step of somebody else's, unless somebody scribbles */

static uint64_t word_of(enum eddy_let_go_state state, uint64_t value)
{
    return (uint64_t)state << EDDY_LET_GO_SHIFT | value;
}

static uint64_t until_of(uint64_t word)
{
    return word & (UINT64_MAX >> 2);
}

/* --- who lets go ------------------------------------------------------------------------------- */

/* Names the reader, and comes once: who has slept over it changes nothing of what is there later. */
static uint64_t begin_word(struct eddy_segment *s, uint64_t owner)
{
    uint64_t count = eddy_add_relaxed(&s->control->let_go_epoch, 1u); /* only that it is new */
    uint64_t low = count << EDDY_EPOCH_SHIFT | EDDY_SEAT_OF_ID(owner);
    return word_of(EDDY_LET_GO_BEGUN, until_of(low));
}

/* Up to where the reader may have looked at samples. */
static int find_until(struct eddy_segment *s, const struct eddy_reader_seat *r, uint64_t *until)
{
    uint64_t end;
    /* Behind that it comes to nothing without seeing that it is let go of: the entries are looked
     * at seq, by it before the word and by us after. */
    int error = eddy_logs_end(s, &end);
    if (error)
        return error;
    bool fenced = eddy_fence_all();
    EDDY_POINT("let-go:fenced");
    uint64_t cursor = eddy_load_relaxed(&r->cursor); /* the fence, or any older one will do */
    bool groups = eddy_load_relaxed(&r->flags) & EDDY_SEAT_GROUPS; /* as the cursor */
    *until = fenced || cursor >= end ? cursor + (groups ? EDDY_UNDER_MAX : 1) : end;
    return EDDY_OK;
}

/* BEGUN -> READY.  `*word` becomes what is there then.  EDDY_ENOENT: the reader has left, or is just
 * leaving. */
static int make_ready(struct eddy_segment *s, struct eddy_reader_seat *r, uint64_t owner,
                      uint64_t *word)
{
    uint64_t until;
    int error = find_until(s, r, &until);
    if (error)
        return error;
    /* Relaxed: a reader that leaves at this moment is as good as one that leaves right after. */
    bool stays = eddy_load_relaxed(&r->cursor) != EDDY_CURSOR_ABSENT &&
                 eddy_load_relaxed(&r->owner) == owner;
    uint64_t ready = stays ? word_of(EDDY_LET_GO_READY, until) : 0;
    EDDY_POINT("let-go:until-known");
    if (eddy_cas_relaxed(&r->let_go, word, ready)) /* handed on by [epoch] */
        *word = ready;
    return stays ? EDDY_OK
                 : eddy_fail(EDDY_ENOENT, "a reader of topic \"%.*s\" is just leaving",
                             EDDY_SEGMENT_LABEL(s));
}

/* READY -> DONE.  Whoever does it, what is spared is known before the gate passes the reader. */
static void make_done(struct eddy_segment *s, struct eddy_reader_seat *r, uint64_t ready)
{
    EDDY_POINT("let-go:ready");
    eddy_add_release(&s->control->let_go_epoch, 1u); /* [epoch] */
    EDDY_POINT("let-go:epoch-moved");
    eddy_cas_seq(&r->let_go, &ready, word_of(EDDY_LET_GO_DONE, until_of(ready))); /* [let go] */
    EDDY_POINT("let-go:done");
    eddy_segment_touch(s);
}

static int check_reader(const struct eddy_segment *s, uint32_t seat, uint64_t participant,
                        uint64_t *owner)
{
    if (seat >= eddy_seats_bound(&s->control->reader_high))
        return eddy_fail(EDDY_ENOENT, "topic \"%.*s\" has no reader %u", EDDY_SEGMENT_LABEL(s),
                         seat);
    const struct eddy_reader_seat *r = &s->readers[seat];
    *owner = eddy_load_acquire(&r->owner); /* from [seat], by way of who took it since */
    if (*owner == 0 || (participant && *owner != participant))
        return eddy_fail(EDDY_ENOENT, "topic \"%.*s\" has no reader %u%s", EDDY_SEGMENT_LABEL(s),
                         seat, *owner ? " of that participant any more" : "");
    if (!(eddy_load_relaxed(&r->flags) & EDDY_SEAT_RELIABLE)) /* constant while one has the seat */
        return eddy_fail(EDDY_EINVAL,
                         "reader %u of topic \"%.*s\" is best-effort: it holds nobody up", seat,
                         EDDY_SEGMENT_LABEL(s));
    return EDDY_OK;
}

int eddy_let_go(struct eddy_segment *s, uint32_t seat, uint64_t participant)
{
    uint64_t owner = 0, word = 0;
    int error = check_reader(s, seat, participant, &owner);
    if (error)
        return error;
    struct eddy_reader_seat *r = &s->readers[seat];
    EDDY_POINT("let-go:found");
    uint64_t begun = begin_word(s, owner);
    /* seq: then we look at the log, and the reader looks at that, then here. */
    if (eddy_cas_seq(&r->let_go, &word, begun))
        word = begun;
    EDDY_POINT("let-go:begun");
    if (eddy_let_go_state(word) == EDDY_LET_GO_BEGUN)
        error = make_ready(s, r, owner, &word);
    if (error)
        return error;
    if (eddy_let_go_state(word) == EDDY_LET_GO_READY)
        make_done(s, r, word);
    /* Anything else: another was faster, or it has come back, which is what it would do next. */
    (void)eddy_gate_recompute(s);
    eddy_room_tell(s->control);
    eddy_log(EDDY_LOG_INFO, "let go of reader %u of topic \"%.*s\"", seat, EDDY_SEGMENT_LABEL(s));
    return EDDY_OK;
}

static int let_go_in(int dir, const char *file, uint32_t seat, uint64_t participant)
{
    struct eddy_segment *s;
    struct eddy_flink *flink = calloc(1, sizeof *flink);
    int error = flink ? eddy_flink_read(dir, file, flink)
                      : eddy_fail(EDDY_ENOMEM, "no memory to read a flink");
    if (!error)
        error = eddy_segment_attach(dir, flink->segment, EDDY_USE_SHARE, &s);
    free(flink);
    if (error)
        return error;
    error = eddy_let_go(s, seat, participant);
    eddy_segment_detach(s);
    return error;
}

int eddy_topic_let_go(const char *flink_path, uint32_t reader, uint64_t participant)
{
    EDDY_UNCANCELLED;
    char *dir = NULL, *file = NULL;
    int fd;
    if (!flink_path || !*flink_path)
        return eddy_fail(EDDY_EINVAL, "eddy_topic_let_go: no path");
    int error = eddy_folder_split(flink_path, &dir, &file);
    if (!error)
        error = eddy_folder_open(dir, false, &fd);
    if (!error) {
        error = let_go_in(fd, file, reader, participant);
        close(fd);
    }
    free(dir);
    free(file);
    return error;
}

/* --- the reader --------------------------------------------------------------------------------- */

/* Takes the word away.  False: it was for who had the seat before. */
static bool take_away(struct eddy_reader *r, uint64_t word)
{
    bool ours = true;
    for (uint32_t tries = 0; word != 0 && tries < TRIES; tries++) {
        ours = eddy_let_go_state(word) != EDDY_LET_GO_BEGUN ||
               EDDY_SEAT_OF_ID(word) == EDDY_SEAT_OF_ID(r->domain->id);
        /* [back]; seq: next we look at next_sn, and the gate looks at that, then here. */
        if (eddy_cas_seq(&r->seat->let_go, &word, 0u))
            break;
    }
    return ours;
}

int eddy_reader_come_back(struct eddy_reader *r)
{
    struct eddy_control *c = r->segment->control;
    uint64_t before = r->next;
    /* As in joining.  Nothing is under the cursor: take pins it before it looks at the word. */
    eddy_store_seq(&r->seat->cursor, EDDY_CURSOR_JOINING);
    EDDY_POINT("back:marked");
    bool ours = take_away(r, eddy_load_seq(&r->seat->let_go));
    EDDY_POINT("back:word-gone");
    uint64_t next = eddy_load_seq(&c->next_sn); /* from [help]; seq, after the word */
    r->log = &eddy_log_elsewhere;
    if (ours && next > r->next)
        eddy_reader_lose(r, next);
    EDDY_POINT("back:read");
    eddy_store_seq(&r->seat->cursor, r->next); /* [cursor]; seq, as the bell comes next */
    eddy_add_release(&c->let_go_epoch, 1u);    /* [epoch]: nothing is spared for us any more */
    EDDY_POINT("back:joined");
    (void)eddy_gate_recompute(r->segment); /* it is wide open, where we were alone */
    eddy_room_tell(c);
    if (!ours)
        return EDDY_OK;
    /* Relaxed: statistics, and only we write them. */
    eddy_store_relaxed(&r->seat->position, r->next);
    eddy_store_relaxed(&r->rest->let_go_count, ++r->let_go_count);
    eddy_segment_touch(r->segment);
    return eddy_fail(
        EDDY_ELETGO,
        "writers of topic \"%.*s\" have let go of this reader: %llu samples are lost to "
        "it; it goes on with the next",
        EDDY_SEGMENT_LABEL(r->segment), (unsigned long long)(r->next - before));
}

/* --- what is spared ------------------------------------------------------------------------------ */

/* More than there is room for are one long span with the last: too much is spared, never too little. */
static void add_span(struct eddy_spared *spared, uint64_t from, uint64_t to)
{
    if (spared->count < EDDY_SPANS) {
        spared->spans[spared->count++] = (struct eddy_span){from, to};
        return;
    }
    struct eddy_span *last = &spared->spans[EDDY_SPANS - 1];
    last->from = from < last->from ? from : last->from;
    last->to = to > last->to ? to : last->to;
}

void eddy_spared_look(struct eddy_segment *s, struct eddy_spared *spared)
{
    /* acquire, from [epoch]: whose word is READY by then, or has gone. */
    spared->epoch = eddy_load_acquire(&s->control->let_go_epoch);
    spared->count = 0;
    struct eddy_seats seats = eddy_seats_of_readers(s);
    for (uint32_t i; eddy_seats_next(&seats, &i);) {
        /* acquire, from [back]: what it has read is read, or pinned. */
        uint64_t word = eddy_load_acquire(&s->readers[i].let_go);
        if (eddy_let_go_state(word) < EDDY_LET_GO_READY || eddy_seat_is_void(&s->readers[i].owner))
            continue;
        uint64_t from = eddy_load_acquire(&s->readers[i].cursor); /* from [cursor] */
        if (from < until_of(word))
            add_span(spared, from, until_of(word));
    }
}
