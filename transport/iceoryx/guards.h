/* guards.h - the locks that this library has once for the process.  (internal)
 *
 * They stand together, in the order in which they are taken, so that fork can take all of them: the
 * child finds each one free and what it guards whole, whatever other threads were at.
 *
 * Threads: any; several at once only in this order.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_GUARDS_H
#define EDDY_ICEORYX_GUARDS_H

#include <pthread.h>

enum eddy_guard {
    EDDY_GUARD_PARTING,
    EDDY_GUARD_WATCHED_DOMAIN, /* the domains stay open under it: renewal.c */
    EDDY_GUARD_RENEWAL,
    EDDY_GUARD_WIRING,
    EDDY_GUARD_RUNTIME,
    EDDY_GUARD_LOOKOUT,
    EDDY_GUARD_DDS,
    EDDY_GUARD_CHUNKS,
    EDDY_GUARDS
};
extern pthread_mutex_t eddy_guards[EDDY_GUARDS];

#endif
