/* The folder of a domain: which one, and whether it may be trusted.  spec/registry.md, "The folder"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/whose.h"
#include "discovery/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USERS_FOLDER "/dev/shm/eddy-%u"

/* A set-user-ID program's environment is its caller's, who must not choose whom it meets.  Not
 * secure_getenv: programs with capabilities, for real-time scheduling say, run as who started them.
 */
static const char *from_environment(void)
{
    return getuid() == geteuid() && getgid() == getegid() ? getenv("EDDY_DIR") : NULL;
}

int eddy_default_dir(char *buffer, unsigned long bytes)
{
    EDDY_UNCANCELLED;
    const char *dir = from_environment();
    int used;
    if (dir && *dir && *dir != '/')
        return eddy_fail(EDDY_ECONFIG, "EDDY_DIR is \"%.200s\"; set it to an absolute path", dir);
    if (dir && *dir)
        used = snprintf(buffer, bytes, "%s", dir);
    else
        used = snprintf(buffer, bytes, USERS_FOLDER, geteuid());
    if (used < 0 || (unsigned long)used >= bytes)
        return eddy_fail(EDDY_ETOOBIG, "the path of the domain's folder has more than %lu bytes",
                         bytes - 1);
    return EDDY_OK;
}

/* Makes the parents of a folder as mkdir -p does. */
static int make_parents(const char *dir)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", dir);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return eddy_fail_errno("cannot create the folder %s", path);
        *slash = '/';
    }
    return EDDY_OK;
}

/* Where everybody looks who names no folder.  A stranger may have made it first, and for a group
 * that we are in, too; so it is never a group's. */
static bool is_users_folder(const char *dir)
{
    char own[64];
    snprintf(own, sizeof own, USERS_FOLDER, geteuid());
    return strcmp(dir, own) == 0;
}

static int fail_member(const char *dir, const struct stat *status)
{
    return eddy_fail(EDDY_EACCES,
                     "the folder %s is a domain of group %u, which you (user %u) are not in; join "
                     "that group and log in anew, or set EDDY_DIR to another",
                     dir, status->st_gid, geteuid());
}

/* The kernel knows who is in which group, and of owners and root. */
static int check_member(const char *dir, int fd, const struct stat *status)
{
    bool out = faccessat(fd, ".", W_OK, AT_EACCESS) != 0 && errno == EACCES;
    return out ? fail_member(dir, status) : EDDY_OK;
}

static int check_user(const char *dir, const struct stat *status)
{
    if (status->st_uid != geteuid())
        return eddy_fail(EDDY_EACCES,
                         "the folder %s belongs to user %u, not to you (%u); set EDDY_DIR to one "
                         "of your own, or to a group's (chgrp GROUP DIR; chmod 2770 DIR)",
                         dir, status->st_uid, geteuid());
    /* Others may list it (files in it are 0600 all the same), as in a folder that mkdir or a
     * container runtime made. */
    if (status->st_mode & 022)
        return eddy_fail(EDDY_EACCES,
                         "the folder %s can be written by others (mode %04o); chmod it to 0700, or "
                         "set EDDY_DIR to another; a group's domain (not in the default folder) "
                         "needs chgrp GROUP and chmod 2770",
                         dir, status->st_mode & 07777);
    return EDDY_OK;
}

static int check_folder(const char *dir, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return eddy_fail_errno("%s", dir);
    if (eddy_folder_is_groups(&status) && !is_users_folder(dir))
        return check_member(dir, fd, &status);
    return check_user(dir, &status);
}

static int fail_open(const char *dir)
{
    struct stat status;
    int number = errno;
    if (number == ELOOP || number == ENOTDIR)
        return eddy_fail(EDDY_EACCES,
                         "%s is a link or no folder; set EDDY_DIR to a folder of your own", dir);
    if (number == EACCES && lstat(dir, &status) == 0 && eddy_folder_is_groups(&status))
        return fail_member(dir, &status);
    errno = number;
    return eddy_fail_errno("cannot open the domain's folder %s", dir);
}

static int open_folder(const char *dir)
{
    return open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int create_folder(const char *dir)
{
    int error = make_parents(dir);
    if (error)
        return error;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return eddy_fail_errno(
            "cannot create the domain's folder %s; set EDDY_DIR to one that you can write", dir);
    return EDDY_OK;
}

int eddy_folder_open(const char *dir, bool create, int *fd)
{
    int f = open_folder(dir);
    if (f < 0 && errno == ENOENT && create) {
        int error = create_folder(dir);
        if (error)
            return error;
        f = open_folder(dir);
    }
    if (f < 0)
        return fail_open(dir);
    int error = check_folder(dir, f);
    if (error) {
        close(f);
        return error;
    }
    *fd = f;
    return EDDY_OK;
}

int eddy_folder_split(const char *path, char **dir, char **file)
{
    const char *slash = strrchr(path, '/');
    *file = strdup(slash ? slash + 1 : path);
    *dir = !slash          ? strdup(".")
           : slash == path ? strdup("/")
                           : strndup(path, (size_t)(slash - path));
    if (*dir && *file)
        return EDDY_OK;
    free(*dir);
    free(*file);
    *dir = *file = NULL;
    return eddy_fail(EDDY_ENOMEM, "no memory for a path");
}
