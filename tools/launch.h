/* launch.h - what a DDS program needs in its environment to use Eddy.  (internal)
 *
 *   LD_LIBRARY_PATH  our stand-in library first, then what was there
 *   CYCLONEDDS_URI   our settings first, then what was there: of two settings Cyclone DDS takes the
 *                    later, so the user's own prevail
 *   EDDY_DIR         only if a folder was asked for
 *
 * Preparing twice is as good as once, also from inside a prepared environment.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_LAUNCH_H
#define EDDY_TOOLS_LAUNCH_H

#include <stdbool.h>

struct eddy_launch {
    char *library_path; /* LD_LIBRARY_PATH */
    char *cyclone_uri;  /* CYCLONEDDS_URI */
    char *dir;          /* EDDY_DIR, NULL: leave it as it is */
};

/* Creates the domain's folder if need be.  dir: NULL for the default.  False: stderr says why,
 * after `who`. */
bool eddy_launch_prepare(const char *who, const char *dir, struct eddy_launch *launch);
void eddy_launch_free(struct eddy_launch *launch);

#endif
