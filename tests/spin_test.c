/* spin_test.c - what a place where one waits learns from made-up waits.
 *
 * Time is a number here: it goes on by what the test says that things take.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include "allocator/wait/spin.h"

#define MICROSECOND UINT64_C(1000)

/* What holds for whatever the others do, with a little to spare: looking in vain takes at most this
 * at once, this part of all time, and what the looks that were not in vain have gained: a sleep
 * each, or the time by which looking makes things come sooner.  The last look of all may last longer
 * than was left, by the 3 ms for which one loses a CPU here. */
#define AT_ONCE (12 * MILLISECOND)
#define PART    60u
#define A_SLEEP (75 * MICROSECOND)

/* --- one who waits --------------------------------------------------------------------------- */

struct waiter {
    struct eddy_spin spin;
    uint64_t now, begin, limit;
    uint64_t waits, found; /* by looking */
    /* Nanoseconds: in all; of looks that found nothing, or too late; what the others gained. */
    uint64_t looked, vain, gained;
};

static struct waiter waiter(int64_t fixed_ns)
{
    struct waiter w = {.now = 1000 * SECOND};
    eddy_spin_init(&w.spin, fixed_ns);
    w.spin.may = true; /* wherever this runs */
    return w;
}

static void begin_wait(struct waiter *w, uint64_t now)
{
    w->begin = now;
    w->limit = eddy_spin_limit(&w->spin);
    w->waits++;
}

/* What it waits for came before it had looked for long enough. */
static bool finds(const struct waiter *w, uint64_t came)
{
    return w->limit > 0 && came <= w->begin + w->limit;
}

/* It came, and was seen at `end`: the same moment if by looking, unless that lost its CPU. */
static void end_wait(struct waiter *w, uint64_t came, uint64_t end)
{
    struct eddy_spun how = {.limit = w->limit, .begin = w->begin, .end = end};
    how.found = finds(w, came);
    how.looked = how.found ? end : w->begin + w->limit;
    uint64_t looked = how.looked - how.begin;
    w->looked += looked;
    bool in_vain = !how.found || looked > w->limit + 20 * MICROSECOND;
    int64_t gain = w->spin.gain_ns;
    w->vain += in_vain ? looked : 0;
    w->found += !in_vain;
    w->gained += in_vain ? 0 : gain > (int64_t)A_SLEEP ? (uint64_t)gain : A_SLEEP;
    w->now = end;
    eddy_spin_learn(&w->spin, &how);
}

/* A wait for what comes in `takes`; asleep it takes `wakes` more. */
static void wait_for(struct waiter *w, uint64_t takes, uint64_t wakes)
{
    begin_wait(w, w->now);
    uint64_t came = w->now + takes;
    end_wait(w, came, finds(w, came) ? came : came + wakes);
}

static void is_bounded(const struct waiter *w, uint64_t since)
{
    uint64_t most = AT_ONCE + (w->now - since) / PART + w->gained;
    if (w->vain > most)
        check_fail(CHECK_HERE("is_bounded"), "%llu us in vain, %llu are allowed",
                   (unsigned long long)w->vain / 1000, (unsigned long long)most / 1000);
}

/* --- two who answer each other --------------------------------------------------------------- */

struct game {
    struct waiter ends[2];
    uint64_t answers, wakes, switches; /* what each takes */
};

/* Ends[turn] has the word at `now`.  Gives back when the other one has it. */
static uint64_t answer(struct game *g, unsigned turn, uint64_t now)
{
    struct waiter *me = &g->ends[turn], *other = &g->ends[!turn];
    uint64_t came = now + g->answers;
    bool awake = finds(other, came);
    begin_wait(me, came + (awake ? 0 : g->wakes));
    uint64_t seen = awake ? came + 100 : came + g->switches;
    end_wait(other, came, seen);
    return seen;
}

static uint64_t play(struct game *g, uint64_t rounds, uint64_t now)
{
    for (uint64_t i = 0; i < 2 * rounds; i++)
        now = answer(g, i % 2, now);
    return now;
}

static struct game game(uint64_t switches)
{
    struct game g = {.ends = {waiter(0), waiter(0)},
                     .answers = 2 * MICROSECOND,
                     .wakes = 2 * MICROSECOND,
                     .switches = switches};
    begin_wait(&g.ends[1], g.ends[1].now);
    return g;
}

static void both_look(struct game *g, uint64_t now)
{
    now = play(g, 2000, now);
    uint64_t before[2] = {g->ends[0].found, g->ends[1].found};
    play(g, 10000, now);
    check(g->ends[0].found - before[0] > 9500);
    check(g->ends[1].found - before[1] > 9500);
}

static const uint64_t switches[] = {5 * MICROSECOND, 20 * MICROSECOND, 50 * MICROSECOND};

static void two_that_answer_each_other_look(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        struct game g = game(switches[i]);
        both_look(&g, g.ends[0].now);
    }
}

static void two_that_hurry_after_a_slow_time_look(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        struct game g = game(switches[i]);
        g.answers = MILLISECOND;
        uint64_t now = play(&g, 2000, g.ends[0].now);
        same(g.ends[0].found + g.ends[1].found, 0);
        g.answers = 2 * MICROSECOND;
        both_look(&g, now);
    }
}

static void two_that_were_quick_before_and_slow_between_look_again(void **state)
{
    (void)state;
    struct game g = game(20 * MICROSECOND);
    uint64_t now = play(&g, 20000, g.ends[0].now);
    g.answers = MILLISECOND;
    now = play(&g, 2000, now);
    is_bounded(&g.ends[0], 1000 * SECOND);
    is_bounded(&g.ends[1], 1000 * SECOND);
    g.answers = 2 * MICROSECOND;
    both_look(&g, now);
}

/* --- what comes at its own pace -------------------------------------------------------------- */

static struct waiter await_each(uint64_t period, uint64_t seconds)
{
    struct waiter w = waiter(0);
    uint64_t next = w.now, end = w.now + seconds * SECOND;
    while (w.now < end) {
        next += period;
        wait_for(&w, next > w.now ? next - w.now : 0, 10 * MICROSECOND);
    }
    return w;
}

static void a_sample_each_millisecond_is_never_looked_for(void **state)
{
    (void)state;
    struct waiter w = await_each(MILLISECOND, 60);
    same(w.looked, 0);
    same(w.found, 0);
}

static void a_sample_each_100_us_costs_little_looking(void **state)
{
    (void)state;
    struct waiter w = await_each(100 * MICROSECOND, 60);
    check(w.looked > 0); /* it is tried */
    check(w.looked * 50 <= 60 * SECOND);
}

static void a_sample_each_10_us_is_looked_for(void **state)
{
    (void)state;
    struct waiter w = await_each(10 * MICROSECOND, 10);
    check(w.found * 100 > w.waits * 95);
}

/* Most come soon, and every so manieth so late that no look finds it: at the same times whether one
 * looks or not.  The part of the time, in percent, for which it looks. */
static uint64_t come_late_now_and_then(uint64_t each)
{
    struct waiter w = waiter(0);
    uint64_t next = w.now, end = w.now + 60 * SECOND;
    for (uint64_t i = 0; w.now < end; i++) {
        next += i % each == 0 ? 1200 * MICROSECOND : 110 * MICROSECOND;
        wait_for(&w, next > w.now ? next - w.now : 0, 10 * MICROSECOND);
    }
    return w.looked * 100 / (60 * SECOND);
}

/* By chance it may now and then seem that looking makes things come sooner. */
static void what_comes_too_late_to_be_found_counts(void **state)
{
    (void)state;
    uint64_t sum = 0, patterns = 0;
    for (uint64_t each = 3; each < 30; each++, patterns++)
        sum += come_late_now_and_then(each);
    check(sum <= 5 * patterns);
}

/* At random: nine in ten come after half of the mean, the others late. */
static uint64_t come_in_bursts(uint64_t mean, uint64_t seed)
{
    struct waiter w = waiter(0);
    uint64_t next = w.now, end = w.now + 60 * SECOND;
    while (w.now < end) {
        next += payload_random(&seed) % 10 ? mean / 2 : mean * 11 / 2;
        wait_for(&w, next > w.now ? next - w.now : 0, 10 * MICROSECOND);
    }
    return w.looked * 100 / (60 * SECOND);
}

static void bursts_cost_little_looking(void **state)
{
    (void)state;
    uint64_t sum = 0, seed = payload_seed();
    for (int i = 0; i < 20; i++)
        sum += come_in_bursts((200 + 20 * (uint64_t)i) * MICROSECOND, payload_random(&seed) | 1);

    check(sum <= 20 * 15);
}

/* --- what comes sooner, or later, if one looks ----------------------------------------------- */

struct loop {
    uint64_t looking, asleep; /* how long the answer takes to who does that */
};

/* The part of the waits, in percent, that are ended by looking. */
static uint64_t go_round(struct waiter *w, struct loop loop, uint64_t rounds)
{
    uint64_t before = w->found;
    for (uint64_t i = 0; i < rounds; i++) {
        begin_wait(w, w->now + 10 * MICROSECOND);
        uint64_t came = w->begin + (w->limit ? loop.looking : loop.asleep);
        end_wait(w, came, came);
    }
    return (w->found - before) * 100 / rounds;
}

static void looking_goes_on_where_it_makes_things_come_sooner(void **state)
{
    (void)state;
    static const struct loop loop = {.looking = 90 * MICROSECOND, .asleep = 107600};
    struct waiter w = waiter(0);
    go_round(&w, loop, 3000);
    check(go_round(&w, loop, 100000) > 90);
}

static void looking_ends_where_the_gain_is_over(void **state)
{
    (void)state;
    struct waiter w = waiter(0);
    go_round(&w, (struct loop){.looking = 90 * MICROSECOND, .asleep = 107600}, 100000);
    go_round(&w, (struct loop){.looking = 90 * MICROSECOND, .asleep = 90 * MICROSECOND}, 10000);
    check(go_round(&w, (struct loop){90 * MICROSECOND, 90 * MICROSECOND}, 100000) < 3);
}

static void looking_ends_where_sleeping_makes_things_come_sooner(void **state)
{
    (void)state;
    static const struct loop loop = {.looking = 30 * MICROSECOND, .asleep = 10 * MICROSECOND};
    struct waiter w = waiter(0);
    go_round(&w, loop, 3000);
    uint64_t begin = w.now, before = w.looked;
    check(go_round(&w, loop, 100000) < 5);
    check((w.looked - before) * 20 < w.now - begin);
}

/* --- what is in vain ------------------------------------------------------------------------- */

/* Who looks loses its CPU to another for 3 ms, each time. */
static void who_loses_its_cpu_by_looking_sleeps(void **state)
{
    (void)state;
    struct waiter w = waiter(0);
    uint64_t since = w.now;
    for (int i = 0; i < 100000; i++) {
        begin_wait(&w, w.now + 10 * MICROSECOND);
        uint64_t came = w.begin + 20 * MICROSECOND;
        end_wait(&w, came, w.limit ? came + 3 * MILLISECOND : came);
        is_bounded(&w, since);
    }
    same(w.found, 0);
    check(w.vain > 0);
    check(w.vain <= AT_ONCE + (w.now - since) / PART);
}

/* Whoever looks is let down, whoever sleeps gets it at once. */
static void who_is_always_let_down_sleeps(void **state)
{
    (void)state;
    struct waiter w = waiter(0);
    uint64_t since = w.now;
    for (int i = 0; i < 100000; i++) {
        begin_wait(&w, w.now + 10 * MICROSECOND);
        uint64_t came = w.begin + (w.limit ? w.limit + MICROSECOND : 5 * MICROSECOND);
        end_wait(&w, came, came + 10 * MICROSECOND);
        is_bounded(&w, since);
    }
    same(w.found, 0);
    check(w.vain > 0);
    check(w.vain <= AT_ONCE + (w.now - since) / PART);
}

enum temper { AT_ONCE_THERE, SOON, LATE, TOO_LATE, NEVER_NEAR, LOST_CPU, TEMPERS };

/* One wait; what it was like follows from the temper, and from a number. */
static void wait_in(struct waiter *w, enum temper temper, uint64_t random)
{
    static const uint64_t about[TEMPERS] = {
        1, 20 * MICROSECOND, 200 * MICROSECOND, 320 * MICROSECOND, 2 * MILLISECOND, MICROSECOND};
    begin_wait(w, w->now + random % (10 * MICROSECOND));
    uint64_t came = w->begin + about[temper] + random % about[temper];
    uint64_t end = finds(w, came) ? came : came + 10 * MICROSECOND;
    end_wait(w, came, temper == LOST_CPU && w->limit ? came + 3 * MILLISECOND : end);
}

/* Each temper has its own pace asleep and awake alike: nothing is gained by looking but sleeps. */
static void live_randomly(uint64_t seed, uint64_t waits)
{
    struct waiter w = waiter(0);
    uint64_t since = w.now, longest = (uint64_t)1 << payload_random(&seed) % 10;
    enum temper few[2] = {payload_random(&seed) % TEMPERS, payload_random(&seed) % TEMPERS};
    while (w.waits < waits) {
        bool any = payload_random(&seed) % 8 == 0;
        enum temper temper = any ? payload_random(&seed) % TEMPERS : few[payload_random(&seed) % 2];
        uint64_t span = 1 + payload_random(&seed) % longest;
        for (uint64_t i = 0; i < span; i++) {
            wait_in(&w, temper, payload_random(&seed));
            is_bounded(&w, since);
        }
    }
}

static void what_is_in_vain_is_bounded_at_random(void **state)
{
    (void)state;
    uint64_t seed = payload_seed();
    for (int i = 0; i < 400; i++)
        live_randomly(payload_random(&seed) | 1, 5000);
}

/* All pairs of tempers, in turn, for spans of each length. */
static void live_by_turns(enum temper one, enum temper other, uint64_t span)
{
    struct waiter w = waiter(0);
    uint64_t since = w.now;
    for (uint64_t i = 0; i < 20000; i++) {
        wait_in(&w, i / span % 2 ? one : other, 0);
        is_bounded(&w, since);
    }
}

static void what_is_in_vain_is_bounded_by_turns(void **state)
{
    (void)state;
    for (enum temper one = 0; one < TEMPERS; one++)
        for (enum temper other = 0; other < TEMPERS; other++)
            for (uint64_t span = 1; span <= 512; span *= 2)
                live_by_turns(one, other, span);
}

/* Found just long enough to be trusted, then let down as long as it looks. */
static void what_is_in_vain_is_bounded_for_who_is_deceived(void **state)
{
    (void)state;
    for (uint64_t trusted = 1; trusted < 5000; trusted = trusted * 3 / 2 + 1) {
        struct waiter w = waiter(0);
        uint64_t since = w.now, mark = 0;
        while (w.waits < 50000) {
            bool deceive = w.spin.looks && w.found - mark >= trusted;
            wait_for(&w, deceive ? 301 * MICROSECOND : MICROSECOND, 10 * MICROSECOND);
            if (!w.spin.looks)
                mark = w.found;
            is_bounded(&w, since);
        }
    }
}

/* --- what is fixed --------------------------------------------------------------------------- */

static void a_fixed_time_is_obeyed(void **state)
{
    (void)state;
    struct waiter w = waiter(50 * MICROSECOND);
    for (int i = 0; i < 10000; i++) {
        wait_for(&w, MILLISECOND, 10 * MICROSECOND);
        same(w.limit, 50 * MICROSECOND);
    }
    struct waiter never = waiter(-1);
    for (int i = 0; i < 10000; i++)
        wait_for(&never, MICROSECOND, 10 * MICROSECOND);
    same(never.looked, 0);
}

static void on_one_processor_nobody_looks(void **state)
{
    (void)state;
    static const int64_t settings[] = {0, -1, 50000};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct waiter w = waiter(settings[i]);
        w.spin.may = false;
        for (int j = 0; j < 10000; j++)
            wait_for(&w, MICROSECOND, 10 * MICROSECOND);
        same(w.looked, 0);
    }
}

static void those_who_were_given_something_to_do_run_first(void **state)
{
    (void)state;
    struct waiter w = waiter(0);
    check(!eddy_spin_shares(&w.spin)); /* nobody is known to be there */
    eddy_spin_shared(&w.spin, MICROSECOND / 4);
    check(!eddy_spin_shares(&w.spin)); /* nobody was */
    eddy_spin_shared(&w.spin, 5 * MICROSECOND);
    for (int vain = 0; vain < 4; vain++) {
        check(eddy_spin_shares(&w.spin));
        eddy_spin_shared(&w.spin, MICROSECOND / 4);
    }
    check(!eddy_spin_shares(&w.spin)); /* they have gone */
}

static void a_busy_stranger_does_not_run_first(void **state)
{
    (void)state;
    struct waiter w = waiter(0);
    eddy_spin_shared(&w.spin, 5 * MICROSECOND);
    eddy_spin_shared(&w.spin, 3 * MILLISECOND);
    check(!eddy_spin_shares(&w.spin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_answer_each_other_look),
        cmocka_unit_test(two_that_hurry_after_a_slow_time_look),
        cmocka_unit_test(two_that_were_quick_before_and_slow_between_look_again),
        cmocka_unit_test(a_sample_each_millisecond_is_never_looked_for),
        cmocka_unit_test(a_sample_each_100_us_costs_little_looking),
        cmocka_unit_test(a_sample_each_10_us_is_looked_for),
        cmocka_unit_test(what_comes_too_late_to_be_found_counts),
        cmocka_unit_test(bursts_cost_little_looking),
        cmocka_unit_test(looking_goes_on_where_it_makes_things_come_sooner),
        cmocka_unit_test(looking_ends_where_the_gain_is_over),
        cmocka_unit_test(looking_ends_where_sleeping_makes_things_come_sooner),
        cmocka_unit_test(who_loses_its_cpu_by_looking_sleeps),
        cmocka_unit_test(who_is_always_let_down_sleeps),
        cmocka_unit_test(what_is_in_vain_is_bounded_at_random),
        cmocka_unit_test(what_is_in_vain_is_bounded_by_turns),
        cmocka_unit_test(what_is_in_vain_is_bounded_for_who_is_deceived),
        cmocka_unit_test(a_fixed_time_is_obeyed),
        cmocka_unit_test(on_one_processor_nobody_looks),
        cmocka_unit_test(those_who_were_given_something_to_do_run_first),
        cmocka_unit_test(a_busy_stranger_does_not_run_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
