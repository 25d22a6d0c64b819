/* doctor_command.c - what a command would load under `eddy run`, without starting it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor.h"
#include "tools/launch.h"
#include "tools/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What it loads. */
struct loads {
    char cyclone[PATH_MAX], stand_in[PATH_MAX], missing[PATH_MAX];
};

/* Where the shell would find it.  False: nowhere. */
static bool find_command(const char *command, char path[PATH_MAX])
{
    const char *list = getenv("PATH");
    if (strchr(command, '/') != NULL || list == NULL) {
        snprintf(path, PATH_MAX, "%s", command);
        return access(path, F_OK) == 0;
    }
    while (*list != '\0') {
        size_t length = strcspn(list, ":");
        snprintf(path, PATH_MAX, "%.*s/%s", (int)(length > 0 ? length : 1), length > 0 ? list : ".",
                 command);
        if (access(path, X_OK) == 0)
            return true;
        list += length + (list[length] == ':');
    }
    return false;
}

/* Whether the loader ignores the environment for it, NULL: it does not; as a reason. */
static const char *privilege(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return NULL;
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid())
        return "it is set-user-ID";
    if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && status.st_gid != getegid())
        return "it is set-group-ID";
    if (getxattr(path, "security.capability", NULL, 0) > 0)
        return "it has file capabilities";
    return NULL;
}

/* --- what ldd says --------------------------------------------------------------------------- */

/* One line: "NAME => PATH (ADDRESS)", "NAME => not found", or, of what is preloaded,
 * "PATH (ADDRESS)".  False: none of these. */
static bool split_line(char *line, const char **name, const char **path)
{
    char *begin = line + strspn(line, " \t"), *arrow = strstr(begin, " => ");
    char *address = strrchr(begin, '(');
    if (arrow == NULL && address == NULL)
        return false;
    if (address != NULL && address > begin)
        address[-1] = '\0';
    begin[strcspn(begin, "\n")] = '\0';
    *path = arrow != NULL ? arrow + strlen(" => ") : begin;
    if (arrow != NULL)
        *arrow = '\0';
    const char *slash = strrchr(begin, '/');
    *name = slash != NULL ? slash + 1 : begin;
    return true;
}

/* The first of a name is the one that counts. */
static void note_path(char into[PATH_MAX], const char *path)
{
    if (into[0] == '\0' && realpath(path, into) == NULL)
        snprintf(into, PATH_MAX, "%s", path);
}

static void note_line(struct loads *loads, char *line)
{
    const char *name, *path;
    if (!split_line(line, &name, &path))
        return;
    if (strcmp(path, "not found") == 0)
        note_path(loads->missing, name);
    else if (strncmp(name, "libddsc.so", strlen("libddsc.so")) == 0)
        note_path(loads->cyclone, path);
    else if (strcmp(name, EDDY_PLACE_LIBRARY) == 0)
        note_path(loads->stand_in, path);
}

static void set(const char *name, const char *value)
{
    (void)setenv(name, value, 1);
}

/* Asks ldd, which starts nothing, in the environment that `eddy run` gives.  False: it cannot
 * tell. */
static bool ask_ldd(const struct eddy_visit *visit, const char *path, struct loads *loads)
{
    static const char script[] = "ldd \"$EDDY_DOCTOR_COMMAND\" 2>&1";
    char line[2 * PATH_MAX];
    struct eddy_launch launch = {0};
    if (eddy_launch_compose(visit->library_dir, "", NULL, &launch))
        eddy_launch_each(&launch, set);
    eddy_launch_free(&launch);
    set("EDDY_DOCTOR_COMMAND", path);
    FILE *ldd = popen(script, "re"); /* NOLINT(cert-env33-c): the script is ours */
    while (ldd != NULL && fgets(line, sizeof line, ldd) != NULL)
        note_line(loads, line);
    return ldd != NULL && pclose(ldd) == 0;
}

/* True for "libddsc...so.N", N from 11 on. */
static bool is_newer(const char *cyclone)
{
    const char *version = strstr(cyclone, ".so.");
    return version != NULL && strtol(version + strlen(".so."), NULL, 10) >= 11;
}

static void judge(struct eddy_visit *visit, const struct loads *loads)
{
    size_t length = strlen(visit->library_dir);
    if (loads->missing[0] != '\0')
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "it does not start: %s is not found",
                       loads->missing);
    else if (loads->cyclone[0] == '\0')
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "it does not name Cyclone DDS; a script, or a program that loads "
                       "it later (as ROS 2 does), cannot be judged from here");
    else if (strncmp(loads->stand_in, visit->library_dir, length) != 0 ||
             loads->stand_in[length] != '/')
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "it would load %s instead of the stand-in: it comes first by LD_PRELOAD or "
                       "an RPATH; take that out (chrpath -d, patchelf --remove-rpath)",
                       loads->stand_in[0] != '\0' ? loads->stand_in : "nothing");
    else if (is_newer(loads->cyclone))
        eddy_visit_say(visit, EDDY_FINDING_OK, "it would load the plug-in, with %s",
                       loads->cyclone);
    else
        eddy_visit_say(visit, EDDY_FINDING_OK, "it would load the stand-in, with %s",
                       loads->cyclone);
}

void eddy_visit_command(struct eddy_visit *visit, const char *command)
{
    char path[PATH_MAX];
    struct stat status;
    struct loads loads = {0};
    printf("%s:\n", command);
    if (!find_command(command, path)) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT, "there is no such command");
        return;
    }
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode) || access(path, X_OK) != 0) {
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "%s cannot be run: is it a program, and "
                       "executable (chmod +x)?",
                       path);
        return;
    }
    const char *reason = privilege(path);
    if (reason != NULL)
        eddy_visit_say(visit, EDDY_FINDING_FAULT,
                       "%s, so the loader ignores LD_LIBRARY_PATH and LD_PRELOAD, and it loads a "
                       "real iceoryx or does not start; run it without privileges",
                       reason);
    else if (!ask_ldd(visit, path, &loads))
        eddy_visit_say(visit, EDDY_FINDING_NOTE,
                       "ldd cannot tell what it loads: it is a script, or not dynamically linked");
    else
        judge(visit, &loads);
    if (loads.cyclone[0] != '\0' && strcmp(loads.cyclone, visit->cyclone) != 0)
        eddy_visit_cyclone(visit, loads.cyclone);
}
