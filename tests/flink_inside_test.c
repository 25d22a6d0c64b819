/* flink_inside_test.c - the flink's text and file name, from inside.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/payload.h"
#include "support/world.h"

#include "discovery/flink.h"
#include "discovery/sweep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT "0123456789abcdef0123456789abcdef"
#define FILE_AT "x.flink"

static int open_world(void)
{
    int dir = open(world_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(dir >= 0);
    return dir;
}

/* 1 to `most` random bytes, none of them NUL. */
static void random_text(char *text, size_t most, uint64_t *seed)
{
    size_t length = 1 + payload_random(seed) % most;
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(1 + payload_random(seed) % 255);
    text[length] = 0;
}

static void round_trip(int dir, struct eddy_flink *written, struct eddy_flink *read)
{
    snprintf(written->segment, sizeof written->segment, SEGMENT);
    must(eddy_flink_announce(dir, FILE_AT, written));
    memset(read, 0, sizeof *read);
    must(eddy_flink_read(dir, FILE_AT, read));
    check(strcmp(read->topic, written->topic) == 0);
    check(strcmp(read->type, written->type) == 0);
    check(strcmp(read->scope, written->scope) == 0);
    check(strcmp(read->segment, SEGMENT) == 0);
    eddy_flink_withdraw(dir, FILE_AT, SEGMENT);
    check(faccessat(dir, FILE_AT, F_OK, 0) != 0);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    uint64_t seed = payload_seed();
    int dir = open_world();
    struct eddy_flink *flinks = calloc(2, sizeof *flinks);
    check(flinks != NULL);
    for (int i = 0; i < 500; i++) {
        size_t most = i < 490 ? 200 : EDDY_NAME_MAX;
        random_text(flinks[0].topic, most, &seed);
        random_text(flinks[0].type, most, &seed);
        random_text(flinks[0].scope, most, &seed);
        round_trip(dir, &flinks[0], &flinks[1]);
    }
    free(flinks);
    close(dir);
}

static void the_longest_names_all_escaped_fit(void **state)
{
    (void)state;
    int dir = open_world();
    struct eddy_flink *flinks = calloc(2, sizeof *flinks);
    check(flinks != NULL);
    memset(flinks[0].topic, '\n', EDDY_NAME_MAX);
    memset(flinks[0].type, '%', EDDY_NAME_MAX);
    memset(flinks[0].scope, '\xff', EDDY_NAME_MAX);
    round_trip(dir, &flinks[0], &flinks[1]);
    free(flinks);
    close(dir);
}

static void a_flink_is_announced_once(void **state)
{
    (void)state;
    int dir = open_world();
    struct eddy_flink *flink = calloc(1, sizeof *flink);
    check(flink != NULL);
    snprintf(flink->topic, sizeof flink->topic, "t");
    snprintf(flink->segment, sizeof flink->segment, SEGMENT);
    must(eddy_flink_announce(dir, FILE_AT, flink));
    must_fail(eddy_flink_announce(dir, FILE_AT, flink), EDDY_EEXIST);
    eddy_flink_withdraw(dir, FILE_AT, "another0another0another0another0");
    must(eddy_flink_read(dir, FILE_AT, flink));
    eddy_flink_withdraw(dir, FILE_AT, SEGMENT);
    must_fail(eddy_flink_read(dir, FILE_AT, flink), EDDY_ENOENT);
    free(flink);
    close(dir);
}

static void a_file_name_is_plain_and_short_enough(void **state)
{
    (void)state;
    static char text[EDDY_NAME_MAX + 1];
    uint64_t seed = payload_seed();
    for (int i = 0; i < 2000; i++) {
        struct eddy_flink_key key;
        random_text(text, EDDY_NAME_MAX, &seed);
        eddy_flink_key_make(text, "type", "scope", i % 2, &key);
        check(strlen(key.file) < 255);
        check(strspn(key.file, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "_-.%") == strlen(key.file));
        check(key.file[0] != '.');
        check(eddy_file_kind_of(key.file) == EDDY_FILE_FLINK);
        check(key.lock > 0);
    }
}

static void keys_differ_where_the_names_do(void **state)
{
    (void)state;
    struct eddy_flink_key keys[6];
    eddy_flink_key_make("n", "t", "s", false, &keys[0]);
    eddy_flink_key_make("n", "u", "s", false, &keys[1]);
    check(strcmp(keys[0].file, keys[1].file) == 0);
    eddy_flink_key_make("n", "t", "s", true, &keys[1]);
    eddy_flink_key_make("n", "u", "s", true, &keys[2]);
    eddy_flink_key_make("n", "t", "", false, &keys[3]);
    eddy_flink_key_make("ns", "t", "", false, &keys[4]);
    eddy_flink_key_make("", "t", "ns", false, &keys[5]);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            check(strcmp(keys[i].file, keys[j].file) != 0);
}

static void files_are_known_by_their_names(void **state)
{
    (void)state;
    check(eddy_file_kind_of(SEGMENT ".seg") == EDDY_FILE_OBJECT);
    check(eddy_file_kind_of(SEGMENT ".x0") == EDDY_FILE_OBJECT);
    check(eddy_file_kind_of(SEGMENT ".x12.m3") == EDDY_FILE_OBJECT);
    check(eddy_file_kind_of(".eddy-tmp-0123456789abcdef") == EDDY_FILE_TEMP);
    static const char *const foreign[] = {
        "",           "letter.txt",       "registry",   SEGMENT,   SEGMENT ".",     SEGMENT ".se",
        ".seg",       "x" SEGMENT ".seg", "flink.text", ".hidden", SEGMENT "0.seg", SEGMENT ".xz",
        ".eddy-tmp-0"};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        check(eddy_file_kind_of(foreign[i]) == EDDY_FILE_FOREIGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(any_bytes_come_back),
        WORLD_TEST(the_longest_names_all_escaped_fit),
        WORLD_TEST(a_flink_is_announced_once),
        WORLD_TEST(a_file_name_is_plain_and_short_enough),
        WORLD_TEST(keys_differ_where_the_names_do),
        WORLD_TEST(files_are_known_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
