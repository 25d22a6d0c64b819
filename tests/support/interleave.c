/* interleave.c - see interleave.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "interleave.h"

#include "check.h"
#include "payload.h"
#include "points.h"
#include "thread.h"
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS_MOST = 512, INTERLEAVE_SECONDS = SANITIZED ? 60 : 30 };

enum state { IDLE, RUNS, STANDS, BLOCKED, DONE };

/* One of the two threads.  All but `me` under the lock. */
static struct player {
    pthread_t thread;
    unsigned who;
    void (*life)(unsigned who);
    const char *hold_at; /* NULL: nowhere */
    unsigned countdown;  /* the time that it comes there */
    const char *last;    /* the point that it came to last, but for those of locks that are busy */
    const char *busy;    /* and the last of these */
    enum state state;
    unsigned came[POINTS_MOST]; /* how often to each point */
} players[2];

static pthread_mutex_t stage = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static _Thread_local struct player *me;

/* A point, and the how-manieth time that somebody comes there. */
struct moment {
    const char *point; /* NULL: never */
    unsigned time;
};

static struct {
    const struct interleave_scene *scene;
    struct moment p, q;
} now;

/* --- the threads ----------------------------------------------------------------------------- */

static void set_state(struct player *player, enum state state)
{
    player->state = state;
    pthread_cond_broadcast(&change);
}

static void arrive(const char *name)
{
    if (!me)
        return;
    pthread_mutex_lock(&stage);
    if (strstr(name, "lock:busy")) {
        me->busy = name;
        if (me->state == RUNS)
            set_state(me, BLOCKED);
    } else {
        if (me->state == BLOCKED)
            set_state(me, RUNS);
        me->last = name;
        me->came[points_index(name)]++;
    }
    if (me->hold_at && strcmp(name, me->hold_at) == 0 && --me->countdown == 0) {
        me->hold_at = NULL;
        set_state(me, STANDS);
        while (me->state == STANDS)
            pthread_cond_wait(&change, &stage);
    }
    pthread_mutex_unlock(&stage);
}

static void *run(void *argument)
{
    me = argument;
    me->life(me->who);
    pthread_mutex_lock(&stage);
    set_state(me, DONE);
    pthread_mutex_unlock(&stage);
    return NULL;
}

/* --- who conducts them ----------------------------------------------------------------------- */

static void tell_pair(void)
{
    char text[256];
    /* Also when a signal is about to end the test; at worst it ends in here.
     * NOLINTNEXTLINE(bugprone-signal-handler) */
    int length = snprintf(text, sizeof text, "with EDDY_TEST_PAIR=%s,%u,%s,%u in \"%s\"\n",
                          now.p.point ? now.p.point : "", now.p.time,
                          now.q.point ? now.q.point : "", now.q.time, now.scene->name);
    (void)!write(2, text, (size_t)length);
}

static void die(int number)
{
    tell_pair();
    signal(number, SIG_DFL);
    raise(number);
}

static void start(struct player *player, struct moment hold_at)
{
    player->hold_at = hold_at.point;
    player->countdown = hold_at.time;
    player->last = player->busy = NULL;
    player->state = RUNS;
    memset(player->came, 0, sizeof player->came);
    player->thread = thread_start(run, player);
}

/* Until it does not run any more: it stands, is blocked, or has ended. */
static enum state await_change(struct player *player)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&stage);
    while (player->state == RUNS)
        if (pthread_cond_timedwait(&change, &stage, &until) != 0)
            check_fail(CHECK_HERE("await_change"), "it hangs");
    enum state state = player->state;
    pthread_mutex_unlock(&stage);
    return state;
}

static void let_go(struct player *player)
{
    pthread_mutex_lock(&stage);
    player->hold_at = NULL;
    if (player->state == STANDS)
        set_state(player, RUNS);
    pthread_mutex_unlock(&stage);
}

/* However often it has to wait for a lock meanwhile. */
static void await_end(struct player *player)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&stage);
    while (player->state != DONE)
        if (pthread_cond_timedwait(&change, &stage, &until) != 0)
            check_fail(CHECK_HERE("await_end"), "it hangs");
    pthread_mutex_unlock(&stage);
    thread_join(player->thread);
}

/* What came of a pair. */
enum outcome { NOT_REACHED, SECOND_BLOCKED, FIRST_BLOCKED, RAN };

static enum outcome play(struct moment p, struct moment q)
{
    struct player *first = &players[0], *second = &players[1];
    now.p = p;
    now.q = q;
    now.scene->begin();
    start(first, p);
    bool stands = await_change(first) == STANDS;
    start(second, q);
    enum state where = await_change(second);
    let_go(first);
    if (where == BLOCKED)
        let_go(second);
    bool blocked = where == STANDS && await_change(first) == BLOCKED;
    if (where != STANDS || blocked)
        let_go(second);
    await_end(first);
    let_go(second);
    await_end(second);
    now.scene->end();
    return !stands            ? NOT_REACHED
           : where == BLOCKED ? SECOND_BLOCKED
           : blocked          ? FIRST_BLOCKED
                              : RAN;
}

/* --- which pairs there are ------------------------------------------------------------------- */

struct points_pair {
    unsigned short p, q;
    unsigned short times_p, times_q; /* that there are */
};

static struct {
    struct points_pair pairs[POINTS_MOST * POINTS_MOST / 4];
    size_t count, ran, again, first_blocked;
    size_t excluded_gate, excluded_name, excluded_folder, unreached;
} sum;

static const struct moment never;

/* Pairs that are excluded by the lock that somebody met. */
static size_t *excluded_by(const struct player *player)
{
    if (player->busy && strcmp(player->busy, "region-lock:busy") == 0)
        return &sum.excluded_folder;
    return player->last && strcmp(player->last, "join:opened") == 0 ? &sum.excluded_gate
                                                                    : &sum.excluded_name;
}

/* How often a life comes to each point if nothing is in its way. */
static void come_alone(unsigned who, unsigned came[POINTS_MOST])
{
    now.p = now.q = never;
    now.scene->begin();
    start(&players[who], never);
    await_end(&players[who]);
    memcpy(came, players[who].came, sizeof players[who].came);
    now.scene->end();
}

/* What the second comes to while the first stands at p; NULL, or the lock that stops it. */
static size_t *come_beside(size_t p, unsigned came[POINTS_MOST])
{
    struct player *first = &players[0], *second = &players[1];
    now.p = (struct moment){points_all[p], 1};
    now.q = never;
    now.scene->begin();
    start(first, now.p);
    check(await_change(first) == STANDS);
    start(second, never);
    bool blocked = await_change(second) == BLOCKED;
    pthread_mutex_lock(&stage);
    memcpy(came, second->came, sizeof second->came);
    size_t *lock = excluded_by(second);
    pthread_mutex_unlock(&stage);
    let_go(first);
    await_end(first);
    await_end(second);
    now.scene->end();
    return blocked ? lock : NULL;
}

static void find_pairs(void)
{
    static unsigned alone[2][POINTS_MOST], beside[POINTS_MOST];
    memset(&sum, 0, sizeof sum);
    check(points_all_count <= POINTS_MOST);
    for (unsigned who = 0; who < 2; who++)
        come_alone(who, alone[who]);
    for (size_t p = 0; p < points_all_count; p++) {
        size_t *lock = alone[0][p] ? come_beside(p, beside) : NULL;
        for (size_t q = 0; alone[0][p] && q < points_all_count; q++)
            if (beside[q])
                sum.pairs[sum.count++] =
                    (struct points_pair){(unsigned short)p, (unsigned short)q,
                                         (unsigned short)alone[0][p], (unsigned short)beside[q]};
            else if (alone[1][q])
                ++*(lock ? lock : &sum.unreached);
    }
}

/* --- all of them ----------------------------------------------------------------------------- */

static uint64_t seed;

static void shuffle(void)
{
    for (size_t i = sum.count; i > 1; i--) {
        size_t j = payload_random(&seed) % i;
        struct points_pair other = sum.pairs[j];
        sum.pairs[j] = sum.pairs[i - 1];
        sum.pairs[i - 1] = other;
    }
}

static bool play_only_one(void)
{
    struct moment p = {.time = 1}, q = {.time = 1};
    const char *only = getenv("EDDY_TEST_PAIR");
    static char a[80], b[80];
    if (!only)
        return false;
    if (sscanf(only, "%79[^,],%u,%79[^,],%u", a, &p.time, b, &q.time) != 4)
        check_fail(CHECK_HERE("EDDY_TEST_PAIR"), "is not p,1,q,1");
    p.point = a;
    q.point = b;
    printf("%s: outcome %d\n", only, (int)play(p, q));
    return true;
}

static void play_pair(const struct points_pair *pair, unsigned time_p, unsigned time_q)
{
    struct moment p = {points_all[pair->p], time_p}, q = {points_all[pair->q], time_q};
    sum.first_blocked += play(p, q) == FIRST_BLOCKED;
}

/* The first time that each comes to its point; then, in the time that is left, any time. */
static void play_all(void)
{
    const char *all = getenv("EDDY_TEST_PAIRS");
    bool every = all && strcmp(all, "all") == 0;
    uint64_t until =
        eddy_deadline((uint64_t)(now.scene->share * (double)INTERLEAVE_SECONDS * (double)SECOND));
    for (; sum.ran < sum.count && (every || eddy_now() < until); sum.ran++)
        play_pair(&sum.pairs[sum.ran], 1, 1);
    for (; sum.again < sum.count && (every || eddy_now() < until); sum.again++) {
        const struct points_pair *pair = &sum.pairs[sum.again];
        play_pair(pair, 1 + (unsigned)(payload_random(&seed) % pair->times_p),
                  1 + (unsigned)(payload_random(&seed) % pair->times_q));
    }
}

static void tell_sum(void)
{
    printf("%s: %zu of %zu pairs, and %zu again at another of the times; in %zu the first met a "
           "lock that the second held, which went on before it.\n"
           "Not run, as the second meets a lock that the first holds at p: %zu (the gate of the "
           "registry), %zu (that of the name), %zu (that of the folder).  Not on its way then: "
           "%zu.\n",
           now.scene->name, sum.ran, sum.count, sum.again, sum.first_blocked, sum.excluded_gate,
           sum.excluded_name, sum.excluded_folder, sum.unreached);
}

void interleave(const struct interleave_scene *scene)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT};
    void (*before[3])(int);
    for (int i = 0; i < 3; i++)
        before[i] = signal(deadly[i], die);
    check_tell_more = tell_pair;
    now.scene = scene;
    for (unsigned i = 0; i < 2; i++)
        players[i] = (struct player){.who = i, .life = scene->lives[i]};
    eddy_point_hook = arrive;
    if (!play_only_one()) {
        seed = payload_seed();
        find_pairs();
        shuffle();
        play_all();
        tell_sum();
        check(sum.count > 0 && sum.ran > 0);
    }
    eddy_point_hook = NULL;
    check_tell_more = NULL;
    for (int i = 0; i < 3; i++)
        signal(deadly[i], before[i]);
}
