/* life.h - locks that live exactly as long as the process that took them.  (internal)
 *
 *   none -- eddy_life_begin --> held -- eddy_life_end, or the process goes, however --> none
 *
 * The locks are on an open file description (lock.h).  One page of the file is mapped from that
 * description, and then its descriptor is closed: the description, and the locks with it, live as
 * long as the mapping.  So there is no descriptor that a program could close, and as no child
 * inherits the mapping (MADV_DONTFORK), no child keeps the locks of a dead parent.  Who shares all
 * of the memory (a child of vfork until it calls exec) keeps them: it can still write what the
 * parent could.
 *
 * Threads: any.
 * Crash:   the kernel takes the mapping away, and with it the locks; exec does the same.  A stopped
 *          process keeps them.                                spec/registry.md, "Life"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LIFE_H
#define EDDY_LIFE_H

#include <stdbool.h>
#include <stddef.h>

struct eddy_life {
    void *page; /* NULL: no life */
    size_t bytes;
};

/* Opens a file, takes its locks, and returns the descriptor, or an EDDY_E* with its sentence.  It
 * runs in a thread of its own, which shares no descriptors with others, and while nobody forks: a
 * child that is made in this moment does not inherit the new one.  What is open already may be used.
 * (One that another thread makes without fork() in the instant between mapping the page and
 * MADV_DONTFORK has the page, and keeps the locks.) */
typedef int eddy_life_lock(void *context);

int eddy_life_begin(eddy_life_lock *lock, void *context, struct eddy_life *life);
void eddy_life_end(struct eddy_life *life);

static inline bool eddy_life_goes_on(const struct eddy_life *life)
{
    return life->page != NULL;
}

/* From now on the calling thread, and it alone, has the descriptors that are open now.  False: the
 * kernel refused (a filter of system calls). */
bool eddy_descriptors_part(void);
/* The same, and it has none but `fd`: what the program closes is closed. */
bool eddy_descriptors_keep(int fd);

#endif
