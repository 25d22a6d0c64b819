/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

#include "allocator/escape.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {"none", "error", "warn", "info", "debug"};
static atomic_int shown = -1; /* not settled yet */

static int level_named(const char *name)
{
    for (int level = 0; name != NULL && level <= PSMX_LOG_DEBUG; level++) {
        if (strcmp(name, words[level]) == 0)
            return level;
    }
    return -1;
}

bool psmx_log_level(const char *name)
{
    int level = level_named(name);
    if (level >= 0)
        atomic_store(&shown, level);
    return level >= 0;
}

static int level_shown(void)
{
    if (atomic_load(&shown) < 0) {
        int level = level_named(secure_getenv("EDDY_LOG"));
        atomic_store(&shown, level >= 0 ? level : PSMX_LOG_WARN);
    }
    return atomic_load(&shown);
}

void psmx_say(enum psmx_level level, const char *format, ...)
{
    if ((int)level > level_shown())
        return;
    char raw[1024], line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    eddy_escape(raw, true, line, sizeof line);
    dprintf(STDERR_FILENO, "eddy[%d] %s: %s\n", (int)getpid(), words[level], line);
}
