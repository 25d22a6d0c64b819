/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <stdlib.h>
#include <string.h>

static char *copy_of(const char *text)
{
    return strdup(text == NULL ? "" : text);
}

int eddy_service_copy(struct eddy_service *copy, const char *service, const char *instance,
                      const char *event)
{
    *copy = (struct eddy_service){copy_of(service), copy_of(instance), copy_of(event)};
    if (copy->service == NULL || copy->instance == NULL || copy->event == NULL) {
        eddy_service_free(copy);
        return EDDY_ENOMEM;
    }
    return EDDY_OK;
}

void eddy_service_free(struct eddy_service *service)
{
    free(service->service);
    free(service->instance);
    free(service->event);
    *service = (struct eddy_service){NULL, NULL, NULL};
}

struct eddy_topic_identity eddy_service_topic(const struct eddy_service *service)
{
    return (struct eddy_topic_identity){
        .name = service->event,
        .type = service->instance,
        .scope = service->service,
        .flags = EDDY_TOPIC_TYPE_APART,
    };
}

static void put(char (*field)[IOX_CONFIG_SERVICE_STRING_SIZE], const char *text)
{
    size_t length = text == NULL ? 0 : strnlen(text, sizeof *field - 1);
    if (length > 0) {
        memcpy(*field, text, length);
    }
}

iox_service_description_t eddy_service_describe(const char *service, const char *instance,
                                                const char *event)
{
    iox_service_description_t description;
    memset(&description, 0, sizeof description);
    put(&description.serviceString, service);
    put(&description.instanceString, instance);
    put(&description.eventString, event);
    return description;
}
