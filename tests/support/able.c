/* able.c - see able.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "able.h"

#include "world.h"

#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

void skip_because(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("skipped: ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    skip();
}

/* What is tried changes the process, so a child tries it. */
static bool can(bool (*try)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(try() ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* The numbers of group.h, of which a user namespace may know nothing. */
static bool become_others(void)
{
    static const gid_t group = 54320;
    return setgroups(1, &group) == 0 && setgid(54323) == 0 && setuid(54323) == 0;
}

bool may_be_others(void)
{
    return can(become_others);
}

void need_others(void)
{
    if (!may_be_others())
        skip_because("needs root, and that other users are known here, to be several users");
}

void need_ordinary_user(void)
{
    if (geteuid() == 0)
        skip_because("nothing is forbidden to root");
}

static bool leave_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("eddy-test", world_dir(), "tmpfs", 0, "size=1m") == 0;
}

void need_mounts(void)
{
    if (!can(leave_mounts))
        skip_because("needs the right to mount file systems, and no chroot");
}

void own_mounts(void)
{
    check(unshare(CLONE_NEWNS) == 0);
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static bool leave_pids(void)
{
    return unshare(CLONE_NEWPID) == 0;
}

void need_pid_namespaces(void)
{
    if (!can(leave_pids))
        skip_because("needs the right to make PID namespaces");
}

static bool go_first(void)
{
    return sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 50}) == 0;
}

void need_fifo(void)
{
    if (!can(go_first))
        skip_because("needs CAP_SYS_NICE, for SCHED_FIFO");
}

void need_tmpfs(void)
{
    struct statfs info;
    check(statfs(world_dir(), &info) == 0);
    if (info.f_type != TMPFS_MAGIC)
        skip_because("needs a tmpfs at /dev/shm");
}
