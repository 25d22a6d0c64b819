/* runtime.h - this process's part in the domain.  (internal)
 *
 *   (nothing) --first use--> participant --end of process, if nothing is open--> (nothing)
 *
 * There is one eddy_domain for the process, whatever names iox_runtime_init was called with.  It is
 * never closed while the process works: Cyclone DDS never says when it is done.  If its files are
 * removed, another takes its place; see renewal.h.
 *
 * Threads: any.
 * Crash:   the kernel drops the participant's lock; see eddy/domain.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_RUNTIME_H
#define EDDY_ICEORYX_RUNTIME_H

#include "binding.h"

/* The process's domain, opened now if it is not.  After fork the child gets one of its own.
 * Errors: as eddy_domain_open; logged, and tried again at the next call. */
int eddy_runtime_domain(eddy_domain **domain);

/* As eddy_runtime_domain, for opening a handle that lasts; each is followed by one
 * eddy_runtime_leave, after the handle is closed or could not be opened. */
int eddy_runtime_enter(eddy_domain **domain);
void eddy_runtime_leave(void);

/* The domain's files were removed: what is opened from now on belongs to a new one.  What is open
 * stays as it is. */
void eddy_runtime_renew(eddy_domain *removed);
/* How often that happened. */
unsigned eddy_runtime_generation(void);

/* When iox_runtime_init was called last, as Cyclone DDS does for each of its domains: CLOCK_REALTIME,
 * nanoseconds. */
int64_t eddy_runtime_started(void);

/* True if Cyclone DDS started the runtime.  Then readers take more than their queue capacity,
 * chunks must carry its user header, and callbacks wait until it has finished creating a reader. */
bool eddy_runtime_is_cyclone(void);

/* True once iox_runtime_shutdown was called: nobody waits for slow subscribers any more. */
bool eddy_runtime_is_shut_down(void);

/* CLOCK_REALTIME in nanoseconds, as the source times that Cyclone DDS writes into chunks. */
int64_t eddy_runtime_wall_clock(void);

#endif
