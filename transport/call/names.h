/* names.h - what the two sides of a call have agreed on.  (internal)
 *
 * spec/calls.md has it in words.  All that comes by a topic is a stranger's: looked at once, and
 * checked.
 *
 * Threads: any.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CALL_NAMES_H
#define EDDY_CALL_NAMES_H

#include <eddy/call.h>

/* What a server says on the topic NAME/servers: where its requests go. */
struct eddy_call_server {
    uint64_t server;
    uint64_t version; /* EDDY_CALL_VERSION */
};
#define EDDY_CALL_VERSION 1u

/* What goes with a request, besides the call's number (word) and its end (time). */
enum eddy_call_kind { EDDY_CALL_REQUEST = 1, EDDY_CALL_CANCEL = 2 };
struct eddy_call_key {
    uint64_t client;
    uint32_t kind;
    int32_t error; /* of a refusal, which has a key; an answer has none */
};
#define EDDY_CALL_WITH (EDDY_WITH_KEY | EDDY_WITH_WORD | EDDY_WITH_TIME)

/* A service, and room for the names of its topics. */
struct eddy_call_service {
    struct eddy_topic_identity topic; /* of which the name is made as it is needed: */
    char *name, *type, *scope;        /* own copies */
    char *full;
};

/* EDDY_EINVAL, EDDY_ENOMEM.  To be freed, also after an error. */
int eddy_call_service_init(struct eddy_call_service *s, const struct eddy_topic_identity *service,
                           size_t size);
void eddy_call_service_free(struct eddy_call_service *s);

/* NAME/servers, NAME/requests/<id>, NAME/answers/<id>: valid until the next. */
const struct eddy_topic_identity *eddy_call_servers(struct eddy_call_service *s);
const struct eddy_topic_identity *eddy_call_requests(struct eddy_call_service *s, uint64_t server);
const struct eddy_topic_identity *eddy_call_answers(struct eddy_call_service *s, uint64_t client);

/* A number that nobody else has.  EDDY_ESYS. */
int eddy_call_new_id(uint64_t *id);

/* `wanted`, or the default of 64.  EDDY_EINVAL: more than EDDY_CALLS_MAX. */
int eddy_call_count(uint32_t wanted, const char *of_what, uint32_t *count);

#endif
