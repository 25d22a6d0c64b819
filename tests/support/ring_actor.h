/* ring_actor.h - a process that has a role in the ring "ring" and does as it is told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_RING_ACTOR_H
#define EDDY_TESTS_RING_ACTOR_H

#include "child.h"
#include "ring_pair.h"

#include <stdlib.h>

enum { SIZE = 200, SLOTS = 4 };

enum { PUBLISH = 10, TAKE, RELEASE_OLDEST, RELEASE_NEWEST, CLOSE, FINISH, LOAN, EXIT };

/* Does as it is told; says so when it is done. */
static inline void producing_process(int wire, void *argument)
{
    uint64_t next = *(uint64_t *)argument;
    struct eddy_chunk loan;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_PRODUCER);
    for (wire_say(wire, WIRE_READY);; wire_say(wire, WIRE_DONE)) {
        switch (wire_hear(wire)) {
        case PUBLISH:
            ring_publish(ring, SIZE, next++);
            break;
        case LOAN:
            must(eddy_ring_loan(ring, EDDY_POLL, &loan));
            memset(loan.data, 'x', loan.size);
            break;
        case CLOSE:
            must(eddy_ring_close(ring));
            break;
        case FINISH:
            must(eddy_ring_finish(ring));
            break;
        case EXIT:
            exit(0); /* without closing */
        default:
            return;
        }
    }
}

static inline void consuming_process(int wire, void *argument)
{
    struct eddy_chunk held[SLOTS];
    unsigned count = 0;
    (void)argument;
    eddy_ring *ring = ring_attach("ring", EDDY_RING_CONSUMER);
    for (wire_say(wire, WIRE_READY);; wire_say(wire, WIRE_DONE)) {
        switch (wire_hear(wire)) {
        case TAKE:
            must(eddy_ring_take(ring, patience(), &held[count++]));
            break;
        case RELEASE_OLDEST:
            must(eddy_ring_release(ring, &held[0]));
            memmove(&held[0], &held[1], --count * sizeof held[0]);
            break;
        case RELEASE_NEWEST:
            must(eddy_ring_release(ring, &held[--count]));
            break;
        case CLOSE:
            must(eddy_ring_close(ring));
            break;
        default:
            return;
        }
    }
}

static inline void tell(struct child *child, uint64_t what)
{
    wire_say(child->wire, what);
    wire_expect(child->wire, WIRE_DONE);
}

static inline struct child start(child_main *run, uint64_t first)
{
    struct child child = child_start(run, &first);
    wire_expect(child.wire, WIRE_READY);
    return child;
}

#endif
