/* SPDX-License-Identifier: Apache-2.0 */
#include "allocator/thread.h"

#include <signal.h>

int eddy_thread_start(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                      void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a thread begins with its maker's */
    int rc = pthread_create(thread, attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}
