/* uri.h - the settings that a program gets in CYCLONEDDS_URI.  (internal)
 *
 * Ours come first, in one <CycloneDDS> element, then the user's: of two settings Cyclone DDS takes
 * the later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_URI_H
#define EDDY_TOOLS_URI_H

/* How the comment for Cyclone DDS 11 begins and ends. */
#define EDDY_URI_NEWER_BEGIN "<!--11:"
#define EDDY_URI_NEWER_END   "-->"
#define EDDY_URI_OURS_BEGIN  "<CycloneDDS><!--eddy-->"
#define EDDY_URI_OURS_END    "</CycloneDDS>"

/* The user's part of CYCLONEDDS_URI: without what we put in front the last time. */
const char *eddy_uri_users(const char *uri);

/* Ours, with this locator, and then the user's.  `plugin`: path of the one for Cyclone DDS 11, whose
 * settings 0.10 does not know, and takes for a mistake: so they stand in a comment, and the door
 * (door/settings.c) puts them in the place of ours where Cyclone DDS 11 asks.  To be freed; NULL
 * without memory. */
char *eddy_uri_make(const char *locator, const char *plugin, const char *uri);

#endif
