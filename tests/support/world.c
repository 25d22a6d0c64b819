/* world.c - see world.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "child.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static bool dirty;

int world_setup(void **state)
{
    (void)state;
    const char *in = getenv("EDDY_TEST_DIR"); /* for who has to clear up after tests that die */
    snprintf(folder, sizeof folder, "%s/eddy-test-XXXXXX", in ? in : "/dev/shm");
    dirty = false;
    unsetenv("EDDY_LOG");
    unsetenv("EDDY_MAX_BYTES");
    unsetenv("EDDY_SPIN");
    return mkdtemp(folder) && setenv("EDDY_DIR", folder, 1) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

void world_remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static unsigned for_each_file(void (*look)(int dir, const char *name, void *context), void *context)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        count++;
        if (look)
            look(dirfd(dir), entry->d_name, context);
    }
    closedir(dir);
    return count;
}

static void tell_left(int dir, const char *name, void *context)
{
    (void)dir, (void)context;
    fprintf(stderr, "left behind: %s/%s\n", folder, name);
}

int world_teardown(void **state)
{
    (void)state;
    child_kill_all();
    bool left = !dirty && for_each_file(tell_left, NULL) > 0;
    world_remove_tree(folder);
    char saved[80];
    snprintf(saved, sizeof saved, "%s.saved", folder); /* see image.c */
    world_remove_tree(saved);
    return left ? -1 : 0;
}

const char *world_dir(void)
{
    return folder;
}

void world_is_dirty(void)
{
    dirty = true;
}

static void count_file(int dir, const char *name, void *count)
{
    (void)dir;
    *(unsigned *)count += strncmp(name, ".eddy-life-", 11) != 0;
}

unsigned world_files(void)
{
    unsigned count = 0;
    for_each_file(count_file, &count);
    return count;
}

static void look_at_file(int dir, const char *name, void *like)
{
    const struct stat *wanted = like;
    struct stat info;
    check(fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0);
    same(info.st_mode, wanted->st_mode);
    same(info.st_uid, wanted->st_uid);
    check(wanted->st_gid == (gid_t)-1 || info.st_gid == wanted->st_gid);
}

unsigned world_files_are(mode_t mode, uid_t owner, gid_t group)
{
    struct stat like = {.st_mode = S_IFREG | mode, .st_uid = owner, .st_gid = group};
    return for_each_file(look_at_file, &like);
}

void world_must_be_empty(void)
{
    same(for_each_file(tell_left, NULL), 0);
}

uint64_t patience(void)
{
    return eddy_deadline(PATIENCE_MS * MILLISECOND);
}

eddy_domain *open_domain(void)
{
    eddy_domain *domain = NULL;
    must(eddy_domain_open(NULL, &domain));
    return domain;
}

eddy_writer *open_writer(eddy_domain *domain, const char *topic,
                         const struct eddy_writer_options *options)
{
    struct eddy_topic_identity name = {.name = topic};
    eddy_writer *writer = NULL;
    must(eddy_writer_open(domain, &name, options, &writer));
    return writer;
}

eddy_reader *open_reader(eddy_domain *domain, const char *topic,
                         const struct eddy_reader_options *options)
{
    struct eddy_topic_identity name = {.name = topic};
    eddy_reader *reader = NULL;
    must(eddy_reader_open(domain, &name, options, &reader));
    return reader;
}

struct pair pair_open(const struct eddy_writer_options *writing,
                      const struct eddy_reader_options *reading)
{
    struct pair pair = {.domain = open_domain()};
    pair.reader = open_reader(pair.domain, "pair", reading);
    pair.writer = open_writer(pair.domain, "pair", writing);
    return pair;
}

void pair_close(struct pair *pair)
{
    must(eddy_reader_close(pair->reader));
    must(eddy_writer_close(pair->writer));
    must(eddy_domain_close(pair->domain));
}
