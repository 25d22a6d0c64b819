/* A client: sends requests, and takes what comes back.  spec/calls.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/call/client.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"

#include <stdlib.h>
#include <string.h>

#define ANSWERS_MORE 64u /* looked at in one go besides those that are awaited: others may go on */

/* --- opening and closing --------------------------------------------------------------------- */

static int open_answers(struct eddy_client *c, uint64_t limit)
{
    /* Room for those that nobody awaits any more, too. */
    const struct eddy_reader_options options = {.depth = 2 * c->calls.most + ANSWERS_MORE,
                                                .limit_bytes = limit};
    return eddy_reader_open(c->domain, eddy_call_answers(&c->service, c->id), &options,
                            &c->answers);
}

static int open_client(struct eddy_client *c, const struct eddy_client_options *o)
{
    uint32_t most;
    int error = eddy_call_count(o->calls, "calls", &most);
    if (!error && o->reserved)
        error = eddy_fail(EDDY_EINVAL, "`reserved` of a client's options is set");
    if (!error)
        error = eddy_calls_init(&c->calls, most);
    if (!error)
        error = eddy_call_new_id(&c->id);
    if (!error)
        error = eddy_client_listen(c);
    return error ? error : open_answers(c, o->limit_bytes);
}

int eddy_client_open_sized(eddy_domain *domain, const struct eddy_topic_identity *service,
                           size_t service_size, const struct eddy_client_options *options,
                           size_t options_size, eddy_client **client)
{
    EDDY_UNCANCELLED;
    struct eddy_client_options o;
    if (!domain || !service || !client)
        return eddy_fail(EDDY_EINVAL,
                         "eddy_client_open: no domain, service or place for the result");
    int error = EDDY_SIZED(eddy_client_options, o, options, options_size);
    struct eddy_client *c = error ? NULL : calloc(1, sizeof *c);
    if (!c)
        return error ? error : eddy_fail(EDDY_ENOMEM, "no memory to open a client");
    c->domain = domain;
    error = eddy_call_service_init(&c->service, service, service_size);
    if (!error)
        error = open_client(c, &o);
    if (error)
        (void)eddy_client_close(c);
    else
        *client = c;
    return error;
}

int eddy_client_close(eddy_client *c)
{
    EDDY_UNCANCELLED;
    if (!c)
        return EDDY_OK;
    int error = eddy_writer_close(c->requests);
    int second = eddy_reader_close(c->answers), third = eddy_reader_close(c->servers);
    eddy_calls_free(&c->calls);
    eddy_call_service_free(&c->service);
    free(c);
    return error ? error : second ? second : third;
}

/* --- what comes back ------------------------------------------------------------------------- */

/* 0: it is an answer. */
static int32_t refusal_of(const struct eddy_sample *sample)
{
    struct eddy_call_key key;
    if (!(sample->with & EDDY_WITH_KEY))
        return EDDY_OK;
    memcpy(&key, sample->key, sizeof key);
    return key.error ? key.error : EDDY_EINVAL;
}

/* What nobody waits for (any more) is thrown away. */
static void accept(struct eddy_client *c, struct eddy_sample *sample)
{
    bool has_number = sample->with & EDDY_WITH_WORD;
    struct eddy_call *call = has_number ? eddy_calls_find(&c->calls, sample->word) : NULL;
    int32_t error = refusal_of(sample);
    bool awaited = call && call->state == EDDY_CALL_SENT;
    if (awaited)
        eddy_calls_end(&c->calls, call, error, error ? NULL : sample);
    if (!awaited || error)
        (void)eddy_reader_release(c->answers, sample);
}

static int gather(struct eddy_client *c)
{
    struct eddy_sample sample;
    int error = EDDY_OK;
    for (uint32_t i = 0; !error && i < c->calls.most + ANSWERS_MORE; i++) {
        error = eddy_reader_take(c->answers, &sample);
        if (!error)
            accept(c, &sample);
    }
    return error == EDDY_EAGAIN ? EDDY_OK : error;
}

/* The calls to a server that is gone end, but for those that it has answered before. */
static int look_for_server(struct eddy_client *c, uint64_t now)
{
    if (eddy_client_still_served(c, now))
        return EDDY_OK;
    int error = gather(c);
    eddy_calls_fail(&c->calls, EDDY_EPEERGONE);
    eddy_client_leave_server(c);
    return error;
}

/* When to look again: for the server, for the first call whose time passes, or for the caller. */
static uint64_t next_look(const struct eddy_client *c, uint64_t now, uint64_t deadline)
{
    uint64_t next = now + EDDY_CALL_LOOK_NS;
    next = c->calls.earliest < next ? c->calls.earliest : next;
    return deadline < next ? deadline : next;
}

static void hand_out(struct eddy_client *c, struct eddy_call *call, struct eddy_answer *answer)
{
    answer->call = call->number;
    answer->error = call->error;
    answer->sample = call->sample;
    eddy_calls_forget(&c->calls, call);
}

/* What there is to hand out, without waiting.  number NULL: any. */
static int take_now(struct eddy_client *c, const uint64_t *number, uint64_t now,
                    struct eddy_answer *answer)
{
    int error = gather(c);
    if (!error)
        error = look_for_server(c, now);
    if (error)
        return error;
    eddy_calls_expire(&c->calls, now);
    struct eddy_call *call =
        number ? eddy_calls_find(&c->calls, *number) : eddy_calls_first(&c->calls);
    if (number && !call)
        return eddy_fail(EDDY_ESTALE, "this call was taken or cancelled already");
    if (c->calls.count == 0)
        return eddy_fail(EDDY_ENOENT, "no call to \"%.200s\" is in work", c->service.name);
    if (!call || call->state != EDDY_CALL_ENDED)
        return EDDY_EAGAIN;
    hand_out(c, call, answer);
    return EDDY_OK;
}

static int take(struct eddy_client *c, const uint64_t *number, uint64_t deadline,
                struct eddy_answer *answer)
{
    for (;;) {
        uint64_t now = eddy_now();
        int error = take_now(c, number, now, answer);
        if (error != EDDY_EAGAIN || deadline == EDDY_POLL)
            return error;
        if (now >= deadline)
            return EDDY_ETIMEDOUT;
        error = eddy_reader_wait(c->answers, next_look(c, now, deadline));
        if (error && error != EDDY_ETIMEDOUT)
            return error;
    }
}

int eddy_client_take(eddy_client *c, uint64_t deadline, struct eddy_answer *answer)
{
    return take(c, NULL, deadline, answer);
}

int eddy_client_take_of(eddy_client *c, uint64_t call, uint64_t deadline,
                        struct eddy_answer *answer)
{
    return take(c, &call, deadline, answer);
}

int eddy_client_release(eddy_client *c, struct eddy_answer *answer)
{
    return answer->error ? EDDY_OK : eddy_reader_release(c->answers, &answer->sample);
}

eddy_reader *eddy_client_reader(const eddy_client *c)
{
    return c->answers;
}

bool eddy_client_is_served(eddy_client *c)
{
    return c->requests && !c->gone && eddy_reader_knows_writer(c->servers, &c->server.said);
}

/* --- sending --------------------------------------------------------------------------------- */

int eddy_client_loan(eddy_client *c, size_t size, uint64_t deadline, struct eddy_loan *loan)
{
    int error = look_for_server(c, eddy_now());
    if (!error && (!c->requests || c->gone))
        error = eddy_client_find_server(c, deadline);
    if (!error)
        error = eddy_writer_loan(c->requests, size, deadline, loan);
    c->loans += !error;
    return error;
}

static int publish(struct eddy_client *c, struct eddy_loan *loan, const struct eddy_call *call,
                   enum eddy_call_kind kind, uint64_t deadline)
{
    const struct eddy_call_key key = {.client = c->id, .kind = (uint32_t)kind};
    struct eddy_publication what = {.word = call->number, .time = call->answer_by};
    memcpy(what.key, &key, sizeof key);
    int error = eddy_writer_publish_with(c->requests, loan, loan->size, &what, deadline);
    c->loans -= !error;
    return error;
}

int eddy_client_send(eddy_client *c, struct eddy_loan *loan, uint64_t answer_by, uint64_t deadline,
                     uint64_t *number)
{
    if (!c->requests || c->gone)
        return eddy_fail(EDDY_EPEERGONE, "the server of \"%.200s\" is gone: discard, and loan anew",
                         c->service.name);
    if (answer_by == EDDY_POLL)
        return eddy_fail(EDDY_EINVAL, "a call cannot end before it is sent: answer_by is 0");
    struct eddy_call *call = eddy_calls_begin(&c->calls, answer_by);
    if (!call)
        return eddy_fail(EDDY_ELIMIT, "%u calls to \"%.200s\" are in work: take their answers",
                         c->calls.most, c->service.name);
    int error = publish(c, loan, call, EDDY_CALL_REQUEST, deadline);
    if (error)
        eddy_calls_forget(&c->calls, call);
    else
        *number = call->number;
    return error;
}

int eddy_client_discard(eddy_client *c, struct eddy_loan *loan)
{
    if (!c->requests)
        return eddy_fail(EDDY_ESTALE, "this client has no loan out");
    int error = eddy_writer_discard(c->requests, loan);
    c->loans -= !error;
    if (c->gone)
        eddy_client_leave_server(c);
    return error;
}

static void tell_of_cancel(struct eddy_client *c, const struct eddy_call *call)
{
    struct eddy_loan loan;
    if (!c->requests || c->gone || eddy_writer_loan(c->requests, 0, EDDY_POLL, &loan))
        return;
    c->loans++;
    if (publish(c, &loan, call, EDDY_CALL_CANCEL, EDDY_POLL))
        (void)eddy_client_discard(c, &loan);
}

int eddy_client_cancel(eddy_client *c, uint64_t number)
{
    struct eddy_call *call = eddy_calls_find(&c->calls, number);
    if (!call)
        return eddy_fail(EDDY_ESTALE, "this call was taken or cancelled already");
    int error = EDDY_OK;
    if (call->state == EDDY_CALL_SENT)
        tell_of_cancel(c, call);
    else if (!call->error)
        error = eddy_reader_release(c->answers, &call->sample);
    eddy_calls_forget(&c->calls, call);
    return error;
}

/* --- all in one ------------------------------------------------------------------------------ */

static int await_answer(struct eddy_client *c, uint64_t number, uint64_t deadline,
                        struct eddy_answer *answer)
{
    int error = eddy_client_take_of(c, number, deadline, answer);
    if (error)
        (void)eddy_client_cancel(c, number);
    else if (answer->error)
        error = answer->error;
    return error;
}

int eddy_client_call(eddy_client *c, const void *data, size_t size, uint64_t deadline,
                     struct eddy_answer *answer)
{
    struct eddy_loan loan;
    uint64_t number = 0;
    if (deadline == EDDY_POLL)
        return EDDY_EAGAIN;
    int error = eddy_client_loan(c, size, deadline, &loan);
    if (error)
        return error;
    if (size > 0)
        memcpy(loan.data, data, size);
    error = eddy_client_send(c, &loan, deadline, deadline, &number);
    if (error)
        (void)eddy_client_discard(c, &loan);
    return error ? error : await_answer(c, number, deadline, answer);
}
