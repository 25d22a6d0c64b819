/* why_path_test.c - the path from a writer to a reader that DDS connects, as `eddy why` has it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "why_pair.h"

#define SECOND INT64_C(1000000000)

/* --- what is changed ------------------------------------------------------------------------- */

static void nothing(struct pair *pair)
{
    (void)pair;
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

static void ros_graph(struct pair *pair)
{
    reader_keeps_all(pair);
    WRITER->topic = READER->topic = "ros_discovery_info";
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
    pair->processes[0].redundant = EDDY_NO;
}

static void other_sided(struct pair *pair)
{
    writer_keeps_all(pair);
    pair->processes[0].redundant = pair->processes[1].redundant = EDDY_NO;
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

/* Each has a participant of its own. */
static void two_participants(struct pair *pair)
{
    off(READER);
    pair->processes[1] = pair->processes[0];
}

/* The same number on another host. */
static void one_number(struct pair *pair)
{
    other_host(pair);
    pair->processes[1].pid = pair->processes[0].pid;
    pair->processes[1].name = pair->processes[0].name;
    pair->processes[1].local_pid = pair->processes[0].local_pid;
}

static void scopes_and_locators(struct pair *pair)
{
    pair->members[1].scope = "EDDY.5";
    pair->processes[1].locator = "ed:d8";
}

static void removed_and_outside(struct pair *pair)
{
    removed(pair);
    outside(pair);
}

static void removed_at_other_times(struct pair *pair)
{
    both_removed(pair);
    pair->processes[1].registry = 8;
}

static void removed_and_keeps_all(struct pair *pair)
{
    both_removed(pair);
    READER->qos.history = EDDY_DDS_KEEP_ALL;
}

static void deep_but_all(struct pair *pair)
{
    deep(pair);
    WRITER->qos.service_history = EDDY_DDS_KEEP_ALL;
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

static void stopped_and_forgotten(struct pair *pair)
{
    stopped(pair);
    READER->is_discovered = false;
}

static void presumed(struct pair *pair)
{
    pair->members[0].is_presumed = pair->members[1].is_presumed = true;
}

static void missed(struct pair *pair)
{
    pair->members[1].info.lost = 3;
}

static void given_up(struct pair *pair)
{
    pair->members[1].info.given_up = 3;
}

static const char *const partition_b[] = {"b"};

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

static void presumed_of_one(struct pair *pair)
{
    pair->members[1].is_presumed = true;
}

static void settings_without_eddy(struct pair *pair)
{
    iceoryx(pair);
    pair->processes[1].launched = EDDY_NO;
}

/* --- what must come out ---------------------------------------------------------------------- */

static const struct row rows[] = {
    {"well", nothing, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"writer's history", writer_keeps_all, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_HISTORY,
     EDDY_SIDE_WRITER},
    {"reader's history", reader_keeps_all, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_HISTORY,
     EDDY_SIDE_READER},
    {"ROS's graph", ros_graph, EDDY_PATH_NETWORK, FINE, EDDY_WHY_ROS_GRAPH, PAIR},
    {"persistent", persistent, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DURABILITY, EDDY_SIDE_WRITER},
    {"depth", deep, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DEPTH, EDDY_SIDE_WRITER},
    {"liveliness", manual, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_LIVELINESS, EDDY_SIDE_WRITER},
    {"deadline", deadline, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DEADLINE, EDDY_SIDE_READER},
    {"one-sided", one_sided, EDDY_PATH_NONE, LOST, EDDY_WHY_ONE_SIDED, PAIR},
    {"other-sided", other_sided, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_HISTORY, EDDY_SIDE_WRITER},
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
    {"two participants", two_participants, EDDY_PATH_PROCESS, FINE, NO_REASON, PAIR},
    {"one number", one_number, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OTHER_HOST, EDDY_SIDE_READER},
    {"scopes, locators", scopes_and_locators, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_SCOPES, PAIR},
    {"removed, outside", removed_and_outside, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_REMOVED,
     EDDY_SIDE_WRITER},
    {"removed twice", removed_at_other_times, EDDY_PATH_NONE, LOST, EDDY_WHY_REMOVED,
     EDDY_SIDE_READER},
    {"removed, history", removed_and_keeps_all, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_HISTORY,
     EDDY_SIDE_READER},
    {"deep but all", deep_but_all, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NOT_OPEN, EDDY_SIDE_WRITER},
    {"presumed of one", presumed_of_one, EDDY_PATH_EDDY, FINE, EDDY_WHY_PRESUMED, PAIR},
    {"own settings", settings_without_eddy, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_ICEORYX,
     EDDY_SIDE_READER},
    {"undiscovered", undiscovered, EDDY_PATH_NONE, LOST, EDDY_WHY_UNDISCOVERED, EDDY_SIDE_WRITER},
    {"stopped", stopped, EDDY_PATH_EDDY, LOST, EDDY_WHY_STOPPED, EDDY_SIDE_READER},
    {"stopped", stopped_and_forgotten, EDDY_PATH_EDDY, LOST, EDDY_WHY_STOPPED, EDDY_SIDE_READER},
    {"presumed", presumed, EDDY_PATH_EDDY, FINE, EDDY_WHY_PRESUMED, PAIR},
    {"dead", dead, EDDY_PATH_NONE, LOST, EDDY_WHY_DEAD, EDDY_SIDE_WRITER},
    {"forgotten", dead_and_forgotten, EDDY_PATH_NONE, LOST, EDDY_WHY_DEAD, EDDY_SIDE_WRITER},
    {"missed", missed, EDDY_PATH_EDDY, LOST, EDDY_WHY_MISSED, EDDY_SIDE_READER},
    {"given up", given_up, EDDY_PATH_EDDY, LOST, EDDY_WHY_GIVEN_UP, EDDY_SIDE_READER},
    {"strangers'", given_up_strangers, EDDY_PATH_EDDY, FINE, EDDY_WHY_GIVEN_UP, EDDY_SIDE_READER},
    {"waiting", waiting, EDDY_PATH_EDDY, OUTSIDE, EDDY_WHY_WAITING, EDDY_SIDE_READER},
    {"behind", behind, EDDY_PATH_EDDY, FINE, EDDY_WHY_BEHIND, EDDY_SIDE_READER},
    {"memory full", memory_full, EDDY_PATH_EDDY, FINE, EDDY_WHY_MEMORY_FULL, EDDY_SIDE_WRITER},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void each_case_has_its_path_and_reason(void **state)
{
    (void)state;
    check_rows(rows, ROW_COUNT);
    check_codes(rows, ROW_COUNT, EDDY_WHY_HISTORY, EDDY_WHY_ROS_GRAPH);
}

static void who_waits_for_a_daemon_is_told(void **state)
{
    (void)state;
    struct eddy_why_process stray = {.name = "talker", .pid = 7, .binding = "/lib/x"};
    struct eddy_why_verdict verdict;
    eddy_why_judge_stray(&stray, &verdict);
    char *said = eddy_why_said(&verdict, &verdict.reasons[0]);
    assert_non_null(strstr(said, "talker, pid 7, takes no part"));
    assert_int_equal(verdict.grade, EDDY_GRADE_LOST);
    free(said);
    stray = (struct eddy_why_process){.name = "/x/talker", .dir = "/y", .is_removed = true};
    eddy_why_judge_stray(&stray, &verdict);
    assert_int_equal(verdict.reasons[0].code, EDDY_WHY_HOLDS_REMOVED);
    assert_string_equal(verdict.reasons[0].first, "talker");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_path_and_reason),
        cmocka_unit_test(who_waits_for_a_daemon_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
