/* stage.h - threads that stop at points of the engine until the test tells them to go on.
 *
 *   the thread:  stage_enter(&stop) ... comes to the point: stands there ... goes on
 *   another:     stage_until_there(&stop) ... stage_let_go(&stop)
 *
 * Nothing of this orders memory on the machine of tests/orders/weak.h, so what one thread does
 * while the other stands may be seen late by it, as far as C11 allows.
 *
 * Threads: a stop belongs to one thread at a time, which stops there once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_STAGE_H
#define EDDY_TESTS_STAGE_H

#include "check.h"
#include "world.h"

#include "allocator/point.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

struct stage_stop {
    const char *point;
    void (*look)(void); /* what the thread does first when it comes there; may be NULL */
    atomic_bool there, go;
    struct stage_stop *next; /* where it stops after that; may be NULL */
};

#ifndef EDDY_WEAK /* there the machine has it */
void (*eddy_point_hook)(const char *name);
#endif

static _Thread_local struct stage_stop *stage_mine;

static inline void stage_until(atomic_bool *flag)
{
    uint64_t end = patience();
    while (!atomic_load_explicit(flag, memory_order_relaxed)) {
        check(eddy_now() < end);
        sched_yield();
    }
}

static inline void stage_until_there(struct stage_stop *stop)
{
    stage_until(&stop->there);
}

static inline void stage_let_go(struct stage_stop *stop)
{
    atomic_store_explicit(&stop->go, true, memory_order_relaxed);
}

static inline void stage_arrive(const char *name)
{
    struct stage_stop *stop = stage_mine;
    if (!stop || strcmp(name, stop->point) != 0)
        return;
    stage_mine = stop->next;
    if (stop->look)
        stop->look();
    atomic_store_explicit(&stop->there, true, memory_order_relaxed);
    stage_until(&stop->go);
}

/* NULL: this thread stops nowhere. */
static inline void stage_enter(struct stage_stop *stop)
{
    stage_mine = stop;
}

/* Makes a stop anew. */
static inline void stage_set(struct stage_stop *stop, const char *point, void (*look)(void))
{
    stop->point = point;
    stop->look = look;
    stop->next = NULL;
    atomic_store(&stop->there, false);
    atomic_store(&stop->go, false);
}

#endif
