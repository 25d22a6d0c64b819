/* A descriptor that event loops can poll on instead of waiting here.
 * spec/protocols.md, "A descriptor to poll on"
 *
 * The kernel tells nobody by a descriptor that a futex was woken.  So a thread sleeps on the wait
 * set's bell in the loop's place and writes one byte into a pipe when there is news.  It exists only
 * where a descriptor was asked for, and sleeps as soon as it has written: it is armed anew by the
 * wait that finds nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/waitset/fd.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/life/kept.h"
#include "allocator/point.h"
#include "allocator/thread.h"
#include "transport/waitset/waitset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TOLD,    /* there is a byte: the loop has to look */
    ARMED,   /* there is none, and the thread writes one when there is news */
    TELLING, /* the thread is about to write it */
    AGAIN,   /* the loop has looked meanwhile: it is to be armed anew */
    CLOSING
};

struct eddy_waitset_pipe {
    struct eddy_waitset *waitset;
    struct eddy_kept read_end, write_end; /* the one that is read is polled on */
    pthread_t thread;
    _Atomic uint32_t state, bell; /* the bell tells the thread that the state has changed */
    uint32_t tolls; /* the thread's: of the domain's orphans, as far as it has heard */
};

/* --- the thread ------------------------------------------------------------------------------ */

/* False: to end. */
static bool wait_until_armed(struct eddy_waitset_pipe *p)
{
    for (;;) {
        uint32_t rung = eddy_bell_arm(&p->bell);
        uint32_t state = eddy_load_seq(&p->state);
        if (state != TOLD)
            return state != CLOSING;
        (void)eddy_bell_wait(&p->bell, rung, EDDY_FOREVER);
    }
}

/* Sleeps like a wait does: the bell is armed, then one looks whether there is news, or whether a
 * writer was killed before it told. */
static void wait_for_news(struct eddy_waitset_pipe *p)
{
    struct eddy_waitset *ws = p->waitset;
    struct eddy_orphans *orphans = &ws->domain->registry->orphans;
    for (;;) {
        uint32_t tolls = eddy_load_relaxed(&orphans->tolls), before = p->tolls;
        uint32_t rung = eddy_bell_arm(&ws->seat->bell);
        EDDY_POINT("waitset-fd:bell-armed");
        p->tolls = tolls;
        if (tolls != before || eddy_waitset_has_news(ws) || eddy_load_seq(&p->state) == CLOSING)
            return;
        const struct eddy_vigil vigil = {&ws->seat->bell, rung, tolls, NULL};
        (void)eddy_orphans_wait(orphans, &vigil, EDDY_FOREVER);
    }
}

static void write_byte(const struct eddy_waitset_pipe *p)
{
    int fd = eddy_kept_fd(&p->write_end); /* -1: the program has closed it */
    ssize_t written;
    do
        written = fd >= 0 ? write(fd, "", 1) : 0;
    while (written < 0 && errno == EINTR);
}

static void drain(const struct eddy_waitset_pipe *p)
{
    char bytes[16];
    int fd = eddy_kept_fd(&p->read_end);
    while (fd >= 0 && read(fd, bytes, sizeof bytes) > 0) {
    }
}

static bool change(struct eddy_waitset_pipe *p, uint32_t from, uint32_t to)
{
    return eddy_cas_seq(&p->state, &from, to);
}

/* A loop may look and find nothing while the byte is on its way to it.  Were the byte then left
 * there, a loop that is told edges would never hear of what comes next. */
static void tell_of_news(struct eddy_waitset_pipe *p)
{
    for (;;) {
        wait_for_news(p);
        if (!change(p, ARMED, TELLING))
            return; /* it closes */
        EDDY_POINT("waitset-fd:telling");
        write_byte(p);
        EDDY_POINT("waitset-fd:written");
        if (change(p, TELLING, TOLD))
            return;
        drain(p);
        (void)change(p, AGAIN, ARMED);
    }
}

static void *tell(void *argument)
{
    while (wait_until_armed(argument))
        tell_of_news(argument);
    return NULL;
}

/* --- for the wait set ------------------------------------------------------------------------ */

void eddy_waitset_pipe_arm(struct eddy_waitset_pipe *p)
{
    /* Relaxed: only we arm it, and the thread looks for news by itself. */
    while (eddy_load_relaxed(&p->state) != ARMED) {
        drain(p);
        if (change(p, TOLD, ARMED)) {
            eddy_bell_ring(&p->bell);
            return;
        }
        /* Once round again at most: from TELLING it goes to TOLD. */
        if (change(p, TELLING, AGAIN) || eddy_load_relaxed(&p->state) == AGAIN)
            return;
    }
}

static void close_pipe(struct eddy_waitset_pipe *p)
{
    eddy_kept_end(&p->read_end);
    eddy_kept_end(&p->write_end);
    free(p);
}

void eddy_waitset_pipe_free(struct eddy_waitset_pipe *p, bool forked)
{
    if (!p)
        return;
    if (!forked) {
        eddy_store_seq(&p->state, CLOSING);
        eddy_bell_ring(&p->bell);
        eddy_bell_ring(&p->waitset->seat->bell);
        pthread_join(p->thread, NULL);
    }
    close_pipe(p);
}

static int start(struct eddy_waitset_pipe *p)
{
    int rc = eddy_thread_start(&p->thread, NULL, tell, p);
    return rc == 0 ? EDDY_OK
                   : eddy_fail(EDDY_ESYS,
                               "cannot start the thread behind a wait set's descriptor (%s); see "
                               "ulimit -u",
                               strerror(rc));
}

/* Programs that close all descriptors close these, too, and the numbers become others' files. */
static int make_pipe(struct eddy_waitset_pipe *p)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return eddy_fail_errno("cannot make a descriptor for a wait set; see ulimit -n");
    eddy_kept_begin(&p->read_end, ends[0], NULL, 0);
    eddy_kept_begin(&p->write_end, ends[1], NULL, 0);
    return EDDY_OK;
}

static int open_pipe(struct eddy_waitset *ws)
{
    struct eddy_waitset_pipe *p = calloc(1, sizeof *p);
    if (!p)
        return eddy_fail(EDDY_ENOMEM, "no memory for a wait set's descriptor");
    p->waitset = ws;
    int error = make_pipe(p);
    if (error) {
        free(p);
        return error;
    }
    write_byte(p); /* what is there already is to be looked at */
    /* For good: what a wait takes back when it ends, the thread may rely on at that moment. */
    eddy_waitset_say_asleep(ws);
    error = start(p);
    if (error) {
        close_pipe(p);
        return error;
    }
    ws->pipe = p;
    return EDDY_OK;
}

int eddy_waitset_fd(eddy_waitset *ws, int *fd)
{
    EDDY_UNCANCELLED;
    if (!ws || !fd)
        return eddy_fail(EDDY_EINVAL, "eddy_waitset_fd: no wait set or no place for the result");
    if (ws->fork_count != eddy_fork_count)
        return eddy_fail_forked();
    int error = ws->pipe ? EDDY_OK : open_pipe(ws);
    if (!error)
        *fd = eddy_load_relaxed(&ws->pipe->read_end.fd); /* set once */
    return error;
}
