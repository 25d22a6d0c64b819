/* SPDX-License-Identifier: Apache-2.0 */
#include "renewal.h"

#include "guards.h"
#include "log.h"
#include "publisher.h"
#include "runtime.h"
#include "watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define STACK_BYTES 65536u
#define TOLD        SIGRTMAX /* to this thread alone, which waits for it */

static pthread_mutex_t *const lock = &eddy_guards[EDDY_GUARD_RENEWAL];
static struct cpp2c_Publisher *pubs;
static struct eddy_watcher *watchers;

void eddy_renewal_add_pub(iox_pub_t pub)
{
    pthread_mutex_lock(lock);
    pub->next = pubs;
    pubs = pub;
    pthread_mutex_unlock(lock);
}

void eddy_renewal_remove_pub(iox_pub_t pub)
{
    pthread_mutex_lock(lock);
    struct cpp2c_Publisher **link = &pubs;
    while (*link != NULL && *link != pub) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = pub->next;
    }
    pthread_mutex_unlock(lock);
}

void eddy_renewal_add_watcher(struct eddy_watcher *watcher)
{
    pthread_mutex_lock(lock);
    watcher->next = watchers;
    watchers = watcher;
    pthread_mutex_unlock(lock);
}

void eddy_renewal_remove_watcher(struct eddy_watcher *watcher)
{
    pthread_mutex_lock(lock);
    struct eddy_watcher **link = &watchers;
    while (*link != NULL && *link != watcher) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = watcher->next;
    }
    pthread_mutex_unlock(lock);
}

static void renew(eddy_domain *domain)
{
    eddy_say(EDDY_LOG_ERROR, "the files of the domain in %s were removed while they are in use: %s",
             eddy_domain_dir(domain),
             "starting anew there (systemd's RemoveIPC=yes removes those of a user who logs out)");
    eddy_runtime_renew(domain);
    pthread_mutex_lock(lock);
    for (struct eddy_watcher *watcher = watchers; watcher != NULL; watcher = watcher->next) {
        eddy_watcher_wake(watcher);
    }
    for (iox_pub_t pub = pubs; pub != NULL; pub = pub->next) {
        eddy_publisher_renew(pub);
    }
    pthread_mutex_unlock(lock);
}

static pthread_mutex_t *const guarding =
    &eddy_guards[EDDY_GUARD_WATCHED_DOMAIN]; /* the domains stay open under it */
static bool stopped;

void eddy_renewal_stop(void)
{
    pthread_mutex_lock(guarding);
    stopped = true;
    pthread_mutex_unlock(guarding);
}

/* Asks the kernel to tell this thread.  False: nothing will be told. */
static bool listen_to(eddy_domain *domain, int *fd)
{
    pthread_mutex_lock(guarding);
    bool listens = !stopped && eddy_domain_notify(domain, TOLD, fd) == EDDY_OK;
    if (!stopped && !listens) {
        eddy_say(EDDY_LOG_INFO, "the domain's files are not watched: %s", eddy_last_error());
    }
    pthread_mutex_unlock(guarding);
    return listens;
}

/* Renews it if its files were removed.  False: there is nothing more to watch. */
static bool look(eddy_domain *domain)
{
    pthread_mutex_lock(guarding);
    bool removed = !stopped && eddy_domain_is_removed(domain);
    if (removed) {
        renew(domain);
    }
    bool goes_on = !stopped && !removed;
    pthread_mutex_unlock(guarding);
    return goes_on;
}

/* Unless the program has closed it meanwhile, and opened something else under the number: of that the
 * kernel would not tell by our signal. */
static void forget(int fd)
{
    if (fcntl(fd, F_GETSIG) == TOLD) {
        close(fd);
    }
}

/* Begins with all signals blocked. */
static void *guard_domain(void *domain)
{
    int fd;
    sigset_t told;
    sigemptyset(&told);
    sigaddset(&told, TOLD);
    sigaddset(&told, SIGIO); /* too many of the other */
    if (!listen_to(domain, &fd)) {
        return NULL;
    }
    while (look(domain)) {
        (void)sigwaitinfo(&told, NULL);
    }
    forget(fd);
    return NULL;
}

static bool start(eddy_domain *domain)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, guard_domain, domain);
    if (error == 0) {
        (void)pthread_setname_np(thread, "eddy-renewal");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error == 0;
}

void eddy_renewal_watch(eddy_domain *domain)
{
    if (!start(domain)) {
        eddy_say(EDDY_LOG_INFO, "the domain's files are not watched: there is no thread to be had");
    }
}
