/* why_match_test.c - which writers and readers DDS connects, as `eddy why` has it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "why_pair.h"

#define SECOND INT64_C(1000000000)

/* --- what is changed ------------------------------------------------------------------------- */

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

static void second_representation(struct pair *pair)
{
    WRITER->qos.representations = xcdr1;
    WRITER->qos.representation_count = 1;
    READER->qos.representations = xcdr2;
    READER->qos.representation_count = 2;
}

static void representation_of_one(struct pair *pair)
{
    WRITER->qos.representations = xcdr2;
    WRITER->qos.representation_count = 2;
}

static void types_of_one(struct pair *pair)
{
    READER->type_facts = (struct eddy_why_type){.is_known = true, .size = 8, .id = {2}};
}

static void representations(struct pair *pair)
{
    WRITER->qos.representations = xcdr2;
    WRITER->qos.representation_count = 2;
    READER->qos.representations = xcdr1;
    READER->qos.representation_count = 1;
}

/* --- what must come out ---------------------------------------------------------------------- */

static const struct row rows[] = {
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
    {"a second", second_representation, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"not said", representation_of_one, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"type not said", types_of_one, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"representation", representations, EDDY_PATH_NONE, LOST, EDDY_WHY_REPRESENTATION, PAIR},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void each_case_has_its_path_and_reason(void **state)
{
    (void)state;
    check_rows(rows, ROW_COUNT);
    check_codes(rows, ROW_COUNT, EDDY_WHY_TYPE_NAMES, EDDY_WHY_REPRESENTATION);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_path_and_reason),
        cmocka_unit_test(nobody_is_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
