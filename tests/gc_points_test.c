/* gc_points_test.c - garbage is looked for while somebody is just joining what only the dead used
 * so far.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/points.h"
#include "support/ring_pair.h"
#include "support/slots_pair.h"
#include "support/world.h"

#include <sys/wait.h>

static const uint64_t nobody[] = {0};

/* One kind of thing that is joined by its name. */
struct thing {
    const char *found; /* the point at which it is found alive, and not joined yet */
    void *(*create)(void);
    void *(*join)(void);
    void (*write)(void *handle);
    bool (*meets)(void); /* joins, and hears of who wrote */
};

static void creator(int wire, void *argument)
{
    (void)((const struct thing *)argument)->create();
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void joiner(int wire, void *argument)
{
    const struct thing *thing = argument;
    wire_expect(wire, WIRE_GO);
    plan = (struct points_plan){.point = thing->found, .countdown = 1, .blow = STOP};
    points_arm();
    void *handle = thing->join();
    thing->write(handle);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* The name's lock is held by who joins, so that what the name leads to is not looked at; nor may
 * it be taken for something that no name leads to. */
static void is_not_garbage(const struct thing *thing)
{
    eddy_domain *domain = open_domain();
    struct child first = child_start(creator, (void *)thing);
    wire_expect(first.wire, WIRE_READY);
    struct child second = child_start(joiner, (void *)thing);
    wire_say(second.wire, WIRE_GO);
    check(waitpid(second.pid, NULL, WUNTRACED) == second.pid);
    child_kill(&first);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    child_continue(&second);
    wire_expect(second.wire, WIRE_READY);
    check(thing->meets());
    child_kill(&second);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    same(world_files(), 1); /* the registry */
    must(eddy_domain_close(domain));
}

/* --- a topic --------------------------------------------------------------------------------- */

static void *topic_open(void)
{
    return open_writer(open_domain(), "t", &(struct eddy_writer_options){.history = 1});
}

static void topic_write(void *writer)
{
    payload_publish(writer, 64, 7, 0);
}

static bool topic_meets(void)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "t", &(struct eddy_reader_options){.history = 1});
    bool met = eddy_reader_ready(reader) && payload_take(reader).author == 7;
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
    return met;
}

static void a_topic_that_somebody_joins_is_not_garbage(void **state)
{
    (void)state;
    is_not_garbage(&(struct thing){"open:found", topic_open, topic_open, topic_write, topic_meets});
}

/* --- a slots segment ------------------------------------------------------------------------- */

static void *slots_new(void)
{
    return slots_create("s", 4, 64, 4);
}

static void *slots_join(void)
{
    return slots_attach("s");
}

static void slots_write(void *slots)
{
    must(slots_publish(slots, nobody, "mine", 4));
}

static bool slots_meet(void)
{
    eddy_slots *slots = NULL;
    bool met = eddy_slots_attach(NULL, slots_path("s"), NULL, &slots) == EDDY_OK &&
               eddy_slots_generation(slots) == 1;
    must(eddy_slots_close(slots));
    return met;
}

static void slots_that_somebody_joins_are_not_garbage(void **state)
{
    (void)state;
    is_not_garbage(
        &(struct thing){"slots-attach:found", slots_new, slots_join, slots_write, slots_meet});
}

/* --- a ring ---------------------------------------------------------------------------------- */

static void *ring_new(void)
{
    return ring_create("r", EDDY_RING_CONSUMER, 4, 64);
}

static void *ring_join(void)
{
    return ring_attach("r", EDDY_RING_PRODUCER);
}

static void ring_write(void *ring)
{
    ring_publish(ring, 64, 0);
}

static bool ring_meets(void)
{
    eddy_ring *ring = NULL;
    struct eddy_chunk chunk;
    bool met = eddy_ring_attach(NULL, "r", EDDY_RING_CONSUMER, NULL, &ring) == EDDY_OK &&
               eddy_ring_take(ring, EDDY_POLL, &chunk) == EDDY_OK &&
               eddy_ring_release(ring, &chunk) == EDDY_OK;
    must(eddy_ring_close(ring));
    return met;
}

static void a_ring_that_somebody_joins_is_not_garbage(void **state)
{
    (void)state;
    is_not_garbage(
        &(struct thing){"ring-attach:found", ring_new, ring_join, ring_write, ring_meets});
}

/* --- sweeping -------------------------------------------------------------------------------- */

enum { TOPICS = 4 };

static void litterer(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    static const char *const names[TOPICS] = {"a", "b", "c", "d"};
    for (int i = 0; i < TOPICS; i++)
        payload_publish(open_writer(domain, names[i], NULL), 64, 1, 0);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

/* Is stopped after the first file, which has lost its name. */
static void sweeper(int wire, void *argument)
{
    (void)argument;
    wire_expect(wire, WIRE_GO);
    plan = (struct points_plan){.point = "sweep:between", .countdown = 1, .blow = STOP};
    points_arm();
    eddy_domain *domain = open_domain();
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    must(eddy_domain_close(domain));
}

static void who_joins_waits_for_no_sweep(void **state)
{
    (void)state;
    struct child first = child_start(litterer, NULL);
    wire_expect(first.wire, WIRE_READY);
    child_kill(&first);
    unsigned litter = world_files();
    check(litter >= 3 * TOPICS);
    struct child second = child_start(sweeper, NULL);
    wire_say(second.wire, WIRE_GO);
    check(waitpid(second.pid, NULL, WUNTRACED) == second.pid);
    same(world_files(), litter - 1);
    eddy_domain *domain = open_domain(); /* the sweeper still stands there */
    eddy_writer *writer = open_writer(domain, "a", NULL);
    payload_publish(writer, 64, 2, 0);
    child_continue(&second);
    wire_expect(second.wire, WIRE_READY);
    check(world_files() >= litter - 1); /* it has left the rest alone */
    wire_say(second.wire, WIRE_GO);
    child_join(&second);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    same(world_files(), 4); /* the registry, and of one topic: flink, control, extent */
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_topic_that_somebody_joins_is_not_garbage),
        WORLD_TEST(slots_that_somebody_joins_are_not_garbage),
        WORLD_TEST(a_ring_that_somebody_joins_is_not_garbage),
        WORLD_TEST(who_joins_waits_for_no_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
