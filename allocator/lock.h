/* lock.h - locks on bytes of a file: whoever has one is alive.  (internal)
 *
 *   free -- eddy_lock_try --> held -- eddy_lock_drop, or the last descriptor goes --> free
 *
 * A lock belongs to the open file description, not to the process, and goes when nobody has that any
 * more, by descriptor or by mapping.  So one that tells of life is held by a mapping that no child
 * inherits (life/life.h), and one that is held for a moment is dropped by name: a child may have a
 * copy of the descriptor.
 *
 * Threads: any; two descriptions in one process keep each other out.
 * Crash:   the kernel drops the locks, however the process ends and in whatever PID namespace; a
 *          stopped one keeps them.                                   spec/registry.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LOCK_H
#define EDDY_LOCK_H

#include <stdbool.h>
#include <stdint.h>

enum eddy_lock_kind { EDDY_LOCK_SHARED, EDDY_LOCK_EXCLUSIVE };

/* True if the lock was had at once. */
bool eddy_lock_try(int fd, int64_t at, enum eddy_lock_kind kind);
/* Tries until `deadline`: EDDY_EBUSY with `what`. */
int eddy_lock_wait(int fd, int64_t at, enum eddy_lock_kind kind, uint64_t deadline,
                   const char *what);
void eddy_lock_drop(int fd, int64_t at);
/* True if another open file description holds any of the bytes, or that cannot be known. */
bool eddy_lock_is_held(int fd, int64_t at, int64_t bytes);
/* 1: it does; 0: none does; -1 with errno: it cannot be known. */
int eddy_lock_look(int fd, int64_t at, int64_t bytes);

#endif
