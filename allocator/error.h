/* error.h - failing with a sentence, which is also a message: message.h.  (internal)
 *
 * Threads: any.  The sentence belongs to the thread.  Names come from others: control characters in
 * them are escaped, as `eddy ls` does.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ERROR_H
#define EDDY_ERROR_H

#include "allocator/message.h"

#include <eddy/errors.h>

/* Remembers "what it failed on: what to do" for eddy_last_error and returns `error`. */
int eddy_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As eddy_fail for the errno of a system call, which chooses the error and ends the sentence. */
int eddy_fail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
