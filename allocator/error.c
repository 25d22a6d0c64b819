/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/error.h"

#include "allocator/escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_error[EDDY_MESSAGE_ROOM];

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
    {"EDDY_ELETGO", "writers have let go of this reader: it has lost samples"},
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
    if (eddy_log_wants(level))
        eddy_log_line(level, EDDY_LOG_NONE, last_error);
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
