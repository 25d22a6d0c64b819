/* own.h - a reader that wants nothing of its own participant.  (internal)
 *
 * Its samples are passed over: by the reader as it comes to them, or by a writer of that participant
 * that finds no room.  Both swap the cursor from a sample of that participant to the next number, so it
 * does not matter who does it, nor how late.  The reader pins what it takes, and the pin says whether
 * the sample is still the one that it looked at.
 *
 * Threads: any.  Crash: nothing is left half done.       spec/protocols.md, "Not one's own"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_OWN_H
#define EDDY_OWN_H

#include "transport/topic/reader.h"
#include "transport/topic/writer.h"

/* Moves a cursor over samples of `source`.  Returns where it is then, or what it says besides
 * numbers. */
uint64_t eddy_own_pass(struct eddy_segment *segment, struct eddy_reader_seat *seat,
                       uint64_t source);

/* --- of a reader with not_own */

/* A writer has moved the cursor: what was found of sample `next` may be anything. */
bool eddy_reader_was_passed(const struct eddy_reader *reader);

/* The newest number from `next` on, and below `end`, that is another's; `end`: none.  Reliable. */
uint64_t eddy_reader_newest_of_others(struct eddy_reader *reader, uint64_t end);

/* What it has gathered from before its time, and is its own, goes. */
void eddy_reader_drop_own_past(struct eddy_reader *reader);

/* --- of a writer */

/* As eddy_gate_recompute, when readers of its participant have been moved on. */
bool eddy_writer_recompute(struct eddy_writer *writer);

/* True if only readers of its participant that want nothing of it are further behind than their depth,
 * and number n may be published all the same. */
bool eddy_writer_passes_own(const struct eddy_writer *writer, uint64_t n);

#endif
