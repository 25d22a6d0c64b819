/* weak_thread.c - see weak.h: threads, their clocks, and what else orders them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MUTEXES = 512 };

__thread uint32_t weak_seat;
static struct weak_clock clocks[WEAK_THREADS], mutexes[MUTEXES], ended;
static bool taken[WEAK_THREADS];
static _Atomic int lock;
static __thread uint64_t lots;
static _Atomic uint64_t threads_begun;
static uint64_t seed;

/* --- one at a time --------------------------------------------------------------------------- */

void weak_enter(void)
{
    for (int tries = 0; atomic_exchange_explicit(&lock, 1, memory_order_acquire); tries++)
        if (tries % 64 == 63)
            sched_yield();
    if (weak_seat)
        clocks[weak_seat - 1].at[weak_seat - 1]++; /* what it did last is over */
}

void weak_leave(void)
{
    atomic_store_explicit(&lock, 0, memory_order_release);
}

__attribute__((constructor)) static void begin(void)
{
    const char *given = getenv("EDDY_WEAK_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)getpid() * 2654435761u;
    pthread_atfork(weak_enter, weak_leave, weak_leave);
}

uint32_t weak_lot(uint32_t of)
{
    lots ^= lots << 13;
    lots ^= lots >> 7;
    lots ^= lots << 17;
    return (uint32_t)(lots >> 20) % of;
}

void weak_pause(void)
{
    if (lots == 0) /* others than who had the seat before: no round of a test repeats the last */
        lots = (seed + 1) * 0x9e3779b97f4a7c15u + ++threads_begun * 7919 + 1;
    if (weak_steps && --weak_steps == 0)
        weak_die();
    uint32_t drawn = weak_lot(1024);
    if (drawn < 8)
        sched_yield();
    else if (drawn < 9)
        nanosleep(&(struct timespec){.tv_nsec = 1000 + weak_lot(50000)}, NULL);
}

/* At a point of the engine (allocator/point.h) something may come in between that matters. */
static void linger(const char *point)
{
    (void)point;
    uint32_t drawn = weak_lot(32);
    if (drawn < 4)
        sched_yield();
    else if (drawn < 6)
        nanosleep(&(struct timespec){.tv_nsec = 1000 + weak_lot(50000)}, NULL);
}

extern void (*eddy_point_hook)(const char *point);
void (*eddy_point_hook)(const char *point) = linger;

/* --- clocks ---------------------------------------------------------------------------------- */

void weak_join(struct weak_clock *to, const struct weak_clock *from)
{
    for (int i = 0; i < WEAK_THREADS; i++)
        to->at[i] = from->at[i] > to->at[i] ? from->at[i] : to->at[i];
}

static void take_seat(void)
{
    for (uint32_t i = 0; i < WEAK_THREADS && !weak_seat; i++) {
        if (taken[i])
            continue;
        taken[i] = true;
        weak_seat = i + 1;
        clocks[i].at[i]++;
    }
    if (!weak_seat) {
        fprintf(stderr, "weak: more than %d threads\n", WEAK_THREADS);
        abort();
    }
}

/* What each thread has done comes before what any does from now on. */
bool __wrap_eddy_fence_all(void);
bool __wrap_eddy_fence_all(void)
{
    struct weak_clock all = {0};
    weak_enter();
    for (uint32_t i = 0; i < WEAK_THREADS; i++) {
        clocks[i].at[i]++; /* what it did last is over */
        weak_join(&all, &clocks[i]);
    }
    for (uint32_t i = 0; i < WEAK_THREADS; i++)
        weak_join(&clocks[i], &all);
    weak_leave();
    return true;
}

struct weak_clock *weak_mine(void)
{
    if (!weak_seat)
        take_seat();
    return &clocks[weak_seat - 1];
}

uint32_t weak_tick(void)
{
    struct weak_clock *clock = weak_mine();
    return ++clock->at[weak_seat - 1];
}

/* --- what else orders ------------------------------------------------------------------------ */

/* The linker sends the calls of these here (--wrap).  Mutexes and the start and end of threads
 * order what happens. */
int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __real_pthread_mutex_trylock(pthread_mutex_t *m);
int __real_pthread_mutex_unlock(pthread_mutex_t *m);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __real_pthread_tryjoin_np(pthread_t thread, void **result);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *m);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_tryjoin_np(pthread_t thread, void **result);

static struct weak_clock *clock_of(const pthread_mutex_t *m)
{
    return &mutexes[((uintptr_t)m >> 3) * 0x9e3779b97f4a7c15u >> 32 & (MUTEXES - 1)];
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
    int error = __real_pthread_mutex_lock(m);
    weak_enter();
    weak_join(weak_mine(), clock_of(m));
    weak_leave();
    return error;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *m)
{
    int error = __real_pthread_mutex_trylock(m);
    weak_enter();
    if (!error)
        weak_join(weak_mine(), clock_of(m));
    weak_leave();
    return error;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
    weak_enter();
    struct weak_clock *clock = weak_mine();
    weak_tick();
    weak_join(clock_of(m), clock);
    weak_leave();
    return __real_pthread_mutex_unlock(m);
}

struct start {
    void *(*run)(void *);
    void *argument;
    struct weak_clock clock;
};

static void end_thread(void *nothing)
{
    (void)nothing;
    weak_enter();
    /* Whoever joins one of those that ended joins all: rather too much than too little. */
    weak_join(&ended, weak_mine());
    taken[weak_seat - 1] = false;
    weak_leave();
}

static void *run_thread(void *argument)
{
    struct start start = *(struct start *)argument;
    void *result;
    __real_free(argument);
    weak_enter();
    weak_join(weak_mine(), &start.clock);
    weak_leave();
    pthread_cleanup_push(end_thread, NULL); /* cancelled ones end, too */
    result = start.run(start.argument);
    pthread_cleanup_pop(1);
    return result;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    struct start *start = __real_malloc(sizeof *start);
    if (!start)
        return -1;
    weak_enter();
    *start = (struct start){run, argument, *weak_mine()};
    weak_leave();
    return __real_pthread_create(thread, attributes, run_thread, start);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    int error = __real_pthread_join(thread, result);
    weak_enter();
    weak_join(weak_mine(), &ended);
    weak_leave();
    return error;
}

int __wrap_pthread_tryjoin_np(pthread_t thread, void **result)
{
    int error = __real_pthread_tryjoin_np(thread, result);
    if (error)
        return error;
    weak_enter();
    weak_join(weak_mine(), &ended);
    weak_leave();
    return 0;
}
