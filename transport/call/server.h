/* server.h - the inside of a server.  (internal)
 *
 * A request in work:
 *
 *   FREE -- comes --> QUEUED -- take --> TAKEN -- answer, refuse --> FREE
 *                        '-- cancelled, or its time has passed --------^
 *
 * All that have come are looked at as long as there are places, so that who works on one request
 * hears of its being cancelled.
 *
 * Threads: one at a time.
 * Crash:   private memory; what it has in shared memory are readers and writers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CALL_SERVER_H
#define EDDY_CALL_SERVER_H

#include "transport/call/names.h"

enum eddy_work_state { EDDY_WORK_FREE = 0, EDDY_WORK_QUEUED, EDDY_WORK_TAKEN };

struct eddy_work {
    enum eddy_work_state state;
    bool cancelled;
    uint32_t turn;  /* how often this place was had: tells tickets apart */
    uint32_t after; /* in the queue, or of free places: index + 1; 0: the last */
    struct eddy_served *client;
    struct eddy_sample sample; /* held */
};

/* A client that has called. */
struct eddy_served {
    uint64_t id;
    eddy_writer *answers;   /* NULL: not answered yet */
    struct eddy_sample who; /* released: by whom it was written is all that is asked */
    uint32_t requests;      /* in work */
    struct eddy_served *next;
};

#define EDDY_SERVED_LISTS 256u
#define EDDY_SERVED_MOST  4096u /* a topic has no more writers than that */

/* The clients, by their numbers.  See served.c. */
struct eddy_clients {
    struct eddy_served *lists[EDDY_SERVED_LISTS];
    uint32_t count, sweep_at;
};

struct eddy_server {
    eddy_domain *domain;
    struct eddy_call_service service;
    uint64_t id;
    eddy_reader *requests;
    eddy_writer *said; /* that it is there */
    struct eddy_work *work;
    uint32_t places, free, first, last; /* as `after` */
    struct eddy_clients clients;
};

/* The client that a request is of, new or not.  EDDY_ENOMEM; EDDY_ELIMIT: somebody makes clients up. */
int eddy_server_know(struct eddy_server *s, uint64_t id, const struct eddy_sample *sample,
                     struct eddy_served **client);
/* Its writer of answers.  EDDY_EPEERGONE; as eddy_writer_open. */
int eddy_server_reach(struct eddy_server *s, struct eddy_served *client);
/* True if it has gone. */
bool eddy_server_misses(const struct eddy_server *s, const struct eddy_served *client);
void eddy_server_forget_all(struct eddy_server *s);

#endif
