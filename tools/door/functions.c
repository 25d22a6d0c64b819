/* functions.c - the functions of the stand-in, those of transport/iceoryx/symbols.txt, one by one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tools/door/door.h"

#pragma GCC visibility push(default)
#include <iceoryx_binding_c/api.h>
#pragma GCC visibility pop
#include <string.h>

/* Types and lists of parameters have no parentheses, and those are iceoryx's.
 * NOLINTBEGIN(bugprone-macro-parentheses, readability-function-size) */

/* `forward` is the function of that name behind the door.  It is called last, so that it returns to
 * who called the door; see CMakeLists.txt. */
#define BEHIND(name)                                                                               \
    static _Atomic(void *) known;                                                                  \
    __typeof__(&(name)) forward;                                                                   \
    void *found = eddy_door_through(&known, #name);                                                \
    memcpy(&forward, &found, sizeof forward)

/* One that returns something. */
#define LEAD(type, name, parameters, arguments)                                                    \
    type name parameters                                                                           \
    {                                                                                              \
        BEHIND(name);                                                                              \
        return forward arguments;                                                                  \
    }

/* One that does not. */
#define LEAD_ON(name, parameters, arguments)                                                       \
    void name parameters                                                                           \
    {                                                                                              \
        BEHIND(name);                                                                              \
        forward arguments;                                                                         \
    }

/* the runtime */
LEAD(uint64_t, iox_runtime_get_instance_name, (char *const name, const uint64_t nameLength),
     (name, nameLength))
LEAD_ON(iox_runtime_init, (const char *const name), (name))
LEAD_ON(iox_runtime_shutdown, (void), ())

/* the log */
LEAD_ON(iox_set_loglevel, (enum iox_LogLevel level), (level))

/* limits */
LEAD(uint32_t, iox_cfg_chunk_default_user_payload_alignment, (void), ())
LEAD(uint32_t, iox_cfg_max_chunks_allocated_per_publisher_simultaneously, (void), ())
LEAD(uint32_t, iox_cfg_max_chunks_held_per_subscriber_simultaneously, (void), ())
LEAD(uint32_t, iox_cfg_max_findservice_result_size, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_attachments_per_waitset, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_condition_variables, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_events_per_listener, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_memory_blocks_per_memory_provider, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_memory_provider, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_mempools, (void), ())
LEAD(uint32_t, iox_cfg_max_number_of_notifiers_per_condition_variable, (void), ())
LEAD(uint32_t, iox_cfg_max_process_number, (void), ())
LEAD(uint64_t, iox_cfg_max_publisher_history, (void), ())
LEAD(uint32_t, iox_cfg_max_publishers, (void), ())
LEAD(uint32_t, iox_cfg_max_runtime_name_length, (void), ())
LEAD(uint32_t, iox_cfg_max_shm_segments, (void), ())
LEAD(uint32_t, iox_cfg_max_subscriber_queue_capacity, (void), ())
LEAD(uint32_t, iox_cfg_max_subscribers, (void), ())
LEAD(uint32_t, iox_cfg_max_subscribers_per_publisher, (void), ())
LEAD(uint32_t, iox_cfg_no_user_header_alignment, (void), ())
LEAD(uint32_t, iox_cfg_no_user_header_size, (void), ())
LEAD(uint32_t, iox_cfg_service_registry_capacity, (void), ())

/* services */
LEAD_ON(iox_service_discovery_deinit, (iox_service_discovery_t const self), (self))
LEAD(uint64_t, iox_service_discovery_find_service,
     (iox_service_discovery_t const self, const char *const service, const char *const instance,
      const char *const event, iox_service_description_t *const serviceContainer,
      const uint64_t serviceContainerCapacity, uint64_t *missedServices,
      const enum iox_MessagingPattern pattern),
     (self, service, instance, event, serviceContainer, serviceContainerCapacity, missedServices,
      pattern))
LEAD_ON(iox_service_discovery_find_service_apply_callable,
        (iox_service_discovery_t const self, const char *const service, const char *const instance,
         const char *const event, void (*callable)(const iox_service_description_t),
         const enum iox_MessagingPattern pattern),
        (self, service, instance, event, callable, pattern))
LEAD_ON(iox_service_discovery_find_service_apply_callable_with_context_data,
        (iox_service_discovery_t const self, const char *const service, const char *const instance,
         const char *const event, void (*callable)(const iox_service_description_t, void *),
         void *const contextData, const enum iox_MessagingPattern pattern),
        (self, service, instance, event, callable, contextData, pattern))
LEAD(iox_service_discovery_t, iox_service_discovery_init, (iox_service_discovery_storage_t * self),
     (self))

/* publishers */
LEAD_ON(iox_pub_deinit, (iox_pub_t const self), (self))
LEAD(iox_service_description_t, iox_pub_get_service_description, (iox_pub_t const self), (self))
LEAD(bool, iox_pub_has_subscribers, (iox_pub_t const self), (self))
LEAD(iox_pub_t, iox_pub_init,
     (iox_pub_storage_t * self, const char *const service, const char *const instance,
      const char *const event, const iox_pub_options_t *const options),
     (self, service, instance, event, options))
LEAD(bool, iox_pub_is_offered, (iox_pub_t const self), (self))
LEAD(enum iox_AllocationResult, iox_pub_loan_aligned_chunk,
     (iox_pub_t const self, void **const userPayload, const uint32_t userPayloadSize,
      const uint32_t userPayloadAlignment),
     (self, userPayload, userPayloadSize, userPayloadAlignment))
LEAD(enum iox_AllocationResult, iox_pub_loan_aligned_chunk_with_user_header,
     (iox_pub_t const self, void **const userPayload, const uint32_t userPayloadSize,
      const uint32_t userPayloadAlignment, const uint32_t userHeaderSize,
      const uint32_t userHeaderAlignment),
     (self, userPayload, userPayloadSize, userPayloadAlignment, userHeaderSize,
      userHeaderAlignment))
LEAD(enum iox_AllocationResult, iox_pub_loan_chunk,
     (iox_pub_t const self, void **const userPayload, const uint32_t userPayloadSize),
     (self, userPayload, userPayloadSize))
LEAD_ON(iox_pub_offer, (iox_pub_t const self), (self))
LEAD_ON(iox_pub_options_init, (iox_pub_options_t * options), (options))
LEAD(bool, iox_pub_options_is_initialized, (const iox_pub_options_t *const options), (options))
LEAD_ON(iox_pub_publish_chunk, (iox_pub_t const self, void *const userPayload), (self, userPayload))
LEAD_ON(iox_pub_release_chunk, (iox_pub_t const self, void *const userPayload), (self, userPayload))
LEAD_ON(iox_pub_stop_offer, (iox_pub_t const self), (self))

/* subscribers */
LEAD_ON(iox_sub_deinit, (iox_sub_t const self), (self))
LEAD(iox_service_description_t, iox_sub_get_service_description, (iox_sub_t const self), (self))
LEAD(enum iox_SubscribeState, iox_sub_get_subscription_state, (iox_sub_t const self), (self))
LEAD(bool, iox_sub_has_chunks, (iox_sub_t const self), (self))
LEAD(bool, iox_sub_has_lost_chunks, (iox_sub_t const self), (self))
LEAD(iox_sub_t, iox_sub_init,
     (iox_sub_storage_t * self, const char *const service, const char *const instance,
      const char *const event, const iox_sub_options_t *const options),
     (self, service, instance, event, options))
LEAD_ON(iox_sub_options_init, (iox_sub_options_t *const options), (options))
LEAD(bool, iox_sub_options_is_initialized, (const iox_sub_options_t *const options), (options))
LEAD_ON(iox_sub_release_chunk, (iox_sub_t const self, const void *const userPayload),
        (self, userPayload))
LEAD_ON(iox_sub_release_queued_chunks, (iox_sub_t const self), (self))
LEAD_ON(iox_sub_subscribe, (iox_sub_t const self), (self))
LEAD(enum iox_ChunkReceiveResult, iox_sub_take_chunk,
     (iox_sub_t const self, const void **const userPayload), (self, userPayload))
LEAD_ON(iox_sub_unsubscribe, (iox_sub_t const self), (self))

/* chunks */
LEAD(iox_chunk_header_t *, iox_chunk_header_from_user_payload, (void *const userPayload),
     (userPayload))
LEAD(const iox_chunk_header_t *, iox_chunk_header_from_user_payload_const,
     (const void *const userPayload), (userPayload))
LEAD(void *, iox_chunk_header_to_user_header, (iox_chunk_header_t *const chunkHeader),
     (chunkHeader))
LEAD(const void *, iox_chunk_header_to_user_header_const,
     (const iox_chunk_header_t *const chunkHeader), (chunkHeader))
LEAD(void *, iox_chunk_header_to_user_payload, (iox_chunk_header_t *const chunkHeader),
     (chunkHeader))
LEAD(const void *, iox_chunk_header_to_user_payload_const,
     (const iox_chunk_header_t *const chunkHeader), (chunkHeader))

/* listeners */
LEAD(enum iox_ListenerResult, iox_listener_attach_subscriber_event,
     (iox_listener_t const self, iox_sub_t const subscriber,
      const enum iox_SubscriberEvent subscriberEvent, void (*callback)(iox_sub_t)),
     (self, subscriber, subscriberEvent, callback))
LEAD(enum iox_ListenerResult, iox_listener_attach_subscriber_event_with_context_data,
     (iox_listener_t const self, iox_sub_t const subscriber,
      const enum iox_SubscriberEvent subscriberEvent, void (*callback)(iox_sub_t, void *),
      void *const contextData),
     (self, subscriber, subscriberEvent, callback, contextData))
LEAD(enum iox_ListenerResult, iox_listener_attach_user_trigger_event,
     (iox_listener_t const self, iox_user_trigger_t const userTrigger,
      void (*callback)(iox_user_trigger_t)),
     (self, userTrigger, callback))
LEAD(enum iox_ListenerResult, iox_listener_attach_user_trigger_event_with_context_data,
     (iox_listener_t const self, iox_user_trigger_t const userTrigger,
      void (*callback)(iox_user_trigger_t, void *), void *const contextData),
     (self, userTrigger, callback, contextData))
LEAD(uint64_t, iox_listener_capacity, (iox_listener_t const self), (self))
LEAD_ON(iox_listener_deinit, (iox_listener_t const self), (self))
LEAD_ON(iox_listener_detach_subscriber_event,
        (iox_listener_t const self, iox_sub_t const subscriber,
         const enum iox_SubscriberEvent subscriberEvent),
        (self, subscriber, subscriberEvent))
LEAD_ON(iox_listener_detach_user_trigger_event,
        (iox_listener_t const self, iox_user_trigger_t const userTrigger), (self, userTrigger))
LEAD(iox_listener_t, iox_listener_init, (iox_listener_storage_t * self), (self))
LEAD(uint64_t, iox_listener_size, (iox_listener_t const self), (self))

/* wait sets */
LEAD(enum iox_WaitSetResult, iox_ws_attach_subscriber_event,
     (iox_ws_t const self, iox_sub_t const subscriber,
      const enum iox_SubscriberEvent subscriberEvent, const uint64_t eventId,
      void (*callback)(iox_sub_t)),
     (self, subscriber, subscriberEvent, eventId, callback))
LEAD(enum iox_WaitSetResult, iox_ws_attach_subscriber_event_with_context_data,
     (iox_ws_t const self, iox_sub_t const subscriber,
      const enum iox_SubscriberEvent subscriberEvent, const uint64_t eventId,
      void (*callback)(iox_sub_t, void *), void *const contextData),
     (self, subscriber, subscriberEvent, eventId, callback, contextData))
LEAD(enum iox_WaitSetResult, iox_ws_attach_subscriber_state,
     (iox_ws_t const self, iox_sub_t const subscriber,
      const enum iox_SubscriberState subscriberState, const uint64_t id,
      void (*callback)(iox_sub_t)),
     (self, subscriber, subscriberState, id, callback))
LEAD(enum iox_WaitSetResult, iox_ws_attach_subscriber_state_with_context_data,
     (iox_ws_t const self, iox_sub_t const subscriber,
      const enum iox_SubscriberState subscriberState, const uint64_t id,
      void (*callback)(iox_sub_t, void *), void *const contextData),
     (self, subscriber, subscriberState, id, callback, contextData))
LEAD(enum iox_WaitSetResult, iox_ws_attach_user_trigger_event,
     (iox_ws_t const self, iox_user_trigger_t const userTrigger, const uint64_t eventId,
      void (*callback)(iox_user_trigger_t)),
     (self, userTrigger, eventId, callback))
LEAD(enum iox_WaitSetResult, iox_ws_attach_user_trigger_event_with_context_data,
     (iox_ws_t const self, iox_user_trigger_t const userTrigger, const uint64_t eventId,
      void (*callback)(iox_user_trigger_t, void *), void *const contextData),
     (self, userTrigger, eventId, callback, contextData))
LEAD(uint64_t, iox_ws_capacity, (iox_ws_t const self), (self))
LEAD_ON(iox_ws_deinit, (iox_ws_t const self), (self))
LEAD_ON(iox_ws_detach_subscriber_event,
        (iox_ws_t const self, iox_sub_t const subscriber,
         const enum iox_SubscriberEvent subscriberEvent),
        (self, subscriber, subscriberEvent))
LEAD_ON(iox_ws_detach_subscriber_state,
        (iox_ws_t const self, iox_sub_t const subscriber,
         const enum iox_SubscriberState subscriberState),
        (self, subscriber, subscriberState))
LEAD_ON(iox_ws_detach_user_trigger_event,
        (iox_ws_t const self, iox_user_trigger_t const userTrigger), (self, userTrigger))
LEAD(iox_ws_t, iox_ws_init, (iox_ws_storage_t * self), (self))
LEAD_ON(iox_ws_mark_for_destruction, (iox_ws_t const self), (self))
LEAD(uint64_t, iox_ws_size, (iox_ws_t const self), (self))
LEAD(uint64_t, iox_ws_timed_wait,
     (iox_ws_t const self, struct timespec timeout,
      iox_notification_info_t *const notificationInfoArray,
      const uint64_t notificationInfoArrayCapacity, uint64_t *missedElements),
     (self, timeout, notificationInfoArray, notificationInfoArrayCapacity, missedElements))
LEAD(uint64_t, iox_ws_wait,
     (iox_ws_t const self, iox_notification_info_t *const notificationInfoArray,
      const uint64_t notificationInfoArrayCapacity, uint64_t *missedElements),
     (self, notificationInfoArray, notificationInfoArrayCapacity, missedElements))

/* notifications */
LEAD_ON(iox_notification_info_call, (iox_notification_info_t const self), (self))
LEAD(bool, iox_notification_info_does_originate_from_subscriber,
     (iox_notification_info_t const self, iox_sub_t const subscriber), (self, subscriber))
LEAD(bool, iox_notification_info_does_originate_from_user_trigger,
     (iox_notification_info_t const self, iox_user_trigger_t const user_trigger),
     (self, user_trigger))
LEAD(uint64_t, iox_notification_info_get_notification_id, (iox_notification_info_t const self),
     (self))
LEAD(iox_sub_t, iox_notification_info_get_subscriber_origin, (iox_notification_info_t const self),
     (self))
LEAD(iox_user_trigger_t, iox_notification_info_get_user_trigger_origin,
     (iox_notification_info_t const self), (self))

/* user triggers */
LEAD_ON(iox_user_trigger_deinit, (iox_user_trigger_t const self), (self))
LEAD(bool, iox_user_trigger_has_triggered, (iox_user_trigger_t const self), (self))
LEAD(iox_user_trigger_t, iox_user_trigger_init, (iox_user_trigger_storage_t * self), (self))
LEAD_ON(iox_user_trigger_trigger, (iox_user_trigger_t const self), (self))

/* NOLINTEND(bugprone-macro-parentheses, readability-function-size) */
