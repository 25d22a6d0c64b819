/* uri.h - the settings that a program gets in CYCLONEDDS_URI.  (internal)
 *
 * Ours come first, in one <CycloneDDS> element, then the user's: of two settings Cyclone DDS takes
 * the later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_URI_H
#define EDDY_TOOLS_URI_H

/* The user's part of CYCLONEDDS_URI: without what we put in front the last time. */
const char *eddy_uri_users(const char *uri);

/* Ours, with this locator, and then the user's.  To be freed; NULL without memory. */
char *eddy_uri_make(const char *locator, const char *uri);

#endif
