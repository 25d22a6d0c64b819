/* sweep_test.c - what is cleared away is Eddy's by its name and by its content: what somebody else
 * has put into the folder stays.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <dirent.h>
#include <eddy/inspect.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "d41d8cd98f00b204e9800998ecf8427e"

/* Names like Eddy's. */
static const char *const strangers[] = {
    ".tmp-my-thesis",
    ".tmp-0123456789abcdef", /* another program's */
    ".eddy-tmp-my-thesis",
    ".eddy-tmp-0123456789abcde",
    ".eddy-tmp-0123456789abcdef0",
    ".eddy-tmp-0123456789ABCDEF",
    ID ".x",
    ID ".xz",
    ID ".xml",
    ID ".x0.xz",
    ID ".x01",
    ID ".x+1",
    ID ".x16384",
    ID ".x0.m64",
    ID ".x0.m1.bak",
    ID ".seg.bak",
    ID ".ring~",
    "notes.txt",
};

/* Names of Eddy's on what somebody else wrote. */
static const char *const mistaken[] = {ID ".seg", ID ".x0", ID ".x16383", ID ".ring", ID ".slots"};

enum { STRANGERS = sizeof strangers / sizeof *strangers };
enum { MISTAKEN = sizeof mistaken / sizeof *mistaken };

static const char *in_world(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", world_dir(), name);
    return path;
}

static void put(const char *name, const char *text)
{
    int fd = open(in_world(name), O_CREAT | O_EXCL | O_WRONLY, 0600);
    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static bool is_there(const char *name)
{
    return access(in_world(name), F_OK) == 0;
}

static void check_there(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_there(names[i]))
            fail_msg("%s was removed", names[i]);
}

/* Alone, joining and leaving clear the folder; beside others, eddy_gc looks at each file. */
static struct eddy_gc_report clear_away(bool alone)
{
    struct eddy_gc_report report = {0};
    eddy_domain *other = alone ? NULL : open_domain();
    must(eddy_gc(NULL, &report));
    must(eddy_domain_close(other));
    return report;
}

static void a_name_that_is_not_quite_eddys_is_somebodys(void **state)
{
    (void)state;
    for (size_t i = 0; i < STRANGERS; i++)
        put(strangers[i], "mine");
    for (int alone = 0; alone < 2; alone++) {
        struct eddy_gc_report report = clear_away(alone);
        check_there(strangers, STRANGERS);
        same(report.files_removed, 0);
        same(report.files_refused, 0);
    }
    world_is_dirty();
}

static void what_does_not_begin_as_its_name_says_is_somebodys(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "mine", "mine, and longer than any magic word"};
    for (size_t text = 0; text < 3; text++) {
        for (size_t i = 0; i < MISTAKEN; i++)
            put(mistaken[i], texts[text]);
        for (int alone = 0; alone < 2; alone++) {
            struct eddy_gc_report report = clear_away(alone);
            check_there(mistaken, MISTAKEN);
            same(report.files_refused, MISTAKEN);
        }
        for (size_t i = 0; i < MISTAKEN; i++)
            check(unlink(in_world(mistaken[i])) == 0);
    }
}

static void links_and_folders_stay(void **state)
{
    (void)state;
    put("mine", "mine");
    check(symlink("mine", in_world(ID ".x0")) == 0);
    check(symlink("mine", in_world(ID ".region")) == 0);
    check(symlink("mine", in_world(".eddy-tmp-0123456789abcdef")) == 0);
    check(mkdir(in_world(ID ".seg"), 0700) == 0);
    for (int alone = 0; alone < 2; alone++) {
        struct stat status;
        clear_away(alone);
        check(is_there("mine") && is_there(ID ".seg"));
        check(lstat(in_world(ID ".x0"), &status) == 0);
        check(lstat(in_world(ID ".region"), &status) == 0);
        check(lstat(in_world(".eddy-tmp-0123456789abcdef"), &status) == 0);
    }
    world_is_dirty();
}

/* What was being made by one who was killed, where there are no nameless files: it may be empty. */
static void what_was_half_made_goes(void **state)
{
    (void)state;
    put(".eddy-tmp-0123456789abcdef", "");
    put(".eddy-tmp-fedcba9876543210", "half");
    clear_away(true);
    check(!is_there(".eddy-tmp-0123456789abcdef"));
    check(!is_there(".eddy-tmp-fedcba9876543210"));
}

/* The nonce of a topic that there is, so that closing it comes by. */
static void closing_a_topic_takes_its_own_files_only(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    char name[64] = "";
    DIR *dir = opendir(world_dir());
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strstr(entry->d_name, ".seg"))
            snprintf(name, sizeof name, "%.32s.xz", entry->d_name);
    closedir(dir);
    check(*name);
    put(name, "mine");
    pair_close(&pair);
    check(is_there(name));
    same(world_files(), 1);
    world_is_dirty();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_name_that_is_not_quite_eddys_is_somebodys),
        WORLD_TEST(what_does_not_begin_as_its_name_says_is_somebodys),
        WORLD_TEST(links_and_folders_stay),
        WORLD_TEST(what_was_half_made_goes),
        WORLD_TEST(closing_a_topic_takes_its_own_files_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
