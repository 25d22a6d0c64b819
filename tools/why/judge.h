/* judge.h - the path that samples take from a writer to a reader, and why.  (internal)
 *
 * Pure: looks at nothing but the world that it is given.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_JUDGE_H
#define EDDY_TOOLS_WHY_JUDGE_H

#include "tools/why/why.h"

/* Best first.  A pair within one process needs neither memory nor network. */
enum eddy_why_path { EDDY_PATH_EDDY, EDDY_PATH_PROCESS, EDDY_PATH_NETWORK, EDDY_PATH_NONE };

/* Best first; the worst of all pairs is the exit code. */
enum eddy_why_grade { EDDY_GRADE_FINE, EDDY_GRADE_OUTSIDE, EDDY_GRADE_LOST };

enum eddy_why_side { EDDY_SIDE_PAIR, EDDY_SIDE_WRITER, EDDY_SIDE_READER };

/* words.c has the sentences, in this order. */
enum eddy_why_code {
    EDDY_WHY_NO_WRITER,
    EDDY_WHY_NO_READER,
    EDDY_WHY_UNDISCOVERED,
    EDDY_WHY_WAITS_FOR_DAEMON,
    EDDY_WHY_HOLDS_REMOVED,
    /* DDS does not connect them. */
    EDDY_WHY_TYPE_NAMES,
    EDDY_WHY_TYPES,
    EDDY_WHY_ASKED_RELIABILITY,
    EDDY_WHY_ASKED_DURABILITY,
    EDDY_WHY_ASKED_PRESENTATION,
    EDDY_WHY_ASKED_DEADLINE,
    EDDY_WHY_ASKED_LATENCY,
    EDDY_WHY_ASKED_OWNERSHIP,
    EDDY_WHY_ASKED_LIVELINESS,
    EDDY_WHY_ASKED_LEASE,
    EDDY_WHY_ASKED_ORDER,
    EDDY_WHY_PARTITIONS,
    EDDY_WHY_REPRESENTATION,
    /* A policy keeps an endpoint off shared memory. */
    EDDY_WHY_HISTORY,
    EDDY_WHY_DURABILITY,
    EDDY_WHY_DEPTH,
    EDDY_WHY_LIVELINESS,
    EDDY_WHY_DEADLINE,
    EDDY_WHY_ONE_SIDED,
    /* Its process does. */
    EDDY_WHY_OTHER_HOST,
    EDDY_WHY_OTHER_DDS,
    EDDY_WHY_OUT_OF_SIGHT,
    EDDY_WHY_OTHER_USER,
    EDDY_WHY_NO_LIBRARY,
    EDDY_WHY_BUILT_WITHOUT,
    EDDY_WHY_ICEORYX,
    EDDY_WHY_NOT_LAUNCHED,
    EDDY_WHY_SWITCHED_OFF,
    EDDY_WHY_NO_DOMAIN,
    EDDY_WHY_REMOVED,
    EDDY_WHY_FULL,
    EDDY_WHY_NOT_OPEN,
    /* They are in Eddy, yet apart. */
    EDDY_WHY_FOLDERS,
    EDDY_WHY_SCOPES,
    EDDY_WHY_LOCATORS,
    /* What becomes of samples. */
    EDDY_WHY_STOPPED,
    EDDY_WHY_DEAD,
    EDDY_WHY_MISSED,
    EDDY_WHY_GIVEN_UP,
    EDDY_WHY_WAITING,
    EDDY_WHY_BEHIND,
    EDDY_WHY_MEMORY_FULL,
    EDDY_WHY_PRESUMED,
    EDDY_WHY_ROS_GRAPH,
    /* What Cyclone DDS 0.10 does with types. */
    EDDY_WHY_STRING_KEY,
    EDDY_WHY_OPTIONAL,
    EDDY_WHY_LONGER_TYPE,
    EDDY_WHY_OTHER_TYPE,
    EDDY_WHY_KEYS,
    /* The same of Cyclone DDS 11, where it is not as with 0.10. */
    EDDY_WHY_KEEPS_ALL,
    EDDY_WHY_SEVERAL_PARTITIONS,
    EDDY_WHY_EVOLVING,
    EDDY_WHY_NO_PLUGIN,
    EDDY_WHY_OTHER_PLUGIN,
    EDDY_WHY_NOT_SERVED,
    EDDY_WHY_GENERATIONS,
    EDDY_WHY_CODE_COUNT
};

struct eddy_why_reason {
    enum eddy_why_code code;
    enum eddy_why_side side;
    enum eddy_why_grade grade;
    const char *first, *second; /* what the sentence names */
    uint64_t number, other;
};

#define EDDY_WHY_REASONS_MAX 16

struct eddy_why_verdict {
    const struct eddy_why_endpoint *writer, *reader; /* NULL: there is none */
    enum eddy_why_path path;
    enum eddy_why_grade grade;
    size_t reason_count;
    struct eddy_why_reason reasons[EDDY_WHY_REASONS_MAX]; /* the first is what decided */
};

/* Writer and reader are of one topic; one of them may be NULL. */
void eddy_why_judge(const struct eddy_why_world *world, const struct eddy_why_endpoint *writer,
                    const struct eddy_why_endpoint *reader, struct eddy_why_verdict *verdict);

/* Of a process that discovery does not find (see struct eddy_why_world). */
void eddy_why_judge_stray(const struct eddy_why_process *stray, struct eddy_why_verdict *verdict);

/* Adds a reason, as long as there is room; the verdict is at least as bad as its grade.  Returns it,
 * to be filled in. */
struct eddy_why_reason *eddy_why_add(struct eddy_why_verdict *verdict, enum eddy_why_code code,
                                     enum eddy_why_side side, enum eddy_why_grade grade);

/* match.c: adds a reason for each policy, type or partition that keeps DDS from connecting them.
 * True if there is none. */
bool eddy_why_match(struct eddy_why_verdict *verdict);

/* off.c: adds the reasons for which an endpoint is not in Eddy. */
void eddy_why_off(const struct eddy_why_world *world, struct eddy_why_verdict *verdict,
                  enum eddy_why_side side);

/* Whether its policies let an endpoint use shared memory. */
bool eddy_why_may_share(const struct eddy_why_world *world,
                        const struct eddy_why_endpoint *endpoint);

/* Whether its Cyclone DDS is 11, as far as its process or its place in Eddy tells. */
static inline bool eddy_why_is_newer(const struct eddy_why_endpoint *endpoint)
{
    return endpoint->process->is_newer ||
           (endpoint->member != NULL && endpoint->member->is_of_plugin);
}

/* The endpoint on a side of a verdict. */
static inline const struct eddy_why_endpoint *eddy_why_on(const struct eddy_why_verdict *verdict,
                                                          enum eddy_why_side side)
{
    return side == EDDY_SIDE_WRITER ? verdict->writer : verdict->reader;
}

#endif
