/* log.h - what this library has to say to a person.  (internal)
 *
 * It says it where Eddy does (eddy/log.h): "SUBJECT: REASON".  Errors are shown also where neither a
 * call-back nor EDDY_LOG asks for them, each subject once.
 *
 * Threads: any.  Never on a data path unless something failed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_LOG_H
#define EDDY_ICEORYX_LOG_H

#include <eddy/log.h>

#define eddy_say(level, ...) eddy_log_say((level), EDDY_LOG_ERROR, __VA_ARGS__)

#endif
