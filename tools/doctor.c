/* doctor.c - `eddy doctor`: says what stands in the way, and what to do about it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"
#include "tools/command.h"
#include "tools/ls.h"
#include "tools/options.h"
#include "tools/place.h"
#include "tools/text.h"

#include <argp.h>
#include <dlfcn.h>
#include <eddy/eddy.h>
#include <errno.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Below this, a few topics of images fill the file system. */
#define LITTLE_MEMORY (UINT64_C(128) << 20)

static const struct argp_option option_table[] = {
    EDDY_OPTION_DIR("Look at the domain in the folder DIR"), {0}};

static const struct argp argp = {
    .options = option_table,
    .parser = eddy_options_parse_command,
    .args_doc = "[[--] COMMAND]",
    .doc = "Look for what would keep programs from meeting in Eddy, and say what to do about it. "
           "Also tell what the kernel does about memory that rings and regions may ask for. "
           "With COMMAND, also look at which libraries that program would load under `eddy run`; "
           "it is not started.\vExits with 0 if nothing stands in the way, else with 1."};

void eddy_visit_say(struct eddy_visit *visit, enum eddy_finding finding, const char *format, ...)
{
    static const char *const words[] = {"ok   ", "note ", "FAULT"};
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    printf("  %s  ", words[finding]);
    if (vasprintf(&text, format, arguments) >= 0)
        eddy_text_print(stdout, text);
    putchar('\n');
    va_end(arguments);
    free(text);
    if (finding == EDDY_FINDING_FAULT)
        visit->failed = true;
}

static void check_file_system(struct eddy_visit *visit, const char *dir)
{
    struct statfs info;
    if (statfs(dir, &info) != 0)
        return;
    uint64_t available = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize;
    if (info.f_type != TMPFS_MAGIC)
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "%s is not in memory but on a disk; set EDDY_DIR to a folder in /dev/shm",
                       dir);
    if (available == 0)
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "that file system is full; remove what is not needed, or `eddy gc`");
    else if (available < LITTLE_MEMORY)
        eddy_visit_say(
            visit, EDDY_FINDING_NOTE,
            "only %llu MiB are left in that file system; a container gets more with --shm-size",
            (unsigned long long)(available >> 20));
}

/* It has been opened: if it has these bits, it is a group's. */
static void say_whose(struct eddy_visit *visit, const char *dir)
{
    struct stat status;
    if (stat(dir, &status) != 0 || (status.st_mode & (S_ISGID | S_IWGRP)) != (S_ISGID | S_IWGRP))
        return;
    const struct group *group = getgrgid(status.st_gid);
    eddy_visit_say(visit, EDDY_FINDING_OK,
                   "it is shared by the users of group %u%s%s, who can all read and write what is "
                   "in it",
                   status.st_gid, group != NULL ? ", " : "", group != NULL ? group->gr_name : "");
}

static void say_unreadable(struct eddy_visit *visit, const char *flink, const char *message)
{
    eddy_visit_say(visit, EDDY_FINDING_NOTE, "%s cannot be read: %s",
                   flink != NULL ? flink : "a flink", message != NULL ? message : "");
}

/* Each returns how many of its members are dead. */
static size_t check_topics(struct eddy_visit *visit, const eddy_snapshot *snapshot)
{
    size_t dead = 0;
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (topic->error != 0)
            say_unreadable(visit, topic->flink, topic->message);
        for (size_t k = 0; k < topic->member_count; k++)
            dead += topic->members[k].state == EDDY_MEMBER_DEAD;
    }
    return dead;
}

static size_t check_objects(struct eddy_visit *visit, const eddy_snapshot *snapshot)
{
    size_t dead = 0;
    for (size_t i = 0; i < eddy_snapshot_objects(snapshot); i++) {
        const struct eddy_object_report *object = eddy_snapshot_object(snapshot, i);
        if (object->error != 0)
            say_unreadable(visit, object->flink, object->message);
        dead += object->member_count - eddy_ls_users(object);
    }
    return dead;
}

static void check_contents(struct eddy_visit *visit)
{
    eddy_snapshot *snapshot = NULL;
    if (eddy_snapshot_take(visit->dir, &snapshot) != 0) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "it cannot be read: %s", eddy_last_error());
        return;
    }
    size_t dead = check_topics(visit, snapshot) + check_objects(visit, snapshot);
    eddy_visit_say(visit, EDDY_FINDING_OK,
                   "topics in it: %zu; rings, regions and slots segments: %zu",
                   eddy_snapshot_topics(snapshot), eddy_snapshot_objects(snapshot));
    if (dead > 0)
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "writers, readers and others that are dead: %zu; what they held is taken "
                       "back when somebody needs it, `eddy gc` does it now",
                       dead);
    eddy_snapshot_free(snapshot);
}

/* `eddy run` makes the folder, if it can. */
static void check_parent(struct eddy_visit *visit, const char *dir)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", dir);
    char *slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent] = '\0';
    else
        snprintf(parent, sizeof parent, ".");
    if (access(parent, W_OK | X_OK) == 0)
        eddy_visit_say(visit, EDDY_FINDING_OK,
                       "the domain is %s, which is not there yet; `eddy run` makes it", dir);
    else
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "the domain's folder %s is not there, and cannot be made in %s: %s", dir,
                       parent, strerror(errno));
    check_file_system(visit, parent);
}

static void check_domain(struct eddy_visit *visit)
{
    char dir[PATH_MAX] = "";
    int error = eddy_domain_check(visit->dir);
    if (visit->dir != NULL)
        snprintf(dir, sizeof dir, "%s", visit->dir);
    else if (error != EDDY_ECONFIG)
        (void)eddy_default_dir(dir, sizeof dir);
    if (error == EDDY_ENOENT) {
        check_parent(visit, dir);
    } else if (error != 0) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "the domain cannot be opened: %s",
                       eddy_last_error());
    } else {
        eddy_visit_say(visit, EDDY_FINDING_OK, "the domain is %s", dir);
        say_whose(visit, dir);
        check_file_system(visit, dir);
        check_contents(visit);
    }
}

/* Loads the stand-in library, as Cyclone DDS would. */
static void check_library(struct eddy_visit *visit)
{
    char path[PATH_MAX + sizeof "/" EDDY_PLACE_LIBRARY];
    if (!eddy_place_library_dir("eddy doctor", visit->library_dir)) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "the stand-in library is missing");
        return;
    }
    snprintf(path, sizeof path, "%s/" EDDY_PLACE_LIBRARY, visit->library_dir);
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL)
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "the stand-in library cannot be loaded: %s",
                       dlerror());
    else
        eddy_visit_say(visit, EDDY_FINDING_OK, "the stand-in library is %s", path);
}

/* The same of the plug-in. */
static void check_plugin(struct eddy_visit *visit)
{
    char path[PATH_MAX + sizeof EDDY_PLACE_PLUGIN], real[PATH_MAX];
    snprintf(path, sizeof path, "%s" EDDY_PLACE_PLUGIN, visit->library_dir);
    if (realpath(path, real) == NULL)
        eddy_visit_say(visit, EDDY_FINDING_NOTE, "there is no plug-in for Cyclone DDS 11: %s: %s",
                       path, strerror(errno));
    else if (dlopen(real, RTLD_NOW | RTLD_LOCAL) == NULL)
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "the plug-in for Cyclone DDS 11 cannot be loaded: %s", dlerror());
    else
        eddy_visit_say(visit, EDDY_FINDING_OK, "the plug-in for Cyclone DDS 11 is %s", real);
}

int eddy_command_doctor(int argc, char **argv)
{
    struct eddy_options options = {0};
    struct eddy_visit visit = {0};
    if (argc == 4 && strcmp(argv[1], "--ask") == 0)
        return eddy_doctor_ask(argv[3], argv[2]);
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    visit.dir = options.dir;
    puts("this host:");
    check_domain(&visit);
    check_library(&visit);
    if (visit.library_dir[0] != '\0') {
        check_plugin(&visit);
        eddy_visit_cyclone(&visit, "");
    }
    eddy_visit_memory(&visit);
    if (options.command != NULL && visit.library_dir[0] != '\0')
        eddy_visit_command(&visit, options.command[0]);
    return visit.failed ? EDDY_EXIT_FAILURE : 0;
}
