/* why_pair.h - a writer and a reader of which all is well, for the tests of `eddy why` to change.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_TEST_WHY_PAIR_H
#define EDDY_TOOLS_TEST_WHY_PAIR_H

#include "tools/why/judge.h"
#include "tools/why/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct pair {
    struct eddy_why_world world;
    struct eddy_why_process processes[2];
    struct eddy_why_member members[2];
    struct eddy_why_endpoint endpoints[3]; /* the writer, the reader, perhaps another writer */
};

static inline void make_side(struct pair *pair, size_t i)
{
    pair->processes[i] = (struct eddy_why_process){
        .host = "here",
        .name = i == 0 ? "talker" : "listener",
        .pid = 100 + (int32_t)i,
        .local_pid = 100 + (int32_t)i,
        .is_cyclone = true,
        .view = EDDY_WHY_IN_SIGHT,
        .binding = "/lib/eddy/libiceoryx_binding_c.so.2",
        .cyclone = "/lib/libddsc.so.0.10.5",
        .patch = 5,
        .dir = "/dev/shm/eddy-0",
        .registry = 7,
        .launched = EDDY_YES,
        .shared_memory = EDDY_YES,
        .redundant = EDDY_YES,
        .locator = "ed:d7",
    };
    pair->members[i] = (struct eddy_why_member){
        .dir = "/dev/shm/eddy-0",
        .scope = "EDDY.0",
        .topic = "T",
        .type = "a::T",
        .info = {.is_writer = i == 0, .pid = 100 + (int32_t)i, .depth = 16}};
    pair->endpoints[i] = (struct eddy_why_endpoint){
        .is_writer = i == 0,
        .is_discovered = true,
        .topic = "T",
        .type = "a::T",
        .qos = {.deadline = EDDY_DDS_INFINITE, .lease = EDDY_DDS_INFINITE, .depth = 1},
        .process = &pair->processes[i],
        .member = &pair->members[i]};
    pair->endpoints[i].guid[15] = i == 0 ? 0x03 : 0x04;
}

static inline void make_pair(struct pair *pair)
{
    *pair = (struct pair){.world = {.dir = "/dev/shm/eddy-0", .history_max = 16}};
    make_side(pair, 0);
    make_side(pair, 1);
    pair->world.endpoints = pair->endpoints;
    pair->world.endpoint_count = 2;
}

#define WRITER (&pair->endpoints[0])
#define READER (&pair->endpoints[1])

static inline void off(struct eddy_why_endpoint *endpoint)
{
    endpoint->member = NULL;
}

static inline void in_partition(struct eddy_why_endpoint *endpoint, const char *const *names)
{
    endpoint->qos.partitions = names;
    endpoint->qos.partition_count = 1;
}

/* --- what must come out ---------------------------------------------------------------------- */

#define NO_REASON EDDY_WHY_CODE_COUNT

/* A change, and the path and the reason that must come of it. */
struct row {
    const char *name;
    void (*change)(struct pair *pair);
    enum eddy_why_path path;
    enum eddy_why_grade grade;
    enum eddy_why_code code;
    enum eddy_why_side side;
};

#define FINE    EDDY_GRADE_FINE
#define OUTSIDE EDDY_GRADE_OUTSIDE
#define LOST    EDDY_GRADE_LOST
#define PAIR    EDDY_SIDE_PAIR

static inline const struct eddy_why_reason *find_reason(const struct eddy_why_verdict *verdict,
                                                        const struct row *row)
{
    for (size_t i = 0; i < verdict->reason_count; i++)
        if (verdict->reasons[i].code == row->code && verdict->reasons[i].side == row->side)
            return &verdict->reasons[i];
    return NULL;
}

static inline void check_row(const struct row *row)
{
    struct pair pair;
    struct eddy_why_verdict verdict;
    make_pair(&pair);
    row->change(&pair);
    eddy_why_judge(&pair.world, &pair.endpoints[0], &pair.endpoints[1], &verdict);
    bool is_right =
        verdict.path == row->path && verdict.grade == row->grade &&
        (row->code == NO_REASON ? verdict.reason_count == 0 : find_reason(&verdict, row) != NULL);
    if (!is_right)
        fail_msg("%s: path %s, grade %d, %zu reasons, the first %s", row->name,
                 eddy_why_path_name(verdict.path), (int)verdict.grade, verdict.reason_count,
                 verdict.reason_count > 0 ? eddy_why_code_name(verdict.reasons[0].code) : "-");
}

static inline void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
}

/* Each code from `first` to `last` is that of a row. */
static inline void check_codes(const struct row *rows, size_t count, enum eddy_why_code first,
                               enum eddy_why_code last)
{
    bool tried[EDDY_WHY_CODE_COUNT + 1] = {false};
    for (size_t i = 0; i < count; i++)
        tried[rows[i].code] = true;
    for (enum eddy_why_code i = first; i <= last; i++)
        if (!tried[i])
            fail_msg("no row of this test has the code %s", eddy_why_code_name(i));
}

#endif
