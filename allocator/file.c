/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/file.h"

#include "allocator/cgroup.h"
#include "allocator/error.h"
#include "allocator/point.h"
#include "allocator/whose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE_PIECE (4u << 20)

static bool make_temp_name(struct eddy_file *file)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return false;
    snprintf(file->temp, sizeof file->temp, EDDY_TEMP_PREFIX "%016llx", (unsigned long long)random);
    return true;
}

/* For file systems without O_TMPFILE. */
static int create_named_temp(struct eddy_file *file)
{
    if (!make_temp_name(file))
        return -1;
    return openat(file->dir, file->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void print_own(char path[40], int fd)
{
    snprintf(path, 40, "/proc/thread-self/fd/%d", fd); /* its table may be its own */
}

static bool can_link_nameless(int fd)
{
    char path[40];
    struct stat status;
    print_own(path, fd);
    return stat(path, &status) == 0;
}

static int open_new(struct eddy_file *file)
{
    file->temp[0] = 0;
    int fd = openat(file->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && can_link_nameless(fd))
        return fd;
    if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return -1;
    if (fd >= 0)
        close(fd);
    return create_named_temp(file);
}

static int fail_create(int dir)
{
    char link[40], path[256];
    int number = errno;
    print_own(link, dir);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    errno = number;
    return eddy_fail_errno("cannot create a file in the domain's folder %s; make it writable, or "
                           "set EDDY_DIR to another",
                           path);
}

int eddy_file_make(int dir, uint64_t bytes, struct eddy_file *file)
{
    file->dir = dir;
    file->fd = open_new(file);
    if (file->fd < 0)
        return -1;
    if (fchmod(file->fd, 0600) == 0 && ftruncate(file->fd, (off_t)bytes) == 0)
        return 0;
    int number = errno;
    eddy_file_drop(file);
    errno = number;
    return -1;
}

static int give(const struct eddy_whose *whose, int fd)
{
    if (eddy_whose_give(whose, fd) == 0)
        return EDDY_OK;
    return eddy_fail_errno("cannot give a new file to group %u, whose the domain's folder is; join "
                           "that group, or use a file system that has groups",
                           whose->group);
}

int eddy_file_give(const struct eddy_file *file)
{
    struct eddy_whose whose = eddy_whose_of(file->dir);
    return give(&whose, file->fd);
}

int eddy_file_create(int dir, uint64_t bytes, struct eddy_file *file)
{
    if (eddy_file_make(dir, bytes, file) != 0)
        return fail_create(dir);
    struct eddy_whose whose = eddy_whose_of(dir);
    int error = give(&whose, file->fd);
    if (!error && whose.groups && fchmod(file->fd, eddy_whose_mode(&whose)) != 0)
        error = fail_create(dir);
    if (error)
        eddy_file_drop(file);
    return error;
}

int eddy_file_reopen(const struct eddy_file *file)
{
    char path[40];
    print_own(path, file->fd);
    return file->temp[0] ? openat(file->dir, file->temp, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
                         : open(path, O_RDWR | O_CLOEXEC);
}

static int link_as(const struct eddy_file *file, const char *name)
{
    char path[40];
    if (file->temp[0])
        return linkat(file->dir, file->temp, file->dir, name, 0);
    print_own(path, file->fd);
    return linkat(AT_FDCWD, path, file->dir, name, AT_SYMLINK_FOLLOW);
}

int eddy_file_link(struct eddy_file *file, const char *name)
{
    if (link_as(file, name) == 0)
        return EDDY_OK;
    return errno == EEXIST ? EDDY_EEXIST : eddy_fail_errno("cannot link %s", name);
}

int eddy_file_link_over(struct eddy_file *file, const char *name)
{
    struct eddy_file nameless = *file;
    if (!file->temp[0] && (!make_temp_name(file) || link_as(&nameless, file->temp) != 0)) {
        file->temp[0] = 0;
        return eddy_fail_errno("cannot link %s", name);
    }
    EDDY_POINT("region-replace:temporary");
    if (renameat(file->dir, file->temp, file->dir, name) != 0)
        return eddy_fail_errno("cannot put a new file in the place of %s", name);
    file->temp[0] = 0;
    return EDDY_OK;
}

void eddy_file_release(struct eddy_file *file)
{
    if (file->temp[0])
        unlinkat(file->dir, file->temp, 0);
    file->temp[0] = 0;
    file->fd = -1;
}

void eddy_file_drop(struct eddy_file *file)
{
    int fd = file->fd;
    eddy_file_release(file);
    close(fd);
}

/* Returns an errno. */
static int reserve_piece(int fd, uint64_t offset, uint64_t bytes)
{
    int rc;
    do
        rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes) == 0 ? 0 : errno;
    while (rc == EINTR);
    return rc == EOPNOTSUPP ? posix_fallocate(fd, (off_t)offset, (off_t)bytes) : rc;
}

/* What a file system without a limit of its own could take before others are killed for it. */
static uint64_t free_memory(void)
{
    uint64_t sum = 0, number;
    char line[128], name[32];
    FILE *list = fopen("/proc/meminfo", "re");
    if (!list)
        return UINT64_MAX;
    while (fgets(line, sizeof line, list))
        if (sscanf(line, "%31[A-Za-z]: %" SCNu64, name, &number) == 2 &&
            (strcmp(name, "MemAvailable") == 0 || strcmp(name, "SwapFree") == 0))
            sum += number * 1024;
    fclose(list);
    return sum;
}

/* Ask first: a large request that cannot be met must not take what there is before it fails. */
static bool has_room(int fd, uint64_t bytes)
{
    struct statvfs room;
    if (bytes <= RESERVE_PIECE || fstatvfs(fd, &room) != 0)
        return true;
    if (room.f_blocks == 0)
        return bytes <= free_memory();
    return bytes / room.f_frsize <= room.f_bavail;
}

int eddy_file_back(int fd, uint64_t offset, uint64_t bytes)
{
    int rc = !has_room(fd, bytes) ? ENOSPC : !eddy_cgroup_allows(bytes) ? ENOMEM : 0;
    /* In pieces: tmpfs undoes a call that a signal interrupts, so a long one might never end. */
    for (uint64_t done = 0; rc == 0 && done < bytes; done += RESERVE_PIECE) {
        uint64_t rest = bytes - done;
        rc = reserve_piece(fd, offset + done, rest < RESERVE_PIECE ? rest : RESERVE_PIECE);
    }
    errno = rc;
    return rc == 0 ? 0 : -1;
}

bool eddy_file_punch(int fd, uint64_t offset, uint64_t bytes)
{
    int rc;
    do
        rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

int eddy_file_reserve(int fd, uint64_t offset, uint64_t bytes, const char *what)
{
    if (eddy_file_back(fd, offset, bytes) == 0)
        return EDDY_OK;
    if (errno == ENOMEM)
        return eddy_fail(
            EDDY_ENOMEM,
            "cannot reserve %llu bytes of shared memory for %s: the memory limit of this "
            "process's control group (its container) leaves too little; raise it, or let "
            "the topics take less (EDDY_MAX_BYTES)",
            (unsigned long long)bytes, what);
    return eddy_fail_errno(
        "cannot reserve %llu bytes of shared memory for %s; free some, enlarge the "
        "file system of the domain's folder, or choose another with EDDY_DIR",
        (unsigned long long)bytes, what);
}

/* Of the group all may write; which of them did is nobody's business. */
static int check_group(const struct eddy_file_wanted *w, const struct eddy_whose *whose,
                       const struct stat *status)
{
    if (!eddy_whose_has(whose, status))
        return eddy_fail(EDDY_EACCES,
                         "%s belongs to group %u, not to that of the domain's folder (%u); "
                         "remove it, or chgrp it",
                         w->shown, status->st_gid, whose->group);
    if (status->st_mode & S_IWOTH)
        return eddy_fail(EDDY_EACCES,
                         "%s may be written by others than its group (mode %04o); chmod it to "
                         "0660, or remove it",
                         w->shown, status->st_mode & 07777);
    return EDDY_OK;
}

static int check_owner(const struct eddy_file_wanted *w, const struct stat *status)
{
    struct eddy_whose whose = {0};
    if (w->domain)
        whose = eddy_whose_of(w->dir);
    if (!S_ISREG(status->st_mode))
        return eddy_fail(EDDY_EACCES, "%s is not a regular file; remove it", w->shown);
    if (whose.groups)
        return check_group(w, &whose, status);
    if (status->st_uid != geteuid() && !w->foreign)
        return eddy_fail(EDDY_EACCES, "%s belongs to user %u, not to you (%u); use %s", w->shown,
                         status->st_uid, geteuid(), w->instead);
    if (status->st_mode & w->forbidden)
        return eddy_fail(EDDY_EACCES,
                         "%s may be written by others (mode %04o); chmod it to 0600, or use %s",
                         w->shown, status->st_mode & 07777, w->instead);
    return EDDY_OK;
}

static int fail_open(const struct eddy_file_wanted *w)
{
    if (errno == ELOOP)
        return eddy_fail(EDDY_EACCES, "%s is a symbolic link, which Eddy never follows; remove it",
                         w->shown);
    if (errno == EISDIR || errno == ENXIO)
        return eddy_fail(EDDY_EACCES, "%s is not a regular file; remove it", w->shown);
    int number = errno;
    if (number == EACCES && w->domain && eddy_whose_of(w->dir).groups)
        return eddy_fail(EDDY_EACCES,
                         "%s is not open to you (user %u), though the domain is a group's; be of "
                         "that group, and have the file's owner chmod it to 0660 or remove it",
                         w->shown, geteuid());
    errno = number;
    return eddy_fail_errno("cannot open %s", w->shown);
}

int eddy_file_open_as(const struct eddy_file_wanted *w, int *fd, struct stat *status)
{
    /* O_NONBLOCK: a FIFO put in our way must not make us wait. */
    int f =
        openat(w->dir, w->name,
               (w->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (f < 0)
        return fail_open(w);
    int error = fstat(f, status) == 0 ? check_owner(w, status) : eddy_fail_errno("%s", w->shown);
    if (error) {
        close(f);
        return error;
    }
    *fd = f;
    return EDDY_OK;
}

int eddy_file_open(int dir, const char *name, bool writable, int *fd, struct stat *status)
{
    struct eddy_file_wanted w = {dir,
                                 name,
                                 name,
                                 writable,
                                 .domain = true,
                                 .forbidden = 022,
                                 .instead = "a folder of your own"};
    return eddy_file_open_as(&w, fd, status);
}

bool eddy_file_begins_with(int dir, const char *name, uint64_t magic)
{
    int fd = -1; /* gcc does not see that it is set unless there is an error */
    struct stat status;
    uint64_t word;
    if (eddy_file_open(dir, name, false, &fd, &status) != EDDY_OK)
        return false;
    bool so = pread(fd, &word, sizeof word, 0) == sizeof word && word == magic;
    close(fd);
    return so;
}

int eddy_file_list(int dir, bool (*visit)(int, const char *, void *), void *context)
{
    /* A description of its own: two that list one folder must not share a position. */
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        int error = eddy_fail_errno("cannot list the domain's folder");
        if (copy >= 0)
            close(copy);
        return error;
    }
    for (struct dirent *e; (e = readdir(list)) != NULL && visit(dir, e->d_name, context);)
        ;
    closedir(list);
    return EDDY_OK;
}
