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
#include <grp.h>
#include <link.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

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
    if (available < LITTLE_MEMORY)
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

static void check_domain(struct eddy_visit *visit)
{
    const struct eddy_domain_options options = {.dir = visit->dir, .name = "eddy doctor"};
    eddy_domain *domain = NULL;
    if (eddy_domain_open(&options, &domain) != 0) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "the domain cannot be opened: %s",
                       eddy_last_error());
        return;
    }
    eddy_visit_say(visit, EDDY_FINDING_OK, "the domain is %s", eddy_domain_dir(domain));
    say_whose(visit, eddy_domain_dir(domain));
    check_file_system(visit, eddy_domain_dir(domain));
    eddy_domain_close(domain);
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
    if (eddy_snapshot_take(visit->dir, &snapshot) != 0)
        return; /* check_domain has said so */
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

/* The Cyclone DDS that programs find by default.  Others may bring their own. */
static void check_cyclone(struct eddy_visit *visit)
{
    struct link_map *map = NULL;
    char path[PATH_MAX];
    void *library = dlopen("libddsc.so.0", RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL)
        library = dlopen("libddsc.so.0debian", RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL || dlinfo(library, RTLD_DI_LINKMAP, (void *)&map) != 0 ||
        realpath(map->l_name, path) == NULL) {
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "Cyclone DDS is not where the loader looks (libddsc.so.0)");
        return;
    }
    bool known = strstr(path, "libddsc.so.0.10.") != NULL;
    eddy_visit_say(visit, known ? EDDY_FINDING_OK : EDDY_FINDING_NOTE, "Cyclone DDS is %s%s", path,
                   known ? "" : ", which is not a version 0.10");
}

static void check_settings(struct eddy_visit *visit)
{
    const char *uri = getenv("CYCLONEDDS_URI");
    if (uri != NULL && strstr(uri, "SharedMemory") != NULL)
        eddy_visit_say(
            visit, EDDY_FINDING_NOTE,
            "CYCLONEDDS_URI has settings for shared memory; they prevail over those of `eddy run`");
}

/* One line of ldd, "NAME => PATH (ADDRESS)": the path, if it is that library's. */
static bool loaded_path(const char *line, const char *library, char path[PATH_MAX])
{
    char found[PATH_MAX];
    const char *name = line + strspn(line, " \t");
    if (strncmp(name, library, strlen(library)) != 0 || strstr(name, "=>") == NULL)
        return false;
    if (sscanf(strstr(name, "=>"), "=> %4095[^(\n]", found) != 1)
        return false;
    found[strcspn(found, " ")] = '\0';
    if (realpath(found, path) == NULL)
        snprintf(path, PATH_MAX, "%s", found);
    return true;
}

static void judge_command(struct eddy_visit *visit, const char *cyclone, const char *stand_in)
{
    size_t length = strlen(visit->library_dir);
    if (cyclone[0] == '\0')
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "it does not name Cyclone DDS; a script, or a program that loads "
                       "it later (as ROS 2 does), cannot be judged from here");
    else if (stand_in[0] == '\0')
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "its Cyclone DDS, %s, was built without shared memory", cyclone);
    else if (strncmp(stand_in, visit->library_dir, length) != 0 || stand_in[length] != '/')
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "it would load %s instead of the stand-in: it has an RPATH that goes before "
                       "LD_LIBRARY_PATH; take it out (chrpath -d, patchelf --remove-rpath)",
                       stand_in);
    else
        eddy_visit_say(visit, EDDY_FINDING_OK, "it would load the stand-in, with %s", cyclone);
}

/* Asks ldd, which starts nothing, what the command would load under `eddy run`. */
static void check_command(struct eddy_visit *visit, const char *command)
{
    static const char script[] = "ldd \"$(command -v -- \"$EDDY_DOCTOR_COMMAND\")\" 2>&1";
    char line[2 * PATH_MAX], cyclone[PATH_MAX] = "", stand_in[PATH_MAX] = "";
    setenv("LD_LIBRARY_PATH", visit->library_dir, 1);
    setenv("EDDY_DOCTOR_COMMAND", command, 1);
    printf("%s:\n", command);
    FILE *ldd = popen(script, "re"); /* NOLINT(cert-env33-c): the script is ours */
    while (ldd != NULL && fgets(line, sizeof line, ldd) != NULL) {
        if (!loaded_path(line, "libddsc.so", cyclone))
            (void)loaded_path(line, EDDY_PLACE_LIBRARY, stand_in);
    }
    if (ldd == NULL || pclose(ldd) != 0)
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "ldd cannot tell what it loads: not there, or not a dynamically "
                       "linked program");
    else
        judge_command(visit, cyclone, stand_in);
}

int eddy_command_doctor(int argc, char **argv)
{
    struct eddy_options options = {0};
    struct eddy_visit visit = {0};
    if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
        return EDDY_EXIT_FAILURE;
    visit.dir = options.dir;
    puts("this host:");
    check_domain(&visit);
    check_contents(&visit);
    check_library(&visit);
    check_cyclone(&visit);
    check_settings(&visit);
    eddy_visit_memory(&visit);
    if (options.command != NULL && visit.library_dir[0] != '\0')
        check_command(&visit, options.command[0]);
    return visit.failed ? EDDY_EXIT_FAILURE : 0;
}
