/* call_death_test.c - servers and clients that are killed in the middle of a call.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/call.h"
#include "support/child.h"
#include "support/payload.h"

#include <stdio.h>

enum { CALLERS = 4, ROUNDS = 200 };

/* Says how many it has taken, and answers when it is told to: 1; 0: ends. */
static void serve(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_server *server = open_server(domain);
    wire_say(wire, WIRE_READY);
    for (;;) {
        struct eddy_request request = take_request(server);
        wire_say(wire, WIRE_GO);
        wire_expect(wire, WIRE_GO);
        answer(server, &request);
        wire_say(wire, WIRE_DONE);
    }
}

static void serves(struct child *server)
{
    wire_expect(server->wire, WIRE_GO);
    wire_say(server->wire, WIRE_GO);
    wire_expect(server->wire, WIRE_DONE);
}

static struct child server_start(void)
{
    struct child server = child_start(serve, NULL);
    wire_expect(server.wire, WIRE_READY);
    return server;
}

static void a_server_is_killed_while_it_works(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_client *client = open_client(domain);
    struct child server = server_start();
    uint64_t answered = send_call(client, 1), worked_on = send_call(client, 2);
    uint64_t untaken = send_call(client, 3);
    serves(&server);
    wire_expect(server.wire, WIRE_GO);
    child_kill(&server);
    uint64_t before = eddy_now();
    ends_with(client, worked_on, EDDY_EPEERGONE);
    uint64_t took = eddy_now() - before;
    printf("told after %.1f ms\n", (double)took / 1e6);
    check(took < SECOND); /* 10 ms, and a busy machine */
    ends_with(client, untaken, EDDY_EPEERGONE);
    is_answered(client, answered, 1);
    server = server_start();
    uint64_t call = send_call(client, 4);
    serves(&server);
    is_answered(client, call, 4);
    child_kill(&server);
    must(eddy_client_close(client));
    must(eddy_domain_close(domain));
}

static void a_stopped_server_is_no_dead_one(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_client *client = open_client(domain);
    struct child server = server_start();
    child_stop(&server);
    uint64_t call = send_by(client, 1, eddy_deadline(30 * MILLISECOND));
    ends_with(client, call, EDDY_ETIMEDOUT);
    call = send_call(client, 2);
    child_continue(&server);
    serves(&server); /* it passes over the first */
    is_answered(client, call, 2);
    child_kill(&server);
    must(eddy_client_close(client));
    must(eddy_domain_close(domain));
}

/* Calls, and holds an answer and what is in work. */
static void call_and_hang(int wire, void *argument)
{
    (void)argument;
    struct eddy_answer held;
    eddy_client *client = open_client(open_domain());
    uint64_t first = send_call(client, 1);
    must(eddy_client_take_of(client, first, patience(), &held));
    send_call(client, 2);
    send_call(client, 3);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void a_client_is_killed_while_it_waits(void **state)
{
    (void)state;
    struct eddy_loan loan;
    eddy_domain *domain = open_domain();
    eddy_server *server = open_server(domain);
    eddy_client *other = open_client(domain);
    struct child caller = child_start(call_and_hang, NULL);
    serve_one(server);
    wire_expect(caller.wire, WIRE_READY);
    struct eddy_request second = take_request(server), third = take_request(server);
    check(!eddy_server_is_cancelled(server, &second));
    must(eddy_server_loan(server, &second, 8, patience(), &loan));
    child_kill(&caller);
    check(eddy_server_is_cancelled(server, &second));
    must(eddy_server_answer(server, &second, &loan, EDDY_POLL)); /* nobody takes it */
    must(eddy_server_refuse(server, &third, EDDY_EPEERGONE));
    works(other, server, 4);
    must(eddy_client_close(other));
    must(eddy_server_close(server));
    must(eddy_domain_close(domain));
}

static void call_at_once(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_client *client = open_client(domain);
    wire_say(wire, WIRE_READY);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct eddy_answer answer;
        must(eddy_client_call(client, &i, sizeof i, patience(), &answer));
        same(value_of(&answer.sample), i + 1000);
        must(eddy_client_release(client, &answer));
    }
    must(eddy_client_close(client));
    must(eddy_domain_close(domain));
}

/* They wait for the server, which comes last. */
static void many_processes_call(void **state)
{
    (void)state;
    struct child callers[CALLERS];
    for (size_t i = 0; i < CALLERS; i++)
        callers[i] = child_start(call_at_once, NULL);
    for (size_t i = 0; i < CALLERS; i++)
        wire_expect(callers[i].wire, WIRE_READY);
    eddy_domain *domain = open_domain();
    eddy_server *server = open_server(domain);
    for (size_t i = 0; i < (size_t)CALLERS * ROUNDS; i++)
        serve_one(server);
    for (size_t i = 0; i < CALLERS; i++)
        child_join(&callers[i]);
    must(eddy_server_close(server));
    must(eddy_domain_close(domain));
}

static void try_all(int wire, void *handles)
{
    (void)wire;
    eddy_client *client = ((void **)handles)[0];
    eddy_server *server = ((void **)handles)[1];
    struct eddy_loan loan;
    struct eddy_answer answer;
    struct eddy_request request;
    must_fail(eddy_client_loan(client, 8, patience(), &loan), EDDY_EFORKED);
    must_fail(eddy_client_call(client, "", 0, patience(), &answer), EDDY_EFORKED);
    must_fail(eddy_client_take(client, patience(), &answer), EDDY_EFORKED);
    must_fail(eddy_server_take(server, patience(), &request), EDDY_EFORKED);
    must_fail(eddy_client_close(client), EDDY_EFORKED);
    must_fail(eddy_server_close(server), EDDY_EFORKED);
}

static void a_forked_child_has_no_part_in_it(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_server *server = open_server(domain);
    eddy_client *client = open_client(domain);
    works(client, server, 1);
    struct child child = child_start(try_all, (void *[]){client, server});
    child_join(&child);
    works(client, server, 2);
    must(eddy_client_close(client));
    must(eddy_server_close(server));
    must(eddy_domain_close(domain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_server_is_killed_while_it_works), WORLD_TEST(a_stopped_server_is_no_dead_one),
        WORLD_TEST(a_client_is_killed_while_it_waits), WORLD_TEST(many_processes_call),
        WORLD_TEST(a_forked_child_has_no_part_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
