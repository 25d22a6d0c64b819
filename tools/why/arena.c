/* arena.c - see arena.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/why/arena.h"

#include "tools/command.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Only what is used takes memory. */
#define ARENA_BYTES ((size_t)256 << 20)
#define ALIGNMENT   16

struct eddy_arena {
    size_t used;
};

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

struct eddy_arena *eddy_arena_create(void)
{
    struct eddy_arena *arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED)
        return NULL;
    arena->used = round_up(sizeof *arena);
    return arena;
}

void eddy_arena_destroy(struct eddy_arena *arena)
{
    if (arena != NULL)
        munmap(arena, ARENA_BYTES);
}

void *eddy_arena_take(struct eddy_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > (ARENA_BYTES - arena->used - ALIGNMENT) / size) {
        fputs("eddy why: there is more to look at than it has memory for\n", stderr);
        exit(EDDY_EXIT_LAUNCH);
    }
    void *memory = (char *)arena + arena->used;
    arena->used += round_up(count * size);
    return memory;
}

const char *eddy_arena_text(struct eddy_arena *arena, const char *text)
{
    const char *from = text != NULL ? text : "";
    size_t bytes = strlen(from) + 1;
    return memcpy(eddy_arena_take(arena, bytes, 1), from, bytes);
}

/* Doubles at each power of two, so that what is left behind is less than what is used. */
void *eddy_arena_grow(struct eddy_arena *arena, void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    void *moved = eddy_arena_take(arena, count == 0 ? 1 : 2 * count, size);
    if (count > 0)
        memcpy(moved, array, count * size);
    return moved;
}
