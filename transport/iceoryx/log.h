/* log.h - what this library has to say to a person.  (internal)
 *
 * Nothing is printed unless EDDY_LOG asks for it ("error", "warn", "info" or "debug", each with
 * those before it), in the form of Eddy's own lines.  iceoryx's own log level (iox_set_loglevel) is
 * taken and has no effect: programs set it for a daemon that is not there.
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

/* Prints one line to standard error if EDDY_LOG asks for this level. */
void eddy_log(enum eddy_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
