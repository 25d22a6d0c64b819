/* newer.h - the settings that Cyclone DDS 11 reads of those that are for both generations.  (internal)
 *
 * Also part of the door: needs nothing but memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_NEWER_H
#define EDDY_TOOLS_NEWER_H

/* The value of CYCLONEDDS_URI (uri.h) with what stands in the comment for 11 in the place of what is
 * around it.  To be freed; NULL: there is no part of ours, or no memory. */
char *eddy_newer_settings(const char *uri);

#endif
