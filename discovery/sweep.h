/* sweep.h - clear a folder that nobody uses.  (internal)
 *
 *   begin -> look at one file, unlink it -> end -> its memory goes -> begin ...
 *
 * Nobody waits for more than that: who wants to join has its way between two files, and then the
 * sweep is over.
 *
 * Threads: one at a time for each description of the registry.
 * Crash:   what is left goes with the next who is alone, or by eddy_gc.    spec/registry.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SWEEP_H
#define EDDY_SWEEP_H

#include <eddy/inspect.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The turn of a participant that is alone. */
struct eddy_sweep_turn {
    bool (*begin)(void *context); /* false: not alone, or somebody wants to come */
    void (*end)(void *context);
    void *context;
};

/* Removes every flink, every file of what flinks lead to, and every temporary file of a folder.
 * Files that are not Eddy's stay, flinks of kinds that this Eddy does not know, and what is kept.  Adds what went to the
 * report.  False: somebody came first. */
bool eddy_sweep_folder(int dir, const struct eddy_sweep_turn *turn, struct eddy_gc_report *report);

/* What a file in the folder is, by its name. */
enum eddy_file_kind {
    EDDY_FILE_FOREIGN,
    EDDY_FILE_FLINK,
    EDDY_FILE_OBJECT, /* of a kind that is known */
    EDDY_FILE_EXPORT, /* a socket by which a participant hands memory over */
    EDDY_FILE_TEMP
};
enum eddy_file_kind eddy_file_kind_of(const char *name);

/* The participant whose socket this is, by its name. */
uint64_t eddy_file_exporter(const char *name);

/* True if a file is Eddy's by its content, too, and of whom the folder is: a regular file of its
 * user or group, which begins as its name says, or a socket.  What cannot be opened, or is too short
 * to tell, is somebody's. */
bool eddy_file_may_go(int dir, const char *name, const struct stat *status);

#endif
