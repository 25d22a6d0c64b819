/* client.h - the inside of a client.  (internal)
 *
 *   alone -- finds a server (find.c) --> served -- the server dies, or leaves --> alone
 *
 * Threads: one at a time.
 * Crash:   private memory; what it has in shared memory are readers and writers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CALL_CLIENT_H
#define EDDY_CALL_CLIENT_H

#include "transport/call/calls.h"
#include "transport/call/names.h"

#define EDDY_CALL_SERVERS_KNOWN 64u

/* A server, by what it has said. */
struct eddy_call_known {
    uint64_t server;
    struct eddy_sample said; /* released: who wrote it is all that is asked */
};

struct eddy_client {
    eddy_domain *domain;
    struct eddy_call_service service;
    uint64_t id;
    eddy_reader *servers, *answers;
    struct eddy_call_known known[EDDY_CALL_SERVERS_KNOWN];
    uint32_t known_count;
    bool missed;           /* there were more than these */
    eddy_writer *requests; /* to `server`; NULL: alone, and no loan is out */
    struct eddy_call_known server;
    bool gone;       /* the server is */
    uint32_t loans;  /* out */
    uint64_t looked; /* when it was last seen that the server lives */
    struct eddy_calls calls;
};

/* Finds a server, and waits for one.  EDDY_EAGAIN, EDDY_ETIMEDOUT; EDDY_EBUSY: loans of one that is
 * gone are out; as eddy_writer_open. */
int eddy_client_find_server(struct eddy_client *c, uint64_t deadline);

/* False: the server that it had is gone; said once. */
bool eddy_client_still_served(struct eddy_client *c, uint64_t now);

/* Closes what leads to a server that is gone, unless loans are out. */
void eddy_client_leave_server(struct eddy_client *c);

/* Opens the reader of what servers say, anew. */
int eddy_client_listen(struct eddy_client *c);

#endif
