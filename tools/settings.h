/* settings.h - what the user's CYCLONEDDS_URI says.  (internal)
 *
 * It is a list, separated by commas, of files (with or without "file://") and of XML written out;
 * of two settings Cyclone DDS takes the later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_SETTINGS_H
#define EDDY_TOOLS_SETTINGS_H

#include <stdbool.h>

/* The first number that a <Domain id="..."> in these settings names: the DDS domain of a program
 * that does not choose one.  False: there is none, and that domain is 0. */
bool eddy_settings_domain(const char *uri, unsigned *domain);

#endif
