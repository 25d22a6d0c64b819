/* reading.c - what a process does with its readers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/handles.h"

int open_topic_reader(eddy_domain *domain, uint32_t topic,
                      const struct eddy_reader_options *options, eddy_reader **reader)
{
    struct eddy_reader_options limited = *options;
    struct eddy_topic_identity name = {.name = topics[topic].name, .type = "torture"};
    limited.limit_bytes = topics[topic].limit;
    return timed("eddy_reader_open", eddy_reader_open(domain, &name, &limited, reader));
}

/* A reader that may be far behind, and so takes a longer log, comes and goes: if it stayed, it would
 * keep more samples than the topic's share of memory has room for. */
static void visit_deep(eddy_domain *domain, uint32_t topic, uint64_t seed)
{
    eddy_reader *deep;
    struct eddy_reader_options options = {.reliability =
                                              seed >> 12 & 1 ? EDDY_RELIABLE : EDDY_BEST_EFFORT,
                                          .depth = 1024u << (seed >> 44) % (DEEPEST + 1)};
    if (let(open_topic_reader(domain, topic, &options, &deep))) {
        same(eddy_reader_depth(deep), options.depth);
        must(timed("eddy_reader_close", eddy_reader_close(deep)));
    }
}

static struct eddy_reader_options draw_options(uint32_t topic, uint64_t seed)
{
    static const uint64_t hold_ups[] = {0, 0, MILLISECOND, 20 * MILLISECOND};
    bool reliable = seed % 2;
    uint32_t flags = (seed >> 10 & 1 ? EDDY_READER_BEYOND_DEPTH : 0u) |
                     (seed >> 34 & 7 ? 0u : EDDY_READER_SHARED) |
                     (seed >> 37 & 7 ? 0u : EDDY_READER_NOT_OWN);
    return (struct eddy_reader_options){
        .reliability = reliable ? EDDY_RELIABLE : EDDY_BEST_EFFORT,
        .depth = seed >> 8 & 1 ? 0 : 1 + (uint32_t)(seed >> 16) % 100,
        .history = topics[topic].history && seed >> 9 & 1 ? (uint32_t)(seed >> 24) % 50 : 0,
        .flags = flags,
        .spin_ns = seed >> 11 & 1 ? -1 : 0,
        .hold_up_ns = reliable ? hold_ups[seed >> 48 & 3] : 0};
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What a reader gets of a writer that does nothing meanwhile, as it is the caller's. */
static void expect_of(struct reading *r, const struct writing *w)
{
    uint32_t asked = r->witness.history;
    uint64_t kept = least(least(w->history, asked), w->number);
    if (topics[w->topic].kind != EDDY_HISTORY_KEY || asked == 0) {
        witness_expect(&r->witness, w->author, w->number - kept, kept > 0);
        return;
    }
    for (uint32_t key = 0; key < KEYS; key++) {
        uint64_t next = w->keys.next[key];
        kept = least(least(w->history, asked), next - w->keys.since[key]);
        witness_expect_of_key(&r->witness, w->author, key, next - kept, kept > 0);
    }
}

static void expect_own(struct reading *r, const struct writing *own)
{
    if (r->witness.own || topics[r->topic].kind == EDDY_HISTORY_TOPIC)
        return;
    for (int i = 0; own && i < WRITERS; i++)
        if (own[i].handle && own[i].topic == r->topic)
            expect_of(r, &own[i]);
}

/* As far as it is known. */
static uint64_t published_before(const struct writing *own, uint32_t topic)
{
    struct eddy_topic_stats stats = {0};
    for (int i = 0; own && i < WRITERS; i++)
        if (own[i].handle && own[i].topic == topic)
            must(eddy_writer_stats(own[i].handle, &stats));
    return stats.published;
}

void reading_open(struct reading *r, eddy_domain *domain, const struct writing *own, uint32_t topic,
                  uint64_t seed)
{
    if (r->handle)
        return;
    struct eddy_reader_options options = draw_options(topic, seed);
    static const struct eddy_notes reliable = {.reliability = EDDY_NOTED_RELIABLE};
    uint64_t before = published_before(own, topic);
    *r = (struct reading){.topic = topic};
    if ((seed >> 40) % 16 == 0)
        visit_deep(domain, topic, seed);
    if (!let(open_topic_reader(domain, topic, &options, &r->handle)))
        return;
    if (seed >> 41 & 1)
        must(eddy_reader_note(r->handle, &reliable));
    witness_begin(&r->witness, topic, r->handle, &options, before);
    expect_own(r, own);
    board_add(&board_line()->opened, 1);
}

/* What it holds goes with it. */
void reading_close(struct reading *r)
{
    if (r->handle)
        must(timed("eddy_reader_close", eddy_reader_close(r->handle)));
    r->handle = NULL;
    r->attached = false;
}

/* What was kept is still what was taken. */
static void release_at(struct reading *r, size_t at)
{
    struct eddy_sample sample = r->kept[at];
    if (!sample.data)
        return;
    same(payload_of(&sample).sum, r->was[at].sum);
    must(timed("eddy_reader_release", eddy_reader_release(r->handle, &sample)));
    r->kept[at].data = NULL;
}

void reading_release(struct reading *r, uint32_t count, uint64_t seed)
{
    while (r->handle && count-- > 0)
        release_at(r, (size_t)(payload_random(&seed) % KEPT));
}

/* True: there is something.  Else nothing, or it was told that it was let go of. */
static bool got(struct reading *r, int result)
{
    if (result != EDDY_ELETGO)
        return let(result);
    witness_let_go(&r->witness, r->handle);
    return false;
}

/* Keeps some, and so releases out of order. */
static void keep_or_release(struct reading *r, struct eddy_sample *sample,
                            const struct payload *payload, uint64_t *seed)
{
    size_t at = (size_t)(payload_random(seed) % KEPT);
    if (payload_random(seed) % 4 == 0) {
        release_at(r, at);
        r->kept[at] = *sample;
        r->was[at] = *payload;
    } else {
        must(timed("eddy_reader_release", eddy_reader_release(r->handle, sample)));
    }
}

static bool is_open(const struct reading *r)
{
    return r->handle && !r->stopped;
}

void reading_take(struct reading *r, uint32_t count, uint64_t seed)
{
    struct eddy_sample sample;
    while (is_open(r) && count-- > 0) {
        if (!got(r, timed("eddy_reader_take", eddy_reader_take(r->handle, &sample))))
            return;
        uint64_t lost = eddy_reader_lost(r->handle);
        struct payload payload = witness_see(&r->witness, &sample, lost, lost);
        keep_or_release(r, &sample, &payload, &seed);
    }
}

/* A group is given back at once, or each by itself. */
void reading_take_many(struct reading *r, uint32_t count, uint64_t seed)
{
    struct eddy_sample samples[GROUP];
    struct payload payloads[GROUP];
    size_t got_many = 0;
    if (!is_open(r))
        return;
    uint64_t lost = eddy_reader_lost(r->handle);
    if (!got(r, timed("eddy_reader_take_many",
                      eddy_reader_take_many(r->handle, samples, 1 + count % GROUP, &got_many))))
        return;
    check(got_many >= 1 && got_many <= 1 + count % GROUP);
    uint64_t lost_now = eddy_reader_lost(r->handle);
    for (size_t i = 0; i < got_many; i++)
        payloads[i] = witness_see(&r->witness, &samples[i], lost, lost_now);
    if (seed >> 30 & 1) {
        for (size_t i = 0; i < got_many; i++)
            same(payload_of(&samples[i]).sum, payloads[i].sum);
        must(timed("eddy_reader_release_many",
                   eddy_reader_release_many(r->handle, samples, got_many)));
        return;
    }
    for (size_t i = 0; i < got_many; i++)
        keep_or_release(r, &samples[i], &payloads[i], &seed);
}

void reading_take_latest(struct reading *r)
{
    struct eddy_sample sample;
    if (!is_open(r))
        return;
    r->witness.leaps = true;
    if (!got(r, timed("eddy_reader_take_latest", eddy_reader_take_latest(r->handle, &sample))))
        return;
    uint64_t lost = eddy_reader_lost(r->handle);
    witness_see(&r->witness, &sample, lost, lost);
    must(timed("eddy_reader_release", eddy_reader_release(r->handle, &sample)));
}

/* What it holds stays good. */
void reading_stop(struct reading *r)
{
    if (!is_open(r) || r->attached)
        return;
    must(timed("eddy_reader_stop", eddy_reader_stop(r->handle)));
    r->stopped = true;
}

/* What a wait promises is there. */
void reading_wait(struct reading *r, uint64_t seed)
{
    if (!is_open(r))
        return;
    uint64_t deadline = eddy_deadline(seed % (5 * MILLISECOND));
    int result = timed("eddy_reader_wait", eddy_reader_wait(r->handle, deadline));
    if (result != EDDY_ETIMEDOUT)
        must(result);
}
