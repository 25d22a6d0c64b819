/* thread.h - threads of the library's own.  (internal)
 *
 * They block all signals: those are for the program's threads.
 *
 * Threads: any.  Crash: they go with the process; a forked child has none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_THREAD_H
#define EDDY_THREAD_H

#include <pthread.h>

/* As pthread_create: 0, or an errno.  attributes: NULL for those that are usual. */
int eddy_thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                      void *argument);

#endif
