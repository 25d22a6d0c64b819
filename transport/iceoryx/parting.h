/* parting.h - a writer leaves when what it published has been handed on.  (internal)
 *
 *   DDS finds a writer     -> subscribers of its topic ask DDS anew at their next turn; it is known
 *   DDS forgets a writer   -> each subscriber that may have samples of it has a turn first
 *
 * Over the network a writer's samples and the news that it leaves come one after the other, and a
 * writer that leaves waits until its last samples are acknowledged.  Through shared memory the
 * samples wait for the thread that hands them on, and DDS, which would drop them once it has
 * forgotten their writer, does not know of them.  It tells of writers by its builtin topics, before
 * it forgets them, in the thread that does: that thread waits here, a second at most, as long as
 * Cyclone DDS itself lets a writer linger.
 *
 * Threads: subscribers are added and removed by any; news come from threads of DDS.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_PARTING_H
#define EDDY_ICEORYX_PARTING_H

#include "service.h"

/* A subscriber that is to have its turn before one of its writers leaves. */
void eddy_parting_add(iox_sub_t sub);
void eddy_parting_remove(iox_sub_t sub);

/* Since when DDS has known this writer; 0: it does not, or is not known to. */
uint64_t eddy_parting_known_since(const uint8_t guid[16]);

/* What DDS has told, in this thread, of the writer that it is creating; Cyclone DDS does so before it
 * creates our publisher. */
struct eddy_announced {
    bool known; /* else the rest says nothing */
    bool reliable;
    bool keeps_all; /* late readers are owed all that it wrote */
};
struct eddy_announced eddy_parting_announced(const struct eddy_service *service);

/* When DDS created this reader of ours, CLOCK_REALTIME in nanoseconds: what was written from then on
 * may be for it.  0: we have not been told of it yet. */
int64_t eddy_parting_reader_created(const uint8_t guid[16]);

/* From now on news come from all DDS domains of this process.  False: it has no participant yet. */
bool eddy_parting_watch_all(void);

/* From now on news come from the DDS domain of this reader. */
void eddy_parting_watch(int32_t reader);

#endif
