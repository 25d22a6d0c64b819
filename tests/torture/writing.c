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

int open_topic_writer(eddy_domain *domain, uint32_t topic, uint64_t seed, eddy_writer **writer)
{
    const struct topic *t = &topics[topic];
    struct eddy_topic_identity name = {.name = t->name, .type = "torture"};
    struct eddy_writer_options options = {
        .history_kind = t->kind,
        .history = t->history ? (uint32_t)(seed >> 8) % (t->history + 1) : 0,
        .limit_bytes = t->limit};
    return timed("eddy_writer_open", eddy_writer_open(domain, &name, &options, writer));
}

void writing_open(struct writing *w, eddy_domain *domain, uint32_t topic, uint64_t author,
                  uint64_t seed)
{
    if (w->handle)
        return;
    *w = (struct writing){.topic = topic, .author = author};
    w->wait_ns = seed % 4 == 0 ? 0 : (1 + (seed >> 16) % 20) * MILLISECOND;
    bool opened = let(open_topic_writer(domain, topic, seed, &w->handle));
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
    if (!let(timed("eddy_writer_publish", eddy_writer_publish(w->handle, &loan, size, soon(w))))) {
        must(timed("eddy_writer_discard", eddy_writer_discard(w->handle, &loan)));
        return false;
    }
    w->number++;
    board_add(&board_line()->published, 1);
    return true;
}

void writing_publish(struct writing *w, uint32_t count, uint64_t seed)
{
    while (w->handle && count-- > 0 && publish_one(w, &seed))
        continue;
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
