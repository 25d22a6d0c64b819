/* participants_test.c - joining, leaving and asking who lives cost the same for ten participants and
 * for ten thousand.
 *
 * A few processes have many participants each.  EDDY_LONG=1: all 16,384 that a domain can have.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "discovery/domain.h"
#include "support/child.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FEW = 10,
    MANY = 10000,
    ALL = EDDY_PARTICIPANTS_MAX,
    OF_ONE = 512, /* participants of one process, each with a descriptor */
    HOSTS = ALL / OF_ONE,
    ASKS = 200,
    ROUNDS = 9,
    DEATHS = 300
};

/* Ratios: joins are measured as the least of some, asking as the mean of many. */
#define JOIN_LEEWAY 3
#define ASK_LEEWAY  2

/* Opens as many as it is told to, then closes them all when it is told 0. */
static void host(int wire, void *unused)
{
    (void)unused;
    static eddy_domain *domains[OF_ONE];
    uint64_t count = 0;
    for (uint64_t more; (more = wire_hear(wire)) != 0;) {
        for (; more > 0; more--)
            domains[count++] = open_domain();
        wire_say(wire, WIRE_READY);
    }
    while (count > 0)
        must(eddy_domain_close(domains[--count]));
}

static struct child hosts[HOSTS];
static unsigned there;

static void populate(unsigned wanted)
{
    while (there < wanted) {
        unsigned left = OF_ONE - there % OF_ONE, more = wanted - there;
        struct child *h = &hosts[there / OF_ONE];
        if (there % OF_ONE == 0)
            *h = child_start(host, NULL);
        more = more < left ? more : left;
        wire_say(h->wire, more);
        wire_expect(h->wire, WIRE_READY);
        there += more;
    }
}

static void depopulate(void)
{
    for (unsigned i = 0; i * OF_ONE < there; i++)
        wire_say(hosts[i].wire, 0);
    for (unsigned i = 0; i * OF_ONE < there; i++)
        child_join(&hosts[i]);
    there = 0;
}

struct cost {
    uint64_t join, leave, ask; /* ns */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t ask_about_others(const eddy_domain *domain)
{
    uint64_t began = eddy_now();
    for (unsigned i = 0; i < ASKS; i++) {
        uint32_t seat = i * 7919 % there;
        uint64_t id = eddy_load_relaxed(&domain->registry->participants[seat].id);
        check(eddy_domain_knows_alive(domain, id));
    }
    return (eddy_now() - began) / ASKS;
}

static struct cost measure(void)
{
    struct cost best = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t began = eddy_now();
        eddy_domain *domain = open_domain();
        uint64_t joined = eddy_now();
        must(eddy_domain_close(domain));
        best.leave = least(best.leave, eddy_now() - joined);
        best.join = least(best.join, joined - began);
    }
    eddy_domain *asking = open_domain();
    for (unsigned i = 0; i < ROUNDS; i++)
        best.ask = least(best.ask, ask_about_others(asking));
    must(eddy_domain_close(asking));
    return best;
}

static void each_costs_the_same_for_many_as_for_few(void **state)
{
    (void)state;
    bool all = getenv("EDDY_LONG") != NULL;
    populate(FEW);
    struct cost few = measure();
    uint64_t began = eddy_now();
    populate(all ? ALL - 1 : MANY);
    uint64_t took = eddy_now() - began;
    struct cost many = measure();
    printf("%u joined in %.1f s; join %llu and %llu us, leave %llu and %llu us, ask %llu and %llu "
           "ns\n",
           there, (double)took / 1e9, (unsigned long long)few.join / 1000,
           (unsigned long long)many.join / 1000, (unsigned long long)few.leave / 1000,
           (unsigned long long)many.leave / 1000, (unsigned long long)few.ask,
           (unsigned long long)many.ask);
    check(many.join < JOIN_LEEWAY * few.join);
    check(many.leave < JOIN_LEEWAY * few.leave);
    check(many.ask < ASK_LEEWAY * few.ask);
    check(took < 60 * SECOND);
    depopulate();
}

/* However many come and die, those who come next sit where they sat. */
static void seats_of_the_dead_are_had_again(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain(), *others[DEATHS];
    uint32_t highest = 0;
    for (unsigned i = 0; i < DEATHS; i++) {
        others[i] = open_domain();
        uint32_t seat = EDDY_SEAT_OF_ID(others[i]->id);
        highest = seat > highest ? seat : highest;
        eddy_life_end(&others[i]->life); /* as if it were killed */
        check(!eddy_domain_knows_alive(domain, others[i]->id));
    }
    check(highest < EDDY_LIFE_SEATS);
    for (unsigned i = 0; i < DEATHS; i++)
        must(eddy_domain_close(others[i]));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(each_costs_the_same_for_many_as_for_few),
        WORLD_TEST(seats_of_the_dead_are_had_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
