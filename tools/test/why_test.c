/* why_test.c - what `eddy why` concludes of a writer and a reader that it is told of.
 *
 * Each row takes a pair of which all is well, changes it, and names the path and the reason that
 * must come out.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/process.h"
#include "tools/why/report.h"
#include "tools/why/type.h"
#include "tools/why/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000000)

/* --- a pair of which all is well ------------------------------------------------------------- */

struct pair {
    struct eddy_why_world world;
    struct eddy_why_process processes[2];
    struct eddy_why_member members[2];
    struct eddy_why_endpoint endpoints[3]; /* the writer, the reader, perhaps another writer */
};

static void make_side(struct pair *pair, size_t i)
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

static void make_pair(struct pair *pair)
{
    *pair = (struct pair){.world = {.dir = "/dev/shm/eddy-0", .history_max = 16}};
    make_side(pair, 0);
    make_side(pair, 1);
    pair->world.endpoints = pair->endpoints;
    pair->world.endpoint_count = 2;
}

#define WRITER (&pair->endpoints[0])
#define READER (&pair->endpoints[1])

/* --- what is changed ------------------------------------------------------------------------- */

static void off(struct eddy_why_endpoint *endpoint)
{
    endpoint->member = NULL;
}

static void nothing(struct pair *pair)
{
    (void)pair;
}

static void other_type_name(struct pair *pair)
{
    READER->type = "b::T";
    off(READER);
}

static void final_types(struct pair *pair)
{
    WRITER->type_facts = (struct eddy_why_type){.is_known = true, .size = 8, .id = {1}};
    READER->type_facts = (struct eddy_why_type){.is_known = true, .size = 8, .id = {2}};
}

static void asks_reliable(struct pair *pair)
{
    READER->qos.reliability = EDDY_DDS_RELIABLE;
}

static void asks_durable(struct pair *pair)
{
    READER->qos.durability = EDDY_DDS_TRANSIENT_LOCAL;
}

static void asks_presentation(struct pair *pair)
{
    READER->qos.coherent_access = true;
}

static void asks_deadline(struct pair *pair)
{
    READER->qos.deadline = SECOND;
}

static void asks_latency(struct pair *pair)
{
    WRITER->qos.latency_budget = SECOND;
}

static void asks_ownership(struct pair *pair)
{
    READER->qos.ownership = EDDY_DDS_EXCLUSIVE;
}

static void asks_liveliness(struct pair *pair)
{
    READER->qos.liveliness = EDDY_DDS_MANUAL_BY_TOPIC;
}

static void asks_lease(struct pair *pair)
{
    READER->qos.lease = SECOND;
}

static void asks_order(struct pair *pair)
{
    READER->qos.destination_order = 1;
}

static void in_partition(struct eddy_why_endpoint *endpoint, const char *const *names)
{
    endpoint->qos.partitions = names;
    endpoint->qos.partition_count = 1;
}

static const char *const partition_a[] = {"a"}, *const partition_b[] = {"b"};
static const char *const partition_all[] = {"*"}, *const partition_like_a[] = {"a*"};

static void partitions(struct pair *pair)
{
    in_partition(WRITER, partition_a);
    in_partition(READER, partition_b);
}

static void partition_and_none(struct pair *pair)
{
    in_partition(WRITER, partition_a);
}

static void partition_pattern(struct pair *pair)
{
    in_partition(WRITER, partition_a);
    in_partition(READER, partition_like_a);
}

static void partition_star_and_none(struct pair *pair)
{
    in_partition(READER, partition_all);
}

static void two_patterns(struct pair *pair)
{
    in_partition(WRITER, partition_all);
    in_partition(READER, partition_like_a);
}

static const int16_t xcdr1[] = {0}, xcdr2[] = {2, 0};

static void representations(struct pair *pair)
{
    WRITER->qos.representations = xcdr2;
    WRITER->qos.representation_count = 2;
    READER->qos.representations = xcdr1;
    READER->qos.representation_count = 1;
}

static void writer_keeps_all(struct pair *pair)
{
    WRITER->qos.history = EDDY_DDS_KEEP_ALL;
    off(WRITER);
}

static void reader_keeps_all(struct pair *pair)
{
    READER->qos.history = EDDY_DDS_KEEP_ALL;
    off(READER);
}

static void persistent(struct pair *pair)
{
    WRITER->qos.durability = EDDY_DDS_PERSISTENT;
    off(WRITER);
}

static void deep(struct pair *pair)
{
    WRITER->qos.durability = EDDY_DDS_TRANSIENT_LOCAL;
    WRITER->qos.service_depth = 17;
    off(WRITER);
}

static void manual(struct pair *pair)
{
    WRITER->qos.liveliness = EDDY_DDS_MANUAL_BY_PARTICIPANT;
    off(WRITER);
}

static void deadline(struct pair *pair)
{
    WRITER->qos.deadline = READER->qos.deadline = SECOND;
    off(WRITER);
    off(READER);
}

static void one_sided(struct pair *pair)
{
    reader_keeps_all(pair);
    pair->processes[1].redundant = EDDY_NO;
}

static void without_process(struct pair *pair, enum eddy_why_view view)
{
    off(READER);
    pair->processes[1] = (struct eddy_why_process){.host = "there",
                                                   .name = "listener",
                                                   .pid = 9,
                                                   .is_cyclone = true,
                                                   .view = view,
                                                   .patch = -1};
}

static void other_host(struct pair *pair)
{
    without_process(pair, EDDY_WHY_FAR);
}

static void other_dds(struct pair *pair)
{
    without_process(pair, EDDY_WHY_NOWHERE);
    pair->processes[1].is_cyclone = false;
}

static void out_of_sight(struct pair *pair)
{
    without_process(pair, EDDY_WHY_NOWHERE);
}

static void other_user(struct pair *pair)
{
    without_process(pair, EDDY_WHY_HIDDEN);
    pair->processes[1].user = 1001;
}

static void outside(struct pair *pair)
{
    off(READER);
    pair->processes[1].dir = NULL;
}

static void no_library(struct pair *pair)
{
    outside(pair);
    pair->processes[1].cyclone = NULL;
}

static void built_without(struct pair *pair)
{
    outside(pair);
    pair->processes[1].binding = NULL;
}

static void iceoryx(struct pair *pair)
{
    outside(pair);
    pair->processes[1].is_iceoryx = true;
}

static void not_launched(struct pair *pair)
{
    iceoryx(pair);
    pair->processes[1].launched = pair->processes[1].shared_memory = EDDY_NO;
}

static void switched_off(struct pair *pair)
{
    outside(pair);
    pair->processes[1].shared_memory = EDDY_NO;
}

static void removed(struct pair *pair)
{
    off(WRITER);
    pair->processes[0].is_removed = true;
    pair->processes[1].registry = 8;
}

static void both_removed(struct pair *pair)
{
    off(WRITER);
    off(READER);
    pair->processes[0].is_removed = pair->processes[1].is_removed = true;
}

static void full(struct pair *pair)
{
    off(READER);
    pair->world.is_full = true;
}

static void not_open(struct pair *pair)
{
    off(READER);
}

static void folders(struct pair *pair)
{
    pair->members[1].dir = pair->processes[1].dir = "/dev/shm/other";
    pair->processes[1].locator = "ed:d8";
}

static void folders_one_locator(struct pair *pair)
{
    folders(pair);
    pair->processes[1].locator = "ed:d7";
}

static void scopes(struct pair *pair)
{
    pair->members[1].scope = "EDDY.5";
}

static void locators(struct pair *pair)
{
    pair->processes[1].locator = "ed:d8";
}

static void one_process(struct pair *pair)
{
    off(READER);
    pair->endpoints[1].process = &pair->processes[0];
}

static void undiscovered(struct pair *pair)
{
    WRITER->is_discovered = false;
}

static void stopped(struct pair *pair)
{
    pair->processes[1].is_stopped = true;
}

static void dead(struct pair *pair)
{
    pair->members[0].info.state = EDDY_MEMBER_DEAD;
}

static void dead_and_forgotten(struct pair *pair)
{
    dead(pair);
    undiscovered(pair);
}

static void missed(struct pair *pair)
{
    pair->members[1].info.lost = 3;
}

static void given_up(struct pair *pair)
{
    pair->members[1].info.given_up = 3;
}

/* They may be those of a writer in another partition. */
static void given_up_strangers(struct pair *pair)
{
    given_up(pair);
    pair->endpoints[2] = *WRITER;
    in_partition(&pair->endpoints[2], partition_b);
    pair->world.endpoint_count = 3;
}

static void waiting(struct pair *pair)
{
    pair->members[1].info.waiting = 3;
}

static void behind(struct pair *pair)
{
    pair->members[1].info.behind = 3;
}

static void memory_full(struct pair *pair)
{
    pair->members[0].shared_bytes = 90;
    pair->members[0].limit_bytes = 100;
}

static void string_key(struct pair *pair)
{
    WRITER->type_facts = READER->type_facts =
        (struct eddy_why_type){.is_known = true, .size = 8, .has_string_key = true};
    pair->processes[1].patch = 2;
}

static void string_key_mended(struct pair *pair)
{
    string_key(pair);
    pair->processes[1].patch = 4;
}

static void optional(struct pair *pair)
{
    WRITER->type_facts = READER->type_facts =
        (struct eddy_why_type){.is_known = true, .size = 8, .has_optional = true, .is_fixed = true};
}

static void longer_type(struct pair *pair)
{
    WRITER->type_facts = READER->type_facts = (struct eddy_why_type){
        .is_known = true, .size = 8, .is_fixed = true, .is_appendable = true};
    WRITER->type_facts.size = 16;
    WRITER->type_facts.id[0] = 1;
}

static void shorter_type(struct pair *pair)
{
    longer_type(pair);
    WRITER->type_facts.size = 4;
}

static void keys(struct pair *pair)
{
    READER->guid[15] = 0x07;
    pair->processes[0].patch = 3;
}

/* --- what must come out ---------------------------------------------------------------------- */

#define NO_REASON EDDY_WHY_CODE_COUNT

static const struct row {
    const char *name;
    void (*change)(struct pair *pair);
    enum eddy_why_path path;
    enum eddy_why_grade grade;
    enum eddy_why_code code;
    enum eddy_why_side side;
} rows[] = {
#define FINE    EDDY_GRADE_FINE
#define OUTSIDE EDDY_GRADE_OUTSIDE
#define LOST    EDDY_GRADE_LOST
#define PAIR    EDDY_SIDE_PAIR
    {"well", nothing, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"type names", other_type_name, EDDY_PATH_NONE, LOST, EDDY_WHY_TYPE_NAMES, PAIR},
    {"types", final_types, EDDY_PATH_NONE, LOST, EDDY_WHY_TYPES, PAIR},
    {"reliability", asks_reliable, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_RELIABILITY, PAIR},
    {"durability", asks_durable, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_DURABILITY, PAIR},
    {"presentation", asks_presentation, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_PRESENTATION, PAIR},
    {"asked deadline", asks_deadline, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_DEADLINE, PAIR},
    {"latency", asks_latency, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_LATENCY, PAIR},
    {"ownership", asks_ownership, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_OWNERSHIP, PAIR},
    {"asked liveliness", asks_liveliness, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_LIVELINESS, PAIR},
    {"lease", asks_lease, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_LEASE, PAIR},
    {"order", asks_order, EDDY_PATH_NONE, LOST, EDDY_WHY_ASKED_ORDER, PAIR},
    {"partitions", partitions, EDDY_PATH_NONE, LOST, EDDY_WHY_PARTITIONS, PAIR},
    {"one partition", partition_and_none, EDDY_PATH_NONE, LOST, EDDY_WHY_PARTITIONS, PAIR},
    {"a pattern", partition_pattern, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"a star", partition_star_and_none, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"two patterns", two_patterns, EDDY_PATH_NONE, LOST, EDDY_WHY_PARTITIONS, PAIR},
    {"representation", representations, EDDY_PATH_NONE, LOST, EDDY_WHY_REPRESENTATION, PAIR},
    {"writer's history", writer_keeps_all, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_HISTORY,
     EDDY_SIDE_WRITER},
    {"reader's history", reader_keeps_all, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_HISTORY,
     EDDY_SIDE_READER},
    {"persistent", persistent, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DURABILITY, EDDY_SIDE_WRITER},
    {"depth", deep, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DEPTH, EDDY_SIDE_WRITER},
    {"liveliness", manual, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_LIVELINESS, EDDY_SIDE_WRITER},
    {"deadline", deadline, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DEADLINE, EDDY_SIDE_READER},
    {"one-sided", one_sided, EDDY_PATH_NONE, LOST, EDDY_WHY_ONE_SIDED, EDDY_SIDE_READER},
    {"other host", other_host, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OTHER_HOST, EDDY_SIDE_READER},
    {"other DDS", other_dds, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OTHER_DDS, EDDY_SIDE_READER},
    {"out of sight", out_of_sight, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OUT_OF_SIGHT,
     EDDY_SIDE_READER},
    {"other user", other_user, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OTHER_USER, EDDY_SIDE_READER},
    {"no library", no_library, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NO_LIBRARY, EDDY_SIDE_READER},
    {"built without", built_without, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_BUILT_WITHOUT,
     EDDY_SIDE_READER},
    {"iceoryx", iceoryx, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_ICEORYX, EDDY_SIDE_READER},
    {"not launched", not_launched, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NOT_LAUNCHED,
     EDDY_SIDE_READER},
    {"switched off", switched_off, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_SWITCHED_OFF,
     EDDY_SIDE_READER},
    {"no domain", outside, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NO_DOMAIN, EDDY_SIDE_READER},
    {"removed", removed, EDDY_PATH_NONE, LOST, EDDY_WHY_REMOVED, EDDY_SIDE_WRITER},
    {"both removed", both_removed, EDDY_PATH_EDDY, OUTSIDE, EDDY_WHY_REMOVED, EDDY_SIDE_READER},
    {"full", full, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_FULL, EDDY_SIDE_READER},
    {"not open", not_open, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NOT_OPEN, EDDY_SIDE_READER},
    {"folders", folders, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_FOLDERS, PAIR},
    {"folders, one locator", folders_one_locator, EDDY_PATH_NONE, LOST, EDDY_WHY_FOLDERS, PAIR},
    {"scopes", scopes, EDDY_PATH_NONE, LOST, EDDY_WHY_SCOPES, PAIR},
    {"locators", locators, EDDY_PATH_EDDY, OUTSIDE, EDDY_WHY_LOCATORS, PAIR},
    {"one process", one_process, EDDY_PATH_PROCESS, FINE, NO_REASON, PAIR},
    {"undiscovered", undiscovered, EDDY_PATH_NONE, LOST, EDDY_WHY_UNDISCOVERED, EDDY_SIDE_WRITER},
    {"stopped", stopped, EDDY_PATH_EDDY, LOST, EDDY_WHY_STOPPED, EDDY_SIDE_READER},
    {"dead", dead, EDDY_PATH_EDDY, LOST, EDDY_WHY_DEAD, EDDY_SIDE_WRITER},
    {"forgotten", dead_and_forgotten, EDDY_PATH_NONE, LOST, EDDY_WHY_DEAD, EDDY_SIDE_WRITER},
    {"missed", missed, EDDY_PATH_EDDY, LOST, EDDY_WHY_MISSED, EDDY_SIDE_READER},
    {"given up", given_up, EDDY_PATH_EDDY, LOST, EDDY_WHY_GIVEN_UP, EDDY_SIDE_READER},
    {"strangers'", given_up_strangers, EDDY_PATH_EDDY, FINE, EDDY_WHY_GIVEN_UP, EDDY_SIDE_READER},
    {"waiting", waiting, EDDY_PATH_EDDY, OUTSIDE, EDDY_WHY_WAITING, EDDY_SIDE_READER},
    {"behind", behind, EDDY_PATH_EDDY, FINE, EDDY_WHY_BEHIND, EDDY_SIDE_READER},
    {"memory full", memory_full, EDDY_PATH_EDDY, FINE, EDDY_WHY_MEMORY_FULL, EDDY_SIDE_WRITER},
    {"string key", string_key, EDDY_PATH_EDDY, LOST, EDDY_WHY_STRING_KEY, PAIR},
    {"mended", string_key_mended, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"optional", optional, EDDY_PATH_EDDY, LOST, EDDY_WHY_OPTIONAL, PAIR},
    {"longer type", longer_type, EDDY_PATH_EDDY, LOST, EDDY_WHY_LONGER_TYPE, PAIR},
    {"shorter type", shorter_type, EDDY_PATH_EDDY, FINE, EDDY_WHY_OTHER_TYPE, PAIR},
    {"keys", keys, EDDY_PATH_EDDY, FINE, EDDY_WHY_KEYS, PAIR},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const struct eddy_why_reason *find_reason(const struct eddy_why_verdict *verdict,
                                                 const struct row *row)
{
    for (size_t i = 0; i < verdict->reason_count; i++)
        if (verdict->reasons[i].code == row->code && verdict->reasons[i].side == row->side)
            return &verdict->reasons[i];
    return NULL;
}

static void check_row(const struct row *row)
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

static void each_case_has_its_path_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++)
        check_row(&rows[i]);
}

static void nobody_is_a_reason(void **state)
{
    (void)state;
    struct pair pair;
    struct eddy_why_verdict verdict;
    make_pair(&pair);
    eddy_why_judge(&pair.world, &pair.endpoints[0], NULL, &verdict);
    assert_int_equal(verdict.reasons[0].code, EDDY_WHY_NO_READER);
    assert_int_equal(verdict.grade, EDDY_GRADE_LOST);
    eddy_why_judge(&pair.world, NULL, &pair.endpoints[1], &verdict);
    assert_int_equal(verdict.reasons[0].code, EDDY_WHY_NO_WRITER);
}

static void each_code_is_tried(void **state)
{
    (void)state;
    bool tried[EDDY_WHY_CODE_COUNT + 1] = {
        [EDDY_WHY_NO_READER] = true, [EDDY_WHY_NO_WRITER] = true};
    for (size_t i = 0; i < ROW_COUNT; i++)
        tried[rows[i].code] = true;
    for (size_t i = 0; i < EDDY_WHY_CODE_COUNT; i++)
        if (!tried[i])
            fail_msg("no row of this test has the code %s", eddy_why_code_name(i));
}

/* --- words ----------------------------------------------------------------------------------- */

static char *manual_page(void)
{
    FILE *file = fopen(EDDY_WHY_MANUAL, "re");
    char *text = calloc(1, 1 << 16);
    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

/* The name, as a word, stands in the text. */
static bool names(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += length)
        if (at > text && strchr(" \n", at[-1]) != NULL && strchr(" \n", at[length]) != NULL)
            return true;
    return false;
}

static void each_code_has_words_and_is_in_the_manual(void **state)
{
    (void)state;
    struct pair pair;
    char *manual = manual_page();
    make_pair(&pair);
    struct eddy_why_verdict verdict = {.writer = &pair.endpoints[0], .reader = &pair.endpoints[1]};
    for (size_t i = 0; i < EDDY_WHY_CODE_COUNT; i++) {
        struct eddy_why_reason reason = {.code = i, .first = "", .second = ""};
        char *said = eddy_why_said(&verdict, &reason), *advice = eddy_why_advice(&verdict, &reason);
        assert_true(said[0] != '\0' && strchr(said, '$') == NULL);
        assert_true(advice[0] != '\0' && strchr(advice, '$') == NULL);
        if (!names(manual, eddy_why_code_name(i)))
            fail_msg("eddy-why.1 does not name %s", eddy_why_code_name(i));
        free(said);
        free(advice);
    }
    free(manual);
}

static void check_said(void (*change)(struct pair *pair), const char *wanted)
{
    struct pair pair;
    struct eddy_why_verdict verdict;
    make_pair(&pair);
    change(&pair);
    eddy_why_judge(&pair.world, &pair.endpoints[0], &pair.endpoints[1], &verdict);
    char *said = eddy_why_said(&verdict, &verdict.reasons[0]);
    assert_string_equal(said, wanted);
    free(said);
}

static void words_name_sides_numbers_and_times(void **state)
{
    (void)state;
    check_said(reader_keeps_all,
               "the reader's history is KEEP_ALL, which keeps it off shared memory");
    check_said(asks_deadline, "DDS does not connect them: the reader asks for a sample each 1 s "
                              "(deadline), the writer offers none");
    check_said(partition_and_none,
               "DDS does not connect them: their partitions have no name in common, the writer's "
               "are 'a', the reader's the default one");
    check_said(missed, "the reader has missed 3 samples: it was more than its 16 behind");
    check_said(memory_full, "the topic has used 90 B of the 100 B that it may grow to");
}

static void check_ros_name(const char *topic, const char *wanted)
{
    char *name = eddy_why_ros_name(topic);
    if (wanted == NULL)
        assert_null(name);
    else
        assert_string_equal(name, wanted);
    free(name);
}

static void ros_names(void **state)
{
    (void)state;
    check_ros_name("rt/chatter", "/chatter");
    check_ros_name("rt/a/b", "/a/b");
    check_ros_name("rq/addRequest", "/add");
    check_ros_name("rr/addReply", "/add");
    check_ros_name("rq/add", NULL);
    check_ros_name("rq/", NULL);
    check_ros_name("chatter", NULL);
}

/* --- settings and types ---------------------------------------------------------------------- */

static void check_settings(const char *uri, enum eddy_tri shared_memory, enum eddy_tri redundant,
                           const char *locator)
{
    struct eddy_why_settings settings;
    eddy_why_read_settings(uri, &settings);
    assert_int_equal(settings.shared_memory, shared_memory);
    assert_int_equal(settings.redundant, redundant);
    assert_string_equal(settings.locator, locator);
}

#define SHARING(inside) "<Domain><SharedMemory>" inside "</SharedMemory></Domain>"

static void of_two_settings_the_later_counts(void **state)
{
    (void)state;
    check_settings("", EDDY_NO, EDDY_NO, "");
    check_settings(SHARING("<Enable>true</Enable><Locator>aa:</Locator>"), EDDY_YES, EDDY_NO,
                   "aa:");
    check_settings(SHARING("<Enable>true</Enable>") "," SHARING("<Enable> false </Enable>"),
                   EDDY_NO, EDDY_NO, "");
    check_settings(SHARING("<Enable>false</Enable>") "," SHARING("<LogLevel>off</LogLevel>") "," //
                   SHARING("<enable>true</enable>"),
                   EDDY_YES, EDDY_NO, "");
    check_settings("<General><RedundantNetworking>true</RedundantNetworking></General>,"
                   "<Security><Enable>true</Enable></Security>",
                   EDDY_NO, EDDY_YES, "");
}

static void settings_in_a_file_count(void **state)
{
    (void)state;
    char path[] = "/tmp/eddy-why-XXXXXX", uri[256];
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    assert_non_null(out);
    fputs("<CycloneDDS>" SHARING("<Enable>true</Enable>") "</CycloneDDS>", out);
    fclose(out);
    snprintf(uri, sizeof uri, "<Domain id=\"any\"><General/><!-- a, b --></Domain>,file://%s",
             path);
    check_settings(uri, EDDY_YES, EDDY_NO, "");
    snprintf(uri, sizeof uri, "%s", path + 1); /* relative: to which folder is not known */
    check_settings(uri, EDDY_NO, EDDY_NO, "");
    remove(path);
}

#define FIELD(is, element, flags) (1u << 24 | (is) << 16 | (element) << 8 | (flags))

static void types_are_read_from_their_operations(void **state)
{
    (void)state;
    struct eddy_why_type type = {0};
    /* A number, an enumeration, an array of octets, the end. */
    const uint32_t fixed[] = {
        FIELD(3u, 0u, 0u), 0, FIELD(12u, 0u, 0u), 4, 9, FIELD(8u, 1u, 0u), 8, 16, 0};
    assert_true(eddy_why_type_read(fixed, 9, &type));
    assert_true(type.is_fixed && !type.has_optional && !type.has_string_key && !type.is_appendable);
    /* Appendable; a string that is a key; an optional number, which is elsewhere. */
    const uint32_t keyed[] = {4u << 24, FIELD(5u, 0u, 1u), 0, FIELD(13u | 0x80, 0u, 0x20u),
                              8,        4u << 16 | 4,      4, 0};
    type = (struct eddy_why_type){0};
    assert_true(eddy_why_type_read(keyed, 8, &type));
    assert_true(!type.is_fixed && type.has_optional && type.has_string_key && type.is_appendable);
    const uint32_t unknown[] = {0x7fu << 24};
    assert_false(eddy_why_type_read(unknown, 1, &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_path_and_reason),
        cmocka_unit_test(nobody_is_a_reason),
        cmocka_unit_test(each_code_is_tried),
        cmocka_unit_test(each_code_has_words_and_is_in_the_manual),
        cmocka_unit_test(words_name_sides_numbers_and_times),
        cmocka_unit_test(ros_names),
        cmocka_unit_test(of_two_settings_the_later_counts),
        cmocka_unit_test(settings_in_a_file_count),
        cmocka_unit_test(types_are_read_from_their_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
