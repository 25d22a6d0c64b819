/* SPDX-License-Identifier: Apache-2.0 */
#include "waitset.h"

#include "log.h"
#include "trigger.h"

#include <stdlib.h>

iox_ws_t iox_ws_init(iox_ws_storage_t *self)
{
    if (self == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_ws_init: the storage is NULL; give one");
        return NULL;
    }
    iox_ws_t set = calloc(1, sizeof *set);
    if (set != NULL) {
        eddy_watcher_open(&set->watcher);
        self->do_not_touch_me[0] = (uint64_t)(uintptr_t)set;
    }
    return set;
}

void iox_ws_deinit(iox_ws_t const self)
{
    if (self == NULL) {
        return;
    }
    eddy_watcher_close(&self->watcher);
    free(self->active);
    free(self->contexts);
    free(self);
}

void iox_ws_mark_for_destruction(iox_ws_t const self)
{
    atomic_store(&self->marked, true);
    eddy_watcher_wake(&self->watcher);
}

uint64_t iox_ws_size(iox_ws_t const self)
{
    return eddy_watcher_count(&self->watcher);
}

uint64_t iox_ws_capacity(iox_ws_t const self)
{
    (void)self;
    return EDDY_IOX_EVENTS;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static bool resize(void ***array, size_t count)
{
    void **moved = realloc(*array, count * sizeof *moved);
    if (moved == NULL) {
        return false;
    }
    *array = moved;
    return true;
}

/* Room to be told of everything that is attached, and of the wake-up event. */
static bool make_room(iox_ws_t set)
{
    size_t needed = eddy_watcher_count(&set->watcher) + 1;
    if (needed <= set->capacity) {
        return true;
    }
    if (!resize(&set->contexts, 2 * needed) || !resize(&set->active, 2 * needed)) {
        return false;
    }
    set->capacity = 2 * needed;
    return true;
}

/* Drops those that have left since they were reported: they may have been attached anew. */
static void activate(iox_ws_t set, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->active_count; i++) {
        struct eddy_watch *watch = set->active[i];
        if (watch->active) {
            set->active[kept++] = watch;
        }
    }
    set->active_count = kept;
    for (size_t i = 0; i < count; i++) {
        struct eddy_watch *watch = set->contexts[i];
        if (watch != NULL && watch->state == EDDY_WATCH_WATCHED && !watch->active &&
            set->active_count < set->capacity) {
            watch->active = true;
            set->active[set->active_count++] = watch;
        }
    }
}

static bool is_satisfied(const struct NotificationInfo *info)
{
    return info->kind != EDDY_WATCH_STATE || iox_sub_has_chunks(info->sub);
}

static void mark_told(struct eddy_watch *watch)
{
    watch->active = false;
    if (watch->info.trigger != NULL) {
        atomic_store(&watch->info.trigger->triggered, false);
    }
}

/* Tells what is active and still so; the rest of `active` is what did not fit. */
static uint64_t tell(iox_ws_t set, iox_notification_info_t *infos, uint64_t capacity)
{
    uint64_t told = 0;
    size_t left = 0;
    for (size_t i = 0; i < set->active_count; i++) {
        struct eddy_watch *watch = set->active[i];
        if (!is_satisfied(&watch->info)) {
            watch->active = false;
        } else if (told < capacity) {
            mark_told(watch);
            infos[told++] = &watch->info;
        } else {
            set->active[left++] = watch;
        }
    }
    set->active_count = left;
    return told;
}

static uint64_t collect(iox_ws_t set, uint64_t deadline, iox_notification_info_t *infos,
                        uint64_t capacity, uint64_t *missed)
{
    uint64_t told = 0;
    int error = EDDY_OK;
    *missed = 0;
    while (told == 0 && *missed == 0 && error == EDDY_OK && !atomic_load(&set->marked)) {
        size_t count = 0;
        if (!make_room(set)) {
            break;
        }
        bool left = set->active_count > 0;
        error = eddy_waitset_wait(set->watcher.waitset, left ? EDDY_POLL : deadline, set->contexts,
                                  set->capacity, &count);
        pthread_mutex_lock(&set->watcher.lock);
        activate(set, error == EDDY_OK ? count : 0);
        told = tell(set, infos, capacity);
        *missed = set->active_count;
        pthread_mutex_unlock(&set->watcher.lock);
        error = left && error == EDDY_EAGAIN ? EDDY_OK : error;
    }
    return told;
}

static uint64_t wait_until(iox_ws_t set, uint64_t deadline, iox_notification_info_t *infos,
                           uint64_t capacity, uint64_t *missed)
{
    uint64_t unseen;
    if (set->watcher.waitset == NULL) {
        *(missed != NULL ? missed : &unseen) = 0;
        return 0;
    }
    return collect(set, deadline, infos, capacity, missed != NULL ? missed : &unseen);
}

uint64_t iox_ws_wait(iox_ws_t const self, iox_notification_info_t *const notificationInfoArray,
                     const uint64_t notificationInfoArrayCapacity, uint64_t *missedElements)
{
    return wait_until(self, EDDY_FOREVER, notificationInfoArray, notificationInfoArrayCapacity,
                      missedElements);
}

uint64_t iox_ws_timed_wait(iox_ws_t const self, struct timespec timeout,
                           iox_notification_info_t *const notificationInfoArray,
                           const uint64_t notificationInfoArrayCapacity, uint64_t *missedElements)
{
    uint64_t seconds = timeout.tv_sec < 0 ? 0 : (uint64_t)timeout.tv_sec;
    uint64_t nanoseconds = timeout.tv_nsec < 0 ? 0 : (uint64_t)timeout.tv_nsec;
    uint64_t deadline = seconds > UINT32_MAX
                            ? EDDY_FOREVER
                            : eddy_deadline(seconds * UINT64_C(1000000000) + nanoseconds);
    return wait_until(self, deadline, notificationInfoArray, notificationInfoArrayCapacity,
                      missedElements);
}
