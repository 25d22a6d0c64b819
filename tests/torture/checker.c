/* checker.c - the one who never dies: reads every steady topic, and takes stock at the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/ringing.h"
#include "torture/witness.h"

#include "support/child.h"
#include "support/usage.h"

#include <poll.h>
#include <unistd.h>

enum {
    KINDS = 4,
    LET_GO_OF = 3,
    PARTICIPANTS = 2,
    FEW = 6,
    BURST = 256,
    NAP_MS = 100,
    CROWD = 64,
    CROWDED = 1
};

static const struct eddy_reader_options kinds[KINDS] = {
    {.reliability = EDDY_RELIABLE, .depth = 1000},
    {.reliability = EDDY_BEST_EFFORT, .depth = 32},
    {.reliability = EDDY_BEST_EFFORT, .depth = 32, .flags = EDDY_READER_BEYOND_DEPTH},
    [LET_GO_OF] = {.reliability = EDDY_RELIABLE, .depth = 16, .hold_up_ns = 3 * MILLISECOND},
};

struct watch {
    eddy_reader *reader;
    struct witness witness;
};

struct checker {
    eddy_domain *domain, *victim; /* victim: others let go of its readers */
    eddy_waitset *waitset;
    struct watch watches[STEADY][KINDS];
    eddy_reader *crowd[CROWD]; /* of one topic, first and idle: all others' bits are in a column */
    struct ring_pair rings;
    uint32_t descriptors, mappings, extents; /* once all was open */
};

/* --- what this process has ------------------------------------------------------------------- */

static uint32_t count_extents(const struct checker *c)
{
    uint64_t share = (board->processes + FEW - 1) / FEW;
    uint32_t extents = 0;
    for (uint32_t topic = 0; topic < STEADY; topic++) {
        struct eddy_topic_stats stats;
        must(eddy_reader_stats(c->watches[topic][0].reader, &stats));
        extents += stats.extents;
        _Atomic uint64_t *most = &board->shared_bytes[topic];
        if (stats.shared_bytes > atomic_load(most))
            atomic_store(most, stats.shared_bytes);
        if (stats.shared_bytes > topics[topic].most * share)
            check_fail(CHECK_HERE("growth"), "%s has grown to %.1f MiB", topics[topic].name,
                       (double)stats.shared_bytes / 1048576.);
    }
    return extents;
}

/* An extent is two mappings here, slots and payload (one if they lie side by side), and a column
 * that a 65th reader brings; each longer log is one.  Each of the two participants has its own. */
static void check_constant(struct checker *c)
{
    uint32_t extents = count_extents(c);
    same(usage_descriptors(), c->descriptors);
    check(usage_mappings() <=
          c->mappings + PARTICIPANTS * (3 * (extents - c->extents) + DEEPEST * STEADY));
}

/* --- reading --------------------------------------------------------------------------------- */

static void open_all(struct checker *c)
{
    must(eddy_domain_open(&(struct eddy_domain_options){.name = CHECKER_NAME}, &c->domain));
    must(eddy_domain_open(&(struct eddy_domain_options){.name = "victim"}, &c->victim));
    must(eddy_waitset_open(c->domain, &c->waitset));
    ring_pair_open(&c->rings, c->domain);
    for (int i = 0; i < CROWD; i++) {
        struct eddy_reader_options idle = {.reliability = EDDY_BEST_EFFORT, .depth = 1};
        must(open_topic_reader(c->domain, CROWDED, &idle, &c->crowd[i]));
    }
    for (uint32_t topic = 0; topic < STEADY; topic++) {
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            struct watch *watch = &c->watches[topic][kind];
            uint32_t mode = kind == 1 ? EDDY_WAIT_EDGE : EDDY_WAIT_LEVEL;
            eddy_domain *domain = kind == LET_GO_OF ? c->victim : c->domain;
            must(open_topic_reader(domain, topic, &kinds[kind], &watch->reader));
            must(eddy_waitset_attach_reader(c->waitset, watch->reader, mode, watch));
            witness_begin(&watch->witness, topic, watch->reader, &kinds[kind], 0);
            watch->witness.from_start = true;
        }
    }
}

/* Up to BURST samples; false: there are none left. */
static bool read_some(struct watch *watch)
{
    struct eddy_sample sample;
    for (int i = 0; i < BURST; i++) {
        int result = timed("eddy_reader_take", eddy_reader_take(watch->reader, &sample));
        if (result == EDDY_EAGAIN)
            return false;
        if (result == EDDY_ELETGO && eddy_reader_depth(watch->reader) == kinds[LET_GO_OF].depth) {
            witness_let_go(&watch->witness, watch->reader);
            continue;
        }
        must(result);
        uint64_t lost = eddy_reader_lost(watch->reader);
        witness_see(&watch->witness, &sample, lost, lost);
        must(timed("eddy_reader_release", eddy_reader_release(watch->reader, &sample)));
    }
    return true;
}

/* The wait set's word is not enough: whoever died between publishing and waking woke nobody. */
static void read_all(struct checker *c)
{
    for (uint32_t topic = 0; topic < STEADY; topic++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            read_some(&c->watches[topic][kind]);
}

static void watch_once(struct checker *c)
{
    void *found[STEADY * KINDS];
    size_t count = 0;
    uint64_t deadline = eddy_deadline(NAP_MS * MILLISECOND);
    int result = eddy_waitset_wait(c->waitset, deadline, found, STEADY * KINDS, &count);
    if (result == EDDY_ETIMEDOUT) {
        read_all(c);
        return;
    }
    must(result);
    for (size_t i = 0; i < count; i++)
        while (read_some(found[i]))
            continue;
}

/* --- taking stock ---------------------------------------------------------------------------- */

/* Reliable: all there was; best-effort: what came and what was lost is all there was. */
static void check_sums(struct checker *c)
{
    for (uint32_t topic = 0; topic < STEADY; topic++) {
        const struct watch *w = c->watches[topic];
        uint64_t all = w[0].witness.last_sn;
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            uint64_t lost = eddy_reader_lost(w[kind].reader);
            uint64_t seen = w[kind].witness.seen;
            same(seen + lost, all);
            check(kind > 0 || lost == 0);
            board_add(&board->skipped, kind == LET_GO_OF ? 0 : lost);
        }
    }
}

/* What topics of these have besides samples: seats and logs of all lengths; for each extent the ends of
 * its files, and for each slot its line and its words in columns; and the least that one sample keeps. */
enum { OVERHEAD = 5 << 18, EXTENT_BYTES = 12 << 10, SLOT_BYTES = 96, BLOCK_BYTES = 64 << 10 };

/* All who held anything are gone, and the readers that are left have taken all there was: what a topic
 * keeps is its history alone, and all else can be given back. */
static void check_memory(struct checker *c, uint32_t topic)
{
    const struct topic *t = &topics[topic];
    eddy_reader *reader = c->watches[topic][0].reader;
    struct eddy_topic_stats before, after;
    must(eddy_reader_stats(reader, &before));
    same(before.writers, 0);
    same(before.readers, topic == CROWDED ? KINDS + CROWD : KINDS);
    must(eddy_topic_trim(c->domain, eddy_reader_flink(reader), NULL));
    must(eddy_reader_stats(reader, &after));
    uint64_t window = t->kind == EDDY_HISTORY_TOPIC ? t->history : 0;
    uint64_t heads = (uint64_t)after.extents * EXTENT_BYTES + (uint64_t)after.slots * SLOT_BYTES;
    if (after.shared_bytes > OVERHEAD + heads + window * BLOCK_BYTES)
        check_fail(CHECK_HERE("leaked memory"),
                   "%s takes %llu bytes, of %llu before, with nobody there", t->name,
                   (unsigned long long)after.shared_bytes, (unsigned long long)before.shared_bytes);
}

static void close_all(struct checker *c)
{
    must(eddy_waitset_close(c->waitset));
    for (int i = 0; i < CROWD; i++)
        must(eddy_reader_close(c->crowd[i]));
    for (uint32_t topic = 0; topic < STEADY; topic++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            must(eddy_reader_close(c->watches[topic][kind].reader));
    must(eddy_domain_close(c->victim));
    must(eddy_domain_close(c->domain));
}

static bool is_told(int wire)
{
    return poll(&(struct pollfd){.fd = wire, .events = POLLIN}, 1, 0) == 1;
}

void checker_run(int wire, void *unused)
{
    (void)unused;
    static struct checker c;
    board_sign(CHECKER);
    check(setpgid(0, 0) == 0); /* the controller's group is those whom it waits for at the end */
    uint32_t descriptors = usage_descriptors();
    open_all(&c);
    c.descriptors = usage_descriptors();
    c.mappings = usage_mappings();
    c.extents = count_extents(&c);
    wire_say(wire, WIRE_READY);
    for (uint32_t round = 0; !is_told(wire); round++) {
        watch_once(&c);
        ring_pair_move(&c.rings);
        if (round % 256 == 0)
            check_constant(&c);
    }
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    read_all(&c);
    for (uint32_t topic = 0; topic < STEADY; topic++)
        for (uint32_t kind = 0; kind < KINDS; kind++)
            while (read_some(&c.watches[topic][kind]))
                continue;
    check_constant(&c);
    ring_pair_close(&c.rings, c.domain);
    check_sums(&c);
    for (uint32_t topic = 0; topic < STEADY; topic++)
        check_memory(&c, topic);
    close_all(&c);
    same(usage_descriptors(), descriptors);
    same(usage_mappings(), 0);
}
