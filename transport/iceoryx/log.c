/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "allocator/cancel.h"
#include "allocator/escape.h"
#include "binding.h"
#include "guards.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUBJECTS 64u

static const char *const words[] = {"none", "error", "warn", "info", "debug"};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int threshold = EDDY_LOG_ERROR;
static bool asked; /* by EDDY_LOG: then each line is printed, not each subject once */

static pthread_mutex_t *const lock = &eddy_guards[EDDY_GUARD_LOG];
static uint64_t told[SUBJECTS];
static unsigned told_count;

static void read_threshold(void)
{
    const char *wanted = secure_getenv("EDDY_LOG");
    for (int level = 0; wanted != NULL && level <= EDDY_LOG_DEBUG; level++) {
        if (strcmp(wanted, words[level]) == 0) {
            threshold = level;
            asked = true;
        }
    }
}

/* FNV-1a of what a line is about: all before its first ": ". */
static uint64_t subject_of(const char *line)
{
    const char *end = strstr(line, ": ");
    size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)line[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

enum news { NEW, LAST_NEW, OLD };

static enum news is_new(const char *line)
{
    uint64_t subject = subject_of(line);
    enum news news = NEW;
    pthread_mutex_lock(lock);
    for (unsigned i = 0; i < told_count; i++) {
        news = told[i] == subject ? OLD : news;
    }
    if (told_count == SUBJECTS) {
        news = OLD;
    } else if (news == NEW) {
        told[told_count++] = subject;
        news = told_count == SUBJECTS ? LAST_NEW : NEW;
    }
    pthread_mutex_unlock(lock);
    return news;
}

void eddy_log(enum eddy_log_level level, const char *format, ...)
{
    pthread_once(&once, read_threshold);
    if ((int)level > threshold) {
        return;
    }
    char raw[1024], line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    eddy_escape(raw, true, line, sizeof line); /* what Eddy said has been escaped before */
    enum news news = asked ? NEW : is_new(line);
    if (news != OLD) {
        EDDY_UNCANCELLED; /* whoever fails may hold anything */
        dprintf(STDERR_FILENO, "eddy[%d] %s: %s%s\n", (int)getpid(), words[level], line,
                news == LAST_NEW ? " (further errors are not shown; EDDY_LOG=error shows them)"
                                 : "");
    }
}

void iox_set_loglevel(enum iox_LogLevel level)
{
    (void)level;
}
