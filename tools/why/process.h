/* process.h - what the kernel says of the processes that discovery names.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_PROCESS_H
#define EDDY_TOOLS_WHY_PROCESS_H

#include "tools/why/arena.h"
#include "tools/why/why.h"

/* Fills in what is from the kernel, of each process of the world; and finds those that
 * discovery does not, as they wait for the daemon of the real iceoryx, or are stopped, while the
 * files that they use were removed. */
void eddy_why_look(struct eddy_arena *arena, struct eddy_why_world *world);

/* settings.c: what CYCLONEDDS_URI says of shared memory.  Files that it names are read, unless their
 * path is relative: to which folder is not known. */
struct eddy_why_settings {
    enum eddy_tri shared_memory, redundant;
    char locator[64]; /* "": not said */
};
void eddy_why_read_settings(const char *uri, struct eddy_why_settings *settings);

#endif
