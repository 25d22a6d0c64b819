/* writing.c - what a process does with its writers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/handles.h"

bool let(int result)
{
    struct line *line = board_line();
    if (result == EDDY_OK)
        return true;
    if (result == EDDY_ETIMEDOUT || result == EDDY_ELIMIT || result == EDDY_EAGAIN)
        board_add(&line->refused, result != EDDY_EAGAIN);
    else if (result == EDDY_EBUSY) /* somebody is stopped with the topic's lock in its hands */
        board_add(&line->busy, 1);
    else
        must(result);
    return false;
}

/* Of each key at least one: without history no key goes with the samples. */
static uint32_t draw_history(const struct topic *t, uint64_t seed)
{
    uint32_t choice = (uint32_t)(seed >> 8);
    if (t->kind == EDDY_HISTORY_KEY)
        return 1 + choice % t->history;
    return t->history ? choice % (t->history + 1) : 0;
}

static int open_writer_of(struct writing *w, eddy_domain *domain, uint64_t seed)
{
    const struct topic *t = &topics[w->topic];
    struct eddy_topic_identity name = {.name = t->name, .type = "torture"};
    struct eddy_writer_options options = {
        .history_kind = t->kind,
        .history = w->history,
        .limit_bytes = t->limit,
        .patience_ns = seed >> 40 & 3 ? 0 : (1 + (seed >> 42) % 10) * MILLISECOND,
        .with = t->kind == EDDY_HISTORY_KEY ? EDDY_WITH_WORD | EDDY_WITH_TIME : 0};
    return timed("eddy_writer_open", eddy_writer_open(domain, &name, &options, &w->handle));
}

void writing_open(struct writing *w, eddy_domain *domain, uint32_t topic, uint64_t author,
                  uint64_t seed)
{
    if (w->handle)
        return;
    *w = (struct writing){
        .topic = topic, .author = author, .history = draw_history(&topics[topic], seed)};
    w->wait_ns = seed % 4 == 0 ? 0 : (1 + (seed >> 16) % 20) * MILLISECOND;
    bool opened = let(open_writer_of(w, domain, seed));
    board_add(&board_line()->opened, opened);
}

/* Loans that are out go with it. */
void writing_close(struct writing *w)
{
    if (w->handle)
        must(timed("eddy_writer_close", eddy_writer_close(w->handle)));
    w->handle = NULL;
}

/* Mostly small, now and then the topic's largest. */
static size_t draw_size(const struct writing *w, uint64_t *seed)
{
    size_t least = sizeof(struct payload), most = topics[w->topic].largest;
    uint64_t kind = payload_random(seed) % 16;
    size_t bound = kind == 0 ? most : kind < 4 ? most / 16 : most < 500 ? most : 500;
    bound = bound < least + 1 ? least + 1 : bound;
    return least + (size_t)(payload_random(seed) % (bound - least + 1));
}

static uint64_t soon(const struct writing *w)
{
    return w->wait_ns ? eddy_deadline(w->wait_ns) : EDDY_POLL;
}

static bool loan_one(struct writing *w, uint64_t *seed, struct eddy_loan *loan)
{
    struct eddy_loan_options options = {.size = draw_size(w, seed)};
    if (payload_random(seed) % 16 == 0)
        options.alignment = (size_t)1 << payload_random(seed) % 13;
    if (!let(timed("eddy_writer_loan", eddy_writer_loan_with(w->handle, &options, soon(w), loan))))
        return false;
    same(loan->size, options.size);
    check(options.alignment == 0 || (uintptr_t)loan->data % options.alignment == 0);
    return true;
}

/* A loan of before, or a new one. */
static bool have_one(struct writing *w, uint64_t *seed, struct eddy_loan *loan)
{
    uint64_t choice = payload_random(seed);
    if (w->loan_count == 0 || choice % 4 != 0)
        return loan_one(w, seed, loan);
    uint32_t at = (uint32_t)(choice >> 8) % w->loan_count;
    *loan = w->loans[at];
    w->loans[at] = w->loans[--w->loan_count];
    return true;
}

/* What goes with the next sample, and what there is of its key then. */
static struct eddy_publication describe(const struct writing *w, struct of_keys *keys,
                                        uint64_t *seed)
{
    uint32_t key = (uint32_t)(payload_random(seed) % KEYS);
    bool ends = payload_random(seed) % 16 == 0;
    struct eddy_publication what = {.word = TORTURE_WORD(keys->next[key], key, w->history),
                                    .flags = ends ? EDDY_PUBLISH_ENDS_KEY : 0};
    what.key[0] = (uint8_t)key;
    what.key[15] = (uint8_t)(key ^ 0xff);
    keys->next[key]++;
    if (ends)
        keys->since[key] = keys->next[key];
    return what;
}

static int publish(struct writing *w, struct eddy_loan *loan, size_t size, uint64_t *seed)
{
    struct of_keys keys = w->keys;
    if (topics[w->topic].kind != EDDY_HISTORY_KEY)
        return timed("eddy_writer_publish", eddy_writer_publish(w->handle, loan, size, soon(w)));
    struct eddy_publication what = describe(w, &keys, seed);
    int result = timed("eddy_writer_publish_with",
                       eddy_writer_publish_with(w->handle, loan, size, &what, soon(w)));
    if (result == EDDY_OK)
        w->keys = keys;
    return result;
}

static void count_published(struct writing *w, size_t count)
{
    w->number += count;
    board_add(&board_line()->published, count);
}

static bool publish_one(struct writing *w, uint64_t *seed)
{
    struct eddy_loan loan;
    if (!have_one(w, seed, &loan))
        return false;
    size_t spare = loan.size - sizeof(struct payload);
    size_t size = loan.size;
    if (payload_random(seed) % 8 == 0)
        size -= (size_t)(payload_random(seed) % (spare + 1));
    payload_fill(loan.data, size, w->author, w->number);
    if (!let(publish(w, &loan, size, seed))) {
        must(timed("eddy_writer_discard", eddy_writer_discard(w->handle, &loan)));
        return false;
    }
    count_published(w, 1);
    return true;
}

void writing_publish(struct writing *w, uint32_t count, uint64_t seed)
{
    while (w->handle && count-- > 0 && publish_one(w, &seed))
        continue;
}

/* All of the group, or those that find room. */
static size_t publish_group(struct writing *w, struct eddy_loan *loans, size_t count,
                            uint64_t *seed)
{
    struct eddy_publication what[GROUP];
    struct of_keys keys[GROUP + 1] = {w->keys};
    bool with = topics[w->topic].kind == EDDY_HISTORY_KEY;
    size_t published = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i + 1] = keys[i];
        what[i] = describe(w, &keys[i + 1], seed);
        payload_fill(loans[i].data, loans[i].size, w->author, w->number + i);
    }
    int result = timed(
        "eddy_writer_publish_many",
        eddy_writer_publish_many(w->handle, loans, count, with ? what : NULL, soon(w), &published));
    if (!let(result))
        return 0;
    check(published >= 1 && published <= count);
    w->keys = keys[published];
    count_published(w, published);
    return published;
}

void writing_publish_many(struct writing *w, uint32_t count, uint64_t seed)
{
    struct eddy_loan loans[GROUP];
    size_t got = 0;
    if (!w->handle || !let(timed("eddy_writer_loan_many",
                                 eddy_writer_loan_many(w->handle, draw_size(w, &seed), loans,
                                                       1 + count % GROUP, soon(w), &got))))
        return;
    check(got >= 1 && got <= 1 + count % GROUP);
    for (size_t i = publish_group(w, loans, got, &seed); i < got; i++)
        must(timed("eddy_writer_discard", eddy_writer_discard(w->handle, &loans[i])));
}

void writing_hoard(struct writing *w, uint64_t seed)
{
    if (w->handle && w->loan_count < LOANS && loan_one(w, &seed, &w->loans[w->loan_count]))
        w->loan_count++;
}

void writing_discard(struct writing *w, uint64_t seed)
{
    if (!w->handle || w->loan_count == 0)
        return;
    uint32_t at = (uint32_t)(seed % w->loan_count);
    struct eddy_loan loan = w->loans[at];
    must(timed("eddy_writer_discard", eddy_writer_discard(w->handle, &loan)));
    must_fail(eddy_writer_discard(w->handle, &loan), EDDY_ESTALE);
    w->loans[at] = w->loans[--w->loan_count];
}

/* It stays as long as the topic does: not on those that are looked at in the end. */
void writing_reserve(struct writing *w, uint64_t seed)
{
    if (!w->handle || w->topic < STEADY)
        return;
    struct eddy_reservation some = {.size = draw_size(w, &seed),
                                    .count = 1 + (uint32_t)(payload_random(&seed) % 4)};
    let(timed("eddy_writer_reserve", eddy_writer_reserve(w->handle, &some)));
}
