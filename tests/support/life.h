/* life.h - a thread that is a participant for a while, and may die in the middle of anything.
 *
 *   life_lead -> joins the domain -> live(domain, argument) -- returns -> leaves in good order
 *                                          '-- after `steps` shared steps: stops, for ever
 *
 * Deaths need the machine of tests/orders/weak.h: there the thread stops before one of its atomic
 * accesses, wherever that is, and what the kernel takes from a dead process goes: its locks, its
 * mappings and its descriptors.  Others learn of it as of any death.  What was on its heap is
 * freed.  Elsewhere everybody lives to the end.
 *
 * live() must open what it needs itself, must not wait for who waits for it, and must hold no lock
 * of the whole process when it comes to an atomic access.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_LIFE_H
#define EDDY_TESTS_LIFE_H

#include "world.h"

#ifdef EDDY_WEAK
#include "discovery/domain.h"
#include "orders/weak.h"
#endif

struct life {
    void (*live)(eddy_domain *domain, void *argument);
    void *argument;
    eddy_domain *domain;
};

static inline void life_begin(void *argument)
{
    struct life *life = argument;
    life->live(life->domain, life->argument);
}

/* steps 0: it lives.  False: it died. */
static inline bool life_lead(void (*live)(eddy_domain *domain, void *argument), void *argument,
                             uint64_t steps)
{
    bool lived = true;
    struct life life = {live, argument, open_domain()};
#ifdef EDDY_WEAK
    lived = weak_live(life_begin, &life, steps);
    if (!lived) { /* its handles went with it */
        life.domain->handles = 0;
        life.domain->topics = NULL;
    }
#else
    (void)steps;
    life_begin(&life);
#endif
    must(eddy_domain_close(life.domain)); /* and with it go its locks */
    return lived;
}

#endif
