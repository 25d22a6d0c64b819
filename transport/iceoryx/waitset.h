/* waitset.h - iox_ws_*: one thread of the program waits for many origins.  (internal)
 *
 *   init -> attach, wait, wait ... detach -> deinit;  mark_for_destruction ends all waits for good
 *
 * A state is told as long as it holds, an event once for what came since it was told.  What did not
 * fit into the caller's array is told by the next wait.
 *
 * Threads: one waits; any may attach, detach, mark.
 * Crash:   private memory and a doorbell; see eddy/waitset.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_WAITSET_H
#define EDDY_ICEORYX_WAITSET_H

#include "watch.h"

#include <stdatomic.h>

struct cpp2c_WaitSet {
    struct eddy_watcher watcher;
    void **active;   /* watches that the engine has reported and that are not told yet */
    void **contexts; /* room for what one wait of the engine may report */
    size_t active_count, capacity;
    atomic_bool marked;
};

#endif
