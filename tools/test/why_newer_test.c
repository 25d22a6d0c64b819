/* why_newer_test.c - what `eddy why` concludes of writers and readers of Cyclone DDS 11.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin.h"
#include "why_pair.h"

#define SCOPE "psmx/eddy/6cb2d4ff"

/* --- what is changed ------------------------------------------------------------------------- */

static void to_newer(struct pair *pair, size_t i)
{
    struct eddy_why_process *process = &pair->processes[i];
    process->is_newer = process->is_our_plugin = true;
    process->plugin = "/lib/libpsmx_eddy.so";
    process->cyclone = "/lib/libddsc.so.11.0.1";
    process->patch = -1;
    process->locator = NULL;
    process->redundant = EDDY_UNKNOWN;
    pair->members[i].is_of_plugin = true;
    pair->members[i].scope = SCOPE;
    pair->members[i].whole = SCOPE "/last/";
}

static void both(struct pair *pair)
{
    to_newer(pair, 0);
    to_newer(pair, 1);
}

static void keeps_all(struct pair *pair)
{
    both(pair);
    WRITER->qos.history = READER->qos.history = EDDY_DDS_KEEP_ALL;
}

static void latched(struct pair *pair)
{
    both(pair);
    WRITER->qos.durability = EDDY_DDS_TRANSIENT_LOCAL;
    WRITER->qos.reliability = EDDY_DDS_RELIABLE;
    WRITER->qos.service_depth = 16;
}

static void deep(struct pair *pair)
{
    latched(pair);
    WRITER->qos.service_depth = 17;
    off(WRITER);
}

static void all_latched(struct pair *pair)
{
    latched(pair);
    WRITER->qos.service_history = EDDY_DDS_KEEP_ALL;
    off(WRITER);
}

static void persistent(struct pair *pair)
{
    both(pair);
    WRITER->qos.durability = EDDY_DDS_PERSISTENT;
}

static void manual(struct pair *pair)
{
    both(pair);
    WRITER->qos.liveliness = EDDY_DDS_MANUAL_BY_PARTICIPANT;
    WRITER->qos.lease = 1;
    off(WRITER);
}

static void manual_for_ever(struct pair *pair)
{
    both(pair);
    WRITER->qos.liveliness = EDDY_DDS_MANUAL_BY_PARTICIPANT;
}

static void deadline(struct pair *pair)
{
    both(pair);
    WRITER->qos.deadline = 1;
    off(WRITER);
}

static void deadline_latched(struct pair *pair)
{
    latched(pair);
    WRITER->qos.deadline = READER->qos.deadline = 1;
}

static void pattern(struct pair *pair)
{
    static const char *const names[] = {"*"}, *const one[] = {"a"};
    both(pair);
    in_partition(WRITER, one);
    in_partition(READER, names);
    off(READER);
}

static void in_two(struct eddy_why_endpoint *endpoint)
{
    static const char *const names[] = {"b", "a"};
    in_partition(endpoint, names);
    endpoint->qos.partition_count = 2;
}

static void reader_in_two(struct pair *pair)
{
    static const char *const one[] = {"a"};
    both(pair);
    in_partition(WRITER, one);
    in_two(READER);
    pair->members[0].whole = pair->members[1].whole = SCOPE "/all/a";
}

static void writer_in_two(struct pair *pair)
{
    both(pair);
    in_two(WRITER);
    in_two(READER);
}

static void keeps_in_two(struct pair *pair)
{
    writer_in_two(pair);
    WRITER->qos.reliability = EDDY_DDS_RELIABLE;
    WRITER->qos.history = EDDY_DDS_KEEP_ALL;
    off(WRITER);
}

static void evolves(struct pair *pair)
{
    both(pair);
    WRITER->type_facts.is_fixed = WRITER->type_facts.is_appendable = true;
    off(WRITER);
}

static void not_served(struct pair *pair)
{
    both(pair);
    off(READER);
}

static void outside(struct pair *pair)
{
    both(pair);
    off(READER);
    pair->processes[1].dir = NULL;
}

static void no_plugin(struct pair *pair)
{
    outside(pair);
    pair->processes[1].plugin = NULL;
    pair->processes[1].is_our_plugin = false;
}

static void other_plugin(struct pair *pair)
{
    outside(pair);
    pair->processes[1].plugin = "/lib/libpsmx_iox.so";
    pair->processes[1].is_our_plugin = false;
}

static void older_reader(struct pair *pair)
{
    to_newer(pair, 0);
}

static void older_writer(struct pair *pair)
{
    to_newer(pair, 1);
}

/* Of a process into which nobody can look, its place in Eddy tells. */
static void older_and_hidden(struct pair *pair)
{
    to_newer(pair, 0);
    pair->processes[0] = (struct eddy_why_process){
        .host = "", .name = "talker", .pid = 100, .is_cyclone = true, .patch = -1};
}

static void older_outside(struct pair *pair)
{
    older_reader(pair);
    off(READER);
    pair->processes[1].dir = NULL;
}

static void other_host(struct pair *pair)
{
    to_newer(pair, 0);
    off(READER);
    pair->processes[1] = (struct eddy_why_process){
        .host = "there", .name = "listener", .is_cyclone = true, .view = EDDY_WHY_FAR, .patch = -1};
}

static void one_process(struct pair *pair)
{
    both(pair);
    READER->process = WRITER->process;
}

static void instances(struct pair *pair)
{
    both(pair);
    pair->members[1].scope = "psmx/other/6cb2d4ff";
}

static void folders(struct pair *pair)
{
    both(pair);
    pair->members[1].dir = pair->processes[1].dir = "/dev/shm/other";
}

static void removed(struct pair *pair)
{
    both(pair);
    off(WRITER);
    pair->processes[0].is_removed = true;
    pair->processes[0].registry = 8;
}

static void presumed(struct pair *pair)
{
    both(pair);
    pair->members[1].scope = pair->members[1].whole = "psmx";
    pair->members[1].is_presumed = true;
}

static void optional(struct pair *pair)
{
    both(pair);
    WRITER->type_facts.has_optional = WRITER->type_facts.is_fixed = true;
}

static void other_names(struct pair *pair)
{
    both(pair);
    READER->type = "b::T";
    WRITER->type_facts.is_known = READER->type_facts.is_known = true;
}

static void other_types(struct pair *pair)
{
    other_names(pair);
    WRITER->type_facts.size = READER->type_facts.size = 8;
    WRITER->type_facts.shape[3] = 1;
}

static void unknown_names(struct pair *pair)
{
    both(pair);
    READER->type = "b::T";
}

/* The reader's member for writers that wait is behind, the one for all others is not. */
static void behind_elsewhere(struct pair *pair)
{
    static const struct eddy_why_member second = {.dir = "/dev/shm/eddy-0",
                                                  .scope = SCOPE,
                                                  .whole = SCOPE "/all/",
                                                  .is_of_plugin = true,
                                                  .info = {.behind = 3, .depth = 1023}};
    both(pair);
    READER->second = &second;
}

static void behind(struct pair *pair)
{
    behind_elsewhere(pair);
    pair->members[0].whole = SCOPE "/all/";
}

static const struct row rows[] = {
    {"well", both, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"KEEP_ALL", keeps_all, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"latched", latched, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"deep", deep, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DEPTH, EDDY_SIDE_WRITER},
    {"all latched", all_latched, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_KEEPS_ALL, EDDY_SIDE_WRITER},
    {"persistent", persistent, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"manual", manual, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_LIVELINESS, EDDY_SIDE_WRITER},
    {"manual for ever", manual_for_ever, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"deadline latched", deadline_latched, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"deadline", deadline, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_DEADLINE, EDDY_SIDE_WRITER},
    {"pattern", pattern, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_SEVERAL_PARTITIONS, EDDY_SIDE_READER},
    {"reader in two", reader_in_two, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"writer in two", writer_in_two, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"keeps in two", keeps_in_two, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_SEVERAL_PARTITIONS,
     EDDY_SIDE_WRITER},
    {"evolves", evolves, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_EVOLVING, EDDY_SIDE_WRITER},
    {"not served", not_served, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NOT_SERVED, EDDY_SIDE_READER},
    {"no folder", outside, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NO_DOMAIN, EDDY_SIDE_READER},
    {"no plug-in", no_plugin, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_NO_PLUGIN, EDDY_SIDE_READER},
    {"other plug-in", other_plugin, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OTHER_PLUGIN,
     EDDY_SIDE_READER},
    {"11 to 0.10", older_reader, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_GENERATIONS, PAIR},
    {"0.10 to 11", older_writer, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_GENERATIONS, PAIR},
    {"11, hidden", older_and_hidden, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_GENERATIONS, PAIR},
    {"0.10, outside", older_outside, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_GENERATIONS, PAIR},
    {"other host", other_host, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_OTHER_HOST, EDDY_SIDE_READER},
    {"one process", one_process, EDDY_PATH_PROCESS, FINE, NO_REASON, PAIR},
    {"instances", instances, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_SCOPES, PAIR},
    {"folders", folders, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_FOLDERS, PAIR},
    {"removed", removed, EDDY_PATH_NETWORK, OUTSIDE, EDDY_WHY_REMOVED, EDDY_SIDE_WRITER},
    {"presumed", presumed, EDDY_PATH_EDDY, FINE, EDDY_WHY_PRESUMED, PAIR},
    {"optional", optional, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"other names", other_names, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"other types", other_types, EDDY_PATH_NONE, LOST, EDDY_WHY_TYPES, PAIR},
    {"unknown names", unknown_names, EDDY_PATH_NONE, LOST, EDDY_WHY_TYPE_NAMES, PAIR},
    {"behind, elsewhere", behind_elsewhere, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"behind", behind, EDDY_PATH_EDDY, FINE, EDDY_WHY_BEHIND, EDDY_SIDE_READER},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void each_case_has_its_path_and_reason(void **state)
{
    (void)state;
    check_rows(rows, ROW_COUNT);
    check_codes(rows, ROW_COUNT, EDDY_WHY_KEEPS_ALL, EDDY_WHY_CODE_COUNT - 1);
}

static void the_words_are_of_the_right_side(void **state)
{
    (void)state;
    struct pair pair;
    struct eddy_why_verdict verdict;
    make_pair(&pair);
    pattern(&pair);
    eddy_why_judge(&pair.world, &pair.endpoints[0], &pair.endpoints[1], &verdict);
    char *said = eddy_why_said(&verdict, &verdict.reasons[0]);
    assert_non_null(
        strstr(said, "the reader is in several partitions, or in a pattern of them, '*'"));
    free(said);
}

/* --- scopes ---------------------------------------------------------------------------------- */

static void scopes_are_read(void **state)
{
    (void)state;
    struct eddy_plugin_scope parts;
    assert_true(eddy_plugin_read("psmx/eddy/6cb2d4ff/last/a/b", &parts));
    assert_int_equal(parts.number, 0x6cb2d4ff);
    assert_int_equal(parts.instance_length, 4);
    assert_int_equal(parts.meeting, strlen("psmx/eddy/6cb2d4ff"));
    assert_string_equal(parts.partition, "a/b");
    assert_true(eddy_plugin_read("psmx/x/00000001/0123456789abcdef0123456789ABCDEF/all/", &parts));
    assert_int_equal(parts.meeting, strlen("psmx/x/00000001/0123456789abcdef0123456789ABCDEF"));
    assert_string_equal(parts.partition, "");
    static const char *const others[] = {"",          "EDDY.0",          "psmx/",
                                         "psmx/eddy", "psmx/eddy/12/x/", "psmx/eddy/6cb2d4ff"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(eddy_plugin_read(others[i], &parts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_path_and_reason),
        cmocka_unit_test(the_words_are_of_the_right_side),
        cmocka_unit_test(scopes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
