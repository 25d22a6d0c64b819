/* say.h - what the plug-in has to say to a person.  (internal)
 *
 * It says it where Eddy does (eddy/log.h).  What is shown where neither a call-back nor EDDY_LOG says:
 * errors and warnings, unless the option LOG says otherwise.
 *
 * Threads: any.  Never on a data path unless something failed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_PSMX_SAY_H
#define EDDY_PSMX_SAY_H

#include <eddy/log.h>
#include <stdatomic.h>

extern _Atomic(enum eddy_log_level) psmx_log_level; /* option LOG */

#define psmx_say(level, ...) eddy_log_say((level), psmx_log_level, __VA_ARGS__)

#endif
