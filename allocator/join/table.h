/* join_table.h - what this process has joined: entries, found by name, handle, address, object.
 * (internal)
 *
 *            map, attach hook           last leave               detach hook, unmap
 *   JOINING ------------------> JOINED ------------> LEAVING ----------------------> freed
 *      '--- failed: freed
 *
 * An entry never moves.  While it is JOINING or LEAVING it has a worker: the thread that maps it
 * and runs its hooks, which alone changes it and frees it.  Others wait, and so a thread may wait
 * for an entry whose worker waits for another, and so on.  Nobody begins to wait where that chain
 * leads back to himself: hence the chains never close, and every wait ends when a hook does.
 *
 * Threads: whoever calls these holds the lock; it guards the table alone and is never held while
 *          anything is mapped or a hook runs.
 * Crash:   private memory.
 * Fork:    the child's table is empty, but for the handles: those of the parent say so.
 *                                                                       spec/joins.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_JOIN_TABLE_H
#define EDDY_JOIN_TABLE_H

#include "allocator/fork.h"
#include "allocator/join/join.h"

enum eddy_join_state { EDDY_JOIN_JOINING, EDDY_JOIN_JOINED, EDDY_JOIN_LEAVING };

struct eddy_join_entry;

/* A thread, as far as it waits. */
struct eddy_join_worker {
    struct eddy_join_entry *waits_for;
    struct eddy_join_worker *next; /* who waits for the same */
};

/* A name that leads to an entry; the first of them is info.name. */
struct eddy_join_name {
    char text[EDDY_REGION_NAME_MAX + 1]; /* first: the tree's key */
    uint64_t device, inode;              /* of its folder; 0 if adopted */
    struct eddy_join_entry *entry;
    struct eddy_join_name *next;
};

struct eddy_join_range {
    uintptr_t first, last; /* last byte, so that the end of the address space needs no care */
};

struct eddy_join_object {
    uint64_t device, inode;
};

struct eddy_join_entry {
    struct eddy_join_info info; /* .handle is a tree's key */
    struct eddy_join_range range;
    struct eddy_join_object object;
    enum eddy_join_state state;
    bool mapped; /* found by address; others see it */
    uint32_t fork_count;
    struct eddy_join_worker *worker;  /* NULL while JOINED */
    struct eddy_join_worker *waiting; /* for its state to change */
    struct eddy_join_name *names;
    const struct eddy_join_ops *ops; /* NULL if adopted */
    void *region;
    void (*detach)(void *context, const struct eddy_join_info *info);
    void *context;
};

void eddy_join_lock(void);
void eddy_join_unlock(void);

/* A new entry, JOINING, of this thread, under its first name.  folder may be NULL.  Does not need
 * the lock.  NULL: no memory. */
struct eddy_join_entry *eddy_join_entry_new(const char *name,
                                            const struct eddy_join_folder *folder);
/* Takes it out of all trees, wakes who waits for it, and frees it. */
void eddy_join_entry_drop(struct eddy_join_entry *entry);
/* Takes handle and memory out of the trees: others may have the same from now on. */
void eddy_join_entry_hide(struct eddy_join_entry *entry);

static inline bool eddy_join_entry_forked(const struct eddy_join_entry *entry)
{
    return entry->fork_count != eddy_fork_count;
}

/* --- trees: each adds under a key in the entry and is told of who has it --------------------- */

/* EDDY_EEXIST, and *holder, if somebody has the key; EDDY_ENOMEM.  holder may be NULL. */
int eddy_join_name_add(struct eddy_join_entry *entry, struct eddy_join_entry **holder);
int eddy_join_object_add(struct eddy_join_entry *entry, struct eddy_join_entry **holder);
int eddy_join_range_add(struct eddy_join_entry *entry, struct eddy_join_entry **holder);
/* A handle of one that is LEAVING is free: its hook may have freed what the handle points to. */
int eddy_join_handle_add(struct eddy_join_entry *entry, struct eddy_join_entry **holder);

struct eddy_join_name *eddy_join_name_find(const char *name);
/* The first name behind this one. */
struct eddy_join_name *eddy_join_name_after(const char *name);
/* May be of the parent: see eddy_join_entry_forked. */
struct eddy_join_entry *eddy_join_handle_find(const void *handle);
struct eddy_join_entry *eddy_join_object_find(const struct eddy_join_object *object);
struct eddy_join_entry *eddy_join_range_find(const struct eddy_join_range *range);

/* All names of one entry lead to another. */
void eddy_join_names_move(struct eddy_join_entry *from, struct eddy_join_entry *to);

/* --- waiting --------------------------------------------------------------------------------- */

/* This thread's. */
struct eddy_join_worker *eddy_join_me(void);
/* Waits until the entry is settled or gone: look it up again.  EDDY_ELOOP: it waits for us. */
int eddy_join_await(struct eddy_join_entry *entry);
/* JOINED or gone. */
void eddy_join_wake(struct eddy_join_entry *entry);

#endif
