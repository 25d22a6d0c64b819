/* load_test.c - much of everything: processes, topics, comings and goings, deaths, bytes.
 *
 * EDDY_TEST_LONG=1 gives the full counts; without it the two long ones do a part.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/usage.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

static uint64_t rounds(uint64_t all, uint64_t some)
{
    const char *given = getenv("EDDY_TEST_LONG");
    return given && strcmp(given, "0") != 0 ? all : SANITIZED ? some / 4 : some;
}

/* --- what a process and the folder have ------------------------------------------------------ */

struct usage {
    uint32_t descriptors, mappings, files;
    uint64_t shared_bytes;
};

static struct usage usage_now(eddy_reader *reader)
{
    struct eddy_topic_stats stats;
    must(eddy_reader_stats(reader, &stats));
    return (struct usage){.descriptors = usage_descriptors(),
                          .mappings = usage_mappings(),
                          .files = world_files(),
                          .shared_bytes = stats.shared_bytes};
}

static void has_not_grown(eddy_reader *reader, const struct usage *before)
{
    struct usage now = usage_now(reader);
    same(now.descriptors, before->descriptors);
    same(now.mappings, before->mappings);
    same(now.files, before->files);
    same(now.shared_bytes, before->shared_bytes);
}

/* --- processes ------------------------------------------------------------------------------- */

enum { PROCESSES = SANITIZED ? 25 : 100, EACH = 10, SAMPLES = 20 };

static const char *name_of(uint64_t process, uint64_t topic)
{
    static char name[48];
    snprintf(name, sizeof name, "process %u, topic %u", (unsigned)(process % PROCESSES),
             (unsigned)topic);
    return name;
}

struct member {
    eddy_domain *domain;
    eddy_waitset *waitset;
    eddy_writer *writers[EACH];
    eddy_reader *readers[EACH];
    uint64_t next[EACH]; /* number to come on the neighbour's topics */
};

static void open_member(struct member *m, uint64_t id)
{
    m->domain = open_domain();
    must(eddy_waitset_open(m->domain, &m->waitset));
    for (uint64_t i = 0; i < EACH; i++) {
        m->writers[i] = open_writer(m->domain, name_of(id, i), NULL);
        m->readers[i] = open_reader(m->domain, name_of(id + 1, i), NULL);
        must(eddy_waitset_attach_reader(m->waitset, m->readers[i], EDDY_WAIT_LEVEL, &m->next[i]));
    }
}

/* All that the neighbour publishes, as the wait set tells. */
static void hear_the_neighbour(struct member *m, uint64_t id)
{
    void *found[EACH];
    for (uint64_t heard = 0; heard < (uint64_t)EACH * SAMPLES;) {
        size_t count;
        must(eddy_waitset_wait(m->waitset, patience(), found, EACH, &count));
        for (size_t i = 0; i < count; i++, heard++) {
            size_t topic = (size_t)((uint64_t *)found[i] - m->next);
            struct payload payload = payload_take(m->readers[topic]);
            same(payload.author, (id + 1) % PROCESSES * EACH + topic);
            same(payload.number, m->next[topic]++);
        }
    }
}

static void member_process(int wire, void *argument)
{
    struct member m = {0};
    uint64_t id = *(uint64_t *)argument;
    open_member(&m, id);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (uint64_t number = 0; number < SAMPLES; number++)
        for (uint64_t i = 0; i < EACH; i++)
            payload_publish(m.writers[i], 64, id * EACH + i, number);
    hear_the_neighbour(&m, id);
    wire_say(wire, WIRE_DONE);
    wire_hear(wire);
    must(eddy_waitset_close(m.waitset));
    for (uint64_t i = 0; i < EACH; i++) {
        must(eddy_reader_close(m.readers[i]));
        must(eddy_writer_close(m.writers[i]));
    }
    must(eddy_domain_close(m.domain));
}

static void to_all(const struct child *children, uint64_t word)
{
    for (uint64_t i = 0; i < PROCESSES; i++)
        wire_say(children[i].wire, word);
}

static void from_all(const struct child *children, uint64_t word)
{
    for (uint64_t i = 0; i < PROCESSES; i++)
        wire_expect(children[i].wire, word);
}

static void processes_with_10_topics_each_share_a_domain(void **state)
{
    (void)state;
    static struct child children[PROCESSES];
    eddy_snapshot *snapshot;
    for (uint64_t i = 0; i < PROCESSES; i++)
        children[i] = child_start(member_process, &i);
    from_all(children, WIRE_READY);
    must(eddy_snapshot_take(NULL, &snapshot));
    same(eddy_snapshot_topics(snapshot), PROCESSES * EACH);
    eddy_snapshot_free(snapshot);
    to_all(children, WIRE_GO);
    from_all(children, WIRE_DONE);
    to_all(children, WIRE_GO);
    for (uint64_t i = 0; i < PROCESSES; i++)
        child_join(&children[i]);
    world_must_be_empty();
}

/* --- comings and goings ---------------------------------------------------------------------- */

static void busy_writer(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "busy", NULL);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0;; i++)
        payload_publish(writer, 64, 1, i);
}

/* The one who stays misses nothing while others come and go. */
static void take_all(eddy_reader *reader, uint64_t *next)
{
    struct eddy_sample sample;
    for (int i = 0; i < 64 && eddy_reader_take(reader, &sample) == EDDY_OK; i++) {
        same(sample.sn, (*next)++);
        payload_of(&sample);
        must(eddy_reader_release(reader, &sample));
    }
}

/* As others of this process, or as a participant of its own. */
static void come_and_go(eddy_domain *domain, bool on_its_own)
{
    struct eddy_sample sample;
    struct eddy_loan loan;
    eddy_domain *own = on_its_own ? open_domain() : domain;
    eddy_reader *reader = open_reader(own, "busy", NULL);
    eddy_writer *writer = open_writer(own, "busy", NULL);
    if (eddy_writer_loan(writer, 64, EDDY_POLL, &loan) == EDDY_OK) {
        payload_fill(loan.data, 64, 2, 0);
        if (eddy_writer_publish(writer, &loan, 64, EDDY_POLL) != EDDY_OK)
            must(eddy_writer_discard(writer, &loan));
    }
    if (eddy_reader_take(reader, &sample) == EDDY_OK)
        payload_of(&sample); /* goes with its reader, */
    eddy_writer_loan(writer, 64, EDDY_POLL,
                     &loan); /* and the loan, if there is one, with its writer */
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
    if (on_its_own)
        must(eddy_domain_close(own));
}

static void opening_and_closing_a_busy_topic_uses_nothing_up(void **state)
{
    (void)state;
    struct usage before = {0};
    uint64_t cycles = rounds(10000, 10000), next = 1;
    eddy_domain *domain = open_domain();
    eddy_reader *steady = open_reader(domain, "busy", NULL);
    struct child writer = child_start(busy_writer, NULL);
    wire_expect(writer.wire, WIRE_READY);
    for (uint64_t i = 0; i < cycles; i++) {
        if (i == cycles / 10)
            before = usage_now(steady);
        come_and_go(domain, i % 4 == 0);
        take_all(steady, &next);
    }
    has_not_grown(steady, &before);
    check(next > cycles);
    child_kill(&writer);
    must(eddy_reader_close(steady));
    must(eddy_domain_close(domain));
}

/* --- deaths ---------------------------------------------------------------------------------- */

struct life {
    uint64_t round;
};

/* Keeps samples and loans of all sizes for as long as it lives. */
static void phoenix(int wire, void *argument)
{
    uint64_t round = ((struct life *)argument)->round;
    struct eddy_domain_options options = {.name = "phoenix"};
    eddy_domain *domain;
    must(eddy_domain_open(&options, &domain));
    eddy_reader *reader = open_reader(domain, "busy", &(struct eddy_reader_options){.depth = 16});
    eddy_writer *writer = open_writer(domain, "busy", NULL);
    struct eddy_sample samples[8];
    struct eddy_loan loan;
    uint64_t taken = 0;
    for (uint64_t number = 0;; number++) {
        payload_publish(writer, 64 + number % 7 * 100, round, number);
        if (number == 3)
            wire_say(wire, WIRE_READY);
        if (number < 5)
            must(eddy_writer_loan(writer, 64, patience(), &loan));
        if (taken == 8) /* the oldest stays */
            must(eddy_reader_release(reader, &samples[--taken]));
        must(eddy_reader_take(reader, &samples[taken++]));
    }
}

/* The dead one's samples come whole and in order, and the newcomer's after them. */
static void hear_the_phoenix(eddy_reader *reader, uint64_t round, uint64_t at_least)
{
    struct eddy_sample sample;
    uint64_t next = 0;
    while (next < at_least || eddy_reader_ready(reader)) {
        must(eddy_reader_wait(reader, patience()));
        must(eddy_reader_take(reader, &sample));
        struct payload payload = payload_of(&sample);
        same(payload.author, round);
        same(payload.number, next++);
        must(eddy_reader_release(reader, &sample));
    }
}

static void one_life(eddy_reader *reader, uint64_t round, uint64_t *seed)
{
    struct life life = {round};
    struct child child = child_start(phoenix, &life);
    wire_expect(child.wire, WIRE_READY);
    uint64_t until = eddy_deadline(payload_random(seed) % (MILLISECOND / 2));
    while (eddy_now() < until)
        continue;
    child_kill(&child);
    hear_the_phoenix(reader, round, 4);
}

static void killed_and_started_again_under_the_same_name(void **state)
{
    (void)state;
    struct usage before = {0};
    uint64_t lives = rounds(10000, 1000), seed = payload_seed();
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "busy", NULL);
    for (uint64_t round = 0; round < lives; round++) {
        if (round == lives / 10)
            before = usage_now(reader);
        one_life(reader, round, &seed);
    }
    struct usage now = usage_now(reader);
    same(now.descriptors, before.descriptors);
    check(now.files <= before.files + 2);
    check(now.shared_bytes < 2u << 20);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* --- bytes ----------------------------------------------------------------------------------- */

#define GIB (UINT64_C(1) << 30)

static void need_memory(uint64_t bytes)
{
    struct statvfs shm;
    struct sysinfo info;
    check(statvfs(world_dir(), &shm) == 0 && sysinfo(&info) == 0);
    uint64_t room = (uint64_t)shm.f_bavail * shm.f_frsize;
    uint64_t memory = ((uint64_t)info.freeram + info.bufferram) * info.mem_unit;
    if (room >= bytes && memory >= bytes)
        return;
    skip_because("needs %.1f GiB of memory and of /dev/shm; there are %.1f and %.1f",
                 (double)bytes / (double)GIB, (double)memory / (double)GIB,
                 (double)room / (double)GIB);
}

/* All of them at once, and each is what was written. */
static void more_than_4_gib_of_live_samples(void **state)
{
    (void)state;
    enum { COUNT = 66, BYTES = 64 << 20 };
    static struct eddy_sample kept[COUNT];
    need_memory(6 * GIB);
    struct eddy_writer_options options = {.limit_bytes = 5 * GIB};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "large", &options);
    eddy_reader *reader = open_reader(domain, "large", NULL);
    struct eddy_loan loan;
    for (uint64_t i = 0; i < COUNT; i++) {
        must(eddy_writer_loan(writer, BYTES, patience(), &loan));
        payload_fill(loan.data, 4096, 1, i);
        payload_fill((char *)loan.data + BYTES - 4096, 4096, 2, i);
        must(eddy_writer_publish(writer, &loan, BYTES, patience()));
        must(eddy_reader_take(reader, &kept[i]));
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        struct payload first, last;
        same(kept[i].size, BYTES);
        check(payload_whole(kept[i].data, 4096, &first));
        check(payload_whole((const char *)kept[i].data + BYTES - 4096, 4096, &last));
        check(first.number == i && last.number == i && first.author == 1 && last.author == 2);
    }
    struct eddy_topic_stats stats;
    must(eddy_reader_stats(reader, &stats));
    check(stats.shared_bytes > 4 * GIB);
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void one_sample_of_more_than_4_gib(void **state)
{
    (void)state;
    size_t bytes = 4 * GIB + 8192;
    need_memory(6 * GIB);
    struct eddy_writer_options options = {.limit_bytes = 6 * GIB};
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "large", &options);
    eddy_reader *reader = open_reader(domain, "large", NULL);
    struct eddy_sample sample;
    struct eddy_loan loan;
    struct payload end;
    must(eddy_writer_loan(writer, bytes, patience(), &loan));
    payload_fill((char *)loan.data + bytes - 4096, 4096, 1, 7);
    must(eddy_writer_publish(writer, &loan, bytes, patience()));
    must(eddy_reader_take(reader, &sample));
    same(sample.size, bytes);
    check(payload_whole((const char *)sample.data + bytes - 4096, 4096, &end) && end.number == 7);
    must(eddy_reader_release(reader, &sample));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(processes_with_10_topics_each_share_a_domain),
        WORLD_TEST(opening_and_closing_a_busy_topic_uses_nothing_up),
        WORLD_TEST(killed_and_started_again_under_the_same_name),
        WORLD_TEST(more_than_4_gib_of_live_samples),
        WORLD_TEST(one_sample_of_more_than_4_gib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
