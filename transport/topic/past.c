/* What a late reader gets.  spec/protocols.md, "History"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/topic/reader.h"

#include <stdlib.h>
#include <string.h>

struct pasts {
    struct eddy_past *list;
    size_t count, room;
};

/* What the kernel was asked already: a participant may have thousands of samples, and those of all may
 * lie in turn.  Who is dead stays dead, and who lives is asked about once more in the end. */
struct known {
    uint64_t id;
    bool alive;
};

struct gather {
    struct eddy_reader *reader;
    uint64_t until, topic_history;
    struct pasts past;
    struct pasts since;  /* if there is a past: what was published from `until` on, by kind */
    struct known *known; /* by seat */
    int error;
};

#define KNOWN EDDY_SEATS_MAX /* a topic has no more writers */

static bool log_confirms(struct eddy_segment *s, uint64_t sn, uint32_t id)
{
    uint64_t entry;
    enum eddy_entry_age age;
    return eddy_logs_find(s, sn, &entry, &age) == EDDY_OK && age == EDDY_ENTRY_PRESENT &&
           eddy_entry_slot(entry) == id;
}

static bool is_alive(struct gather *g, uint64_t id)
{
    struct known *known = &g->known[EDDY_SEAT_OF_ID(id) % KNOWN];
    if (known->id != id)
        *known = (struct known){id, eddy_domain_knows_alive(g->reader->domain, id)};
    return known->alive;
}

/* True if the writer that keeps the sample still has its seat, and lives. */
static bool writer_lives(struct gather *g, const struct eddy_slot *slot, uint64_t sn)
{
    /* Relaxed: the slot is pinned, or it is only a guess. */
    uint32_t seat = eddy_load_relaxed(&slot->writer);
    uint64_t source = eddy_load_relaxed(&slot->source);
    return eddy_writer_has_seat(g->reader->segment, seat, source, sn) && is_alive(g, source);
}

static bool is_history(struct gather *g, const struct eddy_slot *slot, uint64_t sn, uint32_t id)
{
    struct eddy_segment *s = g->reader->segment;
    if (sn == 0 || sn >= g->until)
        return false;
    if (sn + g->topic_history >= g->until)
        return log_confirms(s, sn, id);
    /* keeper, from [keep], is set after the swap; a writer that was stopped in between has its
     * sample in the log. */
    bool kept = eddy_load_acquire(&slot->keeper) != 0 ||
                (eddy_load_relaxed(&slot->retain) != 0 && log_confirms(s, sn, id));
    return kept && writer_lives(g, slot, sn);
}

/* True if the log does not tell who published this number: it went round, or did so before it was
 * made longer. */
static bool is_forgotten(struct eddy_segment *s, uint64_t sn)
{
    uint64_t entry;
    enum eddy_entry_age age;
    return eddy_logs_find(s, sn, &entry, &age) || age != EDDY_ENTRY_PRESENT;
}

/* A writer that was stopped between the swap and setting keeper, while the log went round: nobody
 * can tell whether it published under this number.  If it did, what it published before has a gap
 * behind it. */
static bool is_doubtful(struct gather *g, const struct eddy_slot *slot, uint64_t sn)
{
    /* Relaxed: a needless doubt costs history that is older still.  The owner, acquire, from
     * [give up]: who sees the slot given up sees its keeper, too. */
    return sn != 0 && sn + g->topic_history < g->until && eddy_load_relaxed(&slot->retain) != 0 &&
           (eddy_load_acquire(&slot->owner) & EDDY_SLOT_SEAT) ==
               eddy_load_relaxed(&slot->writer) + 1u &&
           is_forgotten(g->reader->segment, sn) && writer_lives(g, slot, sn);
}

static int fail_memory(void)
{
    return eddy_fail(EDDY_ENOMEM, "no memory for the history of a topic");
}

static bool add(struct gather *g, struct pasts *to, const struct eddy_past *one)
{
    if (to->count == to->room) {
        size_t room = to->room ? 2 * to->room : 64;
        struct eddy_past *list = realloc(to->list, room * sizeof *list);
        if (!list) {
            g->error = fail_memory();
            return false;
        }
        to->list = list;
        to->room = room;
    }
    to->list[to->count++] = *one;
    return true;
}

/* What a slot says of its sample, which is pinned, or its writer has not given it up. */
static struct eddy_past describe(const struct eddy_place *p, uint32_t id, uint64_t sn)
{
    /* Relaxed, all: by way of what showed that it is published. */
    uint32_t retain = eddy_load_relaxed(&p->slot->retain);
    struct eddy_past past = {.sn = sn,
                             .slot = id,
                             .writer = eddy_load_relaxed(&p->slot->writer),
                             .count = eddy_load_relaxed(&p->slot->count),
                             .depth = retain & ~EDDY_RETAIN_KEYED,
                             .keyed = retain & EDDY_RETAIN_KEYED};
    uint64_t offset = eddy_load_relaxed(&p->slot->data_offset);
    uint64_t front = eddy_header_room(eddy_slot_header(p->slot)) + EDDY_KEY_BYTES;
    if (past.keyed && front <= offset && offset <= p->extent->capacity)
        memcpy(past.key, p->extent->payload + p->extent->capacity * p->index + offset - front,
               sizeof past.key);
    return past;
}

enum judgement { NOTHING, DOUBT, HISTORY };

/* A sample goes from being in the log, by way of the log having passed it by, to having its keeper,
 * and never back: in this order the questions cannot all miss it. */
static enum judgement judge(struct gather *g, const struct eddy_slot *slot, uint64_t sn,
                            uint32_t id)
{
    if (is_history(g, slot, sn, id))
        return HISTORY;
    if (is_doubtful(g, slot, sn))
        return DOUBT;
    return is_history(g, slot, sn, id) ? HISTORY : NOTHING;
}

static bool gather_slot(struct eddy_segment *s, const struct eddy_place *p, uint32_t id,
                        void *context)
{
    (void)s;
    struct gather *g = context;
    /* acquire, from [number] and who clears it: what let go the sample that was here. */
    uint64_t sn = eddy_load_acquire(&p->slot->sn);
    enum judgement what = judge(g, p->slot, sn, id);
    /* Of what is doubtful the key is read, and a slot that is not pinned may have no memory by then.  If
     * it has another number, its writer has gone on, and what it published is found as such. */
    int missed = what == NOTHING ? EDDY_EBUSY : eddy_reader_pin(g->reader, p, sn);
    bool pinned = missed == EDDY_OK;
    if (missed == EDDY_ENOMEM)
        g->error = missed;
    EDDY_POINT("history:pinned");
    if (what == HISTORY || !pinned)
        what = pinned ? judge(g, p->slot, sn, id) : NOTHING;
    bool added = false;
    if (what != NOTHING) {
        struct eddy_past past = describe(p, id, sn);
        past.of_topic = sn + g->topic_history >= g->until;
        past.dropped = what == DOUBT;
        added = add(g, &g->past, &past);
    }
    if (pinned && !(added && what == HISTORY))
        eddy_reader_unpin(g->reader, p);
    return g->error == 0;
}

/* --- kinds: what a history counts by ---------------------------------------------------------- */

static int by_kind(const struct eddy_past *x, const struct eddy_past *y)
{
    if (x->writer != y->writer)
        return x->writer < y->writer ? -1 : 1;
    return memcmp(x->key, y->key, sizeof x->key);
}

static int by_number(const void *a, const void *b)
{
    const struct eddy_past *x = a, *y = b;
    return (x->sn > y->sn) - (x->sn < y->sn);
}

static int by_kind_and_number(const void *a, const void *b)
{
    int order = by_kind(a, b);
    return order ? order : by_number(a, b);
}

/* Takes note of what was published since `until`. */
static bool gather_since(struct gather *g)
{
    struct eddy_segment *s = g->reader->segment;
    /* Who let go a sample that we have found gone had moved next_sn before. */
    uint64_t end, length = eddy_logs_length(s);
    g->error = eddy_logs_end(s, &end);
    if (g->error)
        return false;
    /* What is further back is not there any more; this bounds the walk, whatever the end says. */
    uint64_t begin = end > length && end - length > g->until ? end - length : g->until;
    for (uint64_t sn = begin; sn < end && !g->error; sn++) {
        struct eddy_place p;
        uint64_t entry;
        enum eddy_entry_age age;
        g->error = eddy_logs_find(s, sn, &entry, &age);
        uint32_t id = g->error ? 0 : eddy_entry_slot(entry);
        if (g->error || age != EDDY_ENTRY_PRESENT || eddy_slot_find(s, id, &p))
            continue;
        if (eddy_load_relaxed(&p.slot->sn) != sn) /* a guess; the pin decides */
            (void)eddy_slot_find_again(s, id, &p);
        if (eddy_reader_pin(g->reader, &p, sn)) /* used again, which says nothing about sn */
            continue;
        struct eddy_past one = describe(&p, id, sn);
        eddy_reader_unpin(g->reader, &p);
        (void)add(g, &g->since, &one);
    }
    if (g->since.count > 1)
        qsort(g->since.list, g->since.count, sizeof *g->since.list, by_kind_and_number);
    return g->error == 0;
}

/* The first that was published of this kind since `until`; NULL: none. */
static const struct eddy_past *first_since(const struct gather *g, const struct eddy_past *kind)
{
    size_t low = 0, high = g->since.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_kind(&g->since.list[middle], kind) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < g->since.count && by_kind(&g->since.list[low], kind) == 0;
    return found ? &g->since.list[low] : NULL;
}

/* --- what of it a late reader can use --------------------------------------------------------- */

static void drop(struct gather *g, struct eddy_past *past)
{
    struct eddy_place p;
    if (!past->dropped && eddy_slot_find(g->reader->segment, past->slot, &p) == EDDY_OK)
        eddy_reader_unpin(g->reader, &p);
    past->dropped = true;
}

/* True if a sample with a key that its writer has given up is not kept any more: where what ended the
 * key has been used for something else before we came to it, this tells. */
static bool is_let_go(const struct eddy_past *past, const struct eddy_slot *slot)
{
    /* acquire, from [give up]: who sees the slot given up sees that it was kept, and who saw a later
     * slot of its writer used again sees what [let go] did before. */
    return past->keyed && (eddy_load_acquire(&slot->owner) & EDDY_SLOT_SEAT) != past->writer + 1u &&
           eddy_load_relaxed(&slot->keeper) == 0;
}

/* A writer that died while we looked had its newest sample passed over, perhaps: it keeps nothing
 * any more.  Alive now means alive at each look before. */
static void drop_what_went(struct gather *g)
{
    memset(g->known, 0, KNOWN * sizeof *g->known);
    for (size_t i = 0; i < g->past.count; i++) {
        struct eddy_past *past = &g->past.list[i];
        struct eddy_place p;
        past->of_writer = !past->dropped &&
                          eddy_slot_find(g->reader->segment, past->slot, &p) == EDDY_OK &&
                          !is_let_go(past, p.slot) && writer_lives(g, p.slot, past->sn);
        if (!past->of_topic && !past->of_writer)
            drop(g, past);
    }
}

/* Of the topic's history nothing may be missing up to the reader's first live sample. */
static void choose_of_topic(struct gather *g, uint32_t wanted)
{
    uint64_t next = g->until;
    qsort(g->past.list, g->past.count, sizeof *g->past.list, by_number);
    for (size_t i = g->past.count; i-- > 0 && wanted > 0; wanted--) {
        struct eddy_past *p = &g->past.list[i];
        if (!p->of_topic || p->sn + 1 != next)
            return;
        p->wanted = true;
        next = p->sn;
    }
}

/* What must come right behind a sample so that nothing is missing between it and the reader's first
 * live one: the next newer sample of its kind, or else what was published since. */
static bool has_successor(const struct gather *g, const struct eddy_past *p,
                          const struct eddy_past *newer)
{
    const struct eddy_past *next = newer ? newer : first_since(g, p);
    return !next || next->count == p->count + 1;
}

/* Goes through one kind, newest first.  Writers went on while we looked, and may have replaced
 * samples that we had not come to yet; what is older than such a gap is of no use, nor what is older
 * than the end of its key.  And no more than was asked for, or than its writer keeps. */
static void choose_of_kind(struct gather *g, size_t begin, size_t end, uint32_t wanted)
{
    const struct eddy_past *newer = NULL;
    for (size_t i = end; i-- > begin; newer = &g->past.list[i]) {
        struct eddy_past *p = &g->past.list[i];
        if (!p->of_writer || end - i > p->depth || end - i > wanted || !has_successor(g, p, newer))
            return;
        p->wanted = true;
    }
}

static void choose_of_writers(struct gather *g, uint32_t wanted)
{
    struct pasts *past = &g->past;
    qsort(past->list, past->count, sizeof *past->list, by_kind_and_number);
    for (size_t begin = 0, end; begin < past->count; begin = end) {
        end = begin + 1;
        while (end < past->count && by_kind(&past->list[begin], &past->list[end]) == 0)
            end++;
        choose_of_kind(g, begin, end, wanted);
    }
}

static void drop_the_rest(struct gather *g)
{
    struct pasts *past = &g->past;
    size_t kept = 0;
    for (size_t i = 0; i < past->count; i++) {
        if (past->list[i].wanted)
            past->list[kept++] = past->list[i];
        else
            drop(g, &past->list[i]);
    }
    past->count = kept;
    qsort(past->list, past->count, sizeof *past->list, by_number);
}

static int gather(struct gather *g, uint32_t wanted)
{
    struct eddy_segment *s = g->reader->segment;
    g->known = calloc(KNOWN, sizeof *g->known);
    if (!g->known)
        return fail_memory();
    /* Relaxed: set before the samples that it is for, which we know of from [help]. */
    g->topic_history = eddy_load_relaxed(&s->control->history);
    if (g->topic_history > eddy_logs_length(s))
        g->topic_history = eddy_logs_length(s);
    int error = eddy_slots_each(s, gather_slot, g);
    error = error ? error : g->error;
    if (g->past.count == 0 || error)
        return error;
    drop_what_went(g);
    if (gather_since(g)) {
        choose_of_topic(g, wanted);
        choose_of_writers(g, wanted);
        drop_the_rest(g);
    }
    return g->error;
}

int eddy_reader_gather_past(struct eddy_reader *r, uint64_t until, uint32_t wanted)
{
    struct gather g = {.reader = r, .until = until};
    int error = gather(&g, wanted);
    free(g.known);
    free(g.since.list);
    if (error) {
        free(g.past.list); /* the pins go with the seat */
        return error;
    }
    r->past = g.past.list;
    r->past_count = g.past.count;
    return EDDY_OK;
}
