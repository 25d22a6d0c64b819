/* crowded_poll_test.c - who does not wait is not held up by looking for the dead, and gets their
 * room all the same.
 *
 * Many participants with a reader each on one topic, which do not take: a best-effort writer that
 * publishes finds no room, again and again.  EDDY_LONG=1: 1,000.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>

enum { FEW = 2, MANY = 300, MOST = 1000, LEAST_CALLS = 100 };

static eddy_domain *domains[MOST];
static eddy_reader *readers[MOST];

static const struct eddy_reader_options shallow = {.depth = 1};

/* ns that a call took in which there was no room, on average over half a second. */
static double cost_of_no_room(size_t participants)
{
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "crowd", NULL);
    for (size_t i = 0; i < participants; i++) {
        domains[i] = open_domain();
        readers[i] = open_reader(domains[i], "crowd", &shallow);
    }
    while (eddy_writer_write(writer, "x", 1, EDDY_POLL) == EDDY_OK)
        continue;
    uint64_t calls = 0, began = eddy_now(), now;
    do {
        must_fail(eddy_writer_write(writer, "x", 1, EDDY_POLL), EDDY_EAGAIN);
        now = eddy_now();
    } while (++calls < LEAST_CALLS || now - began < SECOND / 2);
    for (size_t i = 0; i < participants; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_domain_close(domains[i]));
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    return (double)(now - began) / (double)calls;
}

static void finding_no_room_costs_little_in_a_crowd(void **state)
{
    (void)state;
    double few = cost_of_no_room(FEW);
    size_t count = getenv("EDDY_LONG") ? MOST : MANY;
    double many = cost_of_no_room(count);
    printf("no room: %.2f us among many, %.2f among %d\n", many / 1000, few / 1000, FEW);
    check(many <= few * (double)count / FEW); /* whose cursors it looks at */
}

static void hold_up(int wire, void *unused)
{
    (void)unused;
    (void)open_reader(open_domain(), "crowd", &shallow);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
}

/* Also if it has just looked in vain. */
static void a_poll_finds_the_room_of_the_dead_soon(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "crowd", NULL);
    struct child child = child_start(hold_up, NULL);
    wire_expect(child.wire, WIRE_READY);
    while (eddy_writer_write(writer, "x", 1, EDDY_POLL) == EDDY_OK)
        continue;
    child_kill(&child);
    uint64_t began = eddy_now();
    while (eddy_writer_write(writer, "x", 1, EDDY_POLL) != EDDY_OK)
        check(eddy_now() < patience());
    printf("room of the dead after %.0f ms\n", (double)(eddy_now() - began) / 1e6);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {WORLD_TEST(finding_no_room_costs_little_in_a_crowd),
                                       WORLD_TEST(a_poll_finds_the_room_of_the_dead_soon)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
