/* The clients of a server: who they are, and where their answers go.  spec/calls.md, "Clients"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "allocator/cancel.h"
#include "allocator/error.h"
#include "transport/call/server.h"

#include <stdlib.h>

#define SWEEP_AT_LEAST 16u

static struct eddy_served **list_of(struct eddy_clients *clients, uint64_t id)
{
    return &clients->lists[id % EDDY_SERVED_LISTS];
}

bool eddy_server_misses(const struct eddy_server *s, const struct eddy_served *client)
{
    return (client->answers && eddy_writer_readers(client->answers) == 0) ||
           !eddy_reader_knows_writer(s->requests, &client->who);
}

static void forget(struct eddy_clients *clients, struct eddy_served **at)
{
    struct eddy_served *client = *at;
    *at = client->next;
    (void)eddy_writer_close(client->answers);
    free(client);
    clients->count--;
}

/* Forgets those that are gone, whenever there are twice as many as lived the last time, or too many. */
static void sweep(struct eddy_server *s)
{
    struct eddy_clients *clients = &s->clients;
    if (clients->count < clients->sweep_at && clients->count < EDDY_SERVED_MOST)
        return;
    for (uint32_t i = 0; i < EDDY_SERVED_LISTS; i++) {
        struct eddy_served **at = &clients->lists[i];
        while (*at)
            if ((*at)->requests == 0 && eddy_server_misses(s, *at))
                forget(clients, at);
            else
                at = &(*at)->next;
    }
    clients->sweep_at = 2 * clients->count > SWEEP_AT_LEAST ? 2 * clients->count : SWEEP_AT_LEAST;
}

int eddy_server_know(struct eddy_server *s, uint64_t id, const struct eddy_sample *sample,
                     struct eddy_served **client)
{
    struct eddy_served *known = *list_of(&s->clients, id);
    while (known && known->id != id)
        known = known->next;
    if (!known) {
        EDDY_UNCANCELLED;
        sweep(s);
        if (s->clients.count == EDDY_SERVED_MOST)
            return EDDY_ELIMIT;
        known = calloc(1, sizeof *known);
        if (!known)
            return eddy_fail(EDDY_ENOMEM, "no memory for another client of \"%.200s\"",
                             s->service.name);
        known->id = id;
        known->who = *sample;
        known->next = *list_of(&s->clients, id);
        *list_of(&s->clients, id) = known;
        s->clients.count++;
    }
    *client = known;
    return EDDY_OK;
}

static int fail_gone(const struct eddy_server *s)
{
    return eddy_fail(EDDY_EPEERGONE, "this client of \"%.200s\" is gone: refuse its request",
                     s->service.name);
}

/* Not kept if nobody reads there: then nobody ever will. */
static int open_answers(struct eddy_server *s, struct eddy_served *client)
{
    EDDY_UNCANCELLED;
    const struct eddy_writer_options options = {.with = EDDY_WITH_WORD};
    if (eddy_server_misses(s, client))
        return fail_gone(s);
    int error = eddy_writer_open(s->domain, eddy_call_answers(&s->service, client->id), &options,
                                 &client->answers);
    if (!error && eddy_writer_readers(client->answers) == 0) {
        (void)eddy_writer_close(client->answers);
        client->answers = NULL;
        error = fail_gone(s);
    }
    return error;
}

int eddy_server_reach(struct eddy_server *s, struct eddy_served *client)
{
    if (!client->answers)
        return open_answers(s, client);
    return eddy_writer_readers(client->answers) == 0 ? fail_gone(s) : EDDY_OK;
}

void eddy_server_forget_all(struct eddy_server *s)
{
    for (uint32_t i = 0; i < EDDY_SERVED_LISTS; i++)
        while (s->clients.lists[i])
            forget(&s->clients, &s->clients.lists[i]);
}
