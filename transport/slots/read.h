/* read.h - what the two halves of reading share.  (internal)
 *
 * Threads: one reader number serves one thread at a time.
 * Crash:   a pin that a dead reader leaves is taken back by whoever reaps it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SLOTS_READ_H
#define EDDY_SLOTS_READ_H

#include "transport/slots/slots.h"

/* EDDY_EBOUNDS, or EDDY_EINVAL if the handle has not joined as this reader. */
int eddy_slots_check_reader(const struct eddy_slots *slots, uint32_t reader);

/* The oldest sample below `end` that the reader has not read.  EDDY_EAGAIN, EDDY_ESEGMENT. */
int eddy_slots_find_unread(struct eddy_slots *slots, uint32_t reader, uint64_t end,
                           struct eddy_slot_sample *sample);

#endif
