/* weak_life.c - see weak.h: threads that stand for processes, and die.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 4096 };

__thread uint32_t weak_life;
__thread uint64_t weak_steps;
static __thread sigjmp_buf end;
static __thread void *pieces[PIECES]; /* what it has of the heap */
static __thread uint32_t piece_count;
static uint32_t lives;

bool weak_live(void (*live)(void *), void *argument, uint64_t steps)
{
    weak_enter();
    uint32_t life = ++lives;
    weak_leave();
    weak_life = life;
    weak_steps = steps;
    bool died = sigsetjmp(end, 0) != 0;
    if (!died)
        live(argument);
    weak_steps = 0;
    weak_life = 0;
    if (died) {
        weak_enter();
        weak_unmap_life(life);
        weak_leave();
        weak_close_life(life);
        while (piece_count > 0)
            free(pieces[--piece_count]);
    }
    piece_count = 0;
    return !died;
}

void weak_die(void)
{
    siglongjmp(end, 1);
}

/* --- the heap -------------------------------------------------------------------------------- */

/* The linker sends the engine's calls here (--wrap). */
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void __wrap_free(void *memory);
size_t malloc_usable_size(void *memory);

static void *note_piece(void *memory)
{
    if (!weak_life || !memory)
        return memory;
    if (piece_count == PIECES) {
        fprintf(stderr, "weak: more than %d pieces of memory in a life\n", PIECES);
        abort();
    }
    return pieces[piece_count++] = memory;
}

static void note_freed(const void *memory)
{
    for (uint32_t i = piece_count; i-- > 0;)
        if (pieces[i] == memory) {
            pieces[i] = pieces[--piece_count];
            return;
        }
}

void *__wrap_malloc(size_t bytes)
{
    return note_piece(__real_malloc(bytes));
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return note_piece(__real_calloc(count, bytes));
}

void *__wrap_realloc(void *old, size_t bytes)
{
    void *new = __real_realloc(old, bytes);
    if (new)
        note_freed(old);
    return new ? note_piece(new) : NULL;
}

void __wrap_free(void *memory)
{
    if (memory) {
        note_freed(memory);
        weak_enter();
        weak_forget((uintptr_t)memory, malloc_usable_size(memory));
        weak_leave();
    }
    __real_free(memory);
}
