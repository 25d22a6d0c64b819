/* SPDX-License-Identifier: Apache-2.0 */
#include "guards.h"

pthread_mutex_t eddy_guards[EDDY_GUARDS] = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
};

static void before_fork(void)
{
    for (int i = 0; i < EDDY_GUARDS; i++) {
        pthread_mutex_lock(&eddy_guards[i]);
    }
}

static void after_fork(void)
{
    for (int i = EDDY_GUARDS; i > 0; i--) {
        pthread_mutex_unlock(&eddy_guards[i - 1]);
    }
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}
