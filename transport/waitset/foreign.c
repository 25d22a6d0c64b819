/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/waitset/foreign.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/life/kept.h"
#include "allocator/thread.h"
#include "transport/waitset/waitset.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ENOUGH_AT_ONCE 16
#define THE_END        UINT64_MAX /* in place of the bit */

struct eddy_foreign {
    struct eddy_kept epoll, end; /* an eventfd, which is readable when the thread is to end */
    pthread_t thread;
    pthread_mutex_t lock;
    struct eddy_bell_seat *seat; /* under the lock.  NULL: the wait set has gone */
};

/* --- the thread ------------------------------------------------------------------------------ */

static void tell(struct eddy_foreign *f, uint32_t bit)
{
    pthread_mutex_lock(&f->lock);
    if (f->seat) {
        eddy_bell_tell(f->seat, bit);
        eddy_bell_ring(&f->seat->bell);
    }
    pthread_mutex_unlock(&f->lock);
}

static bool tell_all(struct eddy_foreign *f, const struct epoll_event *came, int count)
{
    for (int i = 0; i < count; i++) {
        if (came[i].data.u64 == THE_END)
            return false;
        tell(f, (uint32_t)came[i].data.u64);
    }
    return true;
}

/* Ends also when the program has closed what it sleeps on. */
static void *watch(void *argument)
{
    struct epoll_event came[ENOUGH_AT_ONCE];
    struct eddy_foreign *f = argument;
    int count;
    do {
        int fd = eddy_kept_fd(&f->epoll);
        count = fd >= 0 ? epoll_wait(fd, came, ENOUGH_AT_ONCE, -1) : -1;
        if (count < 0 && fd >= 0 && errno == EINTR)
            count = 0;
    } while (count >= 0 && tell_all(f, came, count));
    return NULL;
}

/* --- for the wait set ------------------------------------------------------------------------ */

/* The masks of poll and epoll are the same. */
static int arm(struct eddy_foreign *f, const struct eddy_attachment *a)
{
    struct epoll_event wanted = {.events = a->events | EPOLLONESHOT,
                                 .data.u64 = eddy_fd_news(a->fd)};
    int epoll = eddy_kept_fd(&f->epoll);
    if (epoll < 0)
        return -1;
    int rc = epoll_ctl(epoll, EPOLL_CTL_MOD, a->fd, &wanted);
    /* New, or the number has become another file's. */
    return rc != 0 && errno == ENOENT ? epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &wanted) : rc;
}

/* What cannot be armed nobody would tell of: it counts as ready until it is detached, as does a number
 * that is closed. */
bool eddy_foreign_is_ready(struct eddy_foreign *f, const struct eddy_attachment *a)
{
    EDDY_UNCANCELLED;
    struct pollfd wanted = {.fd = a->fd, .events = (short)a->events};
    return poll(&wanted, 1, 0) > 0 || arm(f, a) != 0;
}

/* The program may have closed it, and others may have it open still: what those are told then, once,
 * is a needless look. */
void eddy_foreign_drop(struct eddy_foreign *f, const struct eddy_attachment *a)
{
    int epoll = f ? eddy_kept_fd(&f->epoll) : -1;
    if (epoll >= 0)
        (void)epoll_ctl(epoll, EPOLL_CTL_DEL, a->fd, NULL);
}

static void close_and_free(struct eddy_foreign *f)
{
    eddy_kept_end(&f->epoll);
    eddy_kept_end(&f->end);
    free(f);
}

/* False: the program has closed what the thread sleeps on.  Nobody wakes it then. */
static bool wake_to_end(const struct eddy_foreign *f)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = THE_END};
    int epoll = eddy_kept_fd(&f->epoll), end = eddy_kept_fd(&f->end);
    return epoll >= 0 && end >= 0 && epoll_ctl(epoll, EPOLL_CTL_MOD, end, &wanted) == 0;
}

void eddy_foreign_free(struct eddy_foreign *f, bool forked)
{
    if (!f)
        return;
    bool ends = forked || wake_to_end(f);
    if (!forked) {
        pthread_mutex_lock(&f->lock);
        f->seat = NULL;
        pthread_mutex_unlock(&f->lock);
    }
    if (!forked && ends)
        pthread_join(f->thread, NULL);
    if (ends)
        close_and_free(f);
    else
        pthread_detach(f->thread); /* the thread's for ever */
}

/* --- starting -------------------------------------------------------------------------------- */

/* The eventfd is ready from the start, and not asked for. */
static int open_descriptors(struct eddy_foreign *f)
{
    struct epoll_event nothing = {.events = EPOLLONESHOT, .data.u64 = THE_END};
    int epoll = epoll_create1(EPOLL_CLOEXEC), end = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll < 0 || end < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, end, &nothing) != 0) {
        int error = eddy_fail_errno("cannot make the descriptors that a wait set needs to watch "
                                    "others; see ulimit -n");
        close(epoll);
        close(end);
        return error;
    }
    eddy_kept_begin(&f->epoll, epoll, NULL, 0);
    eddy_kept_begin(&f->end, end, NULL, 0);
    return EDDY_OK;
}

static int start(struct eddy_foreign *f)
{
    int rc = eddy_thread_start(&f->thread, NULL, watch, f);
    return rc == 0 ? EDDY_OK
                   : eddy_fail(EDDY_ESYS,
                               "cannot start the thread that watches descriptors for a wait set "
                               "(%s); see ulimit -u",
                               strerror(rc));
}

static int begin(struct eddy_waitset *ws)
{
    struct eddy_foreign *f = calloc(1, sizeof *f);
    if (!f)
        return eddy_fail(EDDY_ENOMEM, "no memory to watch descriptors for a wait set");
    f->seat = ws->seat;
    pthread_mutex_init(&f->lock, NULL);
    int error = open_descriptors(f);
    if (error) {
        free(f);
        return error;
    }
    error = start(f);
    if (error) {
        close_and_free(f);
        return error;
    }
    ws->foreign = f;
    return EDDY_OK;
}

/* --- attaching ------------------------------------------------------------------------------- */

static bool has(const struct eddy_waitset *ws, int fd)
{
    const struct eddy_attachment *a;
    LIST_FOREACH(a, &ws->by_bit[eddy_fd_news(fd)], sharers)
    if (!a->reader && !a->event && a->fd == fd)
        return true;
    return false;
}

static int fail_to_arm(int fd)
{
    if (errno == EBADF || errno == EPERM || errno == ELOOP || errno == EINVAL)
        return eddy_fail(EDDY_EINVAL, "descriptor %d cannot be waited for: %s", fd,
                         errno == EBADF
                             ? "it is not open"
                             : "it is a file that is always ready, or an epoll of epolls");
    return eddy_fail_errno("descriptor %d cannot be waited for", fd);
}

static int attach(struct eddy_waitset *ws, const struct eddy_attachment *like)
{
    if (has(ws, like->fd))
        return eddy_fail(EDDY_EBUSY, "descriptor %d is on this wait set already; detach it first",
                         like->fd);
    int error = ws->foreign ? EDDY_OK : begin(ws);
    if (!error && arm(ws->foreign, like) != 0)
        error = fail_to_arm(like->fd);
    if (error)
        return error;
    error = eddy_waitset_add(ws, like, eddy_fd_news(like->fd));
    if (error)
        eddy_foreign_drop(ws->foreign, like);
    return error;
}

int eddy_waitset_attach_fd(eddy_waitset *ws, int fd, uint32_t events, void *context)
{
    EDDY_UNCANCELLED;
    const struct eddy_attachment like = {.fd = fd, .events = events, .context = context};
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    if (fd < 0 || events == 0 || events & ~(uint32_t)(POLLIN | POLLOUT | POLLPRI | POLLRDHUP))
        return eddy_fail(EDDY_EINVAL,
                         "eddy_waitset_attach_fd: descriptor %d, events 0x%x: give at least one of "
                         "POLLIN, POLLOUT, POLLPRI and POLLRDHUP",
                         fd, events);
    pthread_mutex_lock(&ws->lock);
    int error = attach(ws, &like);
    pthread_mutex_unlock(&ws->lock);
    eddy_waitset_rouse(ws);
    return error;
}

int eddy_waitset_detach_fd(eddy_waitset *ws, int fd)
{
    EDDY_UNCANCELLED;
    const struct eddy_attachment like = {.fd = fd};
    return ws->fork_count != eddy_fork_count ? eddy_fail_forked()
                                             : eddy_waitset_detach(ws, &like, eddy_fd_news(fd));
}
