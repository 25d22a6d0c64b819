/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/wait/wait.h"

#include "allocator/point.h"
#include "allocator/wait/futex.h"

#include <eddy/domain.h>
#include <sched.h>

#define PAUSES 64u /* before the clock is asked, and others of this CPU are let run */

static int glance(const struct eddy_awaited *kind, void *what)
{
    return kind->hint && !kind->hint(what) ? EDDY_EAGAIN : kind->look(what);
}

/* What we wait for may need this very CPU, or whom we have just given something to do. */
static uint64_t let_others_run(struct eddy_spin *s)
{
    uint64_t before = eddy_now();
    sched_yield();
    uint64_t now = eddy_now();
    eddy_spin_shared(s, now - before);
    return now;
}

static int look_again(struct eddy_spin *s, const struct eddy_awaited *kind, void *what,
                      uint64_t until, uint64_t *now)
{
    int result = EDDY_EAGAIN;
    bool others_first = eddy_spin_shares(s);
    do {
        for (uint32_t i = 0; i < PAUSES && result == EDDY_EAGAIN && !others_first;
             i += kind->pauses) {
            for (uint32_t j = 0; j < kind->pauses; j++)
                eddy_pause();
            result = glance(kind, what);
        }
        others_first = false;
        *now = result == EDDY_EAGAIN ? let_others_run(s) : eddy_now();
    } while (result == EDDY_EAGAIN && *now < until);
    return result;
}

static struct eddy_vigil arm(const struct eddy_awaited *kind, _Atomic uint32_t *bell)
{
    /* Relaxed: before the look that follows; the kernel looks at it again. */
    struct eddy_vigil vigil = {
        .bell = bell,
        .tolls = kind->orphans ? eddy_load_relaxed(&kind->orphans->tolls) : 0,
        .seen = kind->seen,
    };
    vigil.armed = eddy_bell_arm(bell);
    return vigil;
}

/* False: the deadline has passed. */
static bool sleep_once(const struct eddy_awaited *kind, const struct eddy_vigil *vigil,
                       uint64_t deadline)
{
    uint64_t nap = kind->nap_ns ? eddy_deadline(kind->nap_ns) : EDDY_FOREVER;
    uint64_t until = nap < deadline ? nap : deadline;
    bool woken = kind->orphans ? eddy_orphans_wait(kind->orphans, vigil, until)
                               : eddy_bell_wait(vigil->bell, vigil->armed, until);
    return woken || until < deadline;
}

static int look_asleep(const struct eddy_awaited *kind, void *what, _Atomic uint32_t *bell,
                       uint64_t deadline)
{
    int result = EDDY_EAGAIN;
    for (bool in_time = true; result == EDDY_EAGAIN && in_time;) {
        struct eddy_vigil vigil = arm(kind, bell);
        EDDY_POINT("wait:armed");
        if (kind->sleeps)
            kind->sleeps(what, true);
        result = kind->look(what);
        if (result == EDDY_EAGAIN) {
            EDDY_POINT("wait:looked");
            in_time = sleep_once(kind, &vigil, deadline);
            result = kind->look(what);
        }
        EDDY_POINT("wait:woken");
        if (kind->sleeps)
            kind->sleeps(what, false);
    }
    return result;
}

int eddy_wait(struct eddy_spin *s, const struct eddy_awaited *kind, void *what,
              _Atomic uint32_t *bell, uint64_t deadline)
{
    int result = kind->look(what);
    if (result != EDDY_EAGAIN)
        return result;
    if (deadline == EDDY_POLL)
        return EDDY_EAGAIN;
    struct eddy_spun how = {.limit = eddy_spin_limit(s), .begin = eddy_now()};
    how.looked = how.begin;
    uint64_t until = how.begin + how.limit < deadline ? how.begin + how.limit : deadline;
    if (until > how.begin)
        result = look_again(s, kind, what, until, &how.looked);
    how.found = result != EDDY_EAGAIN;
    how.end = how.looked;
    if (!how.found) {
        result = look_asleep(kind, what, bell, deadline);
        how.end = eddy_now();
    }
    eddy_spin_learn(s, &how);
    return result == EDDY_EAGAIN ? EDDY_ETIMEDOUT : result;
}
