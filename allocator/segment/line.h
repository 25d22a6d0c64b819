/* line.h - writers that wait for the same are served in turn.  (internal)
 *
 *   turn 0: nobody waits -- enter --> the first one's seat + 1
 *   the first has been served, gives up, leaves or is passed over -- leave, pass over --> the next
 *   that waits, by seats, round and round; 0: there is none
 *
 * Who waits says so in its seat (`waits`), and a bit of `waiting_groups` says that somebody of its 64
 * seats does.  Only who has the turn waits for the room itself; the others sleep on the bells of their
 * seats until the turn comes to them.  Nothing but the order hangs on any of it: who takes room out of
 * turn does no harm, and a turn that rests with one who is stopped or dead is taken from it.
 *
 * Threads: any; none waits here.
 * Crash:   reap leaves the line for the dead; until then it is passed over like one who is stopped.
 *                                                      spec/protocols.md, "Served in turn"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LINE_H
#define EDDY_LINE_H

#include "allocator/segment/segment.h"

/* What there is a line for. */
enum eddy_room { EDDY_ROOM_GATE, EDDY_ROOM_SLOT };

/* The seat waits from now on, if it did not before.  True: it has the turn. */
bool eddy_line_enter(struct eddy_segment *segment, enum eddy_room what, uint32_t seat);

/* It does not wait any more, for whatever it was, and does not keep the turn. */
void eddy_line_leave(struct eddy_segment *segment, uint32_t seat);

/* `turn` is that of one who does not take it: the next has it, and that one comes in again. */
void eddy_line_pass_over(struct eddy_segment *segment, enum eddy_room what, uint32_t turn);

#endif
