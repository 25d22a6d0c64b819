/* The names of a service's topics.  spec/calls.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/call/names.h"

#include "allocator/error.h"
#include "allocator/sized.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ROOM_FOR_ENDINGS 32u /* "/requests/" and 16 digits */
#define DEFAULT_CALLS    64u

static int copy(const char *text, char **own)
{
    *own = strdup(text ? text : "");
    return *own ? EDDY_OK : eddy_fail(EDDY_ENOMEM, "no memory to open a client or server");
}

int eddy_call_service_init(struct eddy_call_service *s, const struct eddy_topic_identity *service,
                           size_t size)
{
    struct eddy_topic_identity given;
    memset(s, 0, sizeof *s);
    int error = EDDY_SIZED(eddy_topic_identity, given, service, size);
    if (error)
        return error;
    const char *name = given.name;
    size_t length = name ? strnlen(name, EDDY_NAME_MAX) : 0;
    if (length == 0 || length > EDDY_NAME_MAX - ROOM_FOR_ENDINGS)
        return eddy_fail(EDDY_EINVAL, "the name of a service has 1 to %u bytes",
                         EDDY_NAME_MAX - ROOM_FOR_ENDINGS);
    error = copy(name, &s->name);
    if (!error)
        error = copy(given.type, &s->type);
    if (!error)
        error = copy(given.scope, &s->scope);
    s->full = error ? NULL : malloc(length + ROOM_FOR_ENDINGS);
    if (!error && !s->full)
        error = eddy_fail(EDDY_ENOMEM, "no memory to open a client or server");
    /* Other pointers in it are not ours to keep, and topics are opened later, too. */
    s->topic = (struct eddy_topic_identity){.name = s->full,
                                            .type = s->type,
                                            .scope = s->scope,
                                            .flags = given.flags,
                                            .reserved = given.reserved};
    memcpy(s->topic.type_hash, given.type_hash, sizeof given.type_hash);
    return error;
}

void eddy_call_service_free(struct eddy_call_service *s)
{
    free(s->name);
    free(s->type);
    free(s->scope);
    free(s->full);
}

static const struct eddy_topic_identity *named(struct eddy_call_service *s, const char *kind,
                                               const char *id)
{
    snprintf(s->full, strlen(s->name) + ROOM_FOR_ENDINGS, "%s/%s%s", s->name, kind, id);
    return &s->topic;
}

static const struct eddy_topic_identity *numbered(struct eddy_call_service *s, const char *kind,
                                                  uint64_t id)
{
    char digits[20];
    snprintf(digits, sizeof digits, "%016" PRIx64, id);
    return named(s, kind, digits);
}

const struct eddy_topic_identity *eddy_call_servers(struct eddy_call_service *s)
{
    return named(s, "servers", "");
}

const struct eddy_topic_identity *eddy_call_requests(struct eddy_call_service *s, uint64_t server)
{
    return numbered(s, "requests/", server);
}

const struct eddy_topic_identity *eddy_call_answers(struct eddy_call_service *s, uint64_t client)
{
    return numbered(s, "answers/", client);
}

int eddy_call_new_id(uint64_t *id)
{
    if (getrandom(id, sizeof *id, 0) == (ssize_t)sizeof *id)
        return EDDY_OK;
    return eddy_fail_errno("no random number for a client or server");
}

int eddy_call_count(uint32_t wanted, const char *of_what, uint32_t *count)
{
    *count = wanted ? wanted : DEFAULT_CALLS;
    if (*count <= EDDY_CALLS_MAX)
        return EDDY_OK;
    return eddy_fail(EDDY_EINVAL, "%u %s at a time are more than %u", wanted, of_what,
                     EDDY_CALLS_MAX);
}
