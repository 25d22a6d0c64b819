/* trigger.h - iox_user_trigger_*: an event that the program sets itself.  (internal)
 *
 *   init -> (attached) -> trigger -> handled by its listener or wait set -> ... -> deinit
 *
 * Triggering one that is not attached does nothing.
 *
 * Threads: any.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_TRIGGER_H
#define EDDY_ICEORYX_TRIGGER_H

#include "binding.h"

#include <stdatomic.h>

struct eddy_watch;

struct UserTrigger {
    eddy_event *event;
    struct eddy_watch *watch; /* guarded by the lock in watch.c */
    atomic_bool attached;
    atomic_bool triggered; /* and not handled yet */
};

#endif
