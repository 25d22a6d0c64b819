/* What a late reader gets.  spec/protocols.md, "History"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/reader.h"

#include <stdlib.h>

struct gather {
    struct eddy_reader *reader;
    uint64_t until, topic_history;
    struct eddy_past *list;
    size_t count, room;
    int error;
};

static bool log_confirms(const struct eddy_segment *s, uint64_t sn, uint32_t id)
{
    uint64_t entry = eddy_log_entry(&s->log, sn);
    return eddy_entry_age(&s->log, entry, sn) == EDDY_ENTRY_PRESENT && eddy_entry_slot(entry) == id;
}

/* True if the writer that keeps the sample still has its seat, and lives. */
static bool writer_lives(const struct eddy_reader *r, const struct eddy_slot *slot)
{
    /* Relaxed: the slot is pinned, or it is only a guess; and the owner alone is looked at. */
    uint32_t seat = eddy_load_relaxed(&slot->writer);
    uint64_t source = eddy_load_relaxed(&slot->source);
    return seat < EDDY_SEATS_MAX && eddy_load_relaxed(&r->segment->writers[seat].owner) == source &&
           eddy_domain_knows_alive(r->domain, source);
}

static bool is_history(const struct gather *g, const struct eddy_slot *slot, uint64_t sn,
                       uint32_t id)
{
    const struct eddy_segment *s = g->reader->segment;
    if (sn == 0 || sn >= g->until)
        return false;
    if (sn + g->topic_history >= g->until)
        return log_confirms(s, sn, id);
    /* keeper, from [keep], is set after the swap; a writer that was stopped in between has its
     * sample in the log. */
    bool kept = eddy_load_acquire(&slot->keeper) != 0 ||
                (eddy_load_relaxed(&slot->retain) != 0 && log_confirms(s, sn, id));
    return kept && writer_lives(g->reader, slot);
}

/* A writer that was stopped between the swap and setting keeper, while the log went round: nobody
 * can tell whether it published under this number.  If it did, what it published before has a gap
 * behind it. */
static bool is_doubtful(const struct gather *g, const struct eddy_slot *slot, uint64_t sn)
{
    const struct eddy_log *log = &g->reader->segment->log;
    /* Relaxed: a needless doubt costs history that is older still.  The owner, acquire, from
     * [give up]: who sees the slot given up sees its keeper, too. */
    return sn != 0 && sn + g->topic_history < g->until && eddy_load_relaxed(&slot->retain) != 0 &&
           eddy_load_acquire(&slot->owner) == eddy_load_relaxed(&slot->writer) + 1u &&
           eddy_entry_age(log, eddy_log_entry(log, sn), sn) == EDDY_ENTRY_NEWER &&
           writer_lives(g->reader, slot);
}

static bool add(struct gather *g, struct eddy_past past)
{
    if (g->count == g->room) {
        size_t room = g->room ? 2 * g->room : 64;
        struct eddy_past *list = realloc(g->list, room * sizeof *list);
        if (!list) {
            g->error = eddy_fail(EDDY_ENOMEM, "no memory for the history of a topic");
            return false;
        }
        g->list = list;
        g->room = room;
    }
    g->list[g->count++] = past;
    return true;
}

enum judgement { NOTHING, DOUBT, HISTORY };

/* A sample goes from being in the log, by way of the log having passed it by, to having its keeper,
 * and never back: in this order the questions cannot all miss it. */
static enum judgement judge(const struct gather *g, const struct eddy_slot *slot, uint64_t sn,
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
    bool pinned = what == HISTORY && eddy_reader_pin(g->reader, p, sn);
    EDDY_POINT("history:pinned");
    if (what == HISTORY)
        what = pinned ? judge(g, p->slot, sn, id) : NOTHING;
    /* Relaxed: pinned, so they stay; or only the writer counts, which has not given the slot up. */
    struct eddy_past past = {.sn = sn,
                             .slot = id,
                             .writer = eddy_load_relaxed(&p->slot->writer),
                             .retain = eddy_load_relaxed(&p->slot->retain),
                             .count = eddy_load_relaxed(&p->slot->count),
                             .dropped = what == DOUBT};
    bool added = what != NOTHING && add(g, past);
    if (pinned && !(added && what == HISTORY))
        eddy_reader_unpin(g->reader, p);
    return g->error == 0;
}

static int by_number(const void *a, const void *b)
{
    const struct eddy_past *x = a, *y = b;
    return (x->sn > y->sn) - (x->sn < y->sn);
}

static void drop(struct eddy_reader *r, struct eddy_past *past)
{
    struct eddy_place p;
    if (eddy_slot_find(r->segment, past->slot, &p) == EDDY_OK)
        eddy_reader_unpin(r, &p);
    past->dropped = true;
}

static bool is_of_topic(const struct gather *g, const struct eddy_past *p)
{
    return p->sn + g->topic_history >= g->until;
}

static bool same_kind(const struct gather *g, const struct eddy_past *a, const struct eddy_past *b)
{
    bool of_topic = is_of_topic(g, a);
    return of_topic == is_of_topic(g, b) && (of_topic || a->writer == b->writer);
}

/* The writer's count of its first sample from `until` on.  False: it has published none since. */
static bool first_since(const struct gather *g, uint32_t writer, uint32_t *count)
{
    const struct eddy_log *log = &g->reader->segment->log;
    /* Relaxed: who let go a sample that we have found gone had moved next_sn before. */
    uint64_t end = eddy_load_relaxed(log->next_sn), length = log->mask + 1ull;
    /* What is further back is not there any more; this bounds the walk, whatever the end says. */
    uint64_t begin = end > length && end - length > g->until ? end - length : g->until;
    for (uint64_t sn = begin; sn < end; sn++) {
        struct eddy_place p;
        uint64_t entry = eddy_log_entry(log, sn);
        if (eddy_entry_age(log, entry, sn) != EDDY_ENTRY_PRESENT ||
            eddy_slot_find(g->reader->segment, eddy_entry_slot(entry), &p))
            continue;
        if (!eddy_reader_pin(g->reader, &p, sn)) /* used again, which says nothing about sn */
            continue;
        /* Relaxed, both: pinned, so they stay; by way of the entry. */
        bool found = eddy_load_relaxed(&p.slot->writer) == writer;
        *count = eddy_load_relaxed(&p.slot->count);
        eddy_reader_unpin(g->reader, &p);
        if (found)
            return true;
    }
    return false;
}

/* What must come right behind a sample so that nothing is missing between it and the reader's first
 * live one: the next newer sample of its kind, or else what was published since. */
static bool has_successor(const struct gather *g, size_t i, size_t newer)
{
    const struct eddy_past *p = &g->list[i];
    uint32_t count;
    if (is_of_topic(g, p))
        return (newer < g->count ? g->list[newer].sn : g->until) == p->sn + 1;
    if (newer < g->count)
        return g->list[newer].count == p->count + 1;
    return !first_since(g, p->writer, &count) || count == p->count + 1;
}

static size_t next_of_kind(const struct gather *g, size_t i)
{
    size_t j = i + 1;
    while (j < g->count && !same_kind(g, &g->list[i], &g->list[j]))
        j++;
    return j;
}

/* Writers went on while we looked, and may have replaced samples that we had not come to yet; what
 * is older than such a gap is of no use.  And no more than was asked for, or than its writer keeps.
 */
static void trim(struct gather *g, uint32_t wanted)
{
    uint32_t *depth =
        calloc(g->count, sizeof *depth); /* of each: how many of its kind from it on */
    size_t kept = 0;
    if (!depth)
        g->error = eddy_fail(EDDY_ENOMEM, "no memory for the history of a topic");
    for (size_t i = g->count; depth && i-- > 0;) {
        const struct eddy_past *p = &g->list[i];
        size_t newer = next_of_kind(g, i);
        uint32_t most = is_of_topic(g, p) || p->retain > wanted ? wanted : p->retain;
        bool whole = has_successor(g, i, newer) && (newer == g->count || !g->list[newer].dropped);
        depth[i] = newer < g->count ? depth[newer] + 1 : 1;
        if (!p->dropped && (!whole || depth[i] > most))
            drop(g->reader, &g->list[i]);
    }
    for (size_t i = 0; i < g->count; i++)
        if (!g->list[i].dropped)
            g->list[kept++] = g->list[i];
    g->count = kept;
    free(depth);
}

/* A writer that died while we looked had its newest sample passed over, perhaps: it keeps nothing
 * any more.  Alive now means alive at each look before. */
static void drop_what_died(struct gather *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct eddy_past *past = &g->list[i];
        struct eddy_place p;
        if (!past->dropped && !is_of_topic(g, past) &&
            eddy_slot_find(g->reader->segment, past->slot, &p) == EDDY_OK &&
            !writer_lives(g->reader, p.slot))
            drop(g->reader, past);
    }
}

int eddy_reader_gather_past(struct eddy_reader *r, uint64_t until, uint32_t wanted)
{
    struct gather g = {.reader = r, .until = until};
    /* Relaxed: set before the samples that it is for, which we know of from [help]. */
    g.topic_history = eddy_load_relaxed(&r->segment->control->history);
    if (g.topic_history > r->segment->log_length)
        g.topic_history = r->segment->log_length;
    int error = eddy_slots_each(r->segment, gather_slot, &g);
    if (g.count > 1 && !error && !g.error)
        qsort(g.list, g.count, sizeof *g.list, by_number);
    if (g.count > 0 && !error && !g.error) {
        drop_what_died(&g);
        trim(&g, wanted);
    }
    if (error || g.error) {
        free(g.list); /* the pins go with the seat */
        return error ? error : g.error;
    }
    r->past = g.list;
    r->past_count = g.count;
    return EDDY_OK;
}
