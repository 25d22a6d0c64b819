/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"

#include "allocator/atomic.h"
#include "allocator/cancel.h"
#include "allocator/escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Thread_local char last_error[640];

static const struct {
    const char *name, *sentence;
} errors[] = {
    {"EDDY_OK", "no error"},
    {"EDDY_EINVAL", "an argument is out of its range"},
    {"EDDY_ENOMEM", "out of memory: shared memory or the process has run out"},
    {"EDDY_ELIMIT", "a limit of the topic or the domain is reached"},
    {"EDDY_EAGAIN", "not at once: there is no sample, or no room"},
    {"EDDY_ETIMEDOUT", "the deadline passed first"},
    {"EDDY_ENOENT", "no such topic, flink or object"},
    {"EDDY_EACCES", "a file's owner, mode or kind does not allow it"},
    {"EDDY_EFLINK", "the flink file is malformed"},
    {"EDDY_ESEGMENT", "the shared memory is malformed"},
    {"EDDY_EVERSION", "made by an Eddy of another layout, or with features that this one lacks"},
    {"EDDY_ETYPE", "two programs disagree on the type of a topic"},
    {"EDDY_ESTALE", "this loan, sample or slot was given back already"},
    {"EDDY_ETOOBIG", "more bytes than there is room for"},
    {"EDDY_EBUSY", "in use by somebody else, or handles are still open"},
    {"EDDY_EFORKED", "the handle belongs to the process that forked this one"},
    {"EDDY_ECONFIG", "an EDDY_* environment variable makes no sense"},
    {"EDDY_ELETGO", "writers have let go of this reader: it has lost samples, and goes on"},
    {"EDDY_EBOUNDS", "a slot or reader index is beyond the end"},
    {"EDDY_EEXIST", "somebody alive has this name already"},
    {"EDDY_ESYS", "the operating system refused"},
    {"EDDY_EFINISHED", "the stream is complete"},
    {"EDDY_ECRASHED", "the producer has crashed"},
    {"EDDY_EPEERGONE", "the other side is dead or has left"},
    {"EDDY_ELOOP", "regions that need each other in a circle"},
    {"EDDY_ENOTREADY", "it is still empty"},
};
enum { ERROR_COUNT = sizeof errors / sizeof errors[0] };

const char *eddy_error_name(int error)
{
    return error <= 0 && error > -ERROR_COUNT ? errors[-error].name : "EDDY_E?";
}

const char *eddy_strerror(int error)
{
    return error <= 0 && error > -ERROR_COUNT ? errors[-error].sentence : "no error of Eddy's";
}

const char *eddy_last_error(void)
{
    return last_error;
}

static const char *const level_names[] = {"none", "error", "warn", "info", "debug"};

#define NOT_READ (-2)

/* What EDDY_LOG says.  A failure may come at any time, also while another thread changes the
 * environment, so it is not asked each time. */
static _Atomic int level_now = NOT_READ;

/* Not of set-user-ID programs and the like: what they do is not for their caller to see. */
static const char *wanted_level(void)
{
    const char *wanted = secure_getenv("EDDY_LOG");
    return wanted && *wanted ? wanted : level_names[EDDY_LOG_NONE];
}

/* -1: set to something that is no level. */
static int read_level(void)
{
    int level = -1;
    const char *wanted = wanted_level();
    for (int i = EDDY_LOG_NONE; i <= EDDY_LOG_DEBUG; i++)
        if (strcmp(wanted, level_names[i]) == 0)
            level = i;
    eddy_store_relaxed(&level_now, level); /* relaxed, as all of it: nothing comes with it */
    return level;
}

static int log_level(void)
{
    int level = eddy_load_relaxed(&level_now);
    return level == NOT_READ ? read_level() : level;
}

int eddy_log_check(void)
{
    if (read_level() >= 0)
        return EDDY_OK;
    return eddy_fail(EDDY_ECONFIG,
                     "EDDY_LOG is \"%.64s\"; set it to none, error, warn, info or debug",
                     wanted_level());
}

static void print_log(enum eddy_log_level level, const char *text)
{
    EDDY_UNCANCELLED; /* whoever fails may hold anything */
    dprintf(STDERR_FILENO, "eddy[%d] %s: %s\n", (int)getpid(), level_names[level], text);
}

void eddy_log(enum eddy_log_level level, const char *format, ...)
{
    if (log_level() < (int)level)
        return;
    char text[sizeof last_error], shown[sizeof last_error];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    eddy_escape(text, false, shown, sizeof shown);
    print_log(level, shown);
}

static int keep_error(int error, const char *tail, const char *format, va_list args)
{
    char text[sizeof last_error]; /* apart: it may be made of what is there now */
    vsnprintf(text, sizeof text, format, args);
    size_t used = strlen(text);
    if (tail)
        snprintf(text + used, sizeof text - used, ": %s", tail);
    eddy_escape(text, false, last_error, sizeof last_error);
    /* Absence is often just the answer to a question. */
    enum eddy_log_level level = error == EDDY_ENOENT ? EDDY_LOG_DEBUG : EDDY_LOG_WARN;
    if (log_level() >= (int)level)
        print_log(level, last_error);
    return error;
}

int eddy_fail(int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    keep_error(error, NULL, format, args);
    va_end(args);
    return error;
}

static int error_of_errno(int number)
{
    switch (number) {
    case ENOENT:
        return EDDY_ENOENT;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
        return EDDY_EACCES;
    case ENOSPC:
    case ENOMEM:
    case EDQUOT:
        return EDDY_ENOMEM;
    case EEXIST:
        return EDDY_EEXIST;
    default:
        return EDDY_ESYS;
    }
}

int eddy_fail_errno(const char *format, ...)
{
    int number = errno;
    char reason[128];
    const char *text = strerror_r(number, reason, sizeof reason);
    va_list args;
    va_start(args, format);
    int error = keep_error(error_of_errno(number), text, format, args);
    va_end(args);
    return error;
}
