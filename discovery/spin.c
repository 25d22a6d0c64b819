/* SPDX-License-Identifier: Apache-2.0 */
#include "discovery/spin.h"

#include "allocator/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NS 1000000000

/* "50us": a number above 0 and a unit. */
static bool read_time(const char *text, int64_t *ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}};
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || errno || value <= 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0 && value <= MOST_NS / units[i].ns) {
            *ns = value * units[i].ns;
            return true;
        }
    return false;
}

int eddy_spin_setting(int64_t *spin_ns)
{
    const char *text = getenv("EDDY_SPIN");
    *spin_ns = 0;
    if (!text || !*text || strcmp(text, "auto") == 0 || read_time(text, spin_ns))
        return EDDY_OK;
    *spin_ns = -1;
    if (strcmp(text, "off") == 0)
        return EDDY_OK;
    return eddy_fail(EDDY_ECONFIG,
                     "EDDY_SPIN is \"%.64s\"; set it to auto, off, or how long a wait may look "
                     "before it sleeps, such as 50us (ns, us or ms; 1000ms at most)",
                     text);
}
