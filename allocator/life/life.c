/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/life/life.h"

#include "allocator/error.h"
#include "allocator/fork.h"
#include "allocator/thread.h"
#include "allocator/wait/futex.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define STACK_BYTES        (256u << 10)
#define CLOSE_RANGE_APART  (1u << 1) /* CLOSE_RANGE_UNSHARE, which older headers lack */
#define NO_SUCH_DESCRIPTOR ((unsigned)INT_MAX)
#define LAST_LOOKS         1000
#define JOIN_NAP           50000u /* ns */

struct birth {
    eddy_life_lock *lock;
    void *context;
    struct eddy_life *life;
    int error;
    pid_t thread;
    char sentence[512]; /* of the error: sentences belong to threads */
};

/* --- a table of descriptors for one thread alone --------------------------------------------- */

#ifdef __has_feature
#define HAS_FEATURE(feature) __has_feature(feature)
#else
#define HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)

/* ThreadSanitizer takes a number for the same descriptor in all threads. */
bool eddy_descriptors_part(void)
{
    return false;
}

bool eddy_descriptors_keep(int fd)
{
    (void)fd;
    return false;
}

#else

/* Filters of system calls often refuse unshare, as it also makes namespaces; closing an empty range
 * with a table of one's own asks for nothing else. */
bool eddy_descriptors_part(void)
{
    return unshare(CLONE_FILES) == 0 ||
           syscall(SYS_close_range, NO_SUCH_DESCRIPTOR, NO_SUCH_DESCRIPTOR, CLOSE_RANGE_APART) == 0;
}

bool eddy_descriptors_keep(int fd)
{
    unsigned number = (unsigned)fd;
    /* First what is above: nothing of it is copied then. */
    return fd >= 0 && syscall(SYS_close_range, number + 1, ~0u, CLOSE_RANGE_APART) == 0 &&
           (number == 0 || syscall(SYS_close_range, 0u, number - 1, 0u) == 0);
}

#endif

/* --- beginning ------------------------------------------------------------------------------- */

/* Pages of a hugetlbfs are larger, and a mapping has whole ones. */
static size_t page_of(int fd)
{
    struct statfs system;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return fstatfs(fd, &system) == 0 && (size_t)system.f_bsize > page ? (size_t)system.f_bsize
                                                                      : page;
}

/* Without rights, and without memory: it is never looked at. */
static int keep_by_mapping(int fd, struct eddy_life *life)
{
    size_t bytes = page_of(fd);
    void *page = mmap(NULL, bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (page == MAP_FAILED)
        return eddy_fail_errno(
            "cannot map a page to hold a lock (see vm.max_map_count, ulimit -v)");
    if (madvise(page, bytes, MADV_DONTFORK) != 0) {
        int error = eddy_fail_errno("cannot keep a lock from children");
        munmap(page, bytes);
        return error;
    }
    *life = (struct eddy_life){page, bytes};
    return EDDY_OK;
}

static int begin(const struct birth *b)
{
    int fd = b->lock(b->context);
    if (fd < 0)
        return fd;
    int error = keep_by_mapping(fd, b->life);
    close(fd);
    return error;
}

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)

/* A child that is forked while a thread of its parent ends may find a lock of AddressSanitizer's taken,
 * and then no thread of its own could end. */
static int start(pthread_t *thread, struct birth *b)
{
    (void)thread, (void)b;
    return EAGAIN;
}

#else

static void *begin_apart(void *argument)
{
    struct birth *b = argument;
    b->thread = gettid();
    (void)eddy_descriptors_part(); /* for children that are made without fork() */
    eddy_fork_hold();
    b->error = begin(b);
    eddy_fork_let();
    if (b->error)
        snprintf(b->sentence, sizeof b->sentence, "%s", eddy_last_error());
    return NULL;
}

static int start(pthread_t *thread, struct birth *b)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int rc = eddy_thread_start(thread, &attributes, begin_apart, b);
    pthread_attr_destroy(&attributes);
    return rc;
}

#endif

/* Without sleeping in the kernel until it has ended: where a filter refuses what futexes that threads
 * share with the kernel need, pthread_join ends the program. */
static void join(pthread_t thread)
{
    for (int i = 0; pthread_tryjoin_np(thread, NULL) == EBUSY; i++)
        if (i < LAST_LOOKS)
            sched_yield();
        else
            eddy_nap(JOIN_NAP); /* we may have its processor, by our priority */
}

/* A thread that has been joined is still there for the kernel for a moment, and some calls of the
 * program's are for processes with one thread alone. */
static void await_last_of(pid_t thread)
{
    for (int i = 0; i < LAST_LOOKS && syscall(SYS_tgkill, getpid(), thread, 0) == 0; i++)
        sched_yield();
}

int eddy_life_begin(eddy_life_lock *lock, void *context, struct eddy_life *life)
{
    struct birth b = {.lock = lock, .context = context, .life = life};
    pthread_t thread = {0};
    if (start(&thread, &b) != 0) { /* no thread is to be had: then no fork comes in between */
        eddy_fork_hold();
        int error = begin(&b);
        eddy_fork_let();
        return error;
    }
    join(thread);
    await_last_of(b.thread);
    return b.error ? eddy_fail(b.error, "%s", b.sentence) : EDDY_OK;
}

void eddy_life_end(struct eddy_life *life)
{
    if (life->page)
        munmap(life->page, life->bytes);
    life->page = NULL;
}
