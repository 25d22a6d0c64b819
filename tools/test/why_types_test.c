/* why_types_test.c - what Cyclone DDS does with types in shared memory, as `eddy why` has it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "why_pair.h"

/* --- what is changed ------------------------------------------------------------------------- */

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

static void string_key_of_reader(struct pair *pair)
{
    string_key(pair);
    WRITER->type_facts = (struct eddy_why_type){0};
    pair->processes[0].patch = -1;
}

static void optional_of_reader(struct pair *pair)
{
    optional(pair);
    WRITER->type_facts = (struct eddy_why_type){0};
}

static void optional_and_varying(struct pair *pair)
{
    optional(pair);
    WRITER->type_facts.is_fixed = READER->type_facts.is_fixed = false;
}

static void keys(struct pair *pair)
{
    READER->guid[15] = 0x07;
    pair->processes[0].patch = 3;
}

/* --- what must come out ---------------------------------------------------------------------- */

static const struct row rows[] = {
    {"reader's string key", string_key_of_reader, EDDY_PATH_EDDY, LOST, EDDY_WHY_STRING_KEY, PAIR},
    {"reader's optional", optional_of_reader, EDDY_PATH_EDDY, LOST, EDDY_WHY_OPTIONAL, PAIR},
    {"optional, varying", optional_and_varying, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"string key", string_key, EDDY_PATH_EDDY, LOST, EDDY_WHY_STRING_KEY, PAIR},
    {"mended", string_key_mended, EDDY_PATH_EDDY, FINE, NO_REASON, PAIR},
    {"optional", optional, EDDY_PATH_EDDY, LOST, EDDY_WHY_OPTIONAL, PAIR},
    {"longer type", longer_type, EDDY_PATH_EDDY, LOST, EDDY_WHY_LONGER_TYPE, PAIR},
    {"shorter type", shorter_type, EDDY_PATH_EDDY, FINE, EDDY_WHY_OTHER_TYPE, PAIR},
    {"keys", keys, EDDY_PATH_EDDY, FINE, EDDY_WHY_KEYS, PAIR},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void each_case_has_its_path_and_reason(void **state)
{
    (void)state;
    check_rows(rows, ROW_COUNT);
    check_codes(rows, ROW_COUNT, EDDY_WHY_STRING_KEY, EDDY_WHY_KEYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_path_and_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
