/* settings.h - what the user's CYCLONEDDS_URI says of DDS domains.  (internal)
 *
 * It is a list, separated by commas, of files (with or without "file://") and of XML written out;
 * of two settings Cyclone DDS takes the later.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_SETTINGS_H
#define EDDY_TOOLS_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define EDDY_SETTINGS_TEXT    128
#define EDDY_SETTINGS_DOMAINS 64

/* One <Domain> element.  Texts are as written, so they may have variables; "": not said. */
struct eddy_settings_domain {
    char id[EDDY_SETTINGS_TEXT]; /* a number, or "any", which is also said by leaving it out */
    char external[EDDY_SETTINGS_TEXT]; /* the number that it has on the network */
    char tag[EDDY_SETTINGS_TEXT];      /* what else keeps it apart there */
};

/* In their order; what is beyond the limit of their number is left out. */
struct eddy_settings {
    bool has_plugin; /* a PubSubMessageExchange, as only Cyclone DDS 11 knows them */
    struct eddy_settings_domain domains[EDDY_SETTINGS_DOMAINS];
    size_t count;
};

void eddy_settings_read(const char *uri, struct eddy_settings *settings);

/* The first file among them that cannot be read, into path, and why (an errno).  0: there is
 * none. */
int eddy_settings_unreadable(const char *uri, char path[PATH_MAX]);

/* True if the id is a plain number. */
bool eddy_settings_is_number(const char *id);
/* True if the id names every domain. */
bool eddy_settings_is_any(const char *id);

#endif
