/* iox_ws_attach_* and iox_ws_detach_*: see waitset.h for the life of a wait set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "waitset.h"

static enum iox_WaitSetResult attach(iox_ws_t set, const struct NotificationInfo *info)
{
    switch (eddy_watcher_attach(&set->watcher, info)) {
    case EDDY_ATTACHED:
        return WaitSetResult_SUCCESS;
    case EDDY_ATTACHED_BEFORE:
        return WaitSetResult_ALREADY_ATTACHED;
    case EDDY_ATTACH_FULL:
        return WaitSetResult_WAIT_SET_FULL;
    case EDDY_ATTACH_FAILED:
        break;
    }
    return WaitSetResult_UNDEFINED_ERROR;
}

enum iox_WaitSetResult
iox_ws_attach_subscriber_state(iox_ws_t const self, iox_sub_t const subscriber,
                               const enum iox_SubscriberState subscriberState, const uint64_t id,
                               void (*callback)(iox_sub_t))
{
    (void)subscriberState; /* there is but one */
    return attach(self, &(struct NotificationInfo){.kind = EDDY_WATCH_STATE,
                                                   .sub = subscriber,
                                                   .id = id,
                                                   .callback = {.sub = callback}});
}

enum iox_WaitSetResult iox_ws_attach_subscriber_state_with_context_data(
    iox_ws_t const self, iox_sub_t const subscriber, const enum iox_SubscriberState subscriberState,
    const uint64_t id, void (*callback)(iox_sub_t, void *), void *const contextData)
{
    (void)subscriberState;
    return attach(self, &(struct NotificationInfo){
                            .kind = EDDY_WATCH_STATE,
                            .sub = subscriber,
                            .id = id,
                            .callback = {.sub_with = callback, .context = contextData}});
}

enum iox_WaitSetResult
iox_ws_attach_subscriber_event(iox_ws_t const self, iox_sub_t const subscriber,
                               const enum iox_SubscriberEvent subscriberEvent,
                               const uint64_t eventId, void (*callback)(iox_sub_t))
{
    (void)subscriberEvent;
    return attach(self, &(struct NotificationInfo){.kind = EDDY_WATCH_EVENT,
                                                   .sub = subscriber,
                                                   .id = eventId,
                                                   .callback = {.sub = callback}});
}

enum iox_WaitSetResult iox_ws_attach_subscriber_event_with_context_data(
    iox_ws_t const self, iox_sub_t const subscriber, const enum iox_SubscriberEvent subscriberEvent,
    const uint64_t eventId, void (*callback)(iox_sub_t, void *), void *const contextData)
{
    (void)subscriberEvent;
    return attach(self, &(struct NotificationInfo){
                            .kind = EDDY_WATCH_EVENT,
                            .sub = subscriber,
                            .id = eventId,
                            .callback = {.sub_with = callback, .context = contextData}});
}

enum iox_WaitSetResult iox_ws_attach_user_trigger_event(iox_ws_t const self,
                                                        iox_user_trigger_t const userTrigger,
                                                        const uint64_t eventId,
                                                        void (*callback)(iox_user_trigger_t))
{
    return attach(self, &(struct NotificationInfo){.kind = EDDY_WATCH_TRIGGER,
                                                   .trigger = userTrigger,
                                                   .id = eventId,
                                                   .callback = {.trigger = callback}});
}

enum iox_WaitSetResult iox_ws_attach_user_trigger_event_with_context_data(
    iox_ws_t const self, iox_user_trigger_t const userTrigger, const uint64_t eventId,
    void (*callback)(iox_user_trigger_t, void *), void *const contextData)
{
    return attach(self, &(struct NotificationInfo){
                            .kind = EDDY_WATCH_TRIGGER,
                            .trigger = userTrigger,
                            .id = eventId,
                            .callback = {.trigger_with = callback, .context = contextData}});
}

void iox_ws_detach_subscriber_event(iox_ws_t const self, iox_sub_t const subscriber,
                                    const enum iox_SubscriberEvent subscriberEvent)
{
    (void)subscriberEvent;
    eddy_watcher_detach_sub(&self->watcher, subscriber, EDDY_WATCH_EVENT);
}

void iox_ws_detach_subscriber_state(iox_ws_t const self, iox_sub_t const subscriber,
                                    const enum iox_SubscriberState subscriberState)
{
    (void)subscriberState;
    eddy_watcher_detach_sub(&self->watcher, subscriber, EDDY_WATCH_STATE);
}

void iox_ws_detach_user_trigger_event(iox_ws_t const self, iox_user_trigger_t const userTrigger)
{
    eddy_watcher_detach_trigger(&self->watcher, userTrigger);
}
