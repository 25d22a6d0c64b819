/* A server: takes requests, and answers them.  spec/calls.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transport/call/server.h"

#include "allocator/cancel.h"
#include "allocator/error.h"
#include "allocator/sized.h"

#include <stdlib.h>
#include <string.h>

#define LOOKED_AT_MORE 256u /* in one go besides the places that are free: others may go on */
#define SAID_WITHIN    UINT64_C(1000000000) /* clients never wait with that; a stranger might */

/* --- opening and closing --------------------------------------------------------------------- */

static int make_places(struct eddy_server *s, uint32_t wanted)
{
    int error = eddy_call_count(wanted, "requests", &s->places);
    s->work = error ? NULL : calloc(s->places, sizeof *s->work);
    if (error)
        return error;
    if (!s->work)
        return eddy_fail(EDDY_ENOMEM, "no memory for %u requests", s->places);
    for (uint32_t i = 0; i < s->places; i++)
        s->work[i].after = i + 1 < s->places ? i + 2 : 0;
    s->free = 1;
    return EDDY_OK;
}

/* After its reader of requests, so that who hears of it finds it. */
static int say(struct eddy_server *s)
{
    const struct eddy_writer_options options = {.history = 1};
    const struct eddy_call_server words = {.server = s->id, .version = EDDY_CALL_VERSION};
    int error = eddy_writer_open(s->domain, eddy_call_servers(&s->service), &options, &s->said);
    return error ? error
                 : eddy_writer_write(s->said, &words, sizeof words, eddy_deadline(SAID_WITHIN));
}

static int open_server(struct eddy_server *s, const struct eddy_server_options *o)
{
    const struct eddy_reader_options options = {.depth = o->depth, .limit_bytes = o->limit_bytes};
    int error = make_places(s, o->requests);
    if (!error)
        error = eddy_call_new_id(&s->id);
    if (!error)
        error = eddy_reader_open(s->domain, eddy_call_requests(&s->service, s->id), &options,
                                 &s->requests);
    return error ? error : say(s);
}

int eddy_server_open_sized(eddy_domain *domain, const struct eddy_topic_identity *service,
                           size_t service_size, const struct eddy_server_options *options,
                           size_t options_size, eddy_server **server)
{
    EDDY_UNCANCELLED;
    struct eddy_server_options o;
    if (!domain || !service || !server)
        return eddy_fail(EDDY_EINVAL, "eddy_server_open: no domain, service or place for the "
                                      "result");
    int error = EDDY_SIZED(eddy_server_options, o, options, options_size);
    struct eddy_server *s = error ? NULL : calloc(1, sizeof *s);
    if (!s)
        return error ? error : eddy_fail(EDDY_ENOMEM, "no memory to open a server");
    s->domain = domain;
    error = eddy_call_service_init(&s->service, service, service_size);
    if (!error)
        error = open_server(s, &o);
    if (error)
        (void)eddy_server_close(s);
    else
        *server = s;
    return error;
}

int eddy_server_close(eddy_server *s)
{
    EDDY_UNCANCELLED;
    if (!s)
        return EDDY_OK;
    int error = eddy_writer_close(s->said); /* first: nobody comes any more */
    eddy_server_forget_all(s);
    int second = eddy_reader_close(s->requests);
    eddy_call_service_free(&s->service);
    free(s->work);
    free(s);
    return error ? error : second;
}

eddy_reader *eddy_server_reader(const eddy_server *s)
{
    return s->requests;
}

/* --- places ---------------------------------------------------------------------------------- */

static void enqueue(struct eddy_server *s, uint32_t place)
{
    if (s->last)
        s->work[s->last - 1].after = place;
    else
        s->first = place;
    s->last = place;
    s->work[place - 1].after = 0;
}

static struct eddy_work *dequeue(struct eddy_server *s)
{
    struct eddy_work *work = s->first ? &s->work[s->first - 1] : NULL;
    if (work)
        s->first = work->after;
    if (!s->first)
        s->last = 0;
    return work;
}

static int finish(struct eddy_server *s, struct eddy_work *work)
{
    work->client->requests--;
    work->state = EDDY_WORK_FREE;
    work->turn++;
    work->after = s->free;
    s->free = (uint32_t)(work - s->work) + 1;
    return eddy_reader_release(s->requests, &work->sample);
}

static uint64_t ticket_of(const struct eddy_server *s, const struct eddy_work *work)
{
    return (uint64_t)work->turn << 32 | (uint64_t)(work - s->work);
}

/* NULL: it is not in work. */
static struct eddy_work *find(struct eddy_server *s, const struct eddy_request *request)
{
    uint64_t place = request->ticket & UINT32_MAX;
    struct eddy_work *work = place < s->places ? &s->work[place] : NULL;
    bool ours = work && work->state == EDDY_WORK_TAKEN && ticket_of(s, work) == request->ticket;
    if (!ours)
        (void)eddy_fail(EDDY_ESTALE, "this request was answered or refused already");
    return ours ? work : NULL;
}

/* Nobody waits for the answer. */
static bool is_over(const struct eddy_work *work)
{
    uint64_t until = work->sample.time;
    return work->cancelled || (until != EDDY_FOREVER && until <= eddy_now());
}

/* --- what comes in --------------------------------------------------------------------------- */

static int begin(struct eddy_server *s, uint64_t client, struct eddy_sample *sample)
{
    uint32_t place = s->free;
    struct eddy_work *work = &s->work[place - 1];
    int error = eddy_server_know(s, client, sample, &work->client);
    if (error) {
        (void)eddy_reader_release(s->requests, sample);
        return error == EDDY_ELIMIT ? EDDY_OK : error;
    }
    s->free = work->after;
    work->client->requests++;
    work->state = EDDY_WORK_QUEUED;
    work->cancelled = false;
    work->sample = *sample;
    enqueue(s, place);
    return EDDY_OK;
}

static void cancel(struct eddy_server *s, uint64_t client, uint64_t call)
{
    for (uint32_t i = 0; i < s->places; i++) {
        struct eddy_work *work = &s->work[i];
        if (work->state != EDDY_WORK_FREE && work->client->id == client &&
            work->sample.word == call)
            work->cancelled = true;
    }
}

/* What does not look as a client sends it is thrown away. */
static int accept(struct eddy_server *s, struct eddy_sample *sample)
{
    struct eddy_call_key key = {0};
    if ((sample->with & EDDY_CALL_WITH) == EDDY_CALL_WITH)
        memcpy(&key, sample->key, sizeof key);
    if (key.kind == EDDY_CALL_REQUEST)
        return begin(s, key.client, sample);
    if (key.kind == EDDY_CALL_CANCEL)
        cancel(s, key.client, sample->word);
    return eddy_reader_release(s->requests, sample);
}

static int gather(struct eddy_server *s)
{
    struct eddy_sample sample;
    int error = EDDY_OK;
    for (uint32_t i = 0; !error && s->free && i < s->places + LOOKED_AT_MORE; i++) {
        error = eddy_reader_take(s->requests, &sample);
        if (!error)
            error = accept(s, &sample);
    }
    return error == EDDY_EAGAIN ? EDDY_OK : error;
}

/* --- taking ---------------------------------------------------------------------------------- */

static void hand_out(struct eddy_server *s, struct eddy_work *work, struct eddy_request *request)
{
    work->state = EDDY_WORK_TAKEN;
    request->sample = work->sample;
    request->client = work->client->id;
    request->answer_by = work->sample.time;
    request->ticket = ticket_of(s, work);
}

static int take_now(struct eddy_server *s, struct eddy_request *request)
{
    struct eddy_work *work;
    int error = gather(s);
    while (!error && (work = dequeue(s)) != NULL) {
        if (!is_over(work)) {
            hand_out(s, work, request);
            return EDDY_OK;
        }
        error = finish(s, work);
    }
    if (!error && !s->free)
        error = eddy_fail(EDDY_ELIMIT, "%u requests are in work: answer some first", s->places);
    return error ? error : EDDY_EAGAIN;
}

int eddy_server_take(eddy_server *s, uint64_t deadline, struct eddy_request *request)
{
    for (;;) {
        int error = take_now(s, request);
        if (error != EDDY_EAGAIN || deadline == EDDY_POLL)
            return error;
        error = eddy_reader_wait(s->requests, deadline);
        if (error)
            return error;
    }
}

bool eddy_server_is_cancelled(eddy_server *s, const struct eddy_request *request)
{
    struct eddy_work *work = find(s, request);
    (void)gather(s);
    return !work || is_over(work) || eddy_server_misses(s, work->client);
}

/* --- answering ------------------------------------------------------------------------------- */

int eddy_server_loan(eddy_server *s, const struct eddy_request *request, size_t size,
                     uint64_t deadline, struct eddy_loan *loan)
{
    struct eddy_work *work = find(s, request);
    int error = work ? eddy_server_reach(s, work->client) : EDDY_ESTALE;
    return error ? error : eddy_writer_loan(work->client->answers, size, deadline, loan);
}

int eddy_server_discard(eddy_server *s, const struct eddy_request *request, struct eddy_loan *loan)
{
    struct eddy_work *work = find(s, request);
    if (!work || !work->client->answers)
        return EDDY_ESTALE;
    return eddy_writer_discard(work->client->answers, loan);
}

int eddy_server_answer(eddy_server *s, const struct eddy_request *request, struct eddy_loan *loan,
                       uint64_t deadline)
{
    struct eddy_work *work = find(s, request);
    if (!work || !work->client->answers)
        return EDDY_ESTALE;
    const struct eddy_publication what = {.word = work->sample.word};
    int error = is_over(work) ? eddy_writer_discard(work->client->answers, loan)
                              : eddy_writer_publish_with(work->client->answers, loan, loan->size,
                                                         &what, deadline);
    return error ? error : finish(s, work);
}

int eddy_server_write(eddy_server *s, const struct eddy_request *request, const void *data,
                      size_t size, uint64_t deadline)
{
    struct eddy_loan loan;
    struct eddy_work *work = find(s, request);
    if (work && is_over(work))
        return finish(s, work);
    int error = eddy_server_loan(s, request, size, deadline, &loan);
    if (error)
        return error;
    if (size > 0)
        memcpy(loan.data, data, size);
    error = eddy_server_answer(s, request, &loan, deadline);
    if (error)
        (void)eddy_server_discard(s, request, &loan);
    return error;
}

static void send_refusal(const struct eddy_work *work, int32_t error)
{
    const struct eddy_loan_options options = {.with = EDDY_WITH_KEY};
    const struct eddy_call_key key = {.client = work->client->id, .error = error};
    struct eddy_publication what = {.word = work->sample.word};
    struct eddy_loan loan;
    eddy_writer *answers = work->client->answers;
    memcpy(what.key, &key, sizeof key);
    if (eddy_writer_loan_with(answers, &options, EDDY_POLL, &loan))
        return;
    if (eddy_writer_publish_with(answers, &loan, 0, &what, EDDY_POLL))
        (void)eddy_writer_discard(answers, &loan);
}

int eddy_server_refuse(eddy_server *s, const struct eddy_request *request, int32_t error)
{
    struct eddy_work *work = find(s, request);
    if (!work)
        return EDDY_ESTALE;
    if (error == EDDY_OK)
        return eddy_fail(EDDY_EINVAL, "a request is refused with an error, which 0 is none");
    if (!is_over(work) && eddy_server_reach(s, work->client) == EDDY_OK)
        send_refusal(work, error);
    return finish(s, work);
}
