/* How a client finds its server, and sees that it is gone.  spec/calls.md, "Servers"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/call/client.h"

#include <string.h>

#define SAID_AT_ONCE 256u /* looked at in one go: others may go on saying */

int eddy_client_listen(struct eddy_client *c)
{
    /* Holds no server up; if it misses one, it asks again for what all that live have said. */
    const struct eddy_reader_options options = {
        .reliability = EDDY_BEST_EFFORT, .depth = EDDY_CALL_SERVERS_KNOWN, .history = UINT32_MAX};
    eddy_reader *anew = NULL;
    int error = eddy_reader_open(c->domain, eddy_call_servers(&c->service), &options, &anew);
    if (error)
        return error;
    (void)eddy_reader_close(c->servers);
    c->servers = anew;
    return EDDY_OK;
}

/* --- what servers say ------------------------------------------------------------------------ */

static void forget(struct eddy_client *c, uint32_t index)
{
    c->known[index] = c->known[--c->known_count];
}

static bool same_writer(const struct eddy_sample *one, const struct eddy_sample *other)
{
    return one->source == other->source && one->writer == other->writer;
}

/* A writer says one thing only: who says another is another, on the seat of one who has left. */
static void note(struct eddy_client *c, uint64_t server, const struct eddy_sample *said)
{
    for (uint32_t i = c->known_count; i-- > 0;)
        if (c->known[i].server == server || same_writer(&c->known[i].said, said))
            forget(c, i);
    if (c->known_count < EDDY_CALL_SERVERS_KNOWN)
        c->known[c->known_count++] = (struct eddy_call_known){.server = server, .said = *said};
    else
        c->missed = true;
    if (c->requests && c->server.server != server && same_writer(&c->server.said, said))
        c->gone = true;
}

static int hear(struct eddy_client *c)
{
    struct eddy_sample sample;
    struct eddy_call_server said;
    int error = EDDY_OK;
    for (uint32_t i = 0; i < SAID_AT_ONCE && !error; i++) {
        error = eddy_reader_take(c->servers, &sample);
        if (error)
            break;
        bool whole = sample.size == sizeof said;
        if (whole)
            memcpy(&said, sample.data, sizeof said);
        error = eddy_reader_release(c->servers, &sample);
        if (whole && said.version == EDDY_CALL_VERSION)
            note(c, said.server, &sample);
    }
    return error == EDDY_EAGAIN ? EDDY_OK : error;
}

/* Some at least, if there are any. */
static int hear_all(struct eddy_client *c)
{
    int error = hear(c);
    if (error || c->known_count > 0 || (!c->missed && eddy_reader_lost(c->servers) == 0))
        return error;
    c->missed = false;
    error = eddy_client_listen(c);
    return error ? error : hear(c);
}

/* --- the server ------------------------------------------------------------------------------ */

bool eddy_client_still_served(struct eddy_client *c, uint64_t now)
{
    if (!c->requests || c->gone || now - c->looked < EDDY_CALL_LOOK_NS)
        return true;
    c->looked = now;
    if (eddy_reader_ready(c->servers))
        (void)hear(c);
    c->gone = c->gone || !eddy_reader_knows_writer(c->servers, &c->server.said);
    return !c->gone;
}

void eddy_client_leave_server(struct eddy_client *c)
{
    if (c->loans > 0)
        return;
    (void)eddy_writer_close(c->requests);
    c->requests = NULL;
    c->gone = false;
}

/* EDDY_EPEERGONE: it is not there any more. */
static int go_to(struct eddy_client *c, const struct eddy_call_known *known)
{
    const struct eddy_writer_options options = {.with = EDDY_CALL_WITH};
    eddy_writer *writer = NULL;
    if (!eddy_reader_knows_writer(c->servers, &known->said))
        return EDDY_EPEERGONE;
    int error = eddy_writer_open(c->domain, eddy_call_requests(&c->service, known->server),
                                 &options, &writer);
    if (error)
        return error;
    if (eddy_writer_readers(writer) == 0) { /* it left, or nobody ever did what was said */
        (void)eddy_writer_close(writer);
        return EDDY_EPEERGONE;
    }
    c->requests = writer;
    c->server = *known;
    c->looked = eddy_now();
    return EDDY_OK;
}

/* Tries one that it knows, or waits until one says that it is there. */
static int try_to_find(struct eddy_client *c, uint64_t deadline)
{
    int error = hear_all(c);
    if (error)
        return error;
    if (c->known_count == 0)
        return deadline == EDDY_POLL ? EDDY_EAGAIN : eddy_reader_wait(c->servers, deadline);
    uint32_t one = (uint32_t)(c->id % c->known_count);
    error = go_to(c, &c->known[one]);
    if (error == EDDY_EPEERGONE)
        forget(c, one);
    return error == EDDY_EPEERGONE ? EDDY_OK : error;
}

int eddy_client_find_server(struct eddy_client *c, uint64_t deadline)
{
    EDDY_UNCANCELLED;
    int error = EDDY_OK;
    if (c->gone && c->loans > 0)
        return eddy_fail(EDDY_EBUSY,
                         "the server of \"%.200s\" is gone, and loans of it are out: discard them",
                         c->service.name);
    if (c->gone)
        eddy_client_leave_server(c);
    while (!c->requests && !error)
        error = try_to_find(c, deadline);
    return error;
}
