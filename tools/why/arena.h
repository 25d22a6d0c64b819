/* arena.h - memory that a child process fills and its parent reads.  (internal)
 *
 *   create -> take ... (parent and child, never both at once) -> destroy
 *
 * It lies at the same address in both, so what is in it may point to what is in it.
 *
 * Threads: one at a time.
 * Crash:   what a child took before it died stays; the parent looks at none of it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_WHY_ARENA_H
#define EDDY_TOOLS_WHY_ARENA_H

#include <stddef.h>

struct eddy_arena;

/* NULL without memory. */
struct eddy_arena *eddy_arena_create(void);
void eddy_arena_destroy(struct eddy_arena *arena);

/* Zeroed memory for `count` things of `size` bytes, aligned for anything.  Ends the process with
 * EDDY_EXIT_LAUNCH if there is none: nothing here needs more than the arena has. */
void *eddy_arena_take(struct eddy_arena *arena, size_t count, size_t size);
/* A copy of a text; NULL gives "". */
const char *eddy_arena_text(struct eddy_arena *arena, const char *text);
/* The array of `count` things with room for one more: moved to where that room is. */
void *eddy_arena_grow(struct eddy_arena *arena, void *array, size_t count, size_t size);

#endif
