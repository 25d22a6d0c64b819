/* Waiting until there is a chunk, or room, or nobody more to wait for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/ring/ring.h"

struct wait {
    struct eddy_ring *ring;
    const struct eddy_ring_sought *what;
    struct eddy_chunk *chunk;
    int error;
};

static int look(void *wait)
{
    const struct wait *w = wait;
    return w->error ? w->error : w->what->look(w->ring, w->chunk);
}

static bool hint(const void *wait)
{
    const struct wait *w = wait;
    return w->what->hint(w->ring);
}

/* Who sleeps is to be told if the other side goes: by then somebody has to watch it. */
static void watch(void *wait, bool begins)
{
    struct wait *w = wait;
    if (begins && !w->error)
        w->error = eddy_ring_peer_watch(w->ring);
}

int eddy_ring_wait(struct eddy_ring *r, uint64_t deadline, const struct eddy_ring_sought *what,
                   struct eddy_chunk *chunk)
{
    static const struct eddy_awaited kind = {
        .look = look, .hint = hint, .sleeps = watch, .pauses = 1};
    struct wait wait = {r, what, chunk, EDDY_OK};
    watch(&wait, deadline == EDDY_POLL); /* who only polls, too */
    return eddy_wait(&r->spin, &kind, &wait, eddy_ring_bell(r), deadline);
}
