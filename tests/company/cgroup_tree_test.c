/* cgroup_tree_test.c - control groups of both versions, nested, in containers, as they are told by the
 * kernel: here by files that look like its.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cgroup.h"
#include "support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MIB = 1 << 20 };
#define GIB (1024ull * MIB)

static char root[128], cgroup[160], mounts[160];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    check(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void begin(const char *groups, const char *mountinfo)
{
    snprintf(root, sizeof root, "%s/root", world_dir());
    snprintf(cgroup, sizeof cgroup, "%s/cgroup", world_dir());
    snprintf(mounts, sizeof mounts, "%s/mountinfo", world_dir());
    mkdir(root, 0700);
    write_file(cgroup, groups);
    write_file(mounts, mountinfo);
}

static void end(void)
{
    world_is_dirty();
    world_remove_tree(root);
}

/* A folder below the root, and those above it. */
static void make_folder(const char *dir)
{
    char path[400];
    snprintf(path, sizeof path, "%s%s", root, dir);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = 0;
        mkdir(path, 0700);
    }
    mkdir(path, 0700);
}

static void say(const char *dir, const char *name, uint64_t number)
{
    char path[400], text[32];
    make_folder(dir);
    snprintf(path, sizeof path, "%s%s/%s", root, dir, name);
    snprintf(text, sizeof text, "%llu\n", (unsigned long long)number);
    write_file(path, number == UINT64_MAX ? "max\n" : text);
}

static void say_stat(const char *dir, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s%s/memory.stat", root, dir);
    write_file(path, text);
}

static void second(const char *dir, uint64_t limit, uint64_t used)
{
    say(dir, "memory.max", limit);
    say(dir, "memory.high", UINT64_MAX);
    say(dir, "memory.current", used);
    say_stat(dir, "anon 1\nfile 99999999\ninactive_file 0\nactive_file 0\n");
}

static void first(const char *dir, uint64_t limit, uint64_t used)
{
    say(dir, "memory.limit_in_bytes", limit);
    say(dir, "memory.usage_in_bytes", used);
    say_stat(dir, "cache 5\ntotal_inactive_file 0\ntotal_active_file 0\n");
}

static uint64_t room(void)
{
    return eddy_cgroup_room(cgroup, mounts, root);
}

#define V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1                                                                                         \
    "31 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"                                  \
    "32 23 0:27 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"                   \
    "33 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

static void version_2_counts_every_group_above(void **state)
{
    (void)state;
    begin("0::/a/b/c\n", V2);
    second("/sys/fs/cgroup/a/b/c", UINT64_MAX, 10 * MIB);
    same(room(), UINT64_MAX);
    second("/sys/fs/cgroup/a/b", 4 * GIB, GIB);
    same(room(), 3 * GIB - 64 * MIB); /* less what is left to programs */
    second("/sys/fs/cgroup/a", 160 * MIB, 50 * MIB);
    same(room(), 100 * MIB);
    second("/sys/fs/cgroup/a/b/c", 16 * MIB, 10 * MIB);
    same(room(), 5 * MIB);
    second("/sys/fs/cgroup/a/b/c", 16 * MIB, 20 * MIB);
    same(room(), 0);
    end();
}

static void what_the_kernel_would_drop_is_room(void **state)
{
    (void)state;
    begin("0::/a\n", V2);
    second("/sys/fs/cgroup/a", 160 * MIB, 150 * MIB);
    same(room(), 0);
    say_stat("/sys/fs/cgroup/a", "anon 1\nfile 99\ninactive_file 41943040\nactive_file 20971520\n");
    same(room(), 60 * MIB);
    say("/sys/fs/cgroup/a", "memory.high", 120 * MIB);
    same(room(), 120 * MIB - 90 * MIB - 120 * MIB / 16);
    end();
}

static void version_1_counts_every_group_above(void **state)
{
    (void)state;
    begin("9:name=systemd:/x\n4:hugetlb,memory:/a/b\n3:cpu:/c\n0::/d\n", V1);
    first("/sys/fs/cgroup/memory", 9223372036854771712u, 5 * GIB);
    first("/sys/fs/cgroup/memory/a/b", 9223372036854771712u, 5 * MIB);
    same(room(), UINT64_MAX);
    first("/sys/fs/cgroup/memory/a", 160 * MIB, 50 * MIB);
    same(room(), 100 * MIB);
    say_stat("/sys/fs/cgroup/memory/a",
             "inactive_file 77\ntotal_inactive_file 10485760\ntotal_active_file 0\n");
    same(room(), 110 * MIB);
    end();
}

/* A container sees its group as the root, or the path of its group as it is outside. */
static void a_container_counts_its_own_group(void **state)
{
    (void)state;
    begin("0::/\n", V2);
    second("/sys/fs/cgroup", 160 * MIB, 50 * MIB);
    same(room(), 100 * MIB);
    begin("4:memory:/docker/77\n",
          "32 23 0:27 /docker/77 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    first("/sys/fs/cgroup/memory", 160 * MIB, 60 * MIB);
    same(room(), 90 * MIB);
    begin("4:memory:/docker/777/deep\n",
          "32 23 0:27 /docker/77 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    same(room(), 90 * MIB);
    begin("0::/../..\n", V2);
    same(room(), 100 * MIB);
    end();
}

static void blanks_in_paths_are_understood(void **state)
{
    (void)state;
    begin("0::/a b\n", "30 23 0:26 / /sys/fs/c\\040group rw - cgroup2 cgroup2 rw\n");
    second("/sys/fs/c group/a b", 160 * MIB, 50 * MIB);
    same(room(), 100 * MIB);
    end();
}

static void where_nothing_is_limited_there_is_no_limit(void **state)
{
    (void)state;
    begin("", "");
    same(room(), UINT64_MAX);
    begin("nonsense\n0:\n::\n", "x\n1 2 3 4\n- cgroup2\n\n");
    same(room(), UINT64_MAX);
    begin("0::/a\n", "1 2 3 / /proc rw - proc proc rw\n");
    same(room(), UINT64_MAX);
    same(eddy_cgroup_room("/nowhere", "/nowhere", ""), UINT64_MAX);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(version_2_counts_every_group_above),
        WORLD_TEST(what_the_kernel_would_drop_is_room),
        WORLD_TEST(version_1_counts_every_group_above),
        WORLD_TEST(a_container_counts_its_own_group),
        WORLD_TEST(blanks_in_paths_are_understood),
        WORLD_TEST(where_nothing_is_limited_there_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
