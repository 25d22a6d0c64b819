/* message.h - what the library says to a person, and to whom it says it.  (internal)
 *
 * All messages come through here: to the call-back of eddy_log_set, else, as far as EDDY_LOG asks for
 * them, to standard error, each with one write.  Never on a data path unless something failed.
 *
 * Threads: any.  No lock is held while a call-back runs.
 * Crash:   private memory.  A child has the call-back, and none of the threads that were in it.
 *                                                              spec/api.md, "Messages"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_MESSAGE_H
#define EDDY_MESSAGE_H

#include <eddy/log.h>
#include <stdbool.h>

#define EDDY_MESSAGE_ROOM 640 /* with the NUL */

/* False: nobody would see a message of this level. */
bool eddy_log_wants(enum eddy_log_level level);

/* Says what is escaped already.  `otherwise`: up to which level, where nobody has said what is wanted. */
void eddy_log_line(enum eddy_log_level level, enum eddy_log_level otherwise, const char *line);

/* The library's own messages: nobody sees them who has not asked. */
void eddy_log(enum eddy_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reads EDDY_LOG anew, which else is read once: EDDY_ECONFIG if it is set to something that is no level. */
int eddy_log_check(void);

#endif
