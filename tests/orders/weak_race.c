/* weak_race.c - see weak.h: plain accesses.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plain word: who wrote it last and when, and when each thread read it since. */
struct plain {
    uint32_t writer, written, read[WEAK_THREADS];
};

static uintptr_t names[WEAK_WORDS]; /* 0: none */
static struct plain *plains[WEAK_WORDS];
static uint32_t all[WEAK_WORDS], count; /* in the order of their coming */

static struct plain *plain_of(const uint64_t *word)
{
    uintptr_t name = weak_name(word);
    uint32_t at = (uint32_t)((name >> 3) * 0x9e3779b97f4a7c15u >> 40) % WEAK_WORDS;
    while (names[at] && names[at] != name)
        at = (at + 1) % WEAK_WORDS;
    if (!plains[at]) {
        plains[at] = __real_calloc(1, sizeof *plains[at]);
        if (!plains[at])
            abort();
        names[at] = name;
        all[count++] = at;
    }
    return plains[at];
}

void weak_forget_plain(uintptr_t from, size_t bytes)
{
    for (uint32_t i = 0; i < count; i++)
        if (names[all[i]] - from < bytes)
            memset(plains[all[i]], 0, sizeof *plains[all[i]]);
}

static void race(const char *what)
{
    fprintf(stderr, "weak: race: %s\n", what);
    abort();
}

void weak_reads_plainly(const uint64_t *word)
{
    weak_enter();
    struct weak_clock *clock = weak_mine();
    struct plain *p = plain_of(word);
    bool ordered = p->written <= clock->at[p->writer];
    p->read[weak_seat - 1] = weak_tick();
    weak_leave();
    if (!ordered)
        race("what is read was written by another thread, and nothing orders the two");
}

void weak_writes_plainly(const uint64_t *word)
{
    weak_enter();
    struct weak_clock *clock = weak_mine();
    struct plain *p = plain_of(word);
    bool after_write = p->written <= clock->at[p->writer], after_reads = true;
    for (uint32_t t = 0; t < WEAK_THREADS; t++)
        after_reads &= p->read[t] <= clock->at[t];
    p->writer = weak_seat - 1;
    p->written = weak_tick();
    weak_leave();
    if (!after_write)
        race("what is written was written by another thread, and nothing orders the two");
    if (!after_reads)
        race("what is written is still read by another thread");
}
