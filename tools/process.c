/* process.c - see process.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/process.h"

#include <stdio.h>
#include <string.h>

bool eddy_process_stopped(pid_t pid)
{
    char path[64];
    char line[512] = {0};
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    /* pid (name) state ...: the name may itself contain parentheses, so look from the end. */
    const char *name_end = strrchr(line, ')');
    return name_end != NULL && name_end[1] == ' ' && (name_end[2] == 'T' || name_end[2] == 't');
}
