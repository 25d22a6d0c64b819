/* iox_service_discovery_*: which services are there now.
 *
 * A service is there while a publisher of it is open in a process that lives; see publisher.h for
 * stop_offer.  There is no RouDi, and none of the services that RouDi itself offers.  Services of
 * the request/response pattern do not exist.
 *
 * Threads: any; nothing is kept between calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "runtime.h"
#include "service.h"

#include <stdlib.h>
#include <string.h>

struct ServiceDiscovery {
    char unused;
};

iox_service_discovery_t iox_service_discovery_init(iox_service_discovery_storage_t *self)
{
    if (self == NULL) {
        eddy_say(EDDY_LOG_WARN, "iox_service_discovery_init: the storage is NULL; give one");
        return NULL;
    }
    iox_service_discovery_t discovery = calloc(1, sizeof *discovery);
    self->do_not_touch_me[0] = (uint64_t)(uintptr_t)discovery;
    return discovery;
}

void iox_service_discovery_deinit(iox_service_discovery_t const self)
{
    free(self);
}

/* What is asked for; NULL is any. */
struct pattern {
    const char *service, *instance, *event;
};

typedef void found_one(iox_service_description_t description, void *context);

static bool matches(const char *wanted, const char *is)
{
    return wanted == NULL || strcmp(wanted, is == NULL ? "" : is) == 0;
}

static bool has_publisher(const struct eddy_topic_report *report)
{
    for (size_t i = 0; i < report->member_count; i++) {
        const struct eddy_member_info *member = &report->members[i];
        if (member->is_writer && member->state != EDDY_MEMBER_DEAD) {
            return true;
        }
    }
    return false;
}

static void find(const struct pattern *pattern, found_one *found, void *context)
{
    eddy_domain *domain;
    eddy_snapshot *snapshot;
    if (eddy_runtime_domain(&domain) != EDDY_OK ||
        eddy_snapshot_take(eddy_domain_dir(domain), &snapshot) != EDDY_OK) {
        eddy_say(EDDY_LOG_WARN, "find_service: %s", eddy_last_error());
        return;
    }
    for (size_t i = 0; i < eddy_snapshot_topics(snapshot); i++) {
        const struct eddy_topic_report *topic = eddy_snapshot_topic(snapshot, i);
        if (topic->error == EDDY_OK && has_publisher(topic) &&
            matches(pattern->service, topic->scope) && matches(pattern->instance, topic->type) &&
            matches(pattern->event, topic->name)) {
            found(eddy_service_describe(topic->scope, topic->type, topic->name), context);
        }
    }
    eddy_snapshot_free(snapshot);
}

/* iceoryx gives these functions as many parameters as they have. */
/* NOLINTBEGIN(readability-function-size) */

struct list {
    iox_service_description_t *items;
    uint64_t capacity, count, missed;
};

static void list_add(iox_service_description_t description, void *context)
{
    struct list *list = context;
    if (list->count < list->capacity) {
        list->items[list->count++] = description;
    } else {
        list->missed++;
    }
}

uint64_t iox_service_discovery_find_service(iox_service_discovery_t const self,
                                            const char *const service, const char *const instance,
                                            const char *const event,
                                            iox_service_description_t *const serviceContainer,
                                            const uint64_t serviceContainerCapacity,
                                            uint64_t *missedServices,
                                            const enum iox_MessagingPattern pattern)
{
    (void)self;
    struct list list = {serviceContainer, serviceContainerCapacity, 0, 0};
    if (pattern == MessagingPattern_PUB_SUB) {
        find(&(struct pattern){service, instance, event}, list_add, &list);
    }
    if (missedServices != NULL) {
        *missedServices += list.missed; /* as iceoryx does: the caller has set it to 0 */
    }
    return list.count;
}

struct call {
    void (*plain)(const iox_service_description_t);
};

static void call_plain(iox_service_description_t description, void *context)
{
    const struct call *call = context;
    call->plain(description);
}

void iox_service_discovery_find_service_apply_callable(
    iox_service_discovery_t const self, const char *const service, const char *const instance,
    const char *const event, void (*callable)(const iox_service_description_t),
    const enum iox_MessagingPattern pattern)
{
    (void)self;
    struct call call = {callable};
    if (pattern == MessagingPattern_PUB_SUB) {
        find(&(struct pattern){service, instance, event}, call_plain, &call);
    }
}

void iox_service_discovery_find_service_apply_callable_with_context_data(
    iox_service_discovery_t const self, const char *const service, const char *const instance,
    const char *const event, void (*callable)(const iox_service_description_t, void *),
    void *const contextData, const enum iox_MessagingPattern pattern)
{
    (void)self;
    if (pattern == MessagingPattern_PUB_SUB) {
        find(&(struct pattern){service, instance, event}, callable, contextData);
    }
}

/* NOLINTEND(readability-function-size) */
