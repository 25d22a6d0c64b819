/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include "dds.h"
#include "guards.h"
#include "log.h"
#include "renewal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What Cyclone DDS calls its runtimes: this, its process id, and a time. */
#define CYCLONE_NAME "iceoryx_rt_"
#define NAME_BYTES   101

static pthread_mutex_t *const lock = &eddy_guards[EDDY_GUARD_RUNTIME];
static eddy_domain *domain_open;
static pid_t domain_pid;
static char runtime_name[NAME_BYTES];
static atomic_bool cyclone;
static atomic_bool shut_down;
static atomic_uint generation;
static _Atomic int64_t started;
static atomic_ulong handles; /* open: writers, readers, wait sets */

/* Cyclone's names tell less to an operator than the program's, which is the default. */
static const char *participant_name(void)
{
    return runtime_name[0] == '\0' || atomic_load(&cyclone) ? NULL : runtime_name;
}

static int open_domain(void)
{
    struct eddy_domain_options options = {.name = participant_name()};
    eddy_domain *opened = NULL;
    int error = eddy_domain_open(&options, &opened);
    if (error != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "no shared memory: %s: %s", eddy_strerror(error),
                 eddy_last_error());
        return error;
    }
    /* A domain inherited over fork is left where it is: handles of the parent still point to it. */
    domain_open = opened;
    domain_pid = getpid();
    if (atomic_load(&cyclone)) {
        eddy_renewal_watch(opened);
    }
    return EDDY_OK;
}

int eddy_runtime_domain(eddy_domain **domain)
{
    pthread_mutex_lock(lock);
    int error = EDDY_OK;
    if (domain_open == NULL || domain_pid != getpid()) {
        error = open_domain();
    }
    if (error == EDDY_OK) {
        *domain = domain_open;
    }
    pthread_mutex_unlock(lock);
    return error;
}

int eddy_runtime_enter(eddy_domain **domain)
{
    atomic_fetch_add(&handles, 1);
    return eddy_runtime_domain(domain);
}

void eddy_runtime_leave(void)
{
    atomic_fetch_sub(&handles, 1);
}

void eddy_runtime_renew(eddy_domain *removed)
{
    pthread_mutex_lock(lock);
    if (domain_open == removed && domain_pid == getpid()) {
        domain_open = NULL;
        atomic_fetch_add(&generation, 1);
    }
    pthread_mutex_unlock(lock);
}

unsigned eddy_runtime_generation(void)
{
    return atomic_load(&generation);
}

int64_t eddy_runtime_wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t eddy_runtime_started(void)
{
    return atomic_load(&started);
}

bool eddy_runtime_is_cyclone(void)
{
    return atomic_load(&cyclone);
}

bool eddy_runtime_is_shut_down(void)
{
    return atomic_load(&shut_down);
}

void iox_runtime_init(const char *const name)
{
    if (name == NULL) {
        eddy_say(EDDY_LOG_ERROR, "iox_runtime_init: the name is NULL; give one");
        return;
    }
    atomic_store(&started, eddy_runtime_wall_clock());
    pthread_mutex_lock(lock);
    if (runtime_name[0] == '\0') {
        size_t length = strnlen(name, NAME_BYTES - 1);
        memcpy(runtime_name, name, length);
        runtime_name[length] = '\0';
    }
    if (strncmp(name, CYCLONE_NAME, sizeof CYCLONE_NAME - 1) == 0) {
        atomic_store(&cyclone, true);
        eddy_dds_find(__builtin_return_address(0));
    }
    pthread_mutex_unlock(lock);
    atomic_store(&shut_down, false);
    eddy_domain *domain;
    (void)eddy_runtime_domain(&domain);
}

uint64_t iox_runtime_get_instance_name(char *const name, const uint64_t nameLength)
{
    if (name == NULL || nameLength == 0) {
        return 0;
    }
    pthread_mutex_lock(lock);
    uint64_t length = strlen(runtime_name);
    uint64_t copied = length < nameLength ? length : nameLength - 1;
    memcpy(name, runtime_name, copied);
    name[copied] = '\0';
    pthread_mutex_unlock(lock);
    return length;
}

void iox_runtime_shutdown(void)
{
    atomic_store(&shut_down, true);
}

void iox_set_loglevel(enum iox_LogLevel level)
{
    (void)level; /* programs set it for a daemon that is not there */
}

/* Leaves at once rather than when somebody notices that the process is gone.  With handles still
 * open there is no leaving: the others reap as after a crash. */
__attribute__((destructor)) static void leave_domain(void)
{
    if (domain_open == NULL || domain_pid != getpid()) {
        return;
    }
    eddy_renewal_stop();
    if (atomic_load(&handles) == 0) {
        (void)eddy_domain_close(domain_open);
        domain_open = NULL;
    }
}
