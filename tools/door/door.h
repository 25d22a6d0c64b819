/* door.h - what `eddy run` preloads: a library with the name of the stand-in and its functions,
 *          each of which leads to the stand-in itself.  (internal)
 *
 *   closed --first call of any function: loads ../libiceoryx_binding_c.so.2--> open
 *
 * The loader does not search again for a library that it has under a name, so whatever folder a
 * script puts in front of LD_LIBRARY_PATH, Cyclone DDS gets this one.  But each process that is
 * started below `eddy run` loads it too, shells and interpreters among them.  Hence it is small,
 * needs no other library, runs nothing by itself, and wants nothing of the C library, whichever it
 * is, until one of its functions is called.
 *
 * Threads: any; all of them find the same functions.
 * Crash:   nothing is shared.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_DOOR_H
#define EDDY_TOOLS_DOOR_H

#include <stdatomic.h>

/* The function `name` of the stand-in, which is remembered in `known`.  Ends the process if there
 * is none: a program that was linked to that library could not have started without it. */
void *eddy_door_through(_Atomic(void *) *known, const char *name);

/* The library that an address lies in, as by dlopen; NULL: there is none. */
void *eddy_door_library_of(const void *address);

#endif
