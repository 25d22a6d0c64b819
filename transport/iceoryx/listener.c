/* iox_listener_*: one thread that calls back.
 *
 *   init (thread starts) -> attach, detach ... -> deinit (thread joined)
 *
 * Callbacks of one listener never run in parallel.  What comes while one runs is told once more: at
 * least one callback starts after each publish.  What was queued before attach is told a little
 * later, so that a late reader gets its history without the next publish; see watch.c.
 *
 * Threads: any.
 * Crash:   private memory and a doorbell; see eddy/waitset.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "parting.h"
#include "renewal.h"
#include "runtime.h"
#include "watch.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 64

struct Listener {
    struct eddy_watcher watcher;
    atomic_bool stop;
};

/* When the next turn is due. */
static uint64_t next_due(struct eddy_watcher *watcher)
{
    uint64_t due = EDDY_FOREVER;
    pthread_mutex_lock(&watcher->lock);
    struct eddy_watch *watch = watcher->due > 0 ? watcher->watches : NULL;
    for (; watch != NULL; watch = watch->next) {
        if (watch->again_at != 0 && watch->again_at < due) {
            due = watch->again_at;
        }
    }
    pthread_mutex_unlock(&watcher->lock);
    return due;
}

static struct eddy_watch *due_one(struct eddy_watcher *watcher, uint64_t now)
{
    pthread_mutex_lock(&watcher->lock);
    struct eddy_watch *watch = watcher->due > 0 ? watcher->watches : NULL;
    while (watch != NULL && !(watch->again_at != 0 && watch->again_at <= now)) {
        watch = watch->next;
    }
    pthread_mutex_unlock(&watcher->lock);
    return watch;
}

static void run_due(struct Listener *listener)
{
    uint64_t now = eddy_now();
    struct eddy_watch *watch = due_one(&listener->watcher, now);
    while (watch != NULL && !atomic_load(&listener->stop)) {
        eddy_watch_run(watch);
        watch = due_one(&listener->watcher, now);
    }
}

static void run_reported(struct Listener *listener, void **contexts, size_t count)
{
    for (size_t i = 0; i < count && !atomic_load(&listener->stop); i++) {
        if (contexts[i] != NULL) {
            eddy_watch_run(contexts[i]);
        }
    }
}

static int wait_for_reports(struct Listener *listener)
{
    void *contexts[BATCH];
    size_t count = 0;
    int error = eddy_waitset_wait(listener->watcher.waitset, next_due(&listener->watcher), contexts,
                                  BATCH, &count);
    if (error == EDDY_OK) {
        run_reported(listener, contexts, count);
    }
    return error == EDDY_EAGAIN || error == EDDY_ETIMEDOUT ? EDDY_OK : error;
}

/* For a listener that has no wait set: nothing will be reported. */
static int wait_for_time(struct Listener *listener)
{
    struct eddy_watcher *watcher = &listener->watcher;
    uint64_t due = next_due(watcher);
    struct timespec until = {.tv_sec = (time_t)(due / 1000000000u),
                             .tv_nsec = (long)(due % 1000000000u)};
    pthread_mutex_lock(&watcher->lock);
    if (watcher->due > 0 && due != EDDY_FOREVER) {
        (void)pthread_cond_timedwait(&watcher->changed, &watcher->lock, &until);
    } else if (watcher->due == 0 && !atomic_load(&listener->stop)) {
        (void)pthread_cond_wait(&watcher->changed, &watcher->lock);
    }
    pthread_mutex_unlock(&watcher->lock);
    return EDDY_OK;
}

/* Cyclone DDS makes a listener with its domain, and a participant right after: as soon as there is
 * one, we are told what it has. */
static void await_participant(struct Listener *listener)
{
    const struct timespec pause = {.tv_nsec = 500000};
    for (int tries = 0; tries < 200 && !atomic_load(&listener->stop); tries++) {
        if (eddy_parting_watch_all()) {
            return;
        }
        nanosleep(&pause, NULL);
    }
}

static void *listen(void *argument)
{
    struct Listener *listener = argument;
    int error = EDDY_OK;
    if (eddy_runtime_is_cyclone()) {
        await_participant(listener);
    }
    while (!atomic_load(&listener->stop) && error == EDDY_OK) {
        error = listener->watcher.waitset != NULL ? wait_for_reports(listener)
                                                  : wait_for_time(listener);
        eddy_watcher_renew(&listener->watcher);
        run_due(listener);
    }
    if (error != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "a listener stops: %s", eddy_strerror(error));
    }
    return NULL;
}

/* Signals are the program's: its own threads shall get them. */
static bool start_thread(struct Listener *listener)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&listener->watcher.thread, NULL, listen, listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        eddy_say(EDDY_LOG_ERROR, "a listener's thread cannot be had: error %d", error);
        return false;
    }
    (void)pthread_setname_np(listener->watcher.thread, "eddy-listener");
    return true;
}

iox_listener_t iox_listener_init(iox_listener_storage_t *self)
{
    if (self == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_listener_init: the storage is NULL; give one");
        return NULL;
    }
    struct Listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return NULL;
    }
    eddy_watcher_open(&listener->watcher);
    if (listener->watcher.waitset != NULL || eddy_runtime_is_cyclone()) {
        listener->watcher.has_thread = start_thread(listener);
        eddy_renewal_add_watcher(&listener->watcher);
    }
    self->do_not_touch_me[0] = (uint64_t)(uintptr_t)listener;
    return listener;
}

void iox_listener_deinit(iox_listener_t const self)
{
    if (self == NULL) {
        return;
    }
    eddy_renewal_remove_watcher(&self->watcher);
    atomic_store(&self->stop, true);
    if (self->watcher.has_thread) {
        eddy_watcher_wake(&self->watcher);
        pthread_join(self->watcher.thread, NULL);
    }
    eddy_watcher_close(&self->watcher);
    free(self);
}

static enum iox_ListenerResult attach(iox_listener_t self, const struct NotificationInfo *info)
{
    if (!self->watcher.has_thread) {
        return ListenerResult_UNDEFINED_ERROR;
    }
    switch (eddy_watcher_attach(&self->watcher, info)) {
    case EDDY_ATTACHED:
        return ListenerResult_SUCCESS;
    case EDDY_ATTACHED_BEFORE:
        return ListenerResult_EVENT_ALREADY_ATTACHED;
    case EDDY_ATTACH_FULL:
        return ListenerResult_LISTENER_FULL;
    case EDDY_ATTACH_FAILED:
        break;
    }
    return ListenerResult_UNDEFINED_ERROR;
}

enum iox_ListenerResult iox_listener_attach_subscriber_event_with_context_data(
    iox_listener_t const self, iox_sub_t const subscriber,
    const enum iox_SubscriberEvent subscriberEvent, void (*callback)(iox_sub_t, void *),
    void *const contextData)
{
    if (callback == NULL) {
        return ListenerResult_EMPTY_EVENT_CALLBACK;
    }
    (void)subscriberEvent; /* there is but one */
    return attach(self, &(struct NotificationInfo){
                            .kind = EDDY_WATCH_EVENT,
                            .sub = subscriber,
                            .callback = {.sub_with = callback, .context = contextData}});
}

enum iox_ListenerResult
iox_listener_attach_subscriber_event(iox_listener_t const self, iox_sub_t const subscriber,
                                     const enum iox_SubscriberEvent subscriberEvent,
                                     void (*callback)(iox_sub_t))
{
    if (callback == NULL) {
        return ListenerResult_EMPTY_EVENT_CALLBACK;
    }
    (void)subscriberEvent;
    return attach(self, &(struct NotificationInfo){.kind = EDDY_WATCH_EVENT,
                                                   .sub = subscriber,
                                                   .callback = {.sub = callback}});
}

enum iox_ListenerResult iox_listener_attach_user_trigger_event_with_context_data(
    iox_listener_t const self, iox_user_trigger_t const userTrigger,
    void (*callback)(iox_user_trigger_t, void *), void *const contextData)
{
    if (callback == NULL) {
        return ListenerResult_EMPTY_EVENT_CALLBACK;
    }
    return attach(self, &(struct NotificationInfo){
                            .kind = EDDY_WATCH_TRIGGER,
                            .trigger = userTrigger,
                            .callback = {.trigger_with = callback, .context = contextData}});
}

enum iox_ListenerResult iox_listener_attach_user_trigger_event(iox_listener_t const self,
                                                               iox_user_trigger_t const userTrigger,
                                                               void (*callback)(iox_user_trigger_t))
{
    if (callback == NULL) {
        return ListenerResult_EMPTY_EVENT_CALLBACK;
    }
    return attach(self, &(struct NotificationInfo){.kind = EDDY_WATCH_TRIGGER,
                                                   .trigger = userTrigger,
                                                   .callback = {.trigger = callback}});
}

void iox_listener_detach_subscriber_event(iox_listener_t const self, iox_sub_t const subscriber,
                                          const enum iox_SubscriberEvent subscriberEvent)
{
    (void)subscriberEvent;
    eddy_watcher_detach_sub(&self->watcher, subscriber, EDDY_WATCH_EVENT);
}

void iox_listener_detach_user_trigger_event(iox_listener_t const self,
                                            iox_user_trigger_t const userTrigger)
{
    eddy_watcher_detach_trigger(&self->watcher, userTrigger);
}

uint64_t iox_listener_size(iox_listener_t const self)
{
    return eddy_watcher_count(&self->watcher);
}

uint64_t iox_listener_capacity(iox_listener_t const self)
{
    (void)self;
    return EDDY_IOX_EVENTS;
}
