/* judge.c - see judge.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/judge.h"

#include <string.h>

static const enum eddy_why_side sides[] = {EDDY_SIDE_WRITER, EDDY_SIDE_READER};

struct eddy_why_reason *eddy_why_add(struct eddy_why_verdict *verdict, enum eddy_why_code code,
                                     enum eddy_why_side side, enum eddy_why_grade grade)
{
    size_t last = EDDY_WHY_REASONS_MAX - 1; /* shared by those that find no room */
    size_t at = verdict->reason_count <= last ? verdict->reason_count++ : last;
    verdict->reasons[at] = (struct eddy_why_reason){
        .code = code, .side = side, .grade = grade, .first = "", .second = ""};
    if (grade > verdict->grade)
        verdict->grade = grade;
    return &verdict->reasons[at];
}

static void set_path(struct eddy_why_verdict *verdict, enum eddy_why_path path)
{
    static const enum eddy_why_grade grades[] = {EDDY_GRADE_FINE, EDDY_GRADE_FINE,
                                                 EDDY_GRADE_OUTSIDE, EDDY_GRADE_LOST};
    verdict->path = path;
    if (grades[path] > verdict->grade)
        verdict->grade = grades[path];
}

static bool in_one_process(const struct eddy_why_process *a, const struct eddy_why_process *b)
{
    if (a == b)
        return true;
    return a->pid != 0 && a->pid == b->pid && a->local_pid == b->local_pid &&
           strcmp(a->host, b->host) == 0 && strcmp(a->name, b->name) == 0;
}

/* Cyclone DDS takes two processes for sharers of memory if these are equal; that of a process whose
 * settings cannot be seen follows from its folder. */
static bool locators_differ(const struct eddy_why_process *a, const struct eddy_why_process *b)
{
    return a->locator != NULL && b->locator != NULL && strcmp(a->locator, b->locator) != 0;
}

static bool locators_equal(const struct eddy_why_process *a, const struct eddy_why_process *b)
{
    return a->locator != NULL && b->locator != NULL && strcmp(a->locator, b->locator) == 0;
}

/* Which scope it is cannot be presumed of one of Cyclone DDS 11. */
static bool scopes_equal(const struct eddy_why_member *a, const struct eddy_why_member *b)
{
    return strcmp(a->scope, b->scope) == 0 ||
           (a->is_of_plugin && b->is_of_plugin && (a->is_presumed || b->is_presumed));
}

static bool in_one_topic(const struct eddy_why_member *a, const struct eddy_why_member *b)
{
    return a != NULL && b != NULL && strcmp(a->dir, b->dir) == 0 && scopes_equal(a, b);
}

/* Of whose process or place in Eddy it can be told which Cyclone DDS it has. */
static bool is_known(const struct eddy_why_endpoint *endpoint)
{
    return endpoint->process->is_cyclone &&
           (endpoint->member != NULL || endpoint->process->view == EDDY_WHY_IN_SIGHT);
}

/* Each generation of Cyclone DDS has its own way into Eddy. */
static bool generations_differ(const struct eddy_why_endpoint *a, const struct eddy_why_endpoint *b)
{
    return is_known(a) && is_known(b) && eddy_why_is_newer(a) != eddy_why_is_newer(b);
}

static bool are_newer(const struct eddy_why_verdict *verdict)
{
    return eddy_why_is_newer(verdict->writer) && eddy_why_is_newer(verdict->reader);
}

/* --- what becomes of samples ----------------------------------------------------------------- */

static void add_counted(struct eddy_why_verdict *verdict, enum eddy_why_code code,
                        enum eddy_why_grade grade, uint64_t number, uint64_t other)
{
    struct eddy_why_reason *reason = eddy_why_add(verdict, code, EDDY_SIDE_READER, grade);
    reason->number = number;
    reason->other = other;
}

/* Whether a writer is in the reader's topic in Eddy that DDS does not connect it with: then samples
 * that the reader does not get may be of that one, and rightly so. */
static bool hears_strangers(const struct eddy_why_world *world,
                            const struct eddy_why_endpoint *reader)
{
    for (size_t i = 0; i < world->endpoint_count; i++) {
        const struct eddy_why_endpoint *writer = &world->endpoints[i];
        struct eddy_why_verdict scratch = {.writer = writer, .reader = reader};
        if (writer->is_writer && writer->is_discovered &&
            strcmp(writer->topic, reader->topic) == 0 &&
            in_one_topic(writer->member, reader->member) && !eddy_why_match(&scratch))
            return true;
    }
    return false;
}

/* The reader's member in the topic of Eddy that the writer is in: a reader of Cyclone DDS 11 has
 * two. */
static const struct eddy_why_member *meeting_member(const struct eddy_why_verdict *verdict)
{
    const struct eddy_why_endpoint *reader = verdict->reader;
    const struct eddy_why_member *written = verdict->writer->member;
    bool is_second = reader->second != NULL && written->is_of_plugin &&
                     strcmp(reader->second->whole, written->whole) == 0;
    return is_second ? reader->second : reader->member;
}

static void add_counts(const struct eddy_why_world *world, struct eddy_why_verdict *verdict)
{
    const struct eddy_member_info *info = &meeting_member(verdict)->info;
    if (info->lost > 0)
        add_counted(verdict, EDDY_WHY_MISSED, EDDY_GRADE_LOST, info->lost, info->depth);
    if (info->behind > 0)
        add_counted(verdict, EDDY_WHY_BEHIND, EDDY_GRADE_FINE, info->behind, info->depth);
    if (info->given_up == 0 && info->waiting == 0)
        return;
    bool strangers = hears_strangers(world, verdict->reader);
    if (info->given_up > 0)
        add_counted(verdict, EDDY_WHY_GIVEN_UP, strangers ? EDDY_GRADE_FINE : EDDY_GRADE_LOST,
                    info->given_up, 0);
    if (info->waiting > 0)
        add_counted(verdict, EDDY_WHY_WAITING, strangers ? EDDY_GRADE_FINE : EDDY_GRADE_OUTSIDE,
                    info->waiting, 0);
}

/* The topic may still grow, but not by as much as it has. */
static void add_memory(struct eddy_why_verdict *verdict, const struct eddy_why_member *member)
{
    if (member->limit_bytes == 0 || member->shared_bytes < member->limit_bytes / 4 * 3)
        return;
    struct eddy_why_reason *reason =
        eddy_why_add(verdict, EDDY_WHY_MEMORY_FULL, EDDY_SIDE_WRITER, EDDY_GRADE_FINE);
    reason->number = member->shared_bytes;
    reason->other = member->limit_bytes;
}

static bool is_dead(const struct eddy_why_endpoint *endpoint)
{
    return endpoint->member != NULL && endpoint->member->info.state == EDDY_MEMBER_DEAD;
}

static void add_life(struct eddy_why_verdict *verdict, enum eddy_why_side side)
{
    const struct eddy_why_endpoint *endpoint = eddy_why_on(verdict, side);
    if (is_dead(endpoint))
        eddy_why_add(verdict, EDDY_WHY_DEAD, side, EDDY_GRADE_LOST);
    else if (endpoint->process->is_stopped)
        eddy_why_add(verdict, EDDY_WHY_STOPPED, side, EDDY_GRADE_LOST);
}

/* --- what Cyclone DDS does with types in shared memory --------------------------------------- */

/* The oldest known of the two; -1 if neither is. */
static int older_patch(const struct eddy_why_verdict *verdict)
{
    int writer = verdict->writer->process->patch, reader = verdict->reader->process->patch;
    if (writer < 0 || reader < 0)
        return writer > reader ? writer : reader;
    return writer < reader ? writer : reader;
}

#define MENDED_KEYS 4 /* Cyclone DDS 0.10.4 reads keys from shared memory as they are */

static void add_key_faults(struct eddy_why_verdict *verdict, bool has_string_key)
{
    bool is_keyed = (verdict->reader->guid[15] & 0x3f) == 0x07; /* RTPS: a reader with a key */
    int patch = older_patch(verdict);
    if (patch < 0 || patch >= MENDED_KEYS)
        return;
    if (has_string_key)
        eddy_why_add(verdict, EDDY_WHY_STRING_KEY, EDDY_SIDE_PAIR, EDDY_GRADE_LOST)->number =
            (uint64_t)patch;
    else if (is_keyed)
        eddy_why_add(verdict, EDDY_WHY_KEYS, EDDY_SIDE_PAIR, EDDY_GRADE_FINE)->number =
            (uint64_t)patch;
}

static void add_type_faults(struct eddy_why_verdict *verdict)
{
    const struct eddy_why_type *writer = &verdict->writer->type_facts;
    const struct eddy_why_type *reader = &verdict->reader->type_facts;
    if (are_newer(verdict))
        return; /* the plug-in takes no type that is not right */
    add_key_faults(verdict, writer->has_string_key || reader->has_string_key);
    if ((writer->has_optional && writer->is_fixed) || (reader->has_optional && reader->is_fixed))
        eddy_why_add(verdict, EDDY_WHY_OPTIONAL, EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
    if (!writer->is_known || !reader->is_known ||
        memcmp(writer->id, reader->id, sizeof writer->id) == 0)
        return;
    bool overruns = writer->is_fixed && reader->is_fixed && writer->size > reader->size;
    struct eddy_why_reason *reason =
        eddy_why_add(verdict, overruns ? EDDY_WHY_LONGER_TYPE : EDDY_WHY_OTHER_TYPE, EDDY_SIDE_PAIR,
                     overruns ? EDDY_GRADE_LOST : EDDY_GRADE_FINE);
    reason->number = writer->size;
    reason->other = reader->size;
}

/* --- the path -------------------------------------------------------------------------------- */

/* Each is in Eddy, but not where the other is.  Who is taken for a sharer gets nothing by network:
 * Cyclone DDS 11 takes nobody for one who is not. */
static void judge_apart(struct eddy_why_verdict *verdict)
{
    const struct eddy_why_member *writer = verdict->writer->member;
    const struct eddy_why_member *reader = verdict->reader->member;
    bool one_folder = strcmp(writer->dir, reader->dir) == 0;
    bool lost =
        !are_newer(verdict) &&
        (locators_equal(verdict->writer->process, verdict->reader->process) ||
         (one_folder && !locators_differ(verdict->writer->process, verdict->reader->process)));
    struct eddy_why_reason *reason =
        eddy_why_add(verdict, one_folder ? EDDY_WHY_SCOPES : EDDY_WHY_FOLDERS, EDDY_SIDE_PAIR,
                     lost ? EDDY_GRADE_LOST : EDDY_GRADE_OUTSIDE);
    reason->first = one_folder ? writer->scope : writer->dir;
    reason->second = one_folder ? reader->scope : reader->dir;
    set_path(verdict, lost ? EDDY_PATH_NONE : EDDY_PATH_NETWORK);
}

static void judge_together(struct eddy_why_verdict *verdict)
{
    set_path(verdict, EDDY_PATH_EDDY);
    if (verdict->writer->member->is_presumed || verdict->reader->member->is_presumed)
        eddy_why_add(verdict, EDDY_WHY_PRESUMED, EDDY_SIDE_PAIR, EDDY_GRADE_FINE)->first =
            verdict->writer->member->dir;
    if (locators_differ(verdict->writer->process, verdict->reader->process)) {
        struct eddy_why_reason *reason =
            eddy_why_add(verdict, EDDY_WHY_LOCATORS, EDDY_SIDE_PAIR, EDDY_GRADE_OUTSIDE);
        reason->first = verdict->writer->process->locator;
        reason->second = verdict->reader->process->locator;
    }
    add_type_faults(verdict);
}

/* The writer is in Eddy, the reader is not, but its process could be: then Cyclone DDS counts on
 * memory, unless a door or a setting tells the writer's to use the network besides. */
static bool is_one_sided(const struct eddy_why_verdict *verdict)
{
    const struct eddy_why_process *writer = verdict->writer->process;
    const struct eddy_why_process *reader = verdict->reader->process;
    return verdict->writer->member != NULL && writer->redundant == EDDY_NO && !writer->has_door &&
           reader->dir != NULL && !reader->is_removed && !locators_differ(writer, reader);
}

/* Those who took part when the files were removed go on among themselves, and believe that they
 * share memory with those who came later. */
static bool worlds_differ(const struct eddy_why_process *a, const struct eddy_why_process *b)
{
    return (a->is_removed || b->is_removed) && a->dir != NULL && b->dir != NULL &&
           a->registry != b->registry;
}

/* Nothing but the removal of the files is said of either: they still meet in what is left of them. */
static bool share_removed(const struct eddy_why_verdict *verdict)
{
    const struct eddy_why_process *writer = verdict->writer->process;
    const struct eddy_why_process *reader = verdict->reader->process;
    bool share = writer->is_removed && reader->is_removed && writer->registry == reader->registry;
    for (size_t i = 0; i < verdict->reason_count; i++)
        share = share && verdict->reasons[i].code == EDDY_WHY_REMOVED;
    return share;
}

/* ROS 2 reads its own list of nodes with KEEP_ALL, which nobody can change; it costs little. */
static bool is_ros_graph(const struct eddy_why_verdict *verdict)
{
    return strcmp(verdict->writer->topic, "ros_discovery_info") == 0 &&
           verdict->path == EDDY_PATH_NETWORK && verdict->reason_count == 1 &&
           verdict->reasons[0].code == EDDY_WHY_HISTORY;
}

static void excuse_ros_graph(struct eddy_why_verdict *verdict)
{
    verdict->reason_count = 0;
    verdict->grade = EDDY_GRADE_FINE;
    eddy_why_add(verdict, EDDY_WHY_ROS_GRAPH, EDDY_SIDE_PAIR, EDDY_GRADE_FINE);
}

static void judge_outside(const struct eddy_why_world *world, struct eddy_why_verdict *verdict)
{
    const struct eddy_why_endpoint *writer = verdict->writer, *reader = verdict->reader;
    set_path(verdict, EDDY_PATH_NETWORK);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
        if (eddy_why_on(verdict, sides[i])->member == NULL)
            eddy_why_off(world, verdict, sides[i]);
    if (are_newer(verdict))
        return;
    if (share_removed(verdict))
        set_path(verdict, EDDY_PATH_EDDY);
    else if (worlds_differ(writer->process, reader->process))
        set_path(verdict, EDDY_PATH_NONE);
    if (is_one_sided(verdict)) {
        eddy_why_add(verdict, EDDY_WHY_ONE_SIDED, EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
        set_path(verdict, EDDY_PATH_NONE);
    }
    if (is_ros_graph(verdict))
        excuse_ros_graph(verdict);
}

static void judge_generations(struct eddy_why_verdict *verdict)
{
    bool is_newer = eddy_why_is_newer(verdict->writer);
    struct eddy_why_reason *reason =
        eddy_why_add(verdict, EDDY_WHY_GENERATIONS, EDDY_SIDE_PAIR, EDDY_GRADE_OUTSIDE);
    reason->first = is_newer ? "11" : "0.10";
    reason->second = is_newer ? "0.10" : "11";
    set_path(verdict, EDDY_PATH_NETWORK);
}

static void judge_discovered(const struct eddy_why_world *world, struct eddy_why_verdict *verdict)
{
    const struct eddy_why_endpoint *writer = verdict->writer, *reader = verdict->reader;
    bool together = in_one_topic(writer->member, reader->member);
    if (!eddy_why_match(verdict))
        set_path(verdict, EDDY_PATH_NONE);
    else if (in_one_process(writer->process, reader->process) && (!together || are_newer(verdict)))
        set_path(verdict, EDDY_PATH_PROCESS); /* of 11 also where both are in Eddy */
    else if (generations_differ(writer, reader))
        judge_generations(verdict);
    else if (together)
        judge_together(verdict);
    else if (writer->member != NULL && reader->member != NULL)
        judge_apart(verdict);
    else
        judge_outside(world, verdict);
}

/* Who is stopped answers nobody, but who knew it before goes on with it. */
static bool is_silent(const struct eddy_why_endpoint *endpoint)
{
    return !endpoint->is_discovered && !endpoint->process->is_stopped && !is_dead(endpoint);
}

static void judge_undiscovered(struct eddy_why_verdict *verdict)
{
    bool is_one_silent = false;
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        if (!is_silent(eddy_why_on(verdict, sides[i])))
            continue;
        eddy_why_add(verdict, EDDY_WHY_UNDISCOVERED, sides[i], EDDY_GRADE_LOST);
        is_one_silent = true;
    }
    bool together = in_one_topic(verdict->writer->member, verdict->reader->member);
    set_path(verdict, together && !is_one_silent ? EDDY_PATH_EDDY : EDDY_PATH_NONE);
}

/* DDS knows both, and does not connect them. */
static bool is_refused(const struct eddy_why_verdict *verdict)
{
    return verdict->path == EDDY_PATH_NONE && verdict->writer->is_discovered &&
           verdict->reader->is_discovered;
}

void eddy_why_judge(const struct eddy_why_world *world, const struct eddy_why_endpoint *writer,
                    const struct eddy_why_endpoint *reader, struct eddy_why_verdict *verdict)
{
    *verdict = (struct eddy_why_verdict){.writer = writer, .reader = reader};
    if (writer == NULL || reader == NULL) {
        eddy_why_add(verdict, writer == NULL ? EDDY_WHY_NO_WRITER : EDDY_WHY_NO_READER,
                     EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
        set_path(verdict, EDDY_PATH_NONE);
    } else if (writer->is_discovered && reader->is_discovered) {
        judge_discovered(world, verdict);
    } else {
        judge_undiscovered(verdict);
    }
    if (writer != NULL && reader != NULL && (is_dead(writer) || is_dead(reader)))
        set_path(verdict, EDDY_PATH_NONE);
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
        if (eddy_why_on(verdict, sides[i]) != NULL)
            add_life(verdict, sides[i]);
    if (writer != NULL && reader != NULL && in_one_topic(writer->member, reader->member) &&
        !is_refused(verdict)) {
        add_counts(world, verdict);
        add_memory(verdict, writer->member);
    }
}

void eddy_why_judge_stray(const struct eddy_why_process *stray, struct eddy_why_verdict *verdict)
{
    *verdict = (struct eddy_why_verdict){0};
    struct eddy_why_reason *reason = eddy_why_add(
        verdict, stray->is_removed ? EDDY_WHY_HOLDS_REMOVED : EDDY_WHY_WAITS_FOR_DAEMON,
        EDDY_SIDE_PAIR, EDDY_GRADE_LOST);
    const char *slash = strrchr(stray->name, '/');
    reason->first = slash != NULL ? slash + 1 : stray->name;
    reason->second = stray->is_removed ? stray->dir : stray->binding;
    reason->number = (uint64_t)stray->pid;
    set_path(verdict, EDDY_PATH_NONE);
}
