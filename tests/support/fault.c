/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

/* clang-format off */
const struct fault faults[] = {
    {"malloc", ENOMEM}, {"calloc", ENOMEM}, {"realloc", ENOMEM}, {"strdup", ENOMEM},
    {"strndup", ENOMEM}, {"mmap", ENOMEM}, {"mprotect", ENOMEM}, {"openat", EMFILE},
    {"openat", ENFILE}, {"openat", ENOSPC}, {"openat", EINTR}, {"open", EMFILE},
    {"ftruncate", ENOSPC}, {"ftruncate", EINTR}, {"fchmod", EPERM}, {"fallocate", ENOSPC},
    {"fallocate", EINTR}, {"linkat", ENOSPC}, {"linkat", EPERM}, {"fcntl", ENOLCK},
    {"fcntl", EINTR}, {"fstat", EIO}, {"fstatat", EIO}, {"getrandom", EINTR},
    {"read", EIO}, {"read", EINTR}, {"pread", EIO}, {"pwrite", ENOSPC},
    {"unlinkat", EIO}, {"mkdir", ENOSPC}, {"fstatvfs", EIO}, {"pthread_create", EAGAIN},
    {"memfd_create", EMFILE}, {"madvise", ENOMEM}, {"mlock", ENOMEM}, {"renameat", ENOSPC},
    {"dup", EMFILE}, {"socketpair", EMFILE}, {"eventfd", EMFILE}, {"epoll_create1", EMFILE},
    {"epoll_ctl", ENOSPC}, {"inotify_init1", EMFILE}, {"inotify_add_watch", ENOSPC},
    {"socket", EMFILE}, {"bind", EADDRINUSE}, {"listen", EIO}, {"connect", ECONNREFUSED},
    {"sendmsg", EPIPE}, {"recvmsg", EIO}, {"recvmsg", EINTR}, {"fopen", EMFILE}, {"fstatfs", EIO},
    {"faccessat", EIO},
};
/* clang-format on */
const size_t fault_count = sizeof faults / sizeof *faults;

static const struct fault *planned;
static atomic_uint left, fired;
static bool keeps_failing;

void fault_plan(const struct fault *fault, unsigned nth, bool for_good)
{
    atomic_store(&left, nth);
    atomic_store(&fired, 0);
    keeps_failing = for_good;
    planned = fault;
}

void fault_clear(void)
{
    planned = NULL;
}

bool fault_fired(void)
{
    return atomic_load(&fired) > 0;
}

/* True if this call is the one, or a later one of those; errno is set. */
static bool fails(const char *call)
{
    const struct fault *plan = planned;
    if (!plan || strcmp(plan->call, call) != 0)
        return false;
    unsigned have = atomic_load(&left);
    if (have > 1 || (have == 0 && !keeps_failing)) {
        if (have > 1)
            atomic_fetch_sub(&left, 1);
        return false;
    }
    atomic_store(&left, 0);
    atomic_fetch_add(&fired, 1);
    errno = plan->error;
    return true;
}

#define WRAP(type, call, failure, declared, passed)                                                \
    type __real_##call declared;                                                                   \
    type __wrap_##call declared;                                                                   \
    type __wrap_##call declared                                                                    \
    {                                                                                              \
        return fails(#call) ? (failure) : __real_##call passed;                                    \
    }

WRAP(void *, malloc, NULL, (size_t bytes), (bytes))
WRAP(void *, calloc, NULL, (size_t count, size_t bytes), (count, bytes))
WRAP(void *, realloc, NULL, (void *at, size_t bytes), (at, bytes))
WRAP(char *, strdup, NULL, (const char *text), (text))
WRAP(char *, strndup, NULL, (const char *text, size_t bytes), (text, bytes))
WRAP(void *, mmap, MAP_FAILED, (void *at, size_t bytes, int rights, int flags, int fd, off_t from),
     (at, bytes, rights, flags, fd, from))
WRAP(int, mprotect, -1, (void *at, size_t bytes, int rights), (at, bytes, rights))
WRAP(int, ftruncate, -1, (int fd, off_t bytes), (fd, bytes))
WRAP(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
WRAP(int, fallocate, -1, (int fd, int mode, off_t from, off_t bytes), (fd, mode, from, bytes))
WRAP(int, linkat, -1, (int from, const char *old, int to, const char *new, int flags),
     (from, old, to, new, flags))
WRAP(int, fstat, -1, (int fd, struct stat *status), (fd, status))
WRAP(int, fstatat, -1, (int dir, const char *name, struct stat *status, int flags),
     (dir, name, status, flags))
WRAP(ssize_t, getrandom, -1, (void *at, size_t bytes, unsigned flags), (at, bytes, flags))
WRAP(ssize_t, read, -1, (int fd, void *at, size_t bytes), (fd, at, bytes))
WRAP(ssize_t, pread, -1, (int fd, void *at, size_t bytes, off_t from), (fd, at, bytes, from))
WRAP(ssize_t, pwrite, -1, (int fd, const void *at, size_t bytes, off_t to), (fd, at, bytes, to))
WRAP(int, unlinkat, -1, (int dir, const char *name, int flags), (dir, name, flags))
WRAP(int, mkdir, -1, (const char *name, mode_t mode), (name, mode))
WRAP(int, fstatvfs, -1, (int fd, struct statvfs *status), (fd, status))
WRAP(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
WRAP(int, madvise, -1, (void *at, size_t bytes, int advice), (at, bytes, advice))
WRAP(int, mlock, -1, (const void *at, size_t bytes), (at, bytes))
WRAP(int, renameat, -1, (int from, const char *old, int to, const char *new), (from, old, to, new))
WRAP(int, dup, -1, (int fd), (fd))
WRAP(int, socketpair, -1, (int domain, int type, int protocol, int pair[2]),
     (domain, type, protocol, pair))
WRAP(FILE *, fopen, NULL, (const char *name, const char *how), (name, how))
WRAP(int, fstatfs, -1, (int fd, struct statfs *status), (fd, status))
WRAP(int, faccessat, -1, (int dir, const char *name, int how, int flags), (dir, name, how, flags))
WRAP(int, eventfd, -1, (unsigned value, int flags), (value, flags))
WRAP(int, epoll_create1, -1, (int flags), (flags))
WRAP(int, inotify_init1, -1, (int flags), (flags))
WRAP(int, inotify_add_watch, -1, (int fd, const char *path, uint32_t mask), (fd, path, mask))
WRAP(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, bind, -1, (int fd, const struct sockaddr *name, socklen_t bytes), (fd, name, bytes))
WRAP(int, listen, -1, (int fd, int most), (fd, most))
WRAP(int, connect, -1, (int fd, const struct sockaddr *name, socklen_t bytes), (fd, name, bytes))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), (fd, message, flags))

/* pthread_create returns its error. */
int __real_pthread_create(void *thread, const void *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(void *thread, const void *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *context)
{
    return fails("pthread_create") ? errno
                                   : __real_pthread_create(thread, attributes, run, context);
}

/* The last argument counts only for some flags, but may always be passed on. */
#define WRAP_OPEN(call, first, passed)                                                             \
    int __real_##call(first const char *name, int flags, ...);                                     \
    int __wrap_##call(first const char *name, int flags, ...);                                     \
    int __wrap_##call(first const char *name, int flags, ...)                                      \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;                  \
        va_end(more);                                                                              \
        return fails(#call) ? -1 : __real_##call passed;                                           \
    }
#define DIR_ARGUMENT int dir,
#define NO_ARGUMENT
WRAP_OPEN(openat, DIR_ARGUMENT, (dir, name, flags, mode))
WRAP_OPEN(open, NO_ARGUMENT, (name, flags, mode))

int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    bool adds = what == EPOLL_CTL_ADD; /* nothing else fails for want of memory */
    return adds && fails("epoll_ctl") ? -1 : __real_epoll_ctl(epoll, what, fd, event);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    const struct flock *lock = argument;
    bool unlocks = command == F_OFD_SETLK && lock->l_type == F_UNLCK; /* never fails in fact */
    return !unlocks && fails("fcntl") ? -1 : __real_fcntl(fd, command, argument);
}
