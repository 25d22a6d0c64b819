/* call_test.c - calls, and all the ways in which they end, in one process.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/call.h"

#include "support/payload.h"
#include "transport/call/client.h"

#include <stdio.h>
#include <unistd.h>

enum { MANY = 40, CLIENTS = 5 };

static eddy_domain *domain;
static eddy_server *server;
static eddy_client *client;

static int setup(void **state)
{
    if (world_setup(state))
        return -1;
    domain = open_domain();
    server = open_server(domain);
    client = open_client(domain);
    return 0;
}

static int teardown(void **state)
{
    int failed =
        eddy_client_close(client) || eddy_server_close(server) || eddy_domain_close(domain);
    return world_teardown(state) || failed ? -1 : 0;
}

static void nothing_comes(eddy_client *of)
{
    struct eddy_answer answer;
    must_fail(eddy_client_take(of, EDDY_POLL, &answer), EDDY_ENOENT);
}

static void a_request_is_answered(void **state)
{
    (void)state;
    struct eddy_request request;
    must_fail(eddy_server_take(server, EDDY_POLL, &request), EDDY_EAGAIN);
    must_fail(eddy_server_take(server, eddy_deadline(MILLISECOND), &request), EDDY_ETIMEDOUT);
    nothing_comes(client);
    works(client, server, 7);
    check(eddy_client_is_served(client));
    nothing_comes(client);
    must_fail(eddy_server_take(server, EDDY_POLL, &request), EDDY_EAGAIN);
}

static void answers_are_written_and_read_in_place(void **state)
{
    (void)state;
    const size_t size = 3 << 20;
    struct eddy_loan loan;
    struct eddy_answer answer;
    struct payload payload;
    uint64_t call = send_call(client, 1);
    struct eddy_request request = take_request(server);
    must(eddy_server_loan(server, &request, size, patience(), &loan));
    payload_fill(loan.data, size, 1, 2);
    must(eddy_server_answer(server, &request, &loan, patience()));
    must(eddy_client_take_of(client, call, patience(), &answer));
    same(answer.sample.size, size);
    check(payload_whole(answer.sample.data, size, &payload));
    must(eddy_client_release(client, &answer));
}

static void many_are_answered_in_any_order(void **state)
{
    (void)state;
    uint64_t calls[MANY];
    struct eddy_request requests[MANY];
    for (uint64_t i = 0; i < MANY; i++)
        calls[i] = send_call(client, i);
    for (size_t i = 0; i < MANY; i++)
        requests[i] = take_request(server);
    for (size_t i = MANY; i-- > 0;)
        answer(server, &requests[i]);
    is_answered(client, calls[MANY / 2], MANY / 2);
    for (uint64_t i = MANY; i-- > 0;) { /* in the order of their ends */
        struct eddy_answer answer;
        if (i == MANY / 2)
            continue;
        must(eddy_client_take(client, patience(), &answer));
        same(answer.call, calls[i]);
        same(value_of(&answer.sample), i + 1000);
        must(eddy_client_release(client, &answer));
        must_fail(eddy_client_release(client, &answer), EDDY_ESTALE);
    }
    nothing_comes(client);
}

static void each_client_gets_its_own(void **state)
{
    (void)state;
    eddy_client *clients[CLIENTS];
    uint64_t calls[CLIENTS][8];
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = open_client(domain);
    for (uint64_t n = 0; n < 8; n++)
        for (uint64_t i = 0; i < CLIENTS; i++)
            calls[i][n] = send_call(clients[i], 100 * i + n);
    for (size_t i = 0; i < (size_t)CLIENTS * 8; i++)
        serve_one(server);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        for (uint64_t n = 0; n < 8; n++)
            is_answered(clients[i], calls[i][n], 100 * i + n);
        nothing_comes(clients[i]);
        must(eddy_client_close(clients[i]));
    }
}

static void what_is_late_is_thrown_away(void **state)
{
    (void)state;
    struct eddy_answer nothing;
    uint64_t late = send_by(client, 1, eddy_deadline(20 * MILLISECOND));
    struct eddy_request request = take_request(server);
    check(!eddy_server_is_cancelled(server, &request) || eddy_now() >= request.answer_by);
    must_fail(eddy_client_take_of(client, late, EDDY_POLL, &nothing), EDDY_EAGAIN);
    ends_with(client, late, EDDY_ETIMEDOUT);
    must_fail(eddy_client_take_of(client, late, EDDY_POLL, &nothing), EDDY_ESTALE);
    check(eddy_server_is_cancelled(server, &request));
    struct eddy_loan loan;
    must(eddy_server_loan(server, &request, 8, patience(), &loan));
    must(eddy_server_answer(server, &request, &loan, patience())); /* to nobody */
    must_fail(eddy_server_write(server, &request, "", 0, patience()), EDDY_ESTALE);

    late = send_by(client, 2, eddy_deadline(MILLISECOND));
    ends_with(client, late, EDDY_ETIMEDOUT);
    uint64_t call = send_call(client, 3); /* the server passes over the one before */
    serve_one(server);
    is_answered(client, call, 3);
    nothing_comes(client);
}

/* And not when the client looks for its server the next time.  The least of several, as machines are
 * busy. */
static void a_time_out_is_told_at_once(void **state)
{
    (void)state;
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 20 && least >= 3 * MILLISECOND; i++) {
        uint64_t end = eddy_deadline(MILLISECOND);
        ends_with(client, send_by(client, 1, end), EDDY_ETIMEDOUT);
        uint64_t late = eddy_now() - end;
        least = late < least ? late : least;
    }
    check(least < 3 * MILLISECOND);
    uint64_t later = send_by(client, 2, eddy_deadline(15 * MILLISECOND));
    ends_with(client, send_by(client, 1, eddy_deadline(MILLISECOND)), EDDY_ETIMEDOUT);
    ends_with(client, later, EDDY_ETIMEDOUT);
}

/* Its place is had by another call. */
static void a_late_answer_is_not_taken_for_another(void **state)
{
    (void)state;
    struct eddy_answer none;
    uint64_t late = send_call(client, 1);
    serve_one(server);
    must(eddy_client_cancel(client, late));
    client->calls.next = late + client->calls.mask + 1;
    uint64_t call = send_call(client, 2);
    same(call & client->calls.mask, late & client->calls.mask);
    must_fail(eddy_client_take_of(client, call, EDDY_POLL, &none), EDDY_EAGAIN);
    serve_one(server);
    is_answered(client, call, 2);
}

/* A client that looks at none of its answers, of which it has as many as it can. */
static void what_could_not_be_answered_costs_nothing(void **state)
{
    (void)state;
    struct eddy_client_options little = {.limit_bytes = 128 << 10};
    eddy_client *blind = NULL;
    uint64_t call = 0;
    must(eddy_client_open(domain, &service, &little, &blind));
    for (uint64_t i = 0; i < eddy_reader_depth(eddy_client_reader(blind)); i++) {
        call = send_call(blind, i);
        serve_one(server);
        must(eddy_client_cancel(blind, call));
    }
    call = send_call(blind, 1);
    struct eddy_request request = take_request(server);
    for (int i = 0; i < 2000; i++) /* there is not so much room, were the loans kept */
        must_fail(eddy_server_write(server, &request, "", 0, EDDY_POLL), EDDY_EAGAIN);
    struct eddy_loan loan;
    must(eddy_server_loan(server, &request, 8, EDDY_POLL, &loan));
    must(eddy_server_discard(server, &request, &loan));
    struct eddy_answer none;
    must_fail(eddy_client_take_of(blind, call, EDDY_POLL, &none), EDDY_EAGAIN);
    answer(server, &request);
    is_answered(blind, call, 1);
    must(eddy_client_close(blind));
}

/* The server has just sent it when the client gives up. */
static void an_answer_that_crosses_the_end_is_thrown_away(void **state)
{
    (void)state;
    uint64_t call = send_call(client, 1);
    serve_one(server);
    must(eddy_client_cancel(client, call));
    nothing_comes(client);
    works(client, server, 2);

    struct eddy_client_options little = {.limit_bytes = 64 << 10};
    eddy_client *hasty = NULL;
    must(eddy_client_open(domain, &service, &little, &hasty));
    for (uint64_t i = 0; i < 1000; i++) { /* there is not so much room, were they kept */
        uint64_t late = send_call(hasty, i);
        call = send_call(hasty, i);
        serve_one(server);
        must(eddy_client_cancel(hasty, late));
        serve_one(server);
        is_answered(hasty, call, i); /* which looks at the other, too */
        call = send_call(hasty, i);
        late = send_call(hasty, i);
        serve_one(server);
        serve_one(server);
        is_answered(hasty, late, i);
        must(eddy_client_cancel(hasty, call)); /* which has been looked at */
        nothing_comes(hasty);
    }
    must(eddy_client_close(hasty));
}

static void a_call_is_cancelled(void **state)
{
    (void)state;
    struct eddy_request request;
    uint64_t first = send_call(client, 1), second = send_call(client, 2);
    must(eddy_client_cancel(client, first)); /* before the server has seen it */
    must_fail(eddy_client_cancel(client, first), EDDY_ESTALE);
    request = take_request(server);
    same(value_of(&request.sample), 2);
    check(!eddy_server_is_cancelled(server, &request));
    must(eddy_client_cancel(client, second)); /* while it works on it */
    check(eddy_server_is_cancelled(server, &request));
    answer(server, &request); /* to nobody */
    check(eddy_server_is_cancelled(server, &request));
    must_fail(eddy_server_take(server, EDDY_POLL, &request), EDDY_EAGAIN);
    nothing_comes(client);

    uint64_t third = send_call(client, 3), fourth = send_call(client, 4);
    serve_one(server);
    serve_one(server);
    is_answered(client, fourth, 4);
    must(eddy_client_cancel(client, third)); /* it has been answered, and not been taken */
    nothing_comes(client);
    works(client, server, 5);
}

static void what_one_client_cancels_is_its_own(void **state)
{
    (void)state;
    eddy_client *other = open_client(domain);
    uint64_t mine = send_call(client, 1), theirs = send_call(other, 2);
    same(mine, theirs); /* the numbers are */
    must(eddy_client_cancel(client, mine));
    serve_one(server);
    is_answered(other, theirs, 2);
    must(eddy_client_close(other));
}

static void a_request_is_refused(void **state)
{
    (void)state;
    static const int errors[] = {EDDY_ELIMIT, 42, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        uint64_t call = send_call(client, i);
        struct eddy_request request = take_request(server);
        must_fail(eddy_server_refuse(server, &request, 0), EDDY_EINVAL);
        must(eddy_server_refuse(server, &request, errors[i]));
        must_fail(eddy_server_refuse(server, &request, errors[i]), EDDY_ESTALE);
        ends_with(client, call, errors[i]);

        struct eddy_request old = request; /* another has its place */
        call = send_call(client, i);
        request = take_request(server);
        must_fail(eddy_server_refuse(server, &old, EDDY_ELIMIT), EDDY_ESTALE);
        answer(server, &request);
        is_answered(client, call, i);
    }
    works(client, server, 1);
}

static void there_is_an_end_of_what_is_in_work(void **state)
{
    (void)state;
    struct eddy_request requests[65];
    struct eddy_loan loan;
    struct eddy_answer answered;
    uint64_t calls[64], none;
    for (uint64_t i = 0; i < 64; i++)
        calls[i] = send_call(client, i);
    must(eddy_client_loan(client, 8, patience(), &loan));
    must_fail(eddy_client_send(client, &loan, patience(), patience(), &none), EDDY_ELIMIT);
    must(eddy_client_discard(client, &loan));
    must_fail(eddy_client_call(client, "", 0, EDDY_POLL, &answered), EDDY_EAGAIN);
    must_fail(eddy_client_call(client, "", 0, patience(), &answered), EDDY_ELIMIT);
    same(client->loans, 0);
    eddy_client *other = open_client(domain);
    must(eddy_client_loan(other, 8, patience(), &loan));
    must_fail(eddy_client_send(other, &loan, patience(), EDDY_POLL, &none), EDDY_EAGAIN);
    nothing_comes(other);
    must(eddy_client_discard(other, &loan));
    for (size_t i = 0; i < 64; i++)
        requests[i] = take_request(server);
    uint64_t further = send_call(other, 64);
    must_fail(eddy_server_take(server, patience(), &requests[64]), EDDY_ELIMIT);
    for (size_t i = 0; i < 64; i++)
        answer(server, &requests[i]);
    serve_one(server);
    is_answered(other, further, 64);
    for (uint64_t i = 0; i < 64; i++)
        is_answered(client, calls[i], i);
    must(eddy_client_close(other));
}

static void numbers_wrap(void **state)
{
    (void)state;
    uint64_t calls[8];
    client->calls.next = UINT64_MAX - 3;
    for (uint64_t i = 0; i < 8; i++)
        calls[i] = send_call(client, i);
    check(calls[0] > calls[7]);
    for (size_t i = 0; i < 8; i++)
        serve_one(server);
    for (uint64_t i = 0; i < 8; i++)
        is_answered(client, calls[i], i);
}

/* A call that stays in work while numbers go round and come to its place again. */
static void a_number_is_never_had_twice(void **state)
{
    (void)state;
    uint64_t old = send_call(client, 1);
    struct eddy_request request = take_request(server);
    for (uint64_t i = 0; i < 200; i++)
        works(client, server, i);
    answer(server, &request);
    is_answered(client, old, 1);
}

/* A client that takes nothing, and has no room for more. */
static void a_slow_client_is_in_nobodys_way(void **state)
{
    (void)state;
    struct eddy_client_options little = {.limit_bytes = 256 << 10};
    eddy_client *slow = NULL;
    struct eddy_loan loan;
    must(eddy_client_open(domain, &service, &little, &slow));
    for (uint64_t i = 0; i < 8; i++)
        send_call(slow, i);
    unsigned answered = 0;
    struct eddy_request requests[8];
    for (size_t i = 0; i < 8; i++)
        requests[i] = take_request(server);
    for (size_t i = 0; i < 8; i++) {
        int error = eddy_server_loan(server, &requests[i], 100 << 10, EDDY_POLL, &loan);
        if (!error) {
            must(eddy_server_answer(server, &requests[i], &loan, EDDY_POLL));
            answered++;
        } else {
            must_fail(error, EDDY_EAGAIN);
            works(client, server, i);
            must(eddy_server_refuse(server, &requests[i], EDDY_EAGAIN));
        }
    }
    check(answered >= 1 && answered <= 2);
    must(eddy_client_close(slow));
}

/* --- servers --------------------------------------------------------------------------------- */

static void a_client_needs_no_server_to_begin(void **state)
{
    (void)state;
    struct eddy_loan loan;
    must(eddy_server_close(server));
    server = NULL;
    check(!eddy_client_is_served(client));
    must_fail(eddy_client_loan(client, 8, EDDY_POLL, &loan), EDDY_EAGAIN);
    must_fail(eddy_client_loan(client, 8, eddy_deadline(MILLISECOND), &loan), EDDY_ETIMEDOUT);
    server = open_server(domain);
    works(client, server, 1);
}

/* On the same seat of the same participant, so that it looks as if the writer had stayed. */
static void a_server_leaves_and_another_comes(void **state)
{
    (void)state;
    struct eddy_loan loan;
    works(client, server, 1);
    uint64_t answered = send_call(client, 2), unanswered = send_call(client, 3);
    must(eddy_client_loan(client, 8, patience(), &loan));
    serve_one(server);
    must(eddy_server_close(server));
    server = open_server(domain);
    ends_with(client, unanswered, EDDY_EPEERGONE);
    is_answered(client, answered, 2);
    must_fail(eddy_client_send(client, &loan, patience(), patience(), &answered), EDDY_EPEERGONE);
    struct eddy_loan more;
    must_fail(eddy_client_loan(client, 8, patience(), &more), EDDY_EBUSY);
    memset(loan.data, 1, loan.size); /* it is still there */
    must(eddy_client_discard(client, &loan));
    works(client, server, 4);
}

static void what_was_answered_before_the_end_is_there(void **state)
{
    (void)state;
    struct eddy_loan loan;
    uint64_t answered = send_call(client, 1), unanswered = send_call(client, 2);
    serve_one(server);
    must(eddy_server_close(server));
    server = NULL;
    usleep(11000); /* from now on the client knows, before it has looked for answers */
    must_fail(eddy_client_loan(client, 8, EDDY_POLL, &loan), EDDY_EAGAIN);
    check(!eddy_client_is_served(client));
    is_answered(client, answered, 1);
    ends_with(client, unanswered, EDDY_EPEERGONE);
}

static void a_request_goes_to_one_of_several_servers(void **state)
{
    (void)state;
    eddy_client *clients[CLIENTS];
    eddy_server *servers[] = {server, open_server(domain), open_server(domain)};
    for (size_t i = 0; i < CLIENTS; i++) {
        struct eddy_request request;
        unsigned served = 0;
        clients[i] = open_client(domain);
        uint64_t call = send_call(clients[i], i);
        for (size_t n = 0; n < 3; n++)
            if (eddy_server_take(servers[n], EDDY_POLL, &request) == EDDY_OK) {
                answer(servers[n], &request);
                served++;
            }
        same(served, 1);
        is_answered(clients[i], call, i);
    }
    must(eddy_server_close(servers[1]));
    must(eddy_server_close(servers[2]));
    usleep(11000); /* from now on clients know */
    for (size_t i = 0; i < CLIENTS; i++) {
        works(clients[i], server, i);
        must(eddy_client_close(clients[i]));
    }
}

static void there_may_be_more_servers_than_are_known(void **state)
{
    (void)state;
    enum { SERVERS = EDDY_CALL_SERVERS_KNOWN + 6 };
    eddy_server *servers[SERVERS];
    for (size_t i = 0; i < SERVERS; i++)
        servers[i] = open_server(domain);
    eddy_client *other = open_client(domain);
    must(eddy_server_close(server));
    for (size_t i = 0; i + 1 < SERVERS; i++)
        must(eddy_server_close(servers[i]));
    server = servers[SERVERS - 1];
    works(other, server, 1);
    works(client, server, 2);
    must(eddy_client_close(other));
}

/* It said so when the client did not listen, and many others since. */
static void a_server_that_was_missed_is_found(void **state)
{
    (void)state;
    must(eddy_server_close(server));
    server = open_server(domain);
    for (unsigned i = 0; i < EDDY_CALL_SERVERS_KNOWN + 6; i++)
        must(eddy_server_close(open_server(domain)));
    works(client, server, 1);
}

static void those_who_left_are_forgotten(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        eddy_client *visitor = open_client(domain);
        works(visitor, server, i);
        must(eddy_client_close(visitor));
    }
    check(world_files() < 100);                /* two and more for each topic */
    eddy_client *caller = open_client(domain); /* which leaves, and its request is in work */
    send_call(caller, 1);
    struct eddy_request request = take_request(server);
    must(eddy_client_close(caller));
    for (uint64_t i = 0; i < 40; i++) {
        eddy_client *visitor = open_client(domain);
        works(visitor, server, i);
        must(eddy_client_close(visitor));
    }
    check(eddy_server_is_cancelled(server, &request));
    must(eddy_server_refuse(server, &request, EDDY_EPEERGONE));
    works(client, server, 1);
}

static void types_and_names_are_checked(void **state)
{
    (void)state;
    static char longest[EDDY_NAME_MAX];
    memset(longest, 'n', sizeof longest - 1);
    const struct eddy_topic_identity other = {.name = "adder", .type = "subtract"},
                                     long_name = {.name = longest}, none = {.name = ""};
    struct eddy_client_options too_many = {.calls = EDDY_CALLS_MAX + 1}, unknown = {.reserved = 1};
    eddy_client *c = NULL;
    eddy_server *s = NULL;
    must_fail(eddy_client_open(domain, &other, NULL, &c), EDDY_ETYPE);
    must_fail(eddy_server_open(domain, &other, NULL, &s), EDDY_ETYPE);
    must_fail(eddy_client_open(domain, &long_name, NULL, &c), EDDY_EINVAL);
    must_fail(eddy_server_open(domain, &none, NULL, &s), EDDY_EINVAL);
    must_fail(eddy_client_open(domain, &service, &too_many, &c), EDDY_EINVAL);
    must_fail(eddy_client_open(domain, &service, &unknown, &c), EDDY_EINVAL);
    must_fail(eddy_client_open(NULL, &service, NULL, &c), EDDY_EINVAL);
    must_fail(eddy_server_open(domain, NULL, NULL, &s), EDDY_EINVAL);
    check(c == NULL && s == NULL);
    must(eddy_client_close(NULL));
    must(eddy_server_close(NULL));
}

static void wait_sets_tell_of_both(void **state)
{
    (void)state;
    eddy_waitset *set = NULL;
    void *found = NULL;
    size_t count = 0;
    must(eddy_waitset_open(domain, &set));
    must(eddy_waitset_attach_reader(set, eddy_server_reader(server), EDDY_WAIT_LEVEL, server));
    must(eddy_waitset_attach_reader(set, eddy_client_reader(client), EDDY_WAIT_LEVEL, client));
    uint64_t call = send_call(client, 1);
    must(eddy_waitset_wait(set, patience(), &found, 1, &count));
    check(found == server);
    serve_one(server);
    must(eddy_waitset_wait(set, patience(), &found, 1, &count));
    check(found == client);
    is_answered(client, call, 1);
    must(eddy_waitset_close(set));
}

/* --- strangers ------------------------------------------------------------------------------- */

static eddy_writer *stranger(const char *kind, uint64_t id, bool numbered)
{
    char name[100];
    const struct eddy_topic_identity topic = {.name = name, .type = "add"};
    const struct eddy_writer_options options = {.with = EDDY_CALL_WITH};
    eddy_writer *writer = NULL;
    snprintf(name, sizeof name, numbered ? "adder/%s/%016llx" : "adder/%s", kind,
             (unsigned long long)id);
    must(eddy_writer_open(domain, &topic, &options, &writer));
    return writer;
}

static void babble(eddy_writer *writer, uint64_t *seed, uint64_t client_id)
{
    struct eddy_loan loan;
    uint64_t random = payload_random(seed);
    struct eddy_call_key key = {.client = random % 3 ? client_id : random,
                                .kind = (uint32_t)(random >> 8) % 4,
                                .error = (int32_t)(random >> 16) % 3};
    struct eddy_publication what = {.word = (random >> 24) % 70, .time = (random >> 32) % 2};
    what.time = what.time ? EDDY_FOREVER : random;
    memcpy(what.key, &key, sizeof key);
    must(eddy_writer_loan(writer, (random >> 40) % 40, patience(), &loan));
    memset(loan.data, (int)random, loan.size);
    must(eddy_writer_publish_with(writer, &loan, loan.size, &what, patience()));
}

static void take_what_comes(eddy_server *from)
{
    struct eddy_request request;
    while (eddy_server_take(from, EDDY_POLL, &request) == EDDY_OK)
        must(eddy_server_refuse(from, &request, EDDY_EINVAL));
}

/* As many clients as one likes, of which there is none. */
static void clients_that_are_made_up_use_up_nothing(void **state)
{
    (void)state;
    works(client, server, 1);
    eddy_writer *requests = stranger("requests", client->server.server, true);
    unsigned files = world_files();
    for (uint64_t i = 0; i < 5000; i++) {
        struct eddy_loan loan;
        struct eddy_call_key key = {.client = 1000 + i, .kind = EDDY_CALL_REQUEST};
        struct eddy_publication what = {.word = i, .time = EDDY_FOREVER};
        memcpy(what.key, &key, sizeof key);
        must(eddy_writer_loan(requests, 0, patience(), &loan));
        must(eddy_writer_publish_with(requests, &loan, 0, &what, patience()));
        if (i % 50 == 0)
            take_what_comes(server);
    }
    take_what_comes(server);
    same(world_files(), files);
    works(client, server, 2); /* which it knows */
    must(eddy_writer_close(requests));
    eddy_client *other = open_client(domain); /* for which there is room again */
    works(other, server, 3);
    must(eddy_client_close(other));
}

static void strangers_on_its_topics_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = payload_seed();
    works(client, server, 1);
    eddy_writer *requests = stranger("requests", client->server.server, true);
    eddy_writer *answers = stranger("answers", client->id, true);
    for (uint64_t i = 0; i < 2000; i++) {
        struct eddy_answer answer;
        babble(requests, &seed, client->id);
        babble(answers, &seed, client->id);
        take_what_comes(server);
        must_fail(eddy_client_take(client, EDDY_POLL, &answer), EDDY_ENOENT);
        if (i % 100 == 0) /* a number beyond those that are babbled */
            works(client, server, i);
        if (client->calls.next < 100)
            client->calls.next = 100;
    }
    must(eddy_writer_close(requests));
    must(eddy_writer_close(answers));
}

/* Any answer, also a forged one, ends a call once. */
static void a_call_ends_once(void **state)
{
    (void)state;
    struct eddy_loan loan;
    uint64_t call = send_call(client, 1);
    eddy_writer *answers = stranger("answers", client->id, true);
    const struct eddy_publication what = {.word = call};
    must(eddy_writer_loan(answers, 0, patience(), &loan));
    must(eddy_writer_publish_with(answers, &loan, 0, &what, patience()));
    serve_one(server);
    ends_with(client, call, EDDY_EINVAL); /* it has a key, and no error in it */
    nothing_comes(client);
    works(client, server, 2);
    must(eddy_writer_close(answers));
}

static void who_only_says_that_he_serves_is_not_believed(void **state)
{
    (void)state;
    eddy_writer *servers = stranger("servers", 0, false);
    eddy_client *other = NULL;
    for (uint64_t i = 0; i < 200; i++) {
        struct eddy_call_server said = {.server = i, .version = i % 3};
        must(eddy_writer_write(servers, &said, i % 17 ? sizeof said : i % 16, patience()));
    }
    other = open_client(domain);
    works(other, server, 1);
    works(client, server, 2);
    must(eddy_client_close(other));
    must(eddy_writer_close(servers));
}

/* A server of a convention that is not known, or no server. */
static void who_says_it_otherwise_is_no_server(void **state)
{
    (void)state;
    const struct eddy_topic_identity topic = {.name = "adder/requests/0000000000000005",
                                              .type = "add"};
    const uint64_t words[][3] = {{5, 2, 0}, {5, 0, 0}, {5, 1, 0}};
    const size_t sizes[] = {16, 16, 24};
    struct eddy_loan loan;
    eddy_reader *requests = NULL;
    must(eddy_server_close(server));
    must(eddy_reader_open(domain, &topic, NULL, &requests));
    eddy_writer *servers = stranger("servers", 0, false);
    for (size_t i = 0; i < 3; i++) {
        must(eddy_writer_write(servers, words[i], sizes[i], patience()));
        must_fail(eddy_client_loan(client, 8, EDDY_POLL, &loan), EDDY_EAGAIN);
    }
    must(eddy_writer_write(servers, words[2], 16, patience()));
    must(eddy_client_loan(client, 8, EDDY_POLL, &loan)); /* that was all that was wrong */
    must(eddy_client_discard(client, &loan));
    must(eddy_writer_close(servers));
    must(eddy_reader_close(requests));
    server = NULL;
}

#define CALL_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CALL_TEST(a_request_is_answered),
        CALL_TEST(answers_are_written_and_read_in_place),
        CALL_TEST(many_are_answered_in_any_order),
        CALL_TEST(each_client_gets_its_own),
        CALL_TEST(what_is_late_is_thrown_away),
        CALL_TEST(a_time_out_is_told_at_once),
        CALL_TEST(a_late_answer_is_not_taken_for_another),
        CALL_TEST(what_could_not_be_answered_costs_nothing),
        CALL_TEST(an_answer_that_crosses_the_end_is_thrown_away),
        CALL_TEST(a_call_is_cancelled),
        CALL_TEST(what_one_client_cancels_is_its_own),
        CALL_TEST(a_request_is_refused),
        CALL_TEST(there_is_an_end_of_what_is_in_work),
        CALL_TEST(numbers_wrap),
        CALL_TEST(a_number_is_never_had_twice),
        CALL_TEST(a_slow_client_is_in_nobodys_way),
        CALL_TEST(a_client_needs_no_server_to_begin),
        CALL_TEST(a_server_leaves_and_another_comes),
        CALL_TEST(what_was_answered_before_the_end_is_there),
        CALL_TEST(a_request_goes_to_one_of_several_servers),
        CALL_TEST(there_may_be_more_servers_than_are_known),
        CALL_TEST(a_server_that_was_missed_is_found),
        CALL_TEST(those_who_left_are_forgotten),
        CALL_TEST(types_and_names_are_checked),
        CALL_TEST(wait_sets_tell_of_both),
        CALL_TEST(clients_that_are_made_up_use_up_nothing),
        CALL_TEST(strangers_on_its_topics_do_no_harm),
        CALL_TEST(a_call_ends_once),
        CALL_TEST(who_only_says_that_he_serves_is_not_believed),
        CALL_TEST(who_says_it_otherwise_is_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
