/* torture.h - processes that do everything at once, and one that watches and never dies.
 *
 *   controller --(command, one datagram each)--> processes       kill -9, SIGSTOP, SIGCONT, restart
 *   processes and checker --(board, shared)--> controller
 *
 * The controller draws every event from the seed (plan.h) and never from what happens or when, so
 * the same seed gives the same schedule.  How far a run gets in its time depends on the machine;
 * --events fixes that, too.
 *
 * Steady topics are open in the checker all the time: it sees every sample from the first on.
 * Fleeting topics come and go with the processes; their readers check for themselves.  So with
 * rings: the checker produces one and consumes another, the third is the processes' own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_H
#define EDDY_TORTURE_H

#include "support/payload.h"
#include "support/world.h"

#include <stdatomic.h>

enum {
    MOST_PROCESSES = 48,
    WRITERS = 3, /* handles of a process */
    READERS = 4,
    KEPT = 12,  /* samples that a reader may hold */
    LOANS = 4,  /* that a writer may have out */
    GROUP = 40, /* samples published or taken together */
    KEYS = 8,   /* what samples are about, where a topic keeps some of each */
    STEADY = 5,
    TOPICS = 9,
    GUESTS = 32, /* forked children that are told apart */
    DEEPEST = 6  /* logs of 2^10 to 2^16 entries */
};

struct topic {
    const char *name;
    enum eddy_history kind;
    uint32_t history; /* most that a writer keeps */
    size_t largest;   /* bytes of a sample */
    uint64_t limit;
    uint64_t most; /* shared memory that six processes may ask for at one time; sizes are mixed */
};
extern const struct topic topics[TOPICS];

enum verb {
    OPEN_WRITER,
    OPEN_READER,
    CLOSE_WRITER,
    CLOSE_READER,
    PUBLISH,
    PUBLISH_MANY,
    HOARD,
    DISCARD,
    RESERVE,
    TAKE,
    TAKE_MANY,
    TAKE_LATEST,
    STOP_READER,
    RELEASE,
    WAIT,
    WAITSET,
    FORK,
    GC,
    LOOK,
    TRIM,
    LET_GO,
    KICK,
    RING_PRODUCE,
    RING_CONSUME,
    RING_CLOSE,
    RING_END,
    LEAVE,
    /* The controller's. */
    START,
    QUIT,
    KILL,
    STOP,
    CONTINUE,
    KILL_ALL,
    VERBS
};
extern const char *const verb_names[VERBS];

struct event {
    uint64_t number; /* from 1 */
    uint64_t seed;   /* for choices within the event; not 0 */
    uint32_t pause_us;
    uint32_t process;
    enum verb verb;
    uint32_t topic, handle, count;
};

/* One open writer: the event that opened it makes it unique, and younger ones of the same process
 * and handle larger. */
static inline uint64_t author_of(uint32_t process, uint32_t handle, uint64_t number)
{
    return (uint64_t)process << 56 | (uint64_t)handle << 48 | number;
}

/* What goes with samples where some of each key are kept: its how-manieth of that key of its author, the
 * key, and how many its writer keeps. */
#define TORTURE_WORD(number, key, kept) ((uint64_t)(number) << 16 | (uint64_t)(key) << 8 | (kept))
#define TORTURE_NUMBER(word)            ((word) >> 16)
#define TORTURE_KEY(word)               ((uint32_t)((word) >> 8 & 0xff))
#define TORTURE_KEPT(word)              ((uint32_t)((word)&0xff))

/* process.c: takes part until the wire says QUIT. */
void process_run(int wire, uint32_t process);
/* checker.c: watches until something is said on the wire, then takes stock. */
void checker_run(int wire, void *unused);

/* The participant whose reliable readers nobody lets go of. */
#define CHECKER_NAME "checker"

/* What a process, guest or checker opens. */
int open_topic_reader(eddy_domain *domain, uint32_t topic,
                      const struct eddy_reader_options *options, eddy_reader **reader);

#endif
