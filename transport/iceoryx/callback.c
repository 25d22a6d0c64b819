/* Calling back: see watch.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "runtime.h"
#include "subscriber.h"
#include "trigger.h"
#include "watch.h"

void eddy_watch_set_again(struct eddy_watch *watch, uint64_t moment)
{
    watch->watcher->due += moment != 0 ? 1u : 0u;
    watch->watcher->due -= watch->again_at != 0 ? 1u : 0u;
    watch->again_at = moment;
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

#define FIRST_RETRY_NS   UINT64_C(10000000)
#define LONGEST_RETRY_NS UINT64_C(1000000000)

static bool has_reader(iox_sub_t sub)
{
    pthread_mutex_lock(&sub->lock);
    bool has = sub->intake != NULL;
    pthread_mutex_unlock(&sub->lock);
    return has;
}

/* A subscriber that could not be opened (a full file system, say) does not stay deaf. */
static uint64_t deliver(struct eddy_watch *watch, const struct NotificationInfo *info)
{
    iox_sub_t sub = info->sub;
    bool first = watch->retry_ns == 0;
    if (!has_reader(sub) && (first || !eddy_watch_retry(watch))) {
        if (first) { /* its take fails: DDS says so */
            (void)eddy_admission_deliver(sub, info->callback.sub_with, info->callback.context);
        }
        watch->retry_ns = first ? FIRST_RETRY_NS : 2 * watch->retry_ns;
        watch->retry_ns = watch->retry_ns < LONGEST_RETRY_NS ? watch->retry_ns : LONGEST_RETRY_NS;
        return eddy_deadline(watch->retry_ns);
    }
    watch->retry_ns = 0;
    return eddy_admission_deliver(sub, info->callback.sub_with, info->callback.context);
}

/* Returns when it is to be done again, or 0. */
static uint64_t call_back(struct eddy_watch *watch, const struct NotificationInfo *info)
{
    if (info->trigger != NULL) {
        atomic_store(&info->trigger->triggered, false);
    }
    if (watch->watcher->has_thread && info->callback.sub_with != NULL &&
        eddy_runtime_is_cyclone()) {
        return deliver(watch, info);
    }
    eddy_notification_call(info);
    return 0;
}

void eddy_watch_run(struct eddy_watch *watch)
{
    struct eddy_watcher *watcher = watch->watcher;
    pthread_mutex_lock(&watcher->lock);
    bool runs = watch->state == EDDY_WATCH_WATCHED;
    struct NotificationInfo info = watch->info;
    if (runs) {
        eddy_watch_set_again(watch, 0);
        watch->turns++;
        watcher->running = watch;
    }
    pthread_mutex_unlock(&watcher->lock);
    if (!runs) {
        return;
    }
    uint64_t again = call_back(watch, &info);
    pthread_mutex_lock(&watcher->lock);
    watcher->running = NULL;
    watcher->runs++;
    if (watch->state == EDDY_WATCH_LEAVING) {
        watch->state = EDDY_WATCH_POOLED;
    } else if (again != 0 && watch->state == EDDY_WATCH_WATCHED &&
               (watch->again_at == 0 || again < watch->again_at)) {
        eddy_watch_set_again(watch, again);
    }
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
}

static bool is_over(const struct eddy_turn *turn)
{
    const struct eddy_watch *watch = turn->watch;
    return watch->state != EDDY_WATCH_WATCHED || watch->turns > turn->number ||
           (watch->turns == turn->number && watch->watcher->running != watch);
}

void eddy_watch_await_turn(const struct eddy_turn *turn, uint64_t deadline)
{
    EDDY_UNCANCELLED;
    struct eddy_watcher *watcher = turn->watch->watcher;
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u),
                             .tv_nsec = (long)(deadline % 1000000000u)};
    int error = 0;
    pthread_mutex_lock(&watcher->lock);
    while (!is_over(turn) && error == 0) {
        error = pthread_cond_timedwait(&watcher->changed, &watcher->lock, &until);
    }
    watcher->waiters--;
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->lock);
}
