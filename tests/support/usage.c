/* usage.c - see usage.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t usage_descriptors(void)
{
    uint32_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    check(dir != NULL);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

uint32_t usage_mappings(void)
{
    char line[512];
    uint32_t count = 0;
    const char *folder = getenv("EDDY_DIR");
    FILE *maps = fopen("/proc/self/maps", "r");
    check(maps != NULL && folder != NULL);
    while (fgets(line, sizeof line, maps))
        count += strstr(line, folder) != NULL;
    fclose(maps);
    return count;
}
