/* sweep.h - clear a folder that nobody uses.  (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SWEEP_H
#define EDDY_SWEEP_H

#include <eddy/inspect.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Removes every flink, segment, extent and temporary file of a folder.  The caller holds the
 * registry's gate and is alone.  Files that are not Eddy's stay, flinks of kinds that this Eddy
 * does not know, and what is kept.  Adds what went to the report. */
void eddy_sweep_folder(int dir, struct eddy_gc_report *report);

/* What a file in the folder is, by its name. */
enum eddy_file_kind {
    EDDY_FILE_FOREIGN,
    EDDY_FILE_FLINK,
    EDDY_FILE_SEGMENT,
    EDDY_FILE_EXTENT,
    EDDY_FILE_COLUMN,
    EDDY_FILE_OBJECT, /* of a kind that is registered */
    EDDY_FILE_TEMP
};
enum eddy_file_kind eddy_file_kind_of(const char *name);

/* True if a file is Eddy's by its content, too, and of whom the folder is: a regular file of its
 * user or group, which begins as its name says.  What cannot be opened, or is too short to tell,
 * is somebody's. */
bool eddy_file_may_go(int dir, const char *name, const struct stat *status);

#endif
