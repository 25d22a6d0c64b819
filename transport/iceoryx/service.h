/* service.h - the three strings that name a topic in iceoryx.  (internal)
 *
 *   service  -> scope of the Eddy topic   (Cyclone DDS: the configured prefix)
 *   instance -> type                      (Cyclone DDS: the type name)
 *   event    -> name                      (Cyclone DDS: the topic name)
 *
 * Full strings are kept and compared; only iox_service_description_t cuts them at 100 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ICEORYX_SERVICE_H
#define EDDY_ICEORYX_SERVICE_H

#include "binding.h"

struct eddy_service {
    char *service, *instance, *event;
};

/* Copies the strings; NULL counts as "".  EDDY_ENOMEM: all three are NULL then. */
int eddy_service_copy(struct eddy_service *copy, const char *service, const char *instance,
                      const char *event);
void eddy_service_free(struct eddy_service *service);

/* The Eddy topic of these strings, which must outlive the result. */
struct eddy_topic_identity eddy_service_topic(const struct eddy_service *service);

iox_service_description_t eddy_service_describe(const char *service, const char *instance,
                                                const char *event);

#endif
