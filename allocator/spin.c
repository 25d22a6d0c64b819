/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/spin.h"

#include "allocator/atomic.h"

#include <eddy/domain.h>
#include <sched.h>
#include <unistd.h>

#define FIRST_NS 5000u
#define LEAST_NS 200u
#define MOST_NS  50000u
#define ANEW     64u /* fruitless waits */
#define LOOKS    64  /* before the clock is asked */

/* Where nobody else can run while we spin, what we wait for cannot come. */
static bool has_two_cpus(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/* A process that may run on one CPU alone may share it with those it waits for: it tries less
 * before it learns. */
static uint64_t first_budget(void)
{
    cpu_set_t cpus;
    bool roams = sched_getaffinity(0, sizeof cpus, &cpus) != 0 || CPU_COUNT(&cpus) > 1;
    return roams ? FIRST_NS : LEAST_NS;
}

void eddy_spin_init(struct eddy_spin *s, int64_t fixed_ns)
{
    s->may = has_two_cpus();
    s->fixed_ns = fixed_ns;
    /* Relaxed, here and below: guesses, which no other memory hangs on. */
    eddy_store_relaxed(&s->budget_ns, first_budget());
    eddy_store_relaxed(&s->fruitless, 0u);
}

static uint64_t limit_of(struct eddy_spin *s)
{
    if (!s->may || s->fixed_ns < 0)
        return 0;
    return s->fixed_ns > 0 ? (uint64_t)s->fixed_ns : eddy_load_relaxed(&s->budget_ns);
}

/* What paid is given twice as long next time, what did not half as long.  Now and then it tries as
 * long as may be: where two that wait for each other both sleep, each finds the other slow to wake,
 * and only who stays awake for once finds it quick again. */
static void learn(struct eddy_spin *s, uint64_t limit, bool paid)
{
    uint64_t next = paid ? limit * 2 : limit / 2;
    uint32_t fruitless = eddy_load_relaxed(&s->fruitless) + !paid;
    eddy_store_relaxed(&s->fruitless, fruitless);
    if (!paid && fruitless % ANEW == 0)
        next = MOST_NS;
    next = next > MOST_NS ? MOST_NS : next < LEAST_NS ? LEAST_NS : next;
    eddy_store_relaxed(&s->budget_ns, next);
}

bool eddy_spin(struct eddy_spin *s, uint64_t deadline, bool (*ready)(const void *),
               const void *what)
{
    uint64_t limit = limit_of(s);
    if (limit == 0 || deadline == EDDY_POLL)
        return false;
    uint64_t end = eddy_deadline(limit);
    end = end < deadline ? end : deadline;
    bool is_ready = false;
    do
        for (int i = 0; i < LOOKS; i++) {
            is_ready = ready(what);
            if (is_ready)
                break; /* a pause is longer than it takes others to publish */
            eddy_pause();
        }
    while (!is_ready && eddy_now() < end);
    learn(s, limit, is_ready);
    return is_ready;
}
