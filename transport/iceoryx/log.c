/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "binding.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {"off", "error", "warn", "info", "debug"};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int threshold;

static void read_threshold(void)
{
    const char *wanted = getenv("EDDY_LOG");
    if (wanted == NULL) {
        return;
    }
    for (int level = EDDY_LOG_ERROR; level <= EDDY_LOG_DEBUG; level++) {
        if (strcmp(wanted, words[level]) == 0) {
            threshold = level;
        }
    }
}

void eddy_log(enum eddy_log_level level, const char *format, ...)
{
    pthread_once(&once, read_threshold);
    if ((int)level > threshold) {
        return;
    }
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    dprintf(STDERR_FILENO, "eddy[%d] %s: %s\n", (int)getpid(), words[level], line);
}

void iox_set_loglevel(enum iox_LogLevel level)
{
    (void)level;
}
