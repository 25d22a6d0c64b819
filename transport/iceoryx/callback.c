/* Calling back: see watch.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "trigger.h"
#include "watch.h"

void eddy_watch_set_pending(struct eddy_watch *watch, bool pending)
{
    watch->watcher->pending += pending && !watch->pending ? 1 : 0;
    watch->watcher->pending -= watch->pending && !pending ? 1 : 0;
    watch->pending = pending;
}

void eddy_notification_call(const struct NotificationInfo *info)
{
    const struct eddy_callback *callback = &info->callback;
    if (callback->sub != NULL) {
        callback->sub(info->sub);
    } else if (callback->sub_with != NULL) {
        callback->sub_with(info->sub, callback->context);
    } else if (callback->trigger != NULL) {
        callback->trigger(info->trigger);
    } else if (callback->trigger_with != NULL) {
        callback->trigger_with(info->trigger, callback->context);
    }
}

/* Under the watcher's lock.  False: not now. */
static bool may_run(struct eddy_watch *watch)
{
    if (watch->state != EDDY_WATCH_WATCHED) {
        return false;
    }
    bool due = watch->not_before == 0 || eddy_now() >= watch->not_before;
    if (due) {
        watch->not_before = 0;
    }
    eddy_watch_set_pending(watch, !due);
    return due;
}

void eddy_watch_run(struct eddy_watch *watch)
{
    struct eddy_watcher *watcher = watch->watcher;
    pthread_mutex_lock(&watcher->lock);
    bool runs = may_run(watch);
    struct NotificationInfo info = watch->info;
    if (runs) {
        watcher->running = watch;
    }
    pthread_mutex_unlock(&watcher->lock);
    if (!runs) {
        return;
    }
    if (info.trigger != NULL) {
        atomic_store(&info.trigger->triggered, false);
    }
    eddy_notification_call(&info);
    pthread_mutex_lock(&watcher->lock);
    watcher->running = NULL;
    watcher->runs++;
    if (watch->state == EDDY_WATCH_LEAVING) {
        watch->state = EDDY_WATCH_POOLED;
    }
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
}
