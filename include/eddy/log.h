/* eddy/log.h - what the library, and what is built upon it, has to say to a person.
 *
 *   a call-back is set -- it gets the messages --> NULL is set: EDDY_LOG again
 *
 * A program that has a log of its own sets a call-back; for all others there is the environment
 * variable EDDY_LOG (none, error, warn, info or debug), and standard error.
 * Threads: any.                                                      spec/api.md, "Messages"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LOG_H
#define EDDY_LOG_H

#include <eddy/errors.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EDDY_LOG_FORMAT __attribute__((format(printf, 3, 4)))
#else
#define EDDY_LOG_FORMAT
#endif

/* Each with those before it. */
enum eddy_log_level {
    EDDY_LOG_NONE = 0,
    EDDY_LOG_ERROR = 1, /* something is lost, or does not work */
    EDDY_LOG_WARN = 2,  /* a call has failed and said why, or something is done in a worse way */
    EDDY_LOG_INFO = 3,  /* who joins; what is taken back from the dead */
    EDDY_LOG_DEBUG = 4  /* also that something which was looked for is not there */
};

/* A message: one line without its end, in UTF-8, in which nothing is left that a terminal obeys:
 * names that others chose are escaped.  It is gone when the call-back returns.
 *
 * It is called in the thread that has something to say, which may be any thread that is in a call of
 * Eddy's, or one that Eddy has started (they block all signals); in several at once.  Locks of the
 * library may be held.  So it must return, soon, without an exception or longjmp; it must not fork,
 * and must not call Eddy: but for eddy_error_name, eddy_strerror and eddy_version anything may hang.
 * errno is put back after it, and the thread is not cancelled in it.  It is called neither for what
 * it causes itself, nor in a child of vfork. */
typedef void eddy_log_callback(void *context, enum eddy_log_level level, const char *text);

/* From now on `callback` gets the messages of all levels up to `level`, with `context`, and EDDY_LOG
 * means nothing.  NULL, with EDDY_LOG_NONE: they go to standard error again, as far as EDDY_LOG asks
 * for them.  There is one call-back in a process, for all that is in it; a child of fork has the one
 * of its parent.  When this returns, no thread is in the call-back that was there before, and none
 * will come to it: what it used can be freed, and its library unloaded.
 *
 * Waits for threads that are in the call-back.  Any thread, but not in a call-back: EDDY_EBUSY.
 * Errors: EDDY_EINVAL (there is no such level, or a level without a call-back), EDDY_EBUSY. */
EDDY_API int eddy_log_set(eddy_log_callback *callback, void *context, enum eddy_log_level level);

/* For bindings and plug-ins: says something where the library does, escaped as its own messages are
 * (but for backslashes, as what eddy_last_error says may be part of it).  `otherwise`: up to which
 * level it is shown where there is neither a call-back nor EDDY_LOG.  What nobody has asked for is
 * shown once only, by what it is about: all that stands before its first ": ".
 *
 * Any thread; does not wait for others. */
EDDY_API void eddy_log_say(enum eddy_log_level level, enum eddy_log_level otherwise,
                           const char *format, ...) EDDY_LOG_FORMAT;

#ifdef __cplusplus
}
#endif
#endif
