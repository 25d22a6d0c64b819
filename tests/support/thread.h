/* thread.h - threads of a test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_THREAD_H
#define EDDY_TESTS_THREAD_H

#include "check.h"

#include <pthread.h>

/* Sanitizers make everything slower: the same test, with less of it. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static inline pthread_t thread_start(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

static inline void thread_join(pthread_t thread)
{
    check(pthread_join(thread, NULL) == 0);
}

#endif
