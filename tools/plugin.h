/* plugin.h - members that the plug-in for Cyclone DDS 11 has in Eddy, by their scopes.  (internal)
 *
 * A scope is "psmx/INSTANCE/NUMBER[/LOCATOR]/LANE/PARTITION" (spec/psmx.md, "Who meets whom").
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOOLS_PLUGIN_H
#define EDDY_TOOLS_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eddy_plugin_scope {
    const char *instance;
    size_t instance_length;
    uint32_t number;       /* of the instance and the DDS domain */
    size_t meeting;        /* bytes from the start that are equal for those who meet */
    const char *partition; /* "": the default one */
};

/* False: it is none of the plug-in's. */
bool eddy_plugin_read(const char *scope, struct eddy_plugin_scope *parts);

/* The number that Cyclone DDS gives an instance of that name in a DDS domain. */
uint32_t eddy_plugin_number(const char *instance, size_t length, uint32_t domain);

#endif
