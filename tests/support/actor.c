/* actor.c - see actor.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "actor.h"

#include "child.h"
#include "payload.h"

enum { WIDE = 70 };

const struct eddy_writer_options actor_writing = {
    .limit_bytes = ACTOR_LIMIT, .max_wait_ns = 20 * SECOND, .history = 3};

static void victim(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "points", &actor_writing);
    eddy_reader *reader =
        open_reader(domain, "points", &(struct eddy_reader_options){.history = UINT32_MAX});
    struct eddy_loan loan;
    struct eddy_sample sample;
    for (int i = 0; i < 3; i++) {
        must(eddy_writer_loan(writer, 200, &loan));
        int error = eddy_reader_take(reader, &sample);
        check(error == EDDY_OK || error == EDDY_ENODATA);
    }
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

void actor_kill_a_victim(void)
{
    struct child child = child_start(victim, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
}

struct actor {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *keeping, *skipping;
    eddy_waitset *waitset;
};

/* The next number that an author may have: a sample that was replaced while it was taken would
 * come twice, or too early. */
struct progress {
    uint64_t next[3];
};

static void take_into(eddy_reader *reader, struct progress *progress, struct eddy_sample *place)
{
    struct eddy_sample sample;
    int error = eddy_reader_take(reader, &sample);
    if (error == EDDY_ENODATA)
        return;
    must(error);
    struct payload payload = payload_of(&sample);
    check(payload.author < 3 && payload.number >= progress->next[payload.author]);
    progress->next[payload.author] = payload.number + 1;
    if (place->data)
        must(eddy_reader_release(reader, place));
    *place = sample;
}

static void publish_and_take(struct actor *actor)
{
    struct eddy_sample kept[5] = {0}, skipped[2] = {0};
    struct progress keeping = {{0}}, skipping = {{0}};
    for (uint64_t i = 0; i < ACTOR_ROUNDS; i++) {
        struct eddy_loan loan;
        size_t size = sizeof(struct payload) + (i % 50 == 0 ? i * 400 : i % 900);
        must(eddy_writer_loan(actor->writer, size, &loan));
        must(eddy_writer_discard(actor->writer, &loan));
        payload_publish(actor->writer, size, 1, i);
        if (actor->keeping)
            for (int both = 0; both < 2; both++)
                take_into(actor->keeping, &keeping, &kept[i * 2 % 5]);
        take_into(actor->skipping, &skipping, &skipped[i % 2]);
    }
}

static void wait_a_little(struct actor *actor)
{
    void *found;
    size_t count;
    uint64_t soon = eddy_deadline(MILLISECOND / 4);
    int error = eddy_waitset_wait(actor->waitset, soon, &found, 1, &count);
    check(error == EDDY_OK || error == EDDY_ETIMEDOUT);
    eddy_reader *quiet =
        open_reader(actor->domain, "quiet", &(struct eddy_reader_options){.spin_ns = -1});
    must_fail(eddy_reader_wait(quiet, eddy_deadline(MILLISECOND / 4)), EDDY_ETIMEDOUT);
    must(eddy_reader_close(quiet));
}

/* More readers than one mask word has bits. */
static void hold_with_many_readers(struct actor *actor)
{
    eddy_reader *readers[WIDE];
    struct eddy_sample samples[WIDE];
    struct eddy_reader_options options = {.reliability = EDDY_BEST_EFFORT};
    eddy_writer *writer = open_writer(actor->domain, "wide", NULL);
    for (int i = 0; i < WIDE; i++)
        readers[i] = open_reader(actor->domain, "wide", &options);
    payload_publish(writer, 100, 1, 1);
    for (int i = 0; i < WIDE; i++)
        must(eddy_reader_take(readers[i], &samples[i]));
    for (int i = 0; i < WIDE; i++)
        must(eddy_reader_close(readers[i]));
    must(eddy_writer_close(writer));
}

void actor_act(bool with_reliable_reader)
{
    struct actor actor = {.domain = open_domain()};
    struct eddy_reader_options keeping = {.history = UINT32_MAX};
    struct eddy_reader_options skipping = {.reliability = EDDY_BEST_EFFORT};
    struct eddy_gc_report report;
    must(eddy_gc(NULL, &report));
    actor.writer = open_writer(actor.domain, "points", &actor_writing);
    if (with_reliable_reader)
        actor.keeping = open_reader(actor.domain, "points", &keeping);
    actor.skipping = open_reader(actor.domain, "points", &skipping);
    must(eddy_waitset_open(actor.domain, &actor.waitset));
    must(eddy_waitset_attach_reader(actor.waitset, actor.skipping, EDDY_WAIT_EDGE, NULL));
    wait_a_little(&actor);
    publish_and_take(&actor);
    hold_with_many_readers(&actor);
    must(eddy_waitset_close(actor.waitset));
    must(eddy_reader_close(actor.keeping));
    must(eddy_reader_close(actor.skipping));
    must(eddy_writer_close(actor.writer));
    must(eddy_domain_close(actor.domain));
}
