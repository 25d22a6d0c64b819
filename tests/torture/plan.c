/* plan.c - see plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "torture/plan.h"

#include <inttypes.h>

enum { MEAN_PAUSE_US = 700, LONGEST_STOP_US = 300000, LONGEST_DEATH_US = 150000 };

const struct topic topics[TOPICS] = {
    {"small", EDDY_HISTORY_WRITER, 0, 1000, 32u << 20, 8u << 20},
    {"mixed", EDDY_HISTORY_WRITER, 8, 64u << 10, 64u << 20, 32u << 20},
    {"large", EDDY_HISTORY_WRITER, 0, 1500u << 10, 48u << 20, 56u << 20},
    {"window", EDDY_HISTORY_TOPIC, 40, 4000, 16u << 20, 8u << 20},
    {"keys", EDDY_HISTORY_KEY, 4, 3000, 16u << 20, 12u << 20},
    {"fleeting", EDDY_HISTORY_WRITER, 0, 3000, 8u << 20, 0},
    {"fleeting kept", EDDY_HISTORY_WRITER, 5, 3000, 8u << 20, 0},
    {"fleeting large", EDDY_HISTORY_TOPIC, 4, 200u << 10, 16u << 20, 0},
    {"fleeting keys", EDDY_HISTORY_KEY, 3, 2000, 8u << 20, 0},
};

const char *const verb_names[VERBS] = {
    [OPEN_WRITER] = "open-writer",
    [OPEN_READER] = "open-reader",
    [CLOSE_WRITER] = "close-writer",
    [CLOSE_READER] = "close-reader",
    [PUBLISH] = "publish",
    [PUBLISH_MANY] = "publish-many",
    [HOARD] = "hoard",
    [DISCARD] = "discard",
    [RESERVE] = "reserve",
    [TAKE] = "take",
    [TAKE_MANY] = "take-many",
    [TAKE_LATEST] = "take-latest",
    [STOP_READER] = "stop-reader",
    [RELEASE] = "release",
    [WAIT] = "wait",
    [WAITSET] = "waitset",
    [FORK] = "fork",
    [GC] = "gc",
    [LOOK] = "look",
    [TRIM] = "trim",
    [LET_GO] = "let-go",
    [KICK] = "kick",
    [RING_PRODUCE] = "ring-produce",
    [RING_CONSUME] = "ring-consume",
    [RING_CLOSE] = "ring-close",
    [RING_END] = "ring-end",
    [LEAVE] = "leave",
    [START] = "start",
    [QUIT] = "quit",
    [KILL] = "kill",
    [STOP] = "stop",
    [CONTINUE] = "continue",
    [KILL_ALL] = "kill-all",
};

/* How often, of what they sum up to. */
static const uint32_t weights[VERBS] = {
    [OPEN_WRITER] = 600,   [OPEN_READER] = 700, [CLOSE_WRITER] = 250,
    [CLOSE_READER] = 300,  [PUBLISH] = 2600,    [PUBLISH_MANY] = 600,
    [HOARD] = 300,         [DISCARD] = 200,     [RESERVE] = 20,
    [TAKE] = 1900,         [TAKE_MANY] = 600,   [TAKE_LATEST] = 60,
    [RELEASE] = 800,       [STOP_READER] = 40,  [WAIT] = 300,
    [WAITSET] = 400,       [FORK] = 50,         [GC] = 20,
    [LOOK] = 30,           [TRIM] = 40,         [LET_GO] = 40,
    [KICK] = 20,           [LEAVE] = 60,        [RING_PRODUCE] = 900,
    [RING_CONSUME] = 1500, [RING_CLOSE] = 150,  [RING_END] = 40,
    [QUIT] = 40,           [KILL] = 150,        [STOP] = 120,
    [KILL_ALL] = 8,
};

static uint64_t below(struct plan *plan, uint64_t bound)
{
    return payload_random(&plan->random) % bound;
}

void plan_begin(struct plan *plan, uint64_t seed, uint32_t processes)
{
    *plan =
        (struct plan){.random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1, .processes = processes};
    for (int i = 0; i < 8; i++) /* seeds that are alike soon part */
        payload_random(&plan->random);
}

static enum verb draw_verb(struct plan *plan)
{
    uint32_t sum = 0;
    for (int v = 0; v < VERBS; v++)
        sum += weights[v];
    uint64_t at = below(plan, sum);
    enum verb verb = 0;
    while (at >= weights[verb])
        at -= weights[verb++];
    return verb;
}

/* Whoever is due to start or to go on. */
static bool draw_due(struct plan *plan, struct event *event)
{
    for (uint32_t i = 0; i < plan->processes; i++) {
        if (plan->life[i] == RUNNING || plan->due_us[i] > plan->clock_us)
            continue;
        event->process = i;
        event->verb = plan->life[i] == DEAD ? START : CONTINUE;
        plan->life[i] = RUNNING;
        return true;
    }
    return false;
}

static void die(struct plan *plan, uint32_t process)
{
    plan->life[process] = DEAD;
    plan->due_us[process] = plan->clock_us + below(plan, LONGEST_DEATH_US);
}

/* False: what was drawn cannot happen to that process; draw again. */
static bool draw_deed(struct plan *plan, struct event *event)
{
    uint32_t process = (uint32_t)below(plan, plan->processes);
    enum verb verb = draw_verb(plan);
    bool strikes_the_stopped = verb == KILL || verb == KILL_ALL;
    if (plan->life[process] == DEAD || (plan->life[process] == STOPPED && !strikes_the_stopped))
        return false;
    event->process = process;
    event->verb = verb;
    if (verb == KILL || verb == QUIT)
        die(plan, process);
    for (uint32_t i = 0; verb == KILL_ALL && i < plan->processes; i++)
        die(plan, i);
    if (verb == STOP) {
        plan->life[process] = STOPPED;
        plan->due_us[process] = plan->clock_us + below(plan, LONGEST_STOP_US);
    }
    return true;
}

struct event plan_next(struct plan *plan)
{
    struct event event = {.number = ++plan->number};
    uint64_t until_due = LONGEST_STOP_US;
    event.pause_us = (uint32_t)below(plan, 2 * MEAN_PAUSE_US);
    plan->clock_us += event.pause_us;
    for (uint32_t tries = 0; !draw_due(plan, &event) && !draw_deed(plan, &event); tries++)
        if (tries % 64 == 63) { /* all are dead or stopped */
            event.pause_us += MEAN_PAUSE_US;
            plan->clock_us += MEAN_PAUSE_US;
            check(tries < until_due);
        }
    event.seed = payload_random(&plan->random) | 1;
    event.topic = (uint32_t)below(plan, TOPICS);
    event.handle = (uint32_t)below(plan, event.verb == OPEN_WRITER ? WRITERS : READERS);
    event.count = 1 + (uint32_t)(below(plan, 8) == 0 ? below(plan, 600) : below(plan, 60));
    return event;
}

void plan_print(FILE *out, const struct event *event)
{
    fprintf(out,
            "%" PRIu64 " +%" PRIu32 " us: process %" PRIu32 " %s topic %" PRIu32 " handle %" PRIu32
            " count %" PRIu32 " seed %" PRIx64 "\n",
            event->number, event->pause_us, event->process, verb_names[event->verb], event->topic,
            event->handle, event->count, event->seed);
}
