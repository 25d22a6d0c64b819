/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/wait/spin.h"

#include "allocator/atomic.h"

#include <unistd.h>

/* Nanoseconds, and numbers of waits.  What they are worth: spec/protocols.md, "Waiting". */
#define LONGEST  300000 /* one look: longer than two sleepers need to answer each other */
#define WORTH    70000  /* a sleep, in looking */
#define STAKE    400000
#define MOST     1000000
#define ALLOWED  8000000  /* in vain, at once ... */
#define SHARE    64       /* ... and of all time one part in so many */
#define TRY      1000000  /* of that, for a try to begin */
#define GRACE    20000    /* a look that is longer by that lost its CPU to somebody */
#define HOPELESS 500000   /* mean wait, asleep, beyond which no look would be long enough */
#define CAP      4000000  /* of what is added up */
#define SWITCHED 1500     /* letting others run took longer: somebody did ... */
#define BRIEF    50000    /* ... and had little to do */
#define CHARGE   64000000 /* at once, for looks that only seemed to gain */

#define FIRST_SLEEPS 8u
#define MEASURED     32u /* sleeps at the end of a term */
#define SUFFICES     8u  /* waits, for a mean */
#define JUDGED       33u /* waits of a try, before which nothing is said about its pace */
#define REMEMBERED   64u
#define FIRST_TERM   64u
#define SHARED       4u /* in vain, until they are not let run first any more */
#define MOST_TERM    65536u
#define MOST_GAINING 8192u

/* Where nobody else can run while we look, what we wait for cannot come. */
static bool has_two_cpus(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

void eddy_spin_init(struct eddy_spin *s, int64_t fixed_ns)
{
    *s = (struct eddy_spin){
        .may = has_two_cpus(), .fixed_ns = fixed_ns, .sleeps = FIRST_SLEEPS, .term = FIRST_TERM};
}

static bool take(struct eddy_spin *s)
{
    bool free = false;
    return eddy_cas_acquire(&s->busy, &free, true); /* from [learnt] */
}

static void give_back(struct eddy_spin *s)
{
    eddy_store_release(&s->busy, false); /* [learnt] */
}

/* --- paces ----------------------------------------------------------------------------------- */

static uint64_t capped(uint64_t ns)
{
    return ns < CAP ? ns : CAP;
}

static void note(struct eddy_spin_pace *p, uint64_t interval, uint64_t wait)
{
    if (p->count == REMEMBERED) {
        p->count /= 2;
        p->intervals /= 2;
        p->waits /= 2;
    }
    p->count++;
    p->intervals += capped(interval);
    p->waits += capped(wait);
}

static uint64_t mean(const struct eddy_spin_pace *p)
{
    return p->count > 0 ? p->intervals / p->count : 0;
}

/* At pace p things come sooner than at pace q, by a sixteenth at least. */
static bool is_sooner(const struct eddy_spin_pace *p, const struct eddy_spin_pace *q)
{
    return p->count >= SUFFICES && q->count >= SUFFICES && 16 * mean(p) < 15 * mean(q);
}

/* --- who shares our CPU ---------------------------------------------------------------------- */

void eddy_spin_shared(struct eddy_spin *s, uint64_t took_ns)
{
    /* Relaxed: a guess, of whoever came last. */
    uint32_t shares = eddy_load_relaxed(&s->shares);
    if (took_ns > BRIEF)
        eddy_store_relaxed(&s->shares, 0); /* a stranger: what comes soon is to be seen before */
    else if (took_ns > SWITCHED)
        eddy_store_relaxed(&s->shares, SHARED);
    else if (shares > 0)
        eddy_store_relaxed(&s->shares, shares - 1);
}

bool eddy_spin_shares(const struct eddy_spin *s)
{
    return eddy_load_relaxed(&s->shares) > 0; /* a guess */
}

/* --- looking or not -------------------------------------------------------------------------- */

static void rest(struct eddy_spin *s, uint32_t sleeps)
{
    s->looks = false;
    s->gain_ns = 0;
    s->left = 0;
    s->sleeps = sleeps;
    s->asleep = (struct eddy_spin_pace){0};
}

static void fail(struct eddy_spin *s)
{
    rest(s, FIRST_SLEEPS);
    s->term = s->term / 2 > FIRST_TERM ? s->term / 2 : FIRST_TERM;
    s->allowance_ns -= (int64_t)(s->looked < CHARGE ? s->looked : CHARGE);
    s->looked = 0;
}

/* A gain has to be found again, or what was looked for it is paid for after all. */
static void end_term(struct eddy_spin *s)
{
    if (s->gain_ns == 0)
        s->looked = 0;
    rest(s, MEASURED);
}

static void try_anew(struct eddy_spin *s)
{
    s->looks = true;
    s->stake_ns = STAKE;
    s->found = 0;
    s->looking = (struct eddy_spin_pace){0};
}

uint64_t eddy_spin_limit(struct eddy_spin *s)
{
    if (!s->may || s->fixed_ns < 0)
        return 0;
    if (s->fixed_ns > 0)
        return (uint64_t)s->fixed_ns;
    if (!take(s))
        return 0;
    bool hopes = s->asleep.waits <= (uint64_t)HOPELESS * s->asleep.count;
    if (!s->looks && s->sleeps == 0 && hopes && s->allowance_ns >= TRY)
        try_anew(s);
    uint64_t limit = s->looks ? LONGEST : 0;
    give_back(s);
    return limit;
}

/* Until sleeping is measured again: the world may have changed. */
static void go_on(struct eddy_spin *s, uint32_t most)
{
    s->left = s->term < most ? s->term : most;
    s->term = 2 * s->left;
}

/* The stake is gone: does it make things come sooner? */
static void decide(struct eddy_spin *s)
{
    if (!is_sooner(&s->looking, &s->asleep)) {
        fail(s);
        return;
    }
    s->gain_ns = (int64_t)(mean(&s->asleep) - mean(&s->looking));
    s->stake_ns = STAKE;
    s->looked = 0;
    go_on(s, MOST_GAINING);
}

static void learn_found(struct eddy_spin *s, int64_t spent, uint64_t interval)
{
    /* The first interval began with a sleep. */
    if (s->found++ > 0)
        note(&s->looking, interval, (uint64_t)spent);
    s->stake_ns += s->gain_ns > 0 ? s->gain_ns : WORTH - spent;
    if (s->stake_ns >= MOST)
        s->stake_ns = MOST;
    if (s->stake_ns == MOST && s->found > JUDGED && s->gain_ns == 0) /* it has paid for itself */
        s->looked = 0;
    if (s->left > 0 && --s->left == 0)
        end_term(s);
    else if (s->stake_ns <= 0 && s->found >= JUDGED)
        decide(s);
    else if (s->found == JUDGED && is_sooner(&s->asleep, &s->looking))
        fail(s);
    else if (s->found == JUDGED && s->left == 0)
        go_on(s, MOST_TERM);
}

/* One that was too long lost its CPU to another, and we were not woken. */
static void learn_vain(struct eddy_spin *s, int64_t spent, uint64_t interval)
{
    note(&s->looking, interval, (uint64_t)spent); /* lest only what came soon counts */
    int64_t earned = s->stake_ns > STAKE ? s->stake_ns - STAKE : 0;
    int64_t paid = earned < spent ? earned : spent;
    s->stake_ns -= paid;
    s->allowance_ns -= spent - paid;
    if (s->allowance_ns < 0)
        fail(s);
}

static void learn(struct eddy_spin *s, const struct eddy_spun *how)
{
    uint64_t spent = how->looked - how->begin, interval = how->end - s->last;
    s->last = how->end;
    s->allowance_ns += (int64_t)(interval / SHARE);
    s->allowance_ns = s->allowance_ns < ALLOWED ? s->allowance_ns : ALLOWED;
    if (how->limit == 0) {
        note(&s->asleep, interval, how->end - how->begin);
        s->sleeps -= s->sleeps > 0;
    } else if (how->found && spent <= how->limit + GRACE) {
        s->looked += spent;
        learn_found(s, (int64_t)spent, interval);
    } else {
        learn_vain(s, (int64_t)spent, interval);
    }
}

void eddy_spin_learn(struct eddy_spin *s, const struct eddy_spun *how)
{
    if (!s->may || s->fixed_ns != 0 || !take(s))
        return;
    learn(s, how);
    give_back(s);
}
