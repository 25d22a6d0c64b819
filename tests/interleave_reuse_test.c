/* interleave_reuse_test.c - topics with so few slots that each is used again while somebody stands:
 * what is held stays whole, and who reads reliably misses nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/interleave.h"
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

/* One extent of five slots, and no room for another. */
enum { SIZE = 12000, LIMIT = 72 << 10, FLOOD = 14, FEW = 4, AUTHORS = 3 };

static const struct eddy_writer_options writing = {.limit_bytes = LIMIT};

static eddy_domain *host;
static eddy_writer *host_writer;
static uint64_t published[AUTHORS]; /* by each thread; read when it has ended, or by itself */

static void begin(void)
{
    memset(published, 0, sizeof published);
    host = open_domain();
    host_writer = open_writer(host, "points", &writing);
}

/* All slots are to be had. */
static void end(void)
{
    struct eddy_loan loan;
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(host_writer, &stats));
    same(stats.writers, 1);
    same(stats.readers, 0);
    for (uint32_t i = 0; i < stats.slots; i++)
        must(eddy_writer_loan(host_writer, 100, patience(), &loan));
    must(eddy_writer_close(host_writer));
    must(eddy_domain_close(host));
    world_must_be_empty();
}

struct life {
    unsigned who;
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    struct eddy_sample kept[2];
    bool exact; /* each sample once */
    uint64_t sn, taken, next[AUTHORS];
    bool begun[AUTHORS];
};

static bool publish(struct life *l)
{
    struct eddy_loan loan;
    unsigned author = l->who + 1;
    int error = eddy_writer_loan(l->writer, SIZE, eddy_deadline(MILLISECOND / 20), &loan);
    if (error == EDDY_ETIMEDOUT)
        return false;
    must(error);
    payload_fill(loan.data, SIZE, author, published[author]);
    error = eddy_writer_publish(l->writer, &loan, SIZE, eddy_deadline(MILLISECOND / 20));
    if (error == EDDY_ETIMEDOUT)
        must(eddy_writer_discard(l->writer, &loan));
    else
        must(error);
    published[author] += error == EDDY_OK;
    return !error;
}

static void release_whole(struct life *l, struct eddy_sample *sample)
{
    struct payload payload;
    if (sample->data) {
        check(payload_whole(sample->data, sample->size, &payload));
        must(eddy_reader_release(l->reader, sample));
    }
    sample->data = NULL;
}

/* The last two stay. */
static bool take(struct life *l)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(l->reader, &sample);
    if (error == EDDY_EAGAIN)
        return false;
    must(error);
    struct payload payload = payload_of(&sample);
    unsigned author = (unsigned)payload.author;
    check(author < AUTHORS && sample.sn > l->sn && payload.number >= l->next[author]);
    check(!l->exact || l->sn == 0 || sample.sn == l->sn + 1);
    if (l->exact && l->begun[author])
        same(payload.number, l->next[author]);
    l->begun[author] = true;
    l->next[author] = payload.number + 1;
    l->sn = sample.sn;
    release_whole(l, &l->kept[l->taken % 2]);
    l->kept[l->taken++ % 2] = sample;
    return true;
}

static void live_reading(unsigned who, enum eddy_reliability reliability)
{
    struct life l = {.who = who, .domain = open_domain(), .exact = reliability == EDDY_RELIABLE};
    struct eddy_reader_options reading = {.reliability = reliability, .depth = 3};
    l.writer = open_writer(l.domain, "points", &writing);
    l.reader = open_reader(l.domain, "points", &reading);
    for (int i = 0; i < FEW; i++) {
        publish(&l);
        take(&l);
    }
    while (take(&l))
        continue;
    if (l.exact && l.begun[who + 1])
        same(l.next[who + 1], published[who + 1]);
    for (int i = 0; i < 2; i++)
        release_whole(&l, &l.kept[i]);
    must(eddy_reader_close(l.reader));
    must(eddy_writer_close(l.writer));
    must(eddy_domain_close(l.domain));
}

static void read_reliably(unsigned who)
{
    live_reading(who, EDDY_RELIABLE);
}

static void read_what_comes(unsigned who)
{
    live_reading(who, EDDY_BEST_EFFORT);
}

/* Goes round all slots more than once, unless somebody is waited for. */
static void flood(unsigned who)
{
    struct life l = {.who = who, .domain = open_domain()};
    l.writer = open_writer(l.domain, "points", &writing);
    for (int i = 0, vain = 0; i < FLOOD && vain < 2; i++)
        vain += !publish(&l);
    must(eddy_writer_close(l.writer));
    must(eddy_domain_close(l.domain));
}

/* --- samples that were there before, and are in the way --------------------------------------- */

static struct {
    eddy_reader *reader;
    size_t count;
    struct eddy_sample samples[FLOOD];
} old;

static void begin_full(void)
{
    struct eddy_reader_options reading = {.reliability = EDDY_BEST_EFFORT, .depth = FLOOD};
    begin();
    old.reader = open_reader(host, "points", &reading);
    old.count = 0;
    for (uint64_t i = 0; i < 5; i++)
        payload_publish(host_writer, SIZE, 0, published[0]++);
}

static void hold_what_is_there(unsigned who)
{
    (void)who;
    while (old.count < FLOOD && eddy_reader_take(old.reader, &old.samples[old.count]) == EDDY_OK)
        payload_of(&old.samples[old.count++]);
}

static void end_full(void)
{
    for (size_t i = 0; i < old.count; i++) {
        payload_of(&old.samples[i]);
        must(eddy_reader_release(old.reader, &old.samples[i]));
    }
    must(eddy_reader_close(old.reader));
    end();
}

static void all_that_is_held_stays_whole(void **state)
{
    static const struct interleave_scene scenes[] = {
        {"a best-effort reader stands", begin, {read_what_comes, flood}, end, 0.16},
        {"a writer stands, one reads", begin, {flood, read_what_comes}, end, 0.16},
        {"a reliable reader stands", begin, {read_reliably, flood}, end, 0.16},
        {"a writer stands, one reads reliably", begin, {flood, read_reliably}, end, 0.16},
        {"a writer stands, one holds all", begin_full, {flood, hold_what_is_there}, end_full, 0.1},
        {"who holds all stands", begin_full, {hold_what_is_there, flood}, end_full, 0.1},
        {"both read and write", begin, {read_reliably, read_what_comes}, end, 0.16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        interleave(&scenes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(all_that_is_held_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
