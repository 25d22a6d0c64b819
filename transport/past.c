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
    bool no_memory;
};

static bool log_confirms(const struct eddy_segment *s, uint64_t sn, uint32_t id)
{
    uint64_t entry = eddy_log_entry(&s->log, sn);
    return eddy_entry_age(&s->log, entry, sn) == EDDY_ENTRY_PRESENT && eddy_entry_slot(entry) == id;
}

/* True if the writer that keeps the sample still has its seat. */
static bool writer_lives(const struct eddy_segment *s, const struct eddy_slot *slot)
{
    uint32_t seat =
        eddy_load_relaxed(&slot->writer); /* the slot is pinned, or it is only a guess */
    return seat < EDDY_SEATS_MAX &&
           eddy_load_acquire(&s->writers[seat].owner) == eddy_load_relaxed(&slot->source);
}

static bool is_history(const struct gather *g, const struct eddy_slot *slot, uint64_t sn,
                       uint32_t id)
{
    const struct eddy_segment *s = g->reader->segment;
    if (sn == 0 || sn >= g->until)
        return false;
    if (sn + g->topic_history >= g->until)
        return log_confirms(s, sn, id);
    /* keeper is set after the swap; a writer that was stopped in between has its sample in the log.
     */
    bool kept = eddy_load_acquire(&slot->keeper) != 0 ||
                (eddy_load_relaxed(&slot->retain) != 0 && log_confirms(s, sn, id));
    return kept && writer_lives(s, slot);
}

static bool add(struct gather *g, struct eddy_past past)
{
    if (g->count == g->room) {
        size_t room = g->room ? 2 * g->room : 64;
        struct eddy_past *list = realloc(g->list, room * sizeof *list);
        if (!list) {
            g->no_memory = true;
            return false;
        }
        g->list = list;
        g->room = room;
    }
    g->list[g->count++] = past;
    return true;
}

static bool gather_slot(struct eddy_segment *s, const struct eddy_place *p, uint32_t id,
                        void *context)
{
    (void)s;
    struct gather *g = context;
    uint64_t sn = eddy_load_acquire(&p->slot->sn);
    if (!is_history(g, p->slot, sn, id) || !eddy_reader_pin(g->reader, p, sn))
        return true;
    struct eddy_past past = {.sn = sn,
                             .slot = id,
                             .writer = eddy_load_relaxed(&p->slot->writer), /* pinned: constant */
                             .retain = eddy_load_relaxed(&p->slot->retain)};
    if (is_history(g, p->slot, sn, id) && add(g, past))
        return true;
    eddy_reader_unpin(g->reader, p);
    return !g->no_memory;
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

/* How many of the samples behind i are of the same kind: the same writer's, or the topic's. */
static uint32_t count_newer(const struct gather *g, size_t i)
{
    uint32_t newer = 0;
    bool of_topic = is_of_topic(g, &g->list[i]);
    for (size_t j = i + 1; j < g->count; j++)
        newer += of_topic ? is_of_topic(g, &g->list[j]) : g->list[j].writer == g->list[i].writer;
    return newer;
}

/* Lets go of what is more than `wanted` asks for, or more than its writer promised to keep. */
static void trim(struct gather *g, uint32_t wanted)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct eddy_past *p = &g->list[i];
        uint32_t most = is_of_topic(g, p) || p->retain > wanted ? wanted : p->retain;
        if (count_newer(g, i) >= most)
            drop(g->reader, &g->list[i]);
    }
    for (size_t i = 0; i < g->count; i++)
        if (!g->list[i].dropped)
            g->list[kept++] = g->list[i];
    g->count = kept;
}

int eddy_reader_gather_past(struct eddy_reader *r, uint64_t until, uint32_t wanted)
{
    struct gather g = {.reader = r, .until = until};
    g.topic_history = eddy_load_acquire(&r->segment->control->history);
    if (g.topic_history > r->segment->log_length)
        g.topic_history = r->segment->log_length;
    eddy_slots_each(r->segment, gather_slot, &g);
    if (g.no_memory) {
        free(g.list); /* the pins go with the seat */
        return eddy_fail(EDDY_ENOMEM, "no memory for the history of a topic");
    }
    if (g.count > 1)
        qsort(g.list, g.count, sizeof *g.list, by_number);
    trim(&g, wanted);
    r->past = g.list;
    r->past_count = g.count;
    return EDDY_OK;
}
