/* names_test.c - which topic is which: names, scopes and types.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include <string.h>

static eddy_domain *domain;

static int open_both(const struct eddy_topic_identity *topic, eddy_writer **writer,
                     eddy_reader **reader)
{
    int error = eddy_writer_open(domain, topic, NULL, writer);
    if (error != EDDY_OK)
        return error;
    must(eddy_reader_open(domain, topic, NULL, reader));
    return EDDY_OK;
}

static void close_both(eddy_writer *writer, eddy_reader *reader)
{
    must(eddy_writer_close(writer));
    must(eddy_reader_close(reader));
}

/* A sample through this topic arrives, and its files stay inside the domain's folder. */
static void carries(const struct eddy_topic_identity *topic)
{
    eddy_writer *writer;
    eddy_reader *reader;
    must(open_both(topic, &writer, &reader));
    payload_publish(writer, 64, 1, 1);
    same(payload_take(reader).number, 1);
    const char *flink = eddy_writer_flink(writer);
    size_t length = strlen(world_dir());
    check(strncmp(flink, world_dir(), length) == 0 && flink[length] == '/');
    check(strchr(flink + length + 1, '/') == NULL);
    same(strlen(flink), strlen(eddy_reader_flink(reader)));
    check(strcmp(flink, eddy_reader_flink(reader)) == 0);
    close_both(writer, reader);
}

static void any_bytes_make_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a",           "/",
        "//",          ".",
        "..",          "../..",
        "/etc/passwd", "a/b",
        "a/../b",      " ",
        "\n",          "a\nb",
        "\t\r",        ".hidden",
        "...",         "%s%n",
        "~",           "a b",
        "\xff",        "\x01",
        "*",           "gr\xc3\xbc\xc3\x9f",
        "-rf",         "registry",
        "x.flink",     "a\\b",
        "\"quoted\"",  "{}",
        "=",           "rt/chatter",
    };
    domain = open_domain();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        carries(&(struct eddy_topic_identity){.name = names[i]});
        carries(&(struct eddy_topic_identity){.name = "n", .scope = names[i]});
        carries(&(struct eddy_topic_identity){.name = "n", .type = names[i]});
    }
    must(eddy_domain_close(domain));
}

static void names_of_1_to_4096_bytes_are_allowed(void **state)
{
    (void)state;
    static char text[EDDY_NAME_MAX + 2];
    eddy_writer *writer = NULL;
    domain = open_domain();
    must_fail(eddy_writer_open(domain, &(struct eddy_topic_identity){.name = ""}, NULL, &writer),
              EDDY_EINVAL);
    must_fail(eddy_writer_open(domain, &(struct eddy_topic_identity){.name = NULL}, NULL, &writer),
              EDDY_EINVAL);
    for (size_t length = 1; length <= EDDY_NAME_MAX; length += length < 300 ? 13 : 211) {
        memset(text, 'x', length);
        text[length] = 0;
        carries(&(struct eddy_topic_identity){.name = text});
    }
    memset(text, 'y', EDDY_NAME_MAX);
    text[EDDY_NAME_MAX] = 0;
    carries(&(struct eddy_topic_identity){.name = text, .type = text, .scope = text});
    memset(text, 'z', EDDY_NAME_MAX + 1);
    must_fail(eddy_writer_open(domain, &(struct eddy_topic_identity){.name = text}, NULL, &writer),
              EDDY_EINVAL);
    struct eddy_topic_identity long_type = {.name = "n", .type = text};
    must_fail(eddy_writer_open(domain, &long_type, NULL, &writer), EDDY_EINVAL);
    struct eddy_topic_identity long_scope = {.name = "n", .scope = text};
    must_fail(eddy_writer_open(domain, &long_scope, NULL, &writer), EDDY_EINVAL);
    check(writer == NULL);
    must(eddy_domain_close(domain));
}

/* What one topic carries, the other must not show. */
static void are_apart(const struct eddy_topic_identity *one, const struct eddy_topic_identity *two)
{
    eddy_writer *writers[2];
    eddy_reader *readers[2];
    must(open_both(one, &writers[0], &readers[0]));
    must(open_both(two, &writers[1], &readers[1]));
    check(strcmp(eddy_writer_flink(writers[0]), eddy_writer_flink(writers[1])) != 0);
    payload_publish(writers[0], 64, 1, 1);
    check(!eddy_reader_ready(readers[1]));
    same(payload_take(readers[0]).author, 1);
    payload_publish(writers[1], 64, 2, 1);
    check(!eddy_reader_ready(readers[0]));
    same(payload_take(readers[1]).author, 2);
    close_both(writers[0], readers[0]);
    close_both(writers[1], readers[1]);
}

static void similar_names_are_apart(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"a", "b"},       {"a", "A"},     {"a", "a "},
                                           {"a/b", "a_b"},   {"a", "a\n"},   {"a", "/a"},
                                           {"a/b", "a%2Fb"}, {"a.b", "a/b"}, {"\xff", "\xfe"}};
    domain = open_domain();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        are_apart(&(struct eddy_topic_identity){.name = names[i][0]},
                  &(struct eddy_topic_identity){.name = names[i][1]});
    must(eddy_domain_close(domain));
}

static void long_names_that_differ_at_the_end_are_apart(void **state)
{
    (void)state;
    static char one[EDDY_NAME_MAX + 1], two[EDDY_NAME_MAX + 1];
    memset(one, 'x', EDDY_NAME_MAX);
    memcpy(two, one, sizeof two);
    two[EDDY_NAME_MAX - 1] = 'y';
    domain = open_domain();
    are_apart(&(struct eddy_topic_identity){.name = one},
              &(struct eddy_topic_identity){.name = two});
    must(eddy_domain_close(domain));
}

static void scopes_are_apart(void **state)
{
    (void)state;
    domain = open_domain();
    are_apart(&(struct eddy_topic_identity){.name = "n"},
              &(struct eddy_topic_identity){.name = "n", .scope = "0"});
    are_apart(&(struct eddy_topic_identity){.name = "n", .scope = "0"},
              &(struct eddy_topic_identity){.name = "n", .scope = "1"});
    are_apart(&(struct eddy_topic_identity){.name = "ab", .scope = "c"},
              &(struct eddy_topic_identity){.name = "a", .scope = "bc"});
    must(eddy_domain_close(domain));
}

static void types_are_apart_where_that_was_asked(void **state)
{
    (void)state;
    struct eddy_topic_identity one = {.name = "n", .type = "T1", .flags = EDDY_TOPIC_TYPE_APART};
    struct eddy_topic_identity two = {.name = "n", .type = "T2", .flags = EDDY_TOPIC_TYPE_APART};
    domain = open_domain();
    are_apart(&one, &two);
    must(eddy_domain_close(domain));
}

static void types_that_disagree_are_an_error(void **state)
{
    (void)state;
    struct eddy_topic_identity made = {.name = "the topic", .type = "geometry/Point"};
    struct eddy_topic_identity wrong = {.name = "the topic", .type = "geometry/Pose"};
    struct eddy_topic_identity any = {.name = "the topic"};
    eddy_writer *writer = NULL, *second = NULL;
    eddy_reader *reader = NULL;
    domain = open_domain();
    must(eddy_writer_open(domain, &made, NULL, &writer));
    must_fail(eddy_reader_open(domain, &wrong, NULL, &reader), EDDY_ETYPE);
    says("the topic");
    says("geometry/Point");
    says("geometry/Pose");
    must_fail(eddy_writer_open(domain, &wrong, NULL, &second), EDDY_ETYPE);
    check(reader == NULL && second == NULL);
    must(eddy_reader_open(domain, &any, NULL, &reader));
    must(eddy_reader_close(reader));
    must(eddy_reader_open(domain, &made, NULL, &reader));
    payload_publish(writer, 64, 1, 1);
    same(payload_take(reader).number, 1);
    close_both(writer, reader);
    must(eddy_writer_open(domain, &wrong, NULL, &second));
    must(eddy_writer_close(second));
    must(eddy_domain_close(domain));
}

/* Another participant has not seen the topic yet: it learns of the type from shared memory. */
static void types_that_disagree_are_an_error_to_newcomers(void **state)
{
    (void)state;
    struct eddy_topic_identity made = {.name = "n", .type = "T", .type_hash = {1}};
    struct eddy_topic_identity wrong = {.name = "n", .type = "U"};
    struct eddy_topic_identity wrong_hash = {.name = "n", .type = "T", .type_hash = {2}};
    eddy_reader *reader = NULL;
    domain = open_domain();
    eddy_writer *writer;
    must(eddy_writer_open(domain, &made, NULL, &writer));
    eddy_domain *newcomer = open_domain();
    must_fail(eddy_reader_open(newcomer, &wrong, NULL, &reader), EDDY_ETYPE);
    must_fail(eddy_reader_open(newcomer, &wrong_hash, NULL, &reader), EDDY_ETYPE);
    check(reader == NULL);
    must(eddy_reader_open(newcomer, &made, NULL, &reader));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(newcomer));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void type_hashes_that_disagree_are_an_error(void **state)
{
    (void)state;
    struct eddy_topic_identity made = {.name = "n", .type_hash = {1, 2, 3}};
    struct eddy_topic_identity wrong = {.name = "n", .type_hash = {1, 2, 4}};
    struct eddy_topic_identity any = {.name = "n"};
    eddy_writer *writer;
    eddy_reader *reader;
    domain = open_domain();
    must(eddy_writer_open(domain, &made, NULL, &writer));
    must_fail(eddy_reader_open(domain, &wrong, NULL, &reader), EDDY_ETYPE);
    must(eddy_reader_open(domain, &any, NULL, &reader));
    must(eddy_reader_close(reader));
    must(eddy_reader_open(domain, &made, NULL, &reader));
    close_both(writer, reader);
    must(eddy_domain_close(domain));
}

static void a_flink_path_is_enough_to_attach(void **state)
{
    (void)state;
    eddy_reader *reader;
    domain = open_domain();
    eddy_writer *writer = open_writer(domain, "n", NULL);
    for (int own = 0; own < 2; own++) {
        must(eddy_reader_attach(own ? NULL : domain, eddy_writer_flink(writer), NULL, &reader));
        payload_publish(writer, 64, 1, 1);
        same(payload_take(reader).number, 1);
        must(eddy_reader_close(reader));
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(any_bytes_make_a_name),
        WORLD_TEST(names_of_1_to_4096_bytes_are_allowed),
        WORLD_TEST(similar_names_are_apart),
        WORLD_TEST(long_names_that_differ_at_the_end_are_apart),
        WORLD_TEST(scopes_are_apart),
        WORLD_TEST(types_are_apart_where_that_was_asked),
        WORLD_TEST(types_that_disagree_are_an_error),
        WORLD_TEST(types_that_disagree_are_an_error_to_newcomers),
        WORLD_TEST(type_hashes_that_disagree_are_an_error),
        WORLD_TEST(a_flink_path_is_enough_to_attach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
