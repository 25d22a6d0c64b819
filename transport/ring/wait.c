/* Sleeping until there is a chunk, or room, or nobody more to wait for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"
#include "transport/ring/ring.h"

/* Arm, look, sleep; the others: make it true, then look at the bell.  Each look is after the
 * arming, and all of it is sequentially consistent: spec/protocols.md, "Sleeping". */
int eddy_ring_wait(struct eddy_ring *r, uint64_t deadline, eddy_ring_look *look,
                   struct eddy_chunk *chunk)
{
    _Atomic uint32_t *bell = eddy_ring_bell(r);
    for (bool over = deadline == EDDY_POLL;;) {
        uint32_t armed = over ? 0 : eddy_bell_arm(bell);
        EDDY_POINT("ring-wait:armed");
        int error = eddy_ring_peer_watch(r);
        if (!error)
            error = look(r, chunk);
        if (error != EDDY_ENODATA)
            return error;
        if (over)
            return EDDY_ETIMEDOUT;
        over = !eddy_bell_wait(bell, armed, deadline);
    }
}
