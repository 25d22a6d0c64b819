/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include "allocator/cancel.h"
#include "guards.h"
#include "log.h"
#include "runtime.h"
#include "subscriber.h"
#include "trigger.h"

#include <stdlib.h>

/* A program that attaches a subscriber with history in it is not called back before it has had the
 * time to get ready.  Of Cyclone DDS it is known when it is: see admission.h. */
#define CALM_NS UINT64_C(100000000)

static pthread_mutex_t *const wiring = &eddy_guards[EDDY_GUARD_WIRING];

/* The wait set of a watcher whose event is there, in the domain that there is now. */
static void open_waitset(struct eddy_watcher *watcher)
{
    eddy_domain *domain;
    watcher->generation = eddy_runtime_generation();
    int error = eddy_runtime_enter(&domain);
    if (error == EDDY_OK) {
        error = eddy_waitset_open(domain, &watcher->waitset);
    }
    if (error == EDDY_OK) {
        error = eddy_waitset_attach_event(watcher->waitset, watcher->wake, EDDY_WAIT_EDGE, NULL);
    }
    if (error != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "listener or wait set: %s: %s", eddy_strerror(error),
                 eddy_last_error());
        (void)eddy_waitset_close(watcher->waitset);
        watcher->waitset = NULL;
    }
}

void eddy_watcher_open(struct eddy_watcher *watcher)
{
    *watcher = (struct eddy_watcher){.waitset = NULL};
    pthread_mutex_init(&watcher->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watcher->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    (void)eddy_event_open(&watcher->wake); /* NULL: no wait set to be had, either */
    open_waitset(watcher);
}

void eddy_watcher_wake(struct eddy_watcher *watcher)
{
    if (watcher->wake != NULL) {
        eddy_event_trigger(watcher->wake);
    }
    pthread_mutex_lock(&watcher->lock);
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
}

/* --- the engine's side: a watch's reader or event on its watcher's wait set ------------------- */

/* A turn without a publication. */
static void run_later(struct eddy_watch *watch)
{
    uint64_t calm = eddy_runtime_is_cyclone() ? 0 : CALM_NS;
    pthread_mutex_lock(&watch->watcher->lock);
    eddy_watch_set_again(watch, eddy_deadline(calm));
    pthread_mutex_unlock(&watch->watcher->lock);
    eddy_watcher_wake(watch->watcher); /* it must look at its time again */
}

static int engage_reader(struct eddy_watch *watch)
{
    iox_sub_t sub = watch->info.sub;
    int error = EDDY_OK;
    pthread_mutex_lock(&sub->lock);
    bool queued = sub->intake != NULL &&
                  (eddy_runtime_is_cyclone() || eddy_reader_ready(sub->intake->reader));
    if (sub->intake != NULL) {
        uint32_t mode = watch->info.kind == EDDY_WATCH_STATE ? EDDY_WAIT_LEVEL : EDDY_WAIT_EDGE;
        error =
            eddy_waitset_attach_reader(watch->watcher->waitset, sub->intake->reader, mode, watch);
    } else if (sub->wants) {
        error = EDDY_ENOENT;
    }
    pthread_mutex_unlock(&sub->lock);
    if (queued && watch->watcher->has_thread) {
        run_later(watch);
    }
    return error;
}

static void disengage(struct eddy_watch *watch)
{
    if (watch->watcher->waitset == NULL) {
        return;
    }
    if (watch->info.trigger != NULL) {
        (void)eddy_waitset_detach_event(watch->watcher->waitset, watch->info.trigger->event);
        return;
    }
    iox_sub_t sub = watch->info.sub;
    pthread_mutex_lock(&sub->lock);
    if (sub->intake != NULL) {
        (void)eddy_waitset_detach_reader(watch->watcher->waitset, sub->intake->reader);
    }
    pthread_mutex_unlock(&sub->lock);
}

/* Cyclone DDS hangs at its end when it cannot attach a reader.  It gets a reader without data
 * instead, and is called back once: its take then fails, and Cyclone says so in its log. */
static int forgive(struct eddy_watch *watch, int error)
{
    if (error == EDDY_OK || !watch->watcher->has_thread || !eddy_runtime_is_cyclone()) {
        return error;
    }
    run_later(watch);
    return EDDY_OK;
}

static int engage(struct eddy_watch *watch)
{
    if (watch->watcher->waitset == NULL) {
        return forgive(watch, EDDY_ENOENT);
    }
    if (watch->info.trigger == NULL) {
        return forgive(watch, engage_reader(watch));
    }
    return eddy_waitset_attach_event(watch->watcher->waitset, watch->info.trigger->event,
                                     EDDY_WAIT_EDGE, watch);
}

/* --- the pool --------------------------------------------------------------------------------- */

/* A watch from the pool, WATCHED; NULL: no memory. */
static struct eddy_watch *watch_get(struct eddy_watcher *watcher,
                                    const struct NotificationInfo *info)
{
    pthread_mutex_lock(&watcher->lock);
    struct eddy_watch *watch = watcher->watches;
    while (watch != NULL && watch->state != EDDY_WATCH_POOLED) {
        watch = watch->next;
    }
    if (watch == NULL) {
        watch = calloc(1, sizeof *watch);
        if (watch != NULL) {
            watch->watcher = watcher;
            watch->next = watcher->watches;
            watcher->watches = watch;
        }
    }
    if (watch != NULL) {
        watch->info = *info;
        watch->state = EDDY_WATCH_WATCHED;
        watch->retry_ns = 0;
        watcher->watched++;
    }
    pthread_mutex_unlock(&watcher->lock);
    return watch;
}

/* Under the watcher's lock. */
static void watch_put(struct eddy_watch *watch)
{
    struct eddy_watcher *watcher = watch->watcher;
    eddy_watch_set_again(watch, 0);
    watch->active = false;
    watch->state = watcher->running == watch ? EDDY_WATCH_LEAVING : EDDY_WATCH_POOLED;
    watcher->watched--;
}

/* Waits until the callback that runs now, if it is this watch's, has returned; not inside of it. */
static void watch_put_quietly(struct eddy_watch *watch)
{
    EDDY_UNCANCELLED;
    struct eddy_watcher *watcher = watch->watcher;
    pthread_mutex_lock(&watcher->lock);
    watch_put(watch);
    bool inside = watcher->has_thread && pthread_equal(pthread_self(), watcher->thread);
    uint64_t run = watcher->runs;
    while (!inside && watcher->running == watch && watcher->runs == run) {
        pthread_cond_wait(&watcher->changed, &watcher->lock);
    }
    pthread_mutex_unlock(&watcher->lock);
}

/* --- wiring ----------------------------------------------------------------------------------- */

static struct eddy_watch **watch_of(const struct NotificationInfo *info)
{
    return info->sub != NULL ? &info->sub->watch : &info->trigger->watch;
}

static void set_watch(const struct NotificationInfo *info, struct eddy_watch *watch)
{
    *watch_of(info) = watch;
    if (info->trigger != NULL) {
        atomic_store(&info->trigger->attached, watch != NULL);
        atomic_store(&info->trigger->triggered, false);
    }
}

/* Under wiring. */
static void unwire(struct eddy_watch *watch)
{
    set_watch(&watch->info, NULL);
    disengage(watch);
}

/* Under wiring. */
static enum eddy_attach wire(struct eddy_watcher *watcher, const struct NotificationInfo *info)
{
    struct eddy_watch *watch = watch_get(watcher, info);
    if (watch == NULL) {
        return EDDY_ATTACH_FAILED;
    }
    set_watch(&watch->info, watch);
    int error = engage(watch);
    if (error != EDDY_OK) {
        eddy_say(EDDY_LOG_ERROR, "attach: %s: %s", eddy_strerror(error), eddy_last_error());
        set_watch(&watch->info, NULL);
        watch_put_quietly(watch);
        return error == EDDY_ELIMIT ? EDDY_ATTACH_FULL : EDDY_ATTACH_FAILED;
    }
    return EDDY_ATTACHED;
}

enum eddy_attach eddy_watcher_attach(struct eddy_watcher *watcher,
                                     const struct NotificationInfo *info)
{
    if (watcher->waitset == NULL && !watcher->has_thread) {
        return EDDY_ATTACH_FAILED;
    }
    enum eddy_attach result = EDDY_ATTACHED_BEFORE;
    pthread_mutex_lock(wiring);
    struct eddy_watch *old = *watch_of(info);
    bool repeated = old != NULL && old->watcher == watcher && old->info.kind == info->kind;
    if (!repeated) {
        if (old != NULL) {
            unwire(old);
        }
        result = wire(watcher, info);
    }
    pthread_mutex_unlock(wiring);
    if (!repeated && old != NULL) {
        watch_put_quietly(old);
    }
    return result;
}

/* Takes an origin off its watcher; off this one only, if it is not NULL. */
static void leave(struct eddy_watcher *watcher, const struct NotificationInfo *info)
{
    pthread_mutex_lock(wiring);
    struct eddy_watch *watch = *watch_of(info);
    if (watch != NULL && watcher != NULL &&
        (watch->watcher != watcher || watch->info.kind != info->kind)) {
        watch = NULL;
    }
    if (watch != NULL) {
        unwire(watch);
    }
    pthread_mutex_unlock(wiring);
    if (watch != NULL) {
        watch_put_quietly(watch);
    }
}

void eddy_watcher_detach_sub(struct eddy_watcher *watcher, iox_sub_t sub, enum eddy_watch_kind kind)
{
    leave(watcher, &(struct NotificationInfo){.kind = kind, .sub = sub});
}

void eddy_watcher_detach_trigger(struct eddy_watcher *watcher, iox_user_trigger_t trigger)
{
    leave(watcher, &(struct NotificationInfo){.kind = EDDY_WATCH_TRIGGER, .trigger = trigger});
}

void eddy_watch_leave_sub(iox_sub_t sub)
{
    leave(NULL, &(struct NotificationInfo){.sub = sub});
}

void eddy_watch_leave_trigger(iox_user_trigger_t trigger)
{
    leave(NULL, &(struct NotificationInfo){.trigger = trigger});
}

void eddy_watch_pause_sub(iox_sub_t sub)
{
    pthread_mutex_lock(wiring);
    if (sub->watch != NULL) {
        disengage(sub->watch);
    }
}

void eddy_watch_resume_sub(iox_sub_t sub)
{
    struct eddy_watch *watch = sub->watch;
    if (watch != NULL) {
        int error = engage(watch);
        if (error != EDDY_OK) {
            eddy_say(EDDY_LOG_ERROR, "attach: %s: %s", eddy_strerror(error), eddy_last_error());
        }
    }
    pthread_mutex_unlock(wiring);
}

/* Under wiring: true if its origin is there, and stays as long as wiring is held. */
static bool is_wired(struct eddy_watch *watch)
{
    pthread_mutex_lock(&watch->watcher->lock); /* who leaves has to come by it before it goes */
    bool wired = watch->state == EDDY_WATCH_WATCHED && *watch_of(&watch->info) == watch;
    pthread_mutex_unlock(&watch->watcher->lock);
    return wired;
}

/* All watches; the list only ever grows at its head. */
static struct eddy_watch *first_of(struct eddy_watcher *watcher)
{
    pthread_mutex_lock(&watcher->lock);
    struct eddy_watch *first = watcher->watches;
    pthread_mutex_unlock(&watcher->lock);
    return first;
}

static void leave_waitset(struct eddy_watcher *watcher)
{
    for (struct eddy_watch *watch = first_of(watcher); watch != NULL; watch = watch->next) {
        if (is_wired(watch)) {
            disengage(watch);
        }
    }
    if (watcher->waitset != NULL) {
        (void)eddy_waitset_detach_event(watcher->waitset, watcher->wake);
        (void)eddy_waitset_close(watcher->waitset);
    }
    eddy_runtime_leave();
    watcher->waitset = NULL;
}

void eddy_watcher_renew(struct eddy_watcher *watcher)
{
    if (watcher->generation == eddy_runtime_generation()) {
        return;
    }
    for (struct eddy_watch *watch = first_of(watcher); watch != NULL; watch = watch->next) {
        eddy_watch_run(watch); /* what is there comes first */
    }
    pthread_mutex_lock(wiring);
    leave_waitset(watcher);
    open_waitset(watcher);
    for (struct eddy_watch *watch = first_of(watcher); watch != NULL; watch = watch->next) {
        if (is_wired(watch)) {
            if (watch->info.sub != NULL) {
                (void)eddy_subscriber_renew(watch->info.sub);
            }
            (void)engage(watch);
        }
    }
    pthread_mutex_unlock(wiring);
}

bool eddy_watch_retry(struct eddy_watch *watch)
{
    struct eddy_watcher *watcher = watch->watcher;
    pthread_mutex_lock(wiring);
    bool has = false;
    if (is_wired(watch)) {
        if (watcher->waitset == NULL) {
            eddy_runtime_leave();
            open_waitset(watcher);
        }
        has = watcher->waitset != NULL && eddy_subscriber_renew(watch->info.sub) &&
              engage_reader(watch) == EDDY_OK;
    }
    pthread_mutex_unlock(wiring);
    return has;
}

bool eddy_watch_ask_turn(iox_sub_t sub, struct eddy_turn *turn)
{
    pthread_mutex_lock(wiring);
    struct eddy_watch *watch = sub->watch;
    struct eddy_watcher *watcher = watch != NULL ? watch->watcher : NULL;
    bool asked =
        watcher != NULL && watcher->has_thread && !pthread_equal(pthread_self(), watcher->thread);
    if (asked) {
        pthread_mutex_lock(&watcher->lock);
        eddy_watch_set_again(watch, eddy_now());
        if (turn != NULL) {
            *turn = (struct eddy_turn){watch, watch->turns + 1};
            watcher->waiters++;
        }
        pthread_mutex_unlock(&watcher->lock);
        eddy_watcher_wake(watcher);
    }
    pthread_mutex_unlock(wiring);
    return asked;
}

bool eddy_watch_come_again(iox_sub_t sub)
{
    pthread_mutex_lock(wiring);
    struct eddy_watch *watch = sub->watch;
    struct eddy_watcher *watcher = watch != NULL ? watch->watcher : NULL;
    bool comes = watcher != NULL && watcher->has_thread;
    if (comes) {
        pthread_mutex_lock(&watcher->lock);
        eddy_watch_set_again(watch, eddy_now());
        pthread_mutex_unlock(&watcher->lock);
        eddy_watcher_wake(watcher);
    }
    pthread_mutex_unlock(wiring);
    return comes;
}

void eddy_watcher_close(struct eddy_watcher *watcher)
{
    EDDY_UNCANCELLED;
    pthread_mutex_lock(wiring);
    for (struct eddy_watch *watch = watcher->watches; watch != NULL; watch = watch->next) {
        if (watch->state == EDDY_WATCH_WATCHED) {
            unwire(watch);
        }
    }
    pthread_mutex_unlock(wiring);
    pthread_mutex_lock(&watcher->lock);
    pthread_cond_broadcast(&watcher->changed); /* nobody is watched any more */
    while (watcher->waiters > 0) {
        pthread_cond_wait(&watcher->changed, &watcher->lock);
    }
    pthread_mutex_unlock(&watcher->lock);
    (void)eddy_waitset_close(watcher->waitset);
    (void)eddy_event_close(watcher->wake);
    eddy_runtime_leave();
    while (watcher->watches != NULL) {
        struct eddy_watch *next = watcher->watches->next;
        free(watcher->watches);
        watcher->watches = next;
    }
    pthread_cond_destroy(&watcher->changed);
    pthread_mutex_destroy(&watcher->lock);
}

size_t eddy_watcher_count(struct eddy_watcher *watcher)
{
    pthread_mutex_lock(&watcher->lock);
    size_t count = watcher->watched;
    pthread_mutex_unlock(&watcher->lock);
    return count;
}
