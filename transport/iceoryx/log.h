/* log.h - what this library has to say to a person.  (internal)
 *
 * Errors go to standard error, each subject once: what stands before the first ": " of a line.
 * EDDY_LOG says otherwise: "none", or "error", "warn", "info", "debug", each with those before it
 * and each line as often as it comes.  Set-user-ID programs do not obey it.  iceoryx's own log level
 * (iox_set_loglevel) is taken and has no effect: programs set it for a daemon that is not there.
 *
 * Threads: any.  A line is written with one call.  Never on a data path unless something failed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_LOG_H
#define EDDY_ICEORYX_LOG_H

enum eddy_log_level {
    EDDY_LOG_ERROR = 1,
    EDDY_LOG_WARN = 2,
    EDDY_LOG_INFO = 3,
    EDDY_LOG_DEBUG = 4
};

/* Prints one line to standard error, if it is of a level that is shown: "SUBJECT: REASON". */
void eddy_log(enum eddy_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
