/* weak_inside.h - what the parts of the machine of weak.h share.
 *
 * One access at a time: whatever takes a clock or looks at a word stands between weak_enter and
 * weak_leave.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_WEAK_INSIDE_H
#define EDDY_TESTS_WEAK_INSIDE_H

#include "weak.h"

enum { WEAK_THREADS = 48, WEAK_WORDS = 1 << 18 };

/* How much of each thread's time somebody knows of. */
struct weak_clock {
    uint32_t at[WEAK_THREADS];
};

extern __thread uint32_t weak_seat; /* + 1; 0: none yet */

void weak_enter(void);
void weak_leave(void);
/* Lets others run between any two accesses, now and then for long.  Not inside. */
void weak_pause(void);
uint32_t weak_lot(uint32_t of);

/* The calling thread's. */
struct weak_clock *weak_mine(void);
/* A moment of the calling thread's own. */
uint32_t weak_tick(void);
void weak_join(struct weak_clock *to, const struct weak_clock *from);

/* The one order of the seq_cst accesses.  `floor` stands for a word, and is index of the last store
 * to it that comes before all that is new. */
/* What has to come before the calling thread's next access. */
uint64_t weak_order_past(const uint64_t *floor);
/* The last value among these. */
uint64_t weak_order_least(uint64_t past, const uint64_t *floor);
/* The access has been made. */
void weak_order_note(uint64_t past, uint64_t *floor, uint64_t index, bool stores);
/* A value has come in at `index`, which is one higher now, as are all behind it. */
void weak_order_shift(uint64_t *floor, uint64_t index);
/* The word starts anew, with what is there for all to see.  Then clear the floor. */
void weak_order_forget(const uint64_t *floor);

uint64_t weak_memory(const volatile void *word, size_t size);
/* False: somebody outside was faster. */
bool weak_change_memory(volatile void *word, size_t size, uint64_t from, uint64_t to);

/* The name of a word: where it lies in its file, else its address. */
uintptr_t weak_name(const volatile void *word);
/* Words that are given back start anew when they come again. */
void weak_forget(uintptr_t from, size_t bytes);
void weak_forget_plain(uintptr_t from, size_t bytes);

/* What the file that a descriptor stands for, under its name, hands to who maps it. */
void weak_found(uint64_t device, uint64_t inode);
/* The file has lost its last name. */
void weak_removed(uint64_t device, uint64_t inode);
/* The locks of a descriptor live on with a page that is mapped by it, and go with the page. */
void weak_locks_keep(int fd, uintptr_t page);
void weak_locks_unmapped(uintptr_t from, uintptr_t end);
/* The calling thread's life of its own; 0: none.  What it maps is numbered with it. */
extern __thread uint32_t weak_life;
extern __thread uint64_t weak_steps; /* until it ends; 0: never */
void weak_unmap_life(uint32_t life);
void weak_close_life(uint32_t life); /* its descriptors; not inside */
void weak_die(void);

/* Ours, not the life's (--wrap). */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void __real_free(void *memory);

#endif
