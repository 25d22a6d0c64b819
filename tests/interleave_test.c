/* interleave_test.c - topics, with one of two participants standing at any point while the other
 * goes to any other: whatever they do then, the rules hold.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/interleave.h"
#include "support/payload.h"
#include "support/world.h"

#include "allocator/segment/slot.h"
#include "discovery/domain.h"
#include "transport/topic/writer.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 4, AUTHORS = 3, CROWD = 64, LIMIT = 1 << 20 };

/* Holds nobody up for long; waits as little. */
static const struct eddy_writer_options writing = {.limit_bytes = LIMIT, .history = 2};

/* --- somebody who was there before, and sees it all ------------------------------------------- */

static struct host {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    eddy_reader *crowd[CROWD];
} host;

/* Of each thread: how many it has published.  Read when it has ended. */
static uint64_t published[AUTHORS];

static void host_open(void)
{
    memset(published, 0, sizeof published);
    host = (struct host){.domain = open_domain()};
    host.writer = open_writer(host.domain, "points", &writing);
    host.reader = open_reader(host.domain, "points",
                              &(struct eddy_reader_options){.depth = 500, .limit_bytes = LIMIT});
}

/* Each sample once, in order, and all of them. */
static void host_has_seen_all(void)
{
    uint64_t next[AUTHORS] = {0}, sn = 0;
    struct eddy_sample sample;
    int error;
    while ((error = eddy_reader_take(host.reader, &sample)) == EDDY_OK) {
        struct payload payload = payload_of(&sample);
        check(sample.sn == ++sn && payload.author < AUTHORS);
        same(payload.number, next[payload.author]++);
        must(eddy_reader_release(host.reader, &sample));
    }
    must_fail(error, EDDY_EAGAIN);
    for (int i = 0; i < AUTHORS; i++)
        same(next[i], published[i]);
}

static bool is_free(struct eddy_segment *s, const struct eddy_place *p, uint32_t id, void *context)
{
    uint32_t owner = eddy_slot_owner(p->slot), keeper = eddy_load_seq(&p->slot->keeper);
    (void)context, (void)id;
    check(!eddy_slot_held(s, p));
    check(owner == 0 || owner == host.writer->me);
    check(keeper == 0 || keeper == host.writer->me);
    return true;
}

static void nothing_is_lost(void)
{
    struct eddy_topic_stats stats;
    must(eddy_writer_stats(host.writer, &stats));
    same(stats.writers, 1);
    same(stats.readers, 1);
    must(eddy_slots_each(host.writer->segment, is_free, NULL));
    same(world_files(), 3 + stats.extents); /* registry, flink, segment */
}

static void host_close(void)
{
    must(eddy_reader_close(host.reader));
    must(eddy_writer_close(host.writer));
    must(eddy_domain_close(host.domain));
    world_must_be_empty();
}

/* --- one who died with loans, samples and history --------------------------------------------- */

static struct host ghost;

/* A participant lives as long as its lock: here that goes, and the process stays. */
static void ghost_die(void)
{
    eddy_life_end(&ghost.domain->life);
}

static void ghost_open(void)
{
    struct eddy_loan loan;
    struct eddy_sample sample;
    ghost.domain = open_domain();
    ghost.writer = open_writer(ghost.domain, "points", &writing);
    ghost.reader = open_reader(ghost.domain, "points", NULL);
    must(eddy_writer_loan(ghost.writer, 64, patience(), &loan));
    payload_publish(ghost.writer, 64, 0, published[0]++);
    must(eddy_reader_take(ghost.reader, &sample));
    payload_publish(ghost.writer, 64, 0, published[0]++);
    must(eddy_reader_take(ghost.reader, &sample));
    ghost_die();
}

/* Its memory, once the topic is gone. */
static void ghost_bury(void)
{
    must(eddy_reader_close(ghost.reader));
    must(eddy_writer_close(ghost.writer));
    must(eddy_domain_close(ghost.domain));
}

/* --- a whole life ---------------------------------------------------------------------------- */

struct life {
    unsigned who;
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *keeping, *skipping;
    eddy_waitset *waitset;
    struct eddy_sample kept[2], skipped;
    uint64_t sn, next[AUTHORS], last_skipped;
    bool begun[AUTHORS];
};

static void release_whole(eddy_reader *reader, struct eddy_sample *sample)
{
    struct payload payload;
    if (!sample->data)
        return;
    check(payload_whole(sample->data, sample->size, &payload));
    must(eddy_reader_release(reader, sample));
    sample->data = NULL;
}

/* History may have gaps between authors; what follows has none. */
static bool take_next(struct life *l)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(l->keeping, &sample);
    if (error == EDDY_EAGAIN)
        return false;
    must(error);
    struct payload payload = payload_of(&sample);
    check(sample.sn > l->sn && payload.author < AUTHORS);
    if (l->begun[payload.author])
        same(payload.number, l->next[payload.author]);
    l->begun[payload.author] = true;
    l->next[payload.author] = payload.number + 1;
    struct eddy_sample *place = &l->kept[l->sn % 2];
    l->sn = sample.sn;
    release_whole(l->keeping, place);
    *place = sample;
    return true;
}

static void take_what_comes(struct life *l)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(l->skipping, &sample);
    if (error == EDDY_EAGAIN)
        return;
    must(error);
    payload_of(&sample);
    check(sample.sn > l->last_skipped);
    l->last_skipped = sample.sn;
    release_whole(l->skipping, &l->skipped);
    l->skipped = sample;
}

static void publish_in(struct life *l, size_t size, uint64_t wait_ns)
{
    struct eddy_loan loan;
    unsigned author = l->who + 1;
    int error = eddy_writer_loan(l->writer, size, eddy_deadline(wait_ns), &loan);
    if (error == EDDY_ETIMEDOUT)
        return;
    must(error);
    payload_fill(loan.data, size, author, published[author]);
    error = eddy_writer_publish(l->writer, &loan, size, eddy_deadline(wait_ns));
    if (error == EDDY_ETIMEDOUT)
        error = eddy_writer_discard(l->writer, &loan);
    else
        published[author]++;
    must(error);
}

static void publish(struct life *l, size_t size)
{
    publish_in(l, size, MILLISECOND);
}

static void wait_a_moment(struct life *l)
{
    void *found;
    size_t count;
    uint64_t soon = eddy_deadline(MILLISECOND / 20);
    int error = eddy_waitset_wait(l->waitset, soon, &found, 1, &count);
    check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
    while (take_next(l))
        continue;
    error = eddy_reader_wait(l->keeping, soon);
    check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
}

static void life_open(struct life *l)
{
    struct eddy_reader_options keeping = {.history = 10, .spin_ns = -1, .limit_bytes = LIMIT};
    struct eddy_reader_options skipping = {.reliability = EDDY_BEST_EFFORT, .limit_bytes = LIMIT};
    l->domain = open_domain();
    l->writer = open_writer(l->domain, "points", &writing);
    l->keeping = open_reader(l->domain, "points", &keeping);
    l->skipping = open_reader(l->domain, "points", &skipping);
    must(eddy_waitset_open(l->domain, &l->waitset));
    must(eddy_waitset_attach_reader(l->waitset, l->skipping, EDDY_WAIT_EDGE, NULL));
}

static void life_close(struct life *l)
{
    while (take_next(l))
        continue;
    if (l->begun[l->who + 1])
        same(l->next[l->who + 1], published[l->who + 1]);
    for (int i = 0; i < 2; i++)
        release_whole(l->keeping, &l->kept[i]);
    must(eddy_waitset_close(l->waitset));
    must(eddy_reader_close(l->skipping)); /* with a sample */
    must(eddy_reader_close(l->keeping));
    must(eddy_writer_close(l->writer));
    must(eddy_domain_close(l->domain));
}

static void live(unsigned who)
{
    struct life l = {.who = who};
    struct eddy_gc_report report;
    struct eddy_loan loan;
    must(eddy_gc(NULL, &report));
    life_open(&l);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        publish(&l, i == 2 ? 9000 : 100);
        take_next(&l);
        take_next(&l);
        take_what_comes(&l);
    }
    if (eddy_writer_loan(l.writer, 10, eddy_deadline(MILLISECOND), &loan) == EDDY_OK)
        must(eddy_writer_discard(l.writer, &loan));
    wait_a_moment(&l);
    life_close(&l);
}

static void begin_with_host(void)
{
    host_open();
    ghost_open();
}

static void end_with_host(void)
{
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    host_has_seen_all();
    nothing_is_lost();
    host_close();
    ghost_bury();
}

static void two_lives_on_a_topic(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "on a topic",
                                          .begin = begin_with_host,
                                          .lives = {live, live},
                                          .end = end_with_host,
                                          .share = 0.5});
}

/* --- nobody else: the topic and the domain come with the first and go with the last ----------- */

static void live_alone(unsigned who)
{
    struct life l = {.who = who};
    life_open(&l);
    publish(&l, 100);
    take_next(&l);
    life_close(&l);
}

static void begin_alone(void)
{
    memset(published, 0, sizeof published);
}

static void two_who_open_and_close_first_and_last(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "first and last",
                                          .begin = begin_alone,
                                          .lives = {live_alone, live_alone},
                                          .end = world_must_be_empty,
                                          .share = 0.15});
}

/* --- no room: both wait for readers that do not take ------------------------------------------ */

static void live_in_want(unsigned who)
{
    struct life l = {.who = who, .domain = open_domain()};
    l.writer = open_writer(l.domain, "points", NULL);
    l.keeping = open_reader(l.domain, "points", &(struct eddy_reader_options){.depth = 1});
    for (int i = 0; i < 3; i++) {
        publish_in(&l, 100, MILLISECOND / 20);
        take_next(&l);
    }
    publish_in(&l, 100, MILLISECOND / 20);
    publish_in(&l, 100, MILLISECOND / 20); /* what was before is not taken */
    while (take_next(&l))
        continue;
    must(eddy_reader_close(l.keeping));
    must(eddy_writer_close(l.writer));
    must(eddy_domain_close(l.domain));
}

static void end_with_host_alone(void)
{
    host_has_seen_all();
    nothing_is_lost();
    host_close();
}

static void two_who_wait_for_room(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "no room",
                                          .begin = host_open,
                                          .lives = {live_in_want, live_in_want},
                                          .end = end_with_host_alone,
                                          .share = 0.2});
}

/* --- more readers than a mask word has bits --------------------------------------------------- */

static void begin_crowded(void)
{
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT};
    host_open();
    for (int i = 0; i < CROWD; i++)
        host.crowd[i] = open_reader(host.domain, "points", &options);
}

static void end_crowded(void)
{
    for (int i = 0; i < CROWD; i++)
        must(eddy_reader_close(host.crowd[i]));
    host_has_seen_all();
    host_close();
}

static void live_in_a_crowd(unsigned who)
{
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT};
    struct life l = {.who = who, .domain = open_domain()};
    l.writer = open_writer(l.domain, "points", &writing);
    l.skipping = open_reader(l.domain, "points", &options);
    publish(&l, 100);
    take_what_comes(&l);
    publish(&l, 100);
    take_what_comes(&l);
    must(eddy_reader_close(l.skipping));
    must(eddy_writer_close(l.writer));
    must(eddy_domain_close(l.domain));
}

static void two_in_a_crowd_of_readers(void **state)
{
    (void)state;
    interleave(&(struct interleave_scene){.name = "in a crowd",
                                          .begin = begin_crowded,
                                          .lives = {live_in_a_crowd, live_in_a_crowd},
                                          .end = end_crowded,
                                          .share = 0.15});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(two_lives_on_a_topic),
        WORLD_TEST(two_who_open_and_close_first_and_last),
        WORLD_TEST(two_who_wait_for_room),
        WORLD_TEST(two_in_a_crowd_of_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
