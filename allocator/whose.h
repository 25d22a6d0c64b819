/* whose.h - whose the files in a folder are: one user's, or a group's.  (internal)
 *
 * The mode of the folder says it, and nothing else: set-group-id, writable for its group, not for
 * anybody else, and not sticky (members clear away what other members' dead have left).  There the
 * files are 0660 and of the folder's group, whoever makes them; anywhere else they are 0600.
 *
 * Threads: any.
 * Crash:   a file that has no name yet goes with its maker, whosever it is by then.
 *                                                               spec/registry.md, "The folder"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_WHOSE_H
#define EDDY_WHOSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct eddy_whose {
    bool groups; /* else the caller's alone */
    gid_t group;
};

bool eddy_folder_is_groups(const struct stat *folder);

/* A folder that cannot be looked at is no group's. */
struct eddy_whose eddy_whose_of(int dir);

/* The mode of files in such a folder. */
uint32_t eddy_whose_mode(const struct eddy_whose *whose);

/* Whether a file in such a folder belongs there. */
bool eddy_whose_has(const struct eddy_whose *whose, const struct stat *file);

/* Gives a new file the folder's group, where the file system has not.  -1 with errno. */
int eddy_whose_give(const struct eddy_whose *whose, int fd);

#endif
