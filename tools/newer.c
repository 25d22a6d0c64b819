/* newer.c - see newer.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/newer.h"

#include "tools/uri.h"

#include <stdlib.h>
#include <string.h>

#define BEFORE "<CycloneDDS>"

static char *append(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

char *eddy_newer_settings(const char *uri)
{
    const char *ours = strstr(uri, EDDY_URI_OURS_BEGIN);
    const char *newer = ours != NULL ? strstr(ours, EDDY_URI_NEWER_BEGIN) : NULL;
    const char *newer_end = newer != NULL ? strstr(newer, EDDY_URI_NEWER_END) : NULL;
    const char *end = ours != NULL ? strstr(ours, EDDY_URI_OURS_END) : NULL;
    if (end == NULL)
        return NULL;
    if (newer == NULL || newer_end == NULL || newer > end)
        newer = newer_end = end; /* not for 11: nothing is in its place */
    else
        newer += sizeof EDDY_URI_NEWER_BEGIN - 1;
    char *to = malloc(strlen(uri) + 1), *at = to;
    if (to == NULL)
        return NULL;
    at = append(at, uri, (size_t)(ours - uri));
    at = append(at, BEFORE, sizeof BEFORE - 1);
    at = append(at, newer, (size_t)(newer_end - newer));
    append(at, end, strlen(end) + 1);
    return to;
}
