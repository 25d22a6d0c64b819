/* Noticing the end of the other side at once.  spec/ring.md, "Death"
 *
 * Who has a role holds the lock on its life's byte.  A thread of ours waits for that lock in the
 * kernel, which gives it as soon as the other side has left or died, however it died; then it
 * rings the bell that we sleep on.  It costs nothing while both are busy.  It waits by a descriptor
 * that it alone has, so that nobody closes that, and it keeps none of the program's open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/thread.h"
#include "transport/ring/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void eddy_ring_watch_init(struct eddy_ring_watch *w)
{
    pthread_mutex_init(&w->lock, NULL);
}

bool eddy_ring_peer_gone(const struct eddy_ring *r)
{
    /* Relaxed: who comes in this moment may as well come after it. */
    uint64_t epoch = eddy_load_relaxed(&eddy_ring_seat(r, eddy_ring_peer(r))->epoch);
    /* from [gone]: what it published is there to be seen */
    return epoch != 0 && eddy_load_seq(&r->watch.gone) == epoch;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* A thread that is cancelled never leaves its functions, so AddressSanitizer would go on guarding
 * what lay around their variables when the stack is used for something else. */
#define CANCELLED __attribute__((no_sanitize_address))

/* A frame that is cancelled never says to AddressSanitizer that it has gone: so it must not say
 * that it was there. */
#define MAY_BE_CANCELLED __attribute__((no_sanitize("address")))

/* Not through the C library, whose fcntl need not be a place where a thread can be cancelled.
 * Cancelling at any instant is safe: nothing happens in between. */
CANCELLED MAY_BE_CANCELLED static long wait_for_lock(int fd, int64_t at)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int type;
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    long rc = syscall(SYS_fcntl, fd, F_OFD_SETLKW, &lock);
    pthread_setcanceltype(type, &type);
    return rc;
}

/* False: the lock was had, and is to be dropped. */
CANCELLED MAY_BE_CANCELLED static bool wait_for_end(int fd, int64_t at)
{
    const struct timespec nap = {0, 10000000};
    while (wait_for_lock(fd, at) != 0) {
        if (errno == EINTR)
            continue;
        if (!eddy_lock_is_held(fd, at, 1))
            return true;
        nanosleep(&nap, NULL); /* the kernel has no memory for another lock */
    }
    return false;
}

CANCELLED MAY_BE_CANCELLED static void *watch(void *argument)
{
    struct eddy_ring *r = argument;
    uint64_t epoch = eddy_load_relaxed(&r->watch.target); /* written before this thread began */
    int fd = r->watch.fd;
    int64_t at = eddy_ring_life(eddy_ring_peer(r), epoch);
    bool apart = eddy_descriptors_keep(fd);
    if (!wait_for_end(fd, at) && (apart || fd == eddy_kept_fd(&r->file)))
        eddy_lock_drop(fd, at);
    eddy_store_seq(&r->watch.gone, epoch); /* [gone] */
    EDDY_POINT("ring-watch:gone");
    eddy_bell_ring(eddy_ring_bell(r));
    return NULL;
}

/* --- beginning and ending -------------------------------------------------------------------- */

static int start(struct eddy_ring *r)
{
    r->watch.fd = eddy_kept_fd(&r->file);
    int rc = eddy_thread_start(&r->watch.thread, NULL, watch, r);
    r->watch.runs = rc == 0;
    if (rc == 0)
        return EDDY_OK;
    return eddy_fail(EDDY_ESYS,
                     "cannot start a thread that tells when the other side of ring %s goes (%s); "
                     "see ulimit -u",
                     r->id, strerror(rc));
}

static void stop(struct eddy_ring *r)
{
    struct eddy_ring_watch *w = &r->watch;
    if (!w->runs)
        return;
    pthread_cancel(w->thread);
    pthread_join(w->thread, NULL);
    w->runs = false;
    /* It may have had the lock already when it was cancelled. */
    eddy_lock_drop(eddy_kept_fd(&r->file),
                   eddy_ring_life(eddy_ring_peer(r), eddy_load_relaxed(&w->target)));
}

static int watch_epoch(struct eddy_ring *r, uint64_t epoch)
{
    struct eddy_ring_watch *w = &r->watch;
    int error = EDDY_OK;
    stop(r); /* an earlier one has gone, or somebody else could not have come */
    eddy_store_relaxed(&w->target, epoch); /* the thread begins after this */
    if (eddy_lock_is_held(eddy_kept_fd(&r->file), eddy_ring_life(eddy_ring_peer(r), epoch), 1))
        error = start(r);
    else /* [gone].  Who sleeps looks behind [watched]. */
        eddy_store_release(&w->gone, epoch);
    if (!error)
        eddy_store_release(&w->epoch, epoch); /* [watched] */
    return error;
}

int eddy_ring_peer_watch(struct eddy_ring *r)
{
    uint64_t epoch = eddy_load_seq(&eddy_ring_seat(r, eddy_ring_peer(r))->epoch); /* from [seat] */
    /* Nobody yet: who comes rings our bell.   acquire, from [watched] */
    if (epoch == 0 || eddy_load_acquire(&r->watch.epoch) == epoch)
        return EDDY_OK;
    EDDY_UNCANCELLED;
    pthread_mutex_lock(&r->watch.lock);
    /* Relaxed: under the lock. */
    int error = eddy_load_relaxed(&r->watch.epoch) == epoch ? EDDY_OK : watch_epoch(r, epoch);
    pthread_mutex_unlock(&r->watch.lock);
    return error;
}

void eddy_ring_watch_end(struct eddy_ring *r)
{
    stop(r);
    pthread_mutex_destroy(&r->watch.lock);
}
