/* order_test.c - one order of samples per topic, the same for every reader, whoever writes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

enum { WRITERS = 4, READERS = 3, EACH = SANITIZED ? 1000 : 10000, TOTAL = WRITERS * EACH };

static void write_all(eddy_writer *writer, uint64_t author)
{
    for (uint64_t i = 0; i < EACH; i++)
        payload_publish(writer, sizeof(struct payload) + author * 8, author, i);
}

/* Takes all TOTAL samples; each writer's must come in its order.  Returns a digest of who wrote
 * which sequence number. */
static uint64_t read_all(eddy_reader *reader)
{
    uint64_t next[WRITERS] = {0}, digest = 1;
    for (uint64_t sn = 1; sn <= TOTAL; sn++) {
        struct eddy_sample sample;
        must(eddy_reader_wait(reader, patience()));
        must(eddy_reader_take(reader, &sample));
        same(sample.sn, sn);
        struct payload payload = payload_of(&sample);
        check(payload.author < WRITERS);
        same(payload.number, next[payload.author]++);
        digest = digest * UINT64_C(0x100000001b3) + payload.author;
        must(eddy_reader_release(reader, &sample));
    }
    check(!eddy_reader_ready(reader));
    return digest;
}

struct part {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    uint64_t author, digest;
    pthread_t thread;
};

static void *writing_thread(void *argument)
{
    struct part *part = argument;
    write_all(part->writer, part->author);
    return NULL;
}

static void *reading_thread(void *argument)
{
    struct part *part = argument;
    part->digest = read_all(part->reader);
    return NULL;
}

/* Threads that share a domain handle, or have one each. */
static void threads_see_one_order(eddy_domain *shared)
{
    struct part readers[READERS] = {0}, writers[WRITERS] = {0};
    for (int i = 0; i < READERS; i++) {
        readers[i].domain = shared ? shared : open_domain();
        readers[i].reader = open_reader(readers[i].domain, "order", NULL);
    }
    for (int i = 0; i < WRITERS; i++) {
        writers[i].domain = shared ? shared : open_domain();
        writers[i].author = (uint64_t)i;
        writers[i].writer = open_writer(writers[i].domain, "order", NULL);
    }
    for (int i = 0; i < READERS; i++)
        readers[i].thread = thread_start(reading_thread, &readers[i]);
    for (int i = 0; i < WRITERS; i++)
        writers[i].thread = thread_start(writing_thread, &writers[i]);
    for (int i = 0; i < WRITERS; i++) {
        thread_join(writers[i].thread);
        must(eddy_writer_close(writers[i].writer));
        if (!shared)
            must(eddy_domain_close(writers[i].domain));
    }
    for (int i = 0; i < READERS; i++) {
        thread_join(readers[i].thread);
        same(readers[i].digest, readers[0].digest);
        must(eddy_reader_close(readers[i].reader));
        if (!shared)
            must(eddy_domain_close(readers[i].domain));
    }
}

static void threads_of_one_participant_see_one_order(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    threads_see_one_order(domain);
    must(eddy_domain_close(domain));
}

static void threads_with_participants_of_their_own_see_one_order(void **state)
{
    (void)state;
    threads_see_one_order(NULL);
}

static void writing_process(int wire, void *argument)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "order", NULL);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    write_all(writer, *(uint64_t *)argument);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void reading_process(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "order", NULL);
    wire_say(wire, WIRE_READY);
    wire_say(wire, read_all(reader));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void processes_see_one_order(void **state)
{
    (void)state;
    struct child readers[READERS], writers[WRITERS];
    uint64_t digests[READERS];
    for (int i = 0; i < READERS; i++) {
        readers[i] = child_start(reading_process, NULL);
        wire_expect(readers[i].wire, WIRE_READY);
    }
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = child_start(writing_process, &i);
        wire_expect(writers[i].wire, WIRE_READY);
    }
    for (int i = 0; i < WRITERS; i++)
        wire_say(writers[i].wire, WIRE_GO);
    for (int i = 0; i < WRITERS; i++)
        child_join(&writers[i]);
    for (int i = 0; i < READERS; i++) {
        digests[i] = wire_hear(readers[i].wire);
        same(digests[i], digests[0]);
        child_join(&readers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(threads_of_one_participant_see_one_order),
        WORLD_TEST(threads_with_participants_of_their_own_see_one_order),
        WORLD_TEST(processes_see_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
