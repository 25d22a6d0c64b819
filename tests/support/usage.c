/* usage.c - see usage.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include "check.h"
#include "world.h"

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

void usage_of_process(pid_t pid, unsigned long *ticks, unsigned long *switches)
{
    char path[64], line[256];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    check(file != NULL);
    int found = fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                       &user, &system);
    fclose(file);
    same((uint64_t)found, 2);
    *ticks = user + system;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    file = fopen(path, "r");
    check(file != NULL);
    while (fgets(line, sizeof line, file))
        sscanf(line, "voluntary_ctxt_switches: %lu", switches);
    fclose(file);
}

void usage_until_asleep(pid_t pid)
{
    char path[64], state = 0;
    uint64_t deadline = patience();
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    while (state != 'S') {
        FILE *file = fopen(path, "r");
        check(file != NULL);
        same((uint64_t)fscanf(file, "%*d (%*[^)]) %c", &state), 1);
        fclose(file);
        check(eddy_now() < deadline);
    }
}
