/* say.h - what the plug-in has to say to a person.  (internal)
 *
 * Lines go to standard error: "eddy[PID] warn: ...".  What is shown: errors and warnings, unless the
 * option LOG or EDDY_LOG says otherwise (none, error, warn, info, debug).
 *
 * Threads: any.  A line is written with one call.  Never on a data path unless something failed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_SAY_H
#define EDDY_PSMX_SAY_H

#include <stdbool.h>

enum psmx_level { PSMX_LOG_ERROR = 1, PSMX_LOG_WARN = 2, PSMX_LOG_INFO = 3, PSMX_LOG_DEBUG = 4 };

/* The level that is shown from now on, by its name.  False: there is no such level. */
bool psmx_log_level(const char *name);

void psmx_say(enum psmx_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
