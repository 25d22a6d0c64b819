/* mappings_test.c - how many mappings a topic takes: the kernel has a limit for each process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <stdio.h>
#include <string.h>

enum { CONTROL = 1, EXTENT = 2, TOPIC = CONTROL + EXTENT, MANY = 100, REST = 10 };

/* Of all files in the folder but those of the domain: the registry, and what shows that we live. */
static bool is_topics(const char *line)
{
    return strstr(line, world_dir()) != NULL && strstr(line, "/registry") == NULL &&
           strstr(line, "/.eddy-life") == NULL;
}

static bool is_any(const char *line)
{
    return *line;
}

static unsigned count_mappings(bool (*counts)(const char *line))
{
    FILE *list = fopen("/proc/self/maps", "re");
    char line[512];
    unsigned count = 0;
    check(list != NULL);
    while (fgets(line, sizeof line, list))
        count += counts(line);
    fclose(list);
    return count;
}

static unsigned mappings(void)
{
    return count_mappings(is_topics);
}

static void who_writes_and_reads_has_three(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 200, 1, 0);
    payload_take(pair.reader);
    same(mappings(), TOPIC);
    payload_publish(pair.writer, 100000, 1, 1); /* another extent */
    payload_take(pair.reader);
    same(mappings(), TOPIC + EXTENT);
    pair_close(&pair);
    same(mappings(), 0);
}

static void write_one(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    wire_expect(wire, WIRE_GO);
    payload_publish(writer, 200, 1, 0);
    same(mappings(), TOPIC);
    wire_say(wire, WIRE_DONE);
    wire_expect(wire, WIRE_GO);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void who_reads_has_three(void **state)
{
    (void)state;
    struct child child = child_start(write_one, NULL);
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    wire_say(child.wire, WIRE_GO);
    wire_expect(child.wire, WIRE_DONE);
    payload_take(reader);
    same(mappings(), TOPIC);
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

/* The kernel counts all, also those of the process's own memory. */
static void many_topics_have_no_other_ones(void **state)
{
    (void)state;
    static eddy_writer *writers[MANY];
    eddy_domain *domain = open_domain();
    unsigned before = count_mappings(is_any);
    for (unsigned i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        writers[i] = open_writer(domain, name, NULL);
        payload_publish(writers[i], 200, 1, 0);
    }
    unsigned all = count_mappings(is_any) - before;
    if (!SANITIZED)
        check(all <= TOPIC * MANY + REST);
    for (unsigned i = 0; i < MANY; i++)
        must(eddy_writer_close(writers[i]));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(many_topics_have_no_other_ones), /* first: malloc learns what comes and goes */
        WORLD_TEST(who_writes_and_reads_has_three),
        WORLD_TEST(who_reads_has_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
