/* why_words_test.c - the sentences of `eddy why`, and what it reads in settings and types.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/process.h"
#include "tools/why/type.h"
#include "why_pair.h"

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
    for (enum eddy_why_code i = 0; i < EDDY_WHY_CODE_COUNT; i++) {
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

static void reader_keeps_all(struct pair *pair)
{
    READER->qos.history = EDDY_DDS_KEEP_ALL;
    off(READER);
}

static void asks_deadline(struct pair *pair)
{
    READER->qos.deadline = INT64_C(1000000000);
}

static void asks_ownership(struct pair *pair)
{
    READER->qos.ownership = EDDY_DDS_EXCLUSIVE;
}

static void partition_and_none(struct pair *pair)
{
    static const char *const partition[] = {"a"};
    in_partition(WRITER, partition);
}

static void missed(struct pair *pair)
{
    pair->members[1].info.lost = 3;
}

static void memory_full(struct pair *pair)
{
    pair->members[0].shared_bytes = 90;
    pair->members[0].limit_bytes = 100;
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
    check_said(asks_ownership,
               "DDS does not connect them: the reader's ownership is EXCLUSIVE, the "
               "writer's SHARED");
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
    /* Empty elements, comments and commas within an element end no item. */
    check_settings("<Domain id=\"0\"/>," SHARING("<!-- a, b --><Enable>true</Enable>"), EDDY_YES,
                   EDDY_NO, "");
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
    snprintf(uri, sizeof uri,
             "<Domain id=\"any\"><General/><Tracing/><!-- a, b --></Domain>,file://%s", path);
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
    assert_true(eddy_why_type_read(fixed, 4, false, &type));
    assert_true(type.is_fixed && !type.has_optional && !type.has_string_key && !type.is_appendable);
    /* Appendable; a string that is a key; an optional number, which is elsewhere. */
    const uint32_t keyed[] = {4u << 24, FIELD(5u, 0u, 1u), 0, FIELD(13u | 0x80, 0u, 0x20u),
                              8,        4u << 16 | 4,      4, 0};
    type = (struct eddy_why_type){0};
    assert_true(eddy_why_type_read(keyed, 4, false, &type));
    assert_true(!type.is_fixed && type.has_optional && type.has_string_key && type.is_appendable);
    /* A union with an enumeration: its words end before the next field, a string. */
    const uint32_t with_union[] = {FIELD(9u, 12u, 0u), 0, 1, 0, 2, 8u << 24, 0, 0, 0,
                                   FIELD(5u, 0u, 0u),  0, 0};
    type = (struct eddy_why_type){0};
    assert_true(eddy_why_type_read(with_union, 3, false, &type));
    assert_true(!type.is_fixed && !type.has_string_key);
    /* An array of strings, and another type's field that is neither optional nor a pointer. */
    const uint32_t elsewhere[] = {FIELD(13u, 0u, 0u), 0, 0, FIELD(8u, 5u, 1u), 0, 2, 0};
    type = (struct eddy_why_type){0};
    assert_true(eddy_why_type_read(elsewhere, 3, false, &type));
    assert_true(!type.is_fixed && !type.has_optional && type.has_string_key);
    const uint32_t unknown[] = {0x7fu << 24};
    assert_false(eddy_why_type_read(unknown, 1, false, &type));
    /* Words are counted: what is behind them, and an operation that would end there, is not read. */
    enum { WORDS = sizeof fixed / sizeof *fixed };
    type = (struct eddy_why_type){0};
    assert_true(eddy_why_type_read(fixed, WORDS, true, &type) && type.is_fixed);
    assert_false(eddy_why_type_read(fixed, WORDS - 2, true, &type));
    /* An optional number, a bounded and a free wide string, the end; the optional one's number. */
    const uint32_t wide[] = {
        FIELD(3u, 0u, 0x20u), 0, FIELD(18u, 0u, 0u), 8, 5, FIELD(16u, 0u, 0u), 24, 0,
        9u << 24 | 8,         1};
    type = (struct eddy_why_type){0};
    assert_true(eddy_why_type_read(wide, sizeof wide / sizeof *wide, true, &type));
    assert_true(!type.is_fixed && type.has_optional);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_words_and_is_in_the_manual),
        cmocka_unit_test(words_name_sides_numbers_and_times),
        cmocka_unit_test(ros_names),
        cmocka_unit_test(of_two_settings_the_later_counts),
        cmocka_unit_test(settings_in_a_file_count),
        cmocka_unit_test(types_are_read_from_their_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
