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

void reading_open(struct reading *r, eddy_domain *domain, uint32_t topic, uint64_t seed)
{
    if (r->handle)
        return;
    struct eddy_reader_options options = {
        .reliability = seed % 2 ? EDDY_RELIABLE : EDDY_BEST_EFFORT,
        .depth = seed >> 8 & 1 ? 0 : 1 + (uint32_t)(seed >> 16) % 100,
        .history = topics[topic].history && seed >> 9 & 1 ? (uint32_t)(seed >> 24) % 50 : 0,
        .flags = seed >> 10 & 1 ? EDDY_READER_BEYOND_DEPTH : 0,
        .spin_ns = seed >> 11 & 1 ? -1 : 0};
    *r = (struct reading){.topic = topic};
    if ((seed >> 40) % 16 == 0)
        visit_deep(domain, topic, seed);
    if (!let(open_topic_reader(domain, topic, &options, &r->handle)))
        return;
    witness_begin(&r->witness, topic, &options);
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

/* Keeps some, and so releases out of order. */
void reading_take(struct reading *r, uint32_t count, uint64_t seed)
{
    struct eddy_sample sample;
    while (r->handle && count-- > 0) {
        if (!let(timed("eddy_reader_take", eddy_reader_take(r->handle, &sample))))
            return;
        struct payload payload = witness_see(&r->witness, r->handle, &sample);
        size_t at = (size_t)(payload_random(&seed) % KEPT);
        if (payload_random(&seed) % 4 == 0) {
            release_at(r, at);
            r->kept[at] = sample;
            r->was[at] = payload;
        } else {
            must(timed("eddy_reader_release", eddy_reader_release(r->handle, &sample)));
        }
    }
}

void reading_take_latest(struct reading *r)
{
    struct eddy_sample sample;
    if (!r->handle)
        return;
    r->witness.leaps = true;
    if (!let(timed("eddy_reader_take_latest", eddy_reader_take_latest(r->handle, &sample))))
        return;
    witness_see(&r->witness, r->handle, &sample);
    must(timed("eddy_reader_release", eddy_reader_release(r->handle, &sample)));
}

/* What a wait promises is there. */
void reading_wait(struct reading *r, uint64_t seed)
{
    if (!r->handle)
        return;
    uint64_t deadline = eddy_deadline(seed % (5 * MILLISECOND));
    int result = timed("eddy_reader_wait", eddy_reader_wait(r->handle, deadline));
    if (result != EDDY_ETIMEDOUT)
        must(result);
}
