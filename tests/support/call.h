/* call.h - a service with a server and a client, for tests of calls.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_CALL_H
#define EDDY_TESTS_CALL_H

#include "world.h"

#include <string.h>

static const struct eddy_topic_identity service = {.name = "adder", .type = "add"};

static inline eddy_server *open_server(eddy_domain *domain)
{
    eddy_server *server = NULL;
    must(eddy_server_open(domain, &service, NULL, &server));
    return server;
}

static inline eddy_client *open_client(eddy_domain *domain)
{
    eddy_client *client = NULL;
    must(eddy_client_open(domain, &service, NULL, &client));
    return client;
}

/* A call that ends when the test would, or at `answer_by`. */
static inline uint64_t send_by(eddy_client *client, uint64_t value, uint64_t answer_by)
{
    struct eddy_loan loan;
    uint64_t call = 0;
    must(eddy_client_loan(client, sizeof value, patience(), &loan));
    memcpy(loan.data, &value, sizeof value);
    must(eddy_client_send(client, &loan, answer_by, patience(), &call));
    return call;
}

static inline uint64_t send_call(eddy_client *client, uint64_t value)
{
    return send_by(client, value, patience());
}

static inline struct eddy_request take_request(eddy_server *server)
{
    struct eddy_request request;
    must(eddy_server_take(server, patience(), &request));
    same(request.sample.size, sizeof(uint64_t));
    return request;
}

static inline uint64_t value_of(const struct eddy_sample *sample)
{
    uint64_t value = 0;
    check(sample->size == sizeof value);
    memcpy(&value, sample->data, sizeof value);
    return value;
}

/* What the service does: adds 1000. */
static inline void answer(eddy_server *server, const struct eddy_request *request)
{
    uint64_t value = value_of(&request->sample) + 1000;
    must(eddy_server_write(server, request, &value, sizeof value, patience()));
}

static inline void serve_one(eddy_server *server)
{
    struct eddy_request request = take_request(server);
    answer(server, &request);
}

/* This call was answered, with what it should. */
static inline void is_answered(eddy_client *client, uint64_t call, uint64_t value)
{
    struct eddy_answer answer;
    must(eddy_client_take_of(client, call, patience(), &answer));
    same(answer.call, call);
    must(answer.error);
    same(value_of(&answer.sample), value + 1000);
    must(eddy_client_release(client, &answer));
}

static inline void ends_with(eddy_client *client, uint64_t call, int error)
{
    struct eddy_answer answer;
    must(eddy_client_take_of(client, call, patience(), &answer));
    must_fail(answer.error, error);
    must(eddy_client_release(client, &answer));
}

/* Both sides, in one thread. */
static inline void works(eddy_client *client, eddy_server *server, uint64_t value)
{
    uint64_t call = send_call(client, value);
    serve_one(server);
    is_answered(client, call, value);
}

#endif
