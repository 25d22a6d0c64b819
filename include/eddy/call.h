/* eddy/call.h - request and response: clients call a service, and a server answers.
 *
 *   client:  loan -> write in place -> send ...... take -> read in place -> release
 *   server:      take -> read in place -> loan -> write in place -> answer (or refuse)
 *
 * Both may have many calls in work, which are answered in any order.  A call that was sent ends once:
 * by its answer, by what the server refused it with, by its time (EDDY_ETIMEDOUT), by the end of the
 * server (EDDY_EPEERGONE), or by being cancelled, and is then forgotten: what comes later is thrown
 * away.  Requests and answers are samples: of any size, and read where they were written.
 *
 * A service may have several servers.  A client stays with one of them, as long as that one lives, and
 * each request is served by that one alone.  Each server has a topic of its own for requests, and each
 * client one for answers: so nobody waits for a client that is slow, stopped or dead but who answers
 * that client, and no longer than it likes.
 *
 * Threads: a client or server serves one thread at a time.  Nothing but opening, closing, finding a
 *          server, and the first answer to a client makes files or allocates.
 * Crash:   calls to a server that dies end with EDDY_EPEERGONE, at the latest EDDY_CALL_LOOK_NS
 *          after its client, which waits, could know; with the next loan the client goes to another
 *          server, if there is one.  What a dead client had on its way is served in vain, and its
 *          topic goes when the next new client comes.
 *                                                                               spec/calls.md
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CALL_H
#define EDDY_CALL_H

#include <eddy/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_client eddy_client;
typedef struct eddy_server eddy_server;

#define EDDY_CALLS_MAX    65536u             /* in work at a time, of a client or server */
#define EDDY_CALL_LOOK_NS UINT64_C(10000000) /* so often a client that waits looks for its server */

/* --- client ---------------------------------------------------------------------------------- */

/* All zero means default. */
struct eddy_client_options {
    uint32_t calls;    /* at a time, those included that were answered and not taken: default 64 */
    uint32_t reserved; /* zero */
    uint64_t limit_bytes; /* of its answers: as in eddy_reader_options */
};

/* Opens a client of a service, which needs no server yet.  service: which one, as of topics; its type
 * is that of the service, and its name at most EDDY_NAME_MAX - 32 bytes long.  options may be NULL.
 * May block as eddy_reader_open.  Errors: EDDY_EINVAL, and as eddy_reader_open. */
static inline int eddy_client_open(eddy_domain *domain, const struct eddy_topic_identity *service,
                                   const struct eddy_client_options *options, eddy_client **client)
{
    return eddy_client_open_sized(domain, service, sizeof *service, options, sizeof *options,
                                  client);
}

/* Gives back all that it has: loans and answers must not be used any more.  NULL is allowed. */
EDDY_API int eddy_client_close(eddy_client *client);

/* Room for a request of `size` bytes, as eddy_writer_loan.  Finds a server first, if there is none:
 * waits for one, too.  Discard by eddy_client_discard.  Errors: as eddy_writer_loan; EDDY_EBUSY (the
 * server has gone, and loans of it are out: discard them first), and as eddy_writer_open. */
EDDY_API int eddy_client_loan(eddy_client *client, size_t size, uint64_t deadline,
                              struct eddy_loan *loan);

/* Sends the first loan->size bytes as a request, which ends the loan.  Waits for room until
 * `deadline`; answer_by is when the call ends unanswered, EDDY_FOREVER for never.  *call: its number,
 * which answers carry.  On error the loan is still the caller's.  Errors: as eddy_writer_publish;
 * EDDY_ELIMIT (so many calls are in work as the options allow: take answers), EDDY_EPEERGONE (the
 * server is gone: discard and loan anew). */
EDDY_API int eddy_client_send(eddy_client *client, struct eddy_loan *loan, uint64_t answer_by,
                              uint64_t deadline, uint64_t *call);

/* Gives a loan back unsent.  Errors: as eddy_writer_discard. */
EDDY_API int eddy_client_discard(eddy_client *client, struct eddy_loan *loan);

/* A call that has ended.  Release it. */
struct eddy_answer {
    uint64_t call;
    int32_t error; /* EDDY_OK: sample is the answer.  EDDY_ETIMEDOUT, EDDY_EPEERGONE, or what
                      eddy_server_refuse was given: there is none */
    uint32_t reserved_word;    /* neither read nor written */
    struct eddy_sample sample; /* data, size, header, time and so on; all zero if there is none */
};

/* The next call that has ended, whichever it is; waits for one until the deadline.  Errors:
 * EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_ENOENT (no call is in work), and as eddy_reader_take. */
EDDY_API int eddy_client_take(eddy_client *client, uint64_t deadline, struct eddy_answer *answer);

/* The same of this call; those that end meanwhile can be taken later.  Errors: as eddy_client_take;
 * EDDY_ESTALE (it is not in work: taken, or cancelled). */
EDDY_API int eddy_client_take_of(eddy_client *client, uint64_t call, uint64_t deadline,
                                 struct eddy_answer *answer);

/* Errors: as eddy_reader_release. */
EDDY_API int eddy_client_release(eddy_client *client, struct eddy_answer *answer);

/* Ends a call without an answer, also one that has been answered and not been taken.  The server
 * gets to know it, if there is room for that.  Never waits.  Errors: EDDY_ESTALE, EDDY_EFORKED. */
EDDY_API int eddy_client_cancel(eddy_client *client, uint64_t call);

/* All in one: sends a copy of `data`, waits for the answer, and takes it.  The deadline is of all
 * that.  Returns 0 with an answer to release, or the error of any of these calls, or that of the
 * answer.  With EDDY_POLL no answer is in time: EDDY_EAGAIN, and nothing was sent. */
EDDY_API int eddy_client_call(eddy_client *client, const void *data, size_t size, uint64_t deadline,
                              struct eddy_answer *answer);

/* True if it has found a server, which lives as far as is known now. */
EDDY_API bool eddy_client_is_served(eddy_client *client);

/* The reader of its answers: to attach to a wait set, for nothing else.  When it is ready, take until
 * EDDY_EAGAIN.  Of calls that end otherwise it does not tell: take now and then, too. */
EDDY_API eddy_reader *eddy_client_reader(const eddy_client *client);

/* --- server ---------------------------------------------------------------------------------- */

/* All zero means default. */
struct eddy_server_options {
    uint32_t requests;    /* in work at a time: default 64 */
    uint32_t depth;       /* further ones that clients can have sent: default 64 */
    uint64_t limit_bytes; /* of requests: as in eddy_reader_options */
};

/* Opens a server of a service, and says so to its clients.  Options may be NULL.  May block as
 * eddy_reader_open.  Errors: EDDY_EINVAL, and as eddy_reader_open. */
static inline int eddy_server_open(eddy_domain *domain, const struct eddy_topic_identity *service,
                                   const struct eddy_server_options *options, eddy_server **server)
{
    return eddy_server_open_sized(domain, service, sizeof *service, options, sizeof *options,
                                  server);
}

/* Calls that are not answered end with EDDY_EPEERGONE.  NULL is allowed. */
EDDY_API int eddy_server_close(eddy_server *server);

/* A request in work.  Its fields are the caller's to read. */
struct eddy_request {
    struct eddy_sample sample; /* data, size, header; .word is the call's number at its client */
    uint64_t client;           /* who calls: the same for all its calls */
    uint64_t answer_by;        /* when its client gives up: eddy_now(), or EDDY_FOREVER */
    uint64_t ticket;           /* identifies it; do not change */
    uint64_t reserved[2];      /* neither read nor written */
};

/* The next request; waits for one until the deadline.  Those that were cancelled, or whose time has
 * passed, are passed over.  Errors: EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_ELIMIT (so many are in work as
 * the options allow: answer), and as eddy_reader_take. */
EDDY_API int eddy_server_take(eddy_server *server, uint64_t deadline, struct eddy_request *request);

/* Room for the answer, as eddy_writer_loan, in memory of this client's: waits if that holds too many
 * answers.  The first for a client opens a topic.  Errors: as eddy_writer_loan; EDDY_EPEERGONE (the
 * client is gone: refuse the request), EDDY_ESTALE (it is not in work), and as eddy_writer_open. */
EDDY_API int eddy_server_loan(eddy_server *server, const struct eddy_request *request, size_t size,
                              uint64_t deadline, struct eddy_loan *loan);

/* Sends the first loan->size bytes as the answer, which ends loan and request.  To one who does not
 * wait for it any more nothing is sent, which is no error.  On error, loan and request go on.
 * Errors: as eddy_writer_publish; EDDY_ESTALE. */
EDDY_API int eddy_server_answer(eddy_server *server, const struct eddy_request *request,
                                struct eddy_loan *loan, uint64_t deadline);

/* Gives a loan back; the request goes on.  Errors: as eddy_writer_discard; EDDY_ESTALE. */
EDDY_API int eddy_server_discard(eddy_server *server, const struct eddy_request *request,
                                 struct eddy_loan *loan);

/* Loan, copy, answer; the deadline is of both.  Errors: as for these. */
EDDY_API int eddy_server_write(eddy_server *server, const struct eddy_request *request,
                               const void *data, size_t size, uint64_t deadline);

/* Ends a request without an answer, in any case; its loans are to be discarded before.  The client,
 * if there is room for that, gets `error`: an EDDY_E*, or a positive number of the application's.
 * Never waits.  Errors: EDDY_EINVAL (0), EDDY_ESTALE, EDDY_EFORKED. */
EDDY_API int eddy_server_refuse(eddy_server *server, const struct eddy_request *request,
                                int32_t error);

/* True if nobody waits for the answer any more: it was cancelled, its time has passed, its client is
 * gone, or it is not in work.  For what takes long. */
EDDY_API bool eddy_server_is_cancelled(eddy_server *server, const struct eddy_request *request);

/* The reader of its requests: to attach to a wait set, for nothing else.  When it is ready, take until
 * EDDY_EAGAIN. */
EDDY_API eddy_reader *eddy_server_reader(const eddy_server *server);

#ifdef __cplusplus
}
#endif
#endif
