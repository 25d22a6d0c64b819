/* place.h - where things are: the stand-in library on disk, and which shared memory this is.
 *           (internal)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_PLACE_H
#define EDDY_TOOLS_PLACE_H

#include <limits.h>
#include <stdbool.h>

/* The library that Cyclone DDS 0.10 loads for shared memory, and that Eddy stands in for. */
#define EDDY_PLACE_LIBRARY "libiceoryx_binding_c.so.2"
/* What leads to it, in that library's folder; see door/CMakeLists.txt for the name. */
#define EDDY_PLACE_DOOR "/door-before-libasan.so/" EDDY_PLACE_LIBRARY

/* The plug-in that Cyclone DDS 11 loads, seen from the stand-in's folder. */
#define EDDY_PLACE_PLUGIN "/../libpsmx_eddy.so"

/* What a libddsc has that loads plug-ins: 11 and later. */
#define EDDY_PLACE_NEWER_SYMBOL "dds_reader_store_loaned_sample"

/* The folder of the stand-in library, found from where this command lies.  False: there is none,
 * and stderr says where it was looked for, after `who`. */
bool eddy_place_library_dir(const char *who, char dir[PATH_MAX]);

/* An address in the form "ed:d7:..:..": 16 bytes. */
#define EDDY_PLACE_LOCATOR_MAX 48

/* An address that is the same for all who share the folder, and for nobody else: made of the boot
 * of this kernel and of the folder's device and inode.  False: stderr says why, after `who`. */
bool eddy_place_locator(const char *who, const char *dir, char locator[EDDY_PLACE_LOCATOR_MAX]);

#endif
