/* error.h - failing with a sentence, and logging for those who asked.  (internal)
 *
 * Threads: any.  The sentence belongs to the thread.  Nothing is printed unless EDDY_LOG asks for
 * it.  Names come from others: control characters in them are escaped, as `eddy ls` does.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ERROR_H
#define EDDY_ERROR_H

#include <eddy/errors.h>

enum eddy_log_level { EDDY_LOG_NONE, EDDY_LOG_ERROR, EDDY_LOG_WARN, EDDY_LOG_INFO, EDDY_LOG_DEBUG };

/* Remembers "what it failed on: what to do" for eddy_last_error and returns `error`. */
int eddy_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As eddy_fail for the errno of a system call, which chooses the error and ends the sentence. */
int eddy_fail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints to standard error if EDDY_LOG is at least `level`. */
void eddy_log(enum eddy_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads EDDY_LOG anew, which else is read once: EDDY_ECONFIG if it is set to something that is no level. */
int eddy_log_check(void);

#endif
