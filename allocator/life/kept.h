/* kept.h - a descriptor that stays open from call to call, and is known again.  (internal)
 *
 * A program may close any number at any time (closefrom, close_range, old daemon code) and open
 * something of its own under it.  So a number that was kept is looked at before each use: it is
 * ours if it is of the same file, and its description bears our mark, which one that the program
 * opened does not, be it of the same file.  If it is not ours any more, the file is opened anew by
 * its path, if there is one and it still leads to the same file.  A number that is not ours is
 * never used, and never closed.
 *
 * Threads: any.  A program whose other threads close descriptors that they do not know *during* a
 *          call takes any library's away; between calls it may.
 * Crash:   nothing depends on it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_KEPT_H
#define EDDY_KEPT_H

#include <stdbool.h>
#include <stdint.h>

struct eddy_kept {
    _Atomic int fd; /* -1: none */
    int flags;      /* of open(2), to open it anew */
    bool is_marked; /* the description bears our mark */
    uint64_t device, inode;
    const char *path; /* NULL: there is none.  The holder's, and good as long as this is */
};

#define EDDY_KEPT_NONE                                                                             \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Keeps a descriptor that is open. */
void eddy_kept_begin(struct eddy_kept *kept, int fd, const char *path, int flags);
/* One that the caller keeps open for as long as this is used. */
struct eddy_kept eddy_kept_lent(int fd);
/* The number, or -1 with errno: EBADF if it was closed, ESTALE if its path leads to another file. */
int eddy_kept_fd(const struct eddy_kept *kept);
/* Closes the descriptor, if it is still ours. */
void eddy_kept_end(struct eddy_kept *kept);

#endif
