/* weak_kernel.c - see weak.h: what the kernel orders.
 *
 *   lock dropped, by hand, with its descriptor, or with the mapping that keeps its description
 *                                                -> lock taken, or seen to be free
 *   file linked under a name                     -> file mapped
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOCKS = 1024, LINKS = 1024, HELD = 512, DESCRIPTORS = 4096 };

/* What was done before a lock was dropped; alone: by those who had it to themselves.  Who shares a
 * lock comes after those alone. */
static struct {
    struct weak_clock all, alone;
} locks[LOCKS];
static struct weak_clock links[LINKS]; /* before a name was given */

static struct {
    int fd;
    uintptr_t page; /* 0: the descriptor is open; else -1 is its number */
    bool alone;
    uint64_t lock;
} held[HELD];
static uint32_t held_count;
static uint32_t lives[DESCRIPTORS]; /* whose descriptor it is; 0: nobody's */

static uint64_t mix(uint64_t a, uint64_t b)
{
    return (a * 0x9e3779b97f4a7c15u ^ b) * 0xff51afd7ed558ccdu >> 20;
}

/* Inside. */
static void hand_on(struct weak_clock *to)
{
    struct weak_clock *clock = weak_mine();
    weak_tick();
    weak_join(to, clock);
}

/* --- locks ----------------------------------------------------------------------------------- */

static uint64_t lock_of(int fd, int64_t at)
{
    struct stat status = {0};
    fstat(fd, &status);
    return mix(mix(status.st_dev, status.st_ino), (uint64_t)at);
}

static void note_held(int fd, uint64_t lock, bool alone)
{
    if (held_count == HELD) {
        fprintf(stderr, "weak: more than %d locks\n", HELD);
        abort();
    }
    held[held_count].fd = fd;
    held[held_count].page = 0;
    held[held_count].alone = alone;
    held[held_count++].lock = lock;
    weak_join(weak_mine(), alone ? &locks[lock % LOCKS].all : &locks[lock % LOCKS].alone);
}

static void drop(uint32_t i)
{
    hand_on(&locks[held[i].lock % LOCKS].all);
    if (held[i].alone)
        hand_on(&locks[held[i].lock % LOCKS].alone);
    held[i] = held[--held_count];
}

/* All of a descriptor's, or one of them. */
static void note_dropped(int fd, bool all, uint64_t lock)
{
    for (uint32_t i = held_count; i-- > 0;)
        if (held[i].fd == fd && (all || held[i].lock == lock))
            drop(i);
}

void weak_locks_keep(int fd, uintptr_t page)
{
    for (uint32_t i = 0; i < held_count; i++)
        if (held[i].fd == fd) {
            held[i].fd = -1;
            held[i].page = page;
        }
}

void weak_locks_unmapped(uintptr_t from, uintptr_t end)
{
    for (uint32_t i = held_count; i-- > 0;)
        if (held[i].page >= from && held[i].page < end)
            drop(i);
}

/* The linker sends the engine's calls here (--wrap). */
int __real_fcntl(int fd, int command, ...);
int __real_close(int fd);
int __real_open(const char *path, int how, ...);
int __real_openat(int dir, const char *path, int how, ...);
int __real_linkat(int from_dir, const char *from, int dir, const char *name, int how);
int __real_renameat(int from_dir, const char *from, int dir, const char *name);
int __real_unlinkat(int dir, const char *name, int how);
int __wrap_unlinkat(int dir, const char *name, int how);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_close(int fd);
int __wrap_open(const char *path, int how, ...);
int __wrap_openat(int dir, const char *path, int how, ...);
int __wrap_linkat(int from_dir, const char *from, int dir, const char *name, int how);
int __wrap_renameat(int from_dir, const char *from, int dir, const char *name);
int __wrap_unshare(int what);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static int set_lock(int fd, struct flock *want)
{
    uint64_t lock = lock_of(fd, want->l_start);
    weak_enter();
    if (want->l_type == F_UNLCK)
        note_dropped(fd, false, lock);
    weak_leave();
    int rc = __real_fcntl(fd, F_OFD_SETLK, want);
    weak_enter();
    if (rc == 0 && want->l_type != F_UNLCK)
        note_held(fd, lock, want->l_type == F_WRLCK);
    weak_leave();
    return rc;
}

static int look_at_lock(int fd, struct flock *want)
{
    uint64_t lock = lock_of(fd, want->l_start);
    bool one = want->l_len == 1;
    int rc = __real_fcntl(fd, F_OFD_GETLK, want);
    weak_enter();
    if (rc == 0 && want->l_type == F_UNLCK && one)
        weak_join(weak_mine(), &locks[lock % LOCKS].all);
    for (int i = 0; rc == 0 && want->l_type == F_UNLCK && !one && i < LOCKS; i++)
        weak_join(weak_mine(), &locks[i].all); /* rather too much than too little */
    weak_leave();
    return rc;
}

int __wrap_fcntl(int fd, int command, ...)
{
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (command == F_OFD_SETLK)
        return set_lock(fd, argument);
    if (command == F_OFD_GETLK)
        return look_at_lock(fd, argument);
    return __real_fcntl(fd, command, argument);
}

/* --- names ----------------------------------------------------------------------------------- */

static void note_named(int dir, const char *name)
{
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    weak_enter();
    hand_on(&links[mix(status.st_dev, status.st_ino) % LINKS]);
    weak_leave();
}

/* Before it is there under its new name: who sees it there shall have it all. */
int __wrap_linkat(int from_dir, const char *from, int dir, const char *name, int how)
{
    struct stat status;
    if (fstatat(from_dir, from, &status, how & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
        weak_enter();
        hand_on(&links[mix(status.st_dev, status.st_ino) % LINKS]);
        weak_leave();
    }
    return __real_linkat(from_dir, from, dir, name, how);
}

int __wrap_unlinkat(int dir, const char *name, int how)
{
    struct stat status;
    bool last = fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_nlink == 1;
    int rc = __real_unlinkat(dir, name, how);
    if (rc == 0 && last) {
        weak_enter();
        weak_removed(status.st_dev, status.st_ino);
        weak_leave();
    }
    return rc;
}

int __wrap_renameat(int from_dir, const char *from, int dir, const char *name)
{
    note_named(from_dir, from);
    return __real_renameat(from_dir, from, dir, name);
}

void weak_found(uint64_t device, uint64_t inode)
{
    weak_join(weak_mine(), &links[mix(device, inode) % LINKS]);
}

/* --- tables of descriptors ------------------------------------------------------------------- */

/* Numbers mean the same in all threads here, so none gets a table of its own. */
int __wrap_unshare(int what)
{
    (void)what;
    errno = EPERM;
    return -1;
}

long __wrap_syscall(long number, ...)
{
    long passed[6];
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        passed[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_close_range) {
        errno = EPERM;
        return -1;
    }
    return __real_syscall(number, passed[0], passed[1], passed[2], passed[3], passed[4], passed[5]);
}

/* --- descriptors ----------------------------------------------------------------------------- */

static int note_opened(int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        lives[fd] = weak_life;
    return fd;
}

int __wrap_open(const char *path, int how, ...)
{
    va_list rest;
    va_start(rest, how);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return note_opened(__real_open(path, how, mode));
}

int __wrap_openat(int dir, const char *path, int how, ...)
{
    va_list rest;
    va_start(rest, how);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return note_opened(__real_openat(dir, path, how, mode));
}

int __wrap_close(int fd)
{
    weak_enter();
    note_dropped(fd, true, 0);
    weak_leave();
    if (fd >= 0 && fd < DESCRIPTORS)
        lives[fd] = 0;
    return __real_close(fd);
}

void weak_close_life(uint32_t life)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (lives[fd] == life)
            __wrap_close(fd);
}
