/* eddy/waitset.h - one thread waits for many readers, user events and descriptors.
 *
 *   open -> attach readers, events, descriptors -> wait, wait, ... -> close
 *
 * Threads: wait serves one thread at a time; attach, detach and eddy_event_trigger may be called by
 *          others meanwhile.  Readers attached for EDDY_WAIT_LEVEL are looked at by wait: take from
 *          them in the thread that waits, or between its calls.  A detach returns once no wait
 *          reports the detached one any more.
 * Crash:   leaves a doorbell that the next participant takes over.
 *                                                              spec/protocols.md, "Sleeping"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WAITSET_H
#define EDDY_WAITSET_H

#include <eddy/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_waitset eddy_waitset;
typedef struct eddy_event eddy_event;

#define EDDY_WAIT_LEVEL                                                                            \
    0u /* reported as long as there is something to take (reader), or it is set (event) */
#define EDDY_WAIT_EDGE                                                                             \
    1u /* reported once for what was published (triggered) since the last report */

/* Errors: EDDY_ELIMIT, EDDY_ENOMEM, EDDY_EFORKED. */
EDDY_API int eddy_waitset_open(eddy_domain *domain, eddy_waitset **waitset);
/* Detaches all.  NULL is allowed.  Nobody may be waiting; events may be triggered meanwhile. */
EDDY_API int eddy_waitset_close(eddy_waitset *waitset);

/* `context` comes back from wait.  A reader or event is on one wait set at a time: EDDY_EBUSY. */
EDDY_API int eddy_waitset_attach_reader(eddy_waitset *waitset, eddy_reader *reader, uint32_t mode,
                                        void *context);
EDDY_API int eddy_waitset_attach_event(eddy_waitset *waitset, eddy_event *event, uint32_t mode,
                                       void *context);
/* EDDY_ENOENT if it is not attached here. */
EDDY_API int eddy_waitset_detach_reader(eddy_waitset *waitset, eddy_reader *reader);
EDDY_API int eddy_waitset_detach_event(eddy_waitset *waitset, eddy_event *event);

/* A descriptor of the program's own: a socket, pipe, timerfd, eventfd, another library's epoll.  It is
 * reported, level by level, as long as poll(2) would report it: `events` are POLLIN, POLLOUT, POLLPRI
 * or POLLRDHUP; errors and hang-ups are reported in any case.  Which of them it was, the program learns
 * when it reads or writes: let it not block there.
 *
 * From now on a thread of the library, which blocks all signals, watches them in the wait's place;
 * wait sets without descriptors have none, and readers cost what they cost without.
 * Detach it before you close it.  Closed without, it may not be reported any more; or be reported all
 * the time, until it is detached, as is one that cannot be watched any more; or, when its number has
 * become another file's, stand for that.  A descriptor may be on several wait sets, once on each.
 *
 * Does not block.
 * Errors: EDDY_EINVAL (it is closed, or a file that is always ready; no such events), EDDY_EBUSY (it is
 * on this wait set), EDDY_ESYS (no thread or no descriptor, see ulimit), EDDY_ENOMEM, EDDY_EFORKED.
 *                                                      spec/protocols.md, "Descriptors of others" */
EDDY_API int eddy_waitset_attach_fd(eddy_waitset *waitset, int fd, uint32_t events, void *context);
/* EDDY_ENOENT if it is not attached here. */
EDDY_API int eddy_waitset_detach_fd(eddy_waitset *waitset, int fd);

/* Waits until something attached is ready, then fills in up to `max` contexts; those left over come
 * next time. Returns 0 with *count >= 1, EDDY_EAGAIN or EDDY_ETIMEDOUT, or EDDY_EFORKED. */
EDDY_API int eddy_waitset_wait(eddy_waitset *waitset, uint64_t deadline, void **contexts,
                               size_t max, size_t *count);

/* A descriptor for event loops (epoll, poll, libuv, asyncio, sd-event): *fd is readable while there
 * may be something to report.  When it is, call eddy_waitset_wait with EDDY_POLL until it says
 * EDDY_EAGAIN: that call makes the descriptor unreadable again, until there is news.  Nothing is
 * lost in between, and a loop that reports level by level (no EPOLLET) may also call it once each
 * time.  Readable at first.  The same descriptor each time; it is the wait set's: only poll on it,
 * do not read or close it.  From now on a thread of the library, which blocks all signals, sleeps in
 * the loop's place; processes that never call this have none.
 *
 * Threads: as eddy_waitset_wait, and not during one.  Does not block.
 * Errors: EDDY_ESYS (no thread or no descriptor, see ulimit), EDDY_ENOMEM, EDDY_EFORKED.
 *                                                  spec/protocols.md, "A descriptor to poll on" */
EDDY_API int eddy_waitset_fd(eddy_waitset *waitset, int *fd);

/* An event of this process that any of its threads can set.  Trigger is async-signal-safe. */
EDDY_API int eddy_event_open(eddy_event **event);
EDDY_API int eddy_event_close(eddy_event *event); /* detaches it; NULL is allowed */
EDDY_API void eddy_event_trigger(eddy_event *event);
EDDY_API bool eddy_event_triggered(const eddy_event *event);
EDDY_API void eddy_event_reset(eddy_event *event);

#ifdef __cplusplus
}
#endif
#endif
