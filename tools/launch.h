/* launch.h - what a DDS program needs in its environment to use Eddy.  (internal)
 *
 *   LD_LIBRARY_PATH  our stand-in library first, then what was there
 *   LD_PRELOAD       the door that leads to it (door/door.h), then what was there: a script may put
 *                    another folder in front of LD_LIBRARY_PATH, as ROS 2's does
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
    char *preload;      /* LD_PRELOAD, NULL: leave it as it is */
    char *cyclone_uri;  /* CYCLONEDDS_URI */
    char *dir;          /* EDDY_DIR, NULL: leave it as it is */
};

/* dir: NULL for the default.  The domain's folder has to be there, but the default one, and any of
 * which only the last part is missing if `may_create`, is made: what makes a folder a place of its
 * own is known once it exists.  False: stderr says why, after `who`. */
bool eddy_launch_prepare(const char *who, const char *dir, bool may_create,
                         struct eddy_launch *launch);
/* The same from the folder of the stand-in, a locator, and a folder for EDDY_DIR, which may be
 * NULL: looks at no folder and creates nothing.  False: no memory.  Freed in any case. */
bool eddy_launch_compose(const char *library_dir, const char *locator, const char *dir,
                         struct eddy_launch *launch);
/* Each variable that is to be set. */
void eddy_launch_each(const struct eddy_launch *launch,
                      void (*visit)(const char *name, const char *value));
void eddy_launch_free(struct eddy_launch *launch);

#endif
