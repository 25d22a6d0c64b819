/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include "allocator/point.h"

#include "feed.h"
#include "qos.h"
#include "roster.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what Cyclone DDS asks -------------------------------------------------------------------- */

static bool supports(struct psmx_instance *instance, enum psmx_role role,
                     psmx_properties properties, const struct psmx_qos *qos)
{
    struct psmx_home *home = psmx_home_of(instance);
    return home->domain != NULL &&
           psmx_qos_is_served(&home->cyclone, &home->options, role, properties, qos);
}

static struct psmx_node_id node_id(const struct psmx_instance *instance)
{
    const struct psmx_home *home = (const struct psmx_home *)instance;
    return home->node_id;
}

static uint32_t features(const struct psmx_instance *instance)
{
    (void)instance;
    return PSMX_FEATURE_SHARED_MEMORY | PSMX_FEATURE_ZERO_COPY;
}

/* --- its parts -------------------------------------------------------------------------------- */

/* Cyclone DDS takes two for connected if their locators are equal, and nothing else.  So this says
 * all that keeps two apart: the files of the domain, the instance, the DDS domain. */
static int identify(struct psmx_home *home, uint32_t identifier)
{
    uint8_t domain[16];
    char text[32 + 8 + PSMX_TEXT + 4];
    int error = eddy_domain_identity(home->domain, domain);
    if (error)
        return error;
    snprintf(text, sizeof text, "%08x/%s", (unsigned)identifier, home->options.instance);
    uint64_t halves[2];
    memcpy(halves, domain, sizeof halves);
    for (const char *at = text; *at != '\0'; at++) {
        for (int i = 0; i < 2; i++)
            halves[i] = (halves[i] ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    memcpy(home->node_id.x, halves, sizeof halves);
    return asprintf(&home->scope, "psmx/%s/%08x%s%s", home->options.instance, (unsigned)identifier,
                    home->options.locator[0] != '\0' ? "/" : "", home->options.locator) < 0
               ? EDDY_ENOMEM
               : 0;
}

static int open_parts(struct psmx_home *home)
{
    int error = eddy_waitset_open(home->domain, &home->waitset);
    if (error == 0)
        error = eddy_event_open(&home->wake);
    if (error == 0)
        error = eddy_waitset_attach_event(home->waitset, home->wake, EDDY_WAIT_EDGE, home);
    home->roster = error == 0 ? psmx_roster_create(home) : NULL;
    return error == 0 && home->roster == NULL ? EDDY_ENOMEM : error;
}

/* Eddy's part of it, in this order; what came into being is closed again if not all does. */
static void close_eddy(struct psmx_home *home)
{
    psmx_thread_stop(home);
    EDDY_POINT("psmx-instance:thread-gone");
    psmx_feed_bury(home);
    psmx_roster_close(home->roster);
    psmx_roster_destroy(home->roster);
    eddy_event_close(home->wake);
    eddy_waitset_close(home->waitset);
    home->roster = NULL;
    home->wake = NULL;
    home->waitset = NULL;
}

static int open_eddy(struct psmx_home *home, uint32_t identifier)
{
    const char *dir = home->options.dir;
    struct eddy_domain_options options = {.dir = dir[0] != '\0' ? dir : NULL,
                                          .spin_ns = home->options.spin_ns};
    int error = eddy_domain_open(&options, &home->domain);
    EDDY_POINT("psmx-instance:joined");
    if (error == 0)
        error = identify(home, identifier);
    if (error == 0)
        error = open_parts(home);
    if (error == 0 && psmx_thread_start(home) != 0)
        error = EDDY_ESYS;
    return error;
}

static void free_home(struct psmx_home *home)
{
    pthread_mutex_destroy(&home->opening);
    pthread_mutex_destroy(&home->lock);
    free(home->scope);
    free(home);
}

/* The last sample that was out may be given back long after the domain was deleted. */
void psmx_home_unref(struct psmx_home *home)
{
    if (atomic_fetch_sub(&home->references, 1) != 1)
        return;
    EDDY_POINT("psmx-instance:last");
    psmx_feed_bury(home);
    eddy_domain_close(home->domain);
    free_home(home);
}

static void delete_instance(struct psmx_instance *instance)
{
    struct psmx_home *home = psmx_home_of(instance);
    close_eddy(home);
    psmx_home_unref(home);
}

/* --- the door --------------------------------------------------------------------------------- */

/* The domain comes up without Eddy; everything then goes over the network. */
static void disable(struct psmx_home *home, int error)
{
    psmx_say(EDDY_LOG_WARN,
             "PSMX plug-in, no shared memory: %s (%s); everything goes over the network",
             eddy_last_error(), eddy_strerror(error));
    close_eddy(home);
    eddy_domain_close(home->domain);
    home->domain = NULL;
}

static struct psmx_home *new_home(const char *config, const void *caller, int32_t *result)
{
    struct psmx_home *home = calloc(1, sizeof *home);
    *result = PSMX_OUT_OF_RESOURCES;
    if (home == NULL)
        return NULL;
    const char *missing = psmx_cyclone_find(&home->cyclone, caller);
    *result = PSMX_ERROR;
    if (missing != NULL)
        psmx_say(EDDY_LOG_ERROR,
                 "PSMX plug-in: cannot find %s in the program that loads it; Cyclone DDS has to be "
                 "11, and not linked statically without -rdynamic",
                 missing);
    else if (psmx_options_read(config, &home->options))
        *result = PSMX_OK;
    else
        *result = PSMX_BAD_PARAMETER;
    if (*result == PSMX_OK)
        return home;
    free(home);
    return NULL;
}

/* The one symbol. */
EDDY_API int32_t eddy_create_psmx(struct psmx_instance **instance, uint32_t identifier,
                                  const char *config);

int32_t eddy_create_psmx(struct psmx_instance **instance, uint32_t identifier, const char *config)
{
    int32_t result;
    struct psmx_home *home = new_home(config, __builtin_return_address(0), &result);
    if (home == NULL)
        return result;
    pthread_mutex_init(&home->opening, NULL);
    pthread_mutex_init(&home->lock, NULL);
    atomic_init(&home->references, 1);
    home->psmx.ops = (struct psmx_instance_ops){.supports = supports,
                                                .delete_topic = psmx_topic_delete,
                                                .node_id = node_id,
                                                .features = features,
                                                .create_topic = psmx_topic_create,
                                                .delete_instance = delete_instance};
    int error = home->options.is_off ? 0 : open_eddy(home, identifier);
    if (error)
        disable(home, error);
    *instance = &home->psmx;
    return PSMX_OK;
}
