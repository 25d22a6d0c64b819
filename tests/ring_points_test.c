/* ring_points_test.c - kill -9, or a stop, at every named point of rings: the other side goes on.
 *
 * The list of points is read from the sources when the build is configured: a new point is tested
 * from its birth, and one that no actor reaches fails the test.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/ring_pair.h"

#include "transport/ring/ring.h"

#include "points_list.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POINTS = sizeof points / sizeof *points, SLOTS = 3, SIZE = 100, ROUNDS = 30 };

void (*eddy_point_hook)(const char *name);

/* --- the blow -------------------------------------------------------------------------------- */

enum blow { KILL, STOP };

static struct {
    const char *point;
    unsigned countdown;
    enum blow blow;
} plan;

static void strike(const char *name)
{
    if (strcmp(name, plan.point) == 0 && plan.countdown > 0 && --plan.countdown == 0)
        kill(getpid(), plan.blow == KILL ? SIGKILL : SIGSTOP);
}

/* True if it was struck, or has ended. */
static bool is_over(struct child *child, bool *struck)
{
    siginfo_t news = {0};
    check(waitid(P_PID, (id_t)child->pid, &news, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0);
    *struck =
        news.si_pid == child->pid &&
        (news.si_code == CLD_STOPPED || (news.si_code == CLD_KILLED && news.si_status == SIGKILL));
    return news.si_pid == child->pid;
}

static void insist(bool holds, const char *what)
{
    if (!holds)
        check_fail(CHECK_HERE("insist"), "%s, after a blow at %s", what, plan.point);
}

/* One that died while it attached was never there for the others. */
static bool was_there(const eddy_ring *ring)
{
    return eddy_load_seq(&eddy_ring_seat(ring, eddy_ring_peer(ring))->epoch) != 0;
}

/* Ends it, if it was only stopped. */
static void bury(struct child *child, int also)
{
    bool hung;
    kill(child->pid, SIGKILL);
    int status = child_status(child, PATIENCE_MS, &hung);
    if (hung || (WIFEXITED(status) && WEXITSTATUS(status) != 0) ||
        (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL && WTERMSIG(status) != also))
        check_fail(CHECK_HERE("bury"), "the actor failed (%#x) with a blow at %s", status,
                   plan.point);
}

/* --- a producer is struck -------------------------------------------------------------------- */

enum ending { FINISH, REPORT, SIGNAL };

static void end_as(eddy_ring *ring, enum ending ending)
{
    if (ending == FINISH)
        must(eddy_ring_finish(ring));
    if (ending == REPORT)
        must(eddy_ring_report_crash(ring, &(struct eddy_crash){.signal = 11}));
    if (ending == SIGNAL) {
        must(eddy_ring_watch_crashes(ring));
        raise(SIGSEGV);
    }
}

static void producing_actor(int wire, void *argument)
{
    (void)wire;
    eddy_point_hook = strike;
    eddy_ring *ring = ring_attach("points", EDDY_RING_PRODUCER);
    uint64_t number = ring_info(ring).published;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct eddy_chunk loan;
        must(eddy_ring_loan(ring, patience(), &loan));
        if (i % 5 == 0) {
            must(eddy_ring_discard(ring, &loan));
            must(eddy_ring_loan(ring, patience(), &loan));
        }
        payload_fill(loan.data, SIZE, 1, number + i);
        must(eddy_ring_publish(ring, &loan, SIZE));
    }
    end_as(ring, *(enum ending *)argument);
    must(eddy_ring_close(ring));
}

/* Takes all there is: whole, each once, in order.  Returns how it ended. */
static int drain(eddy_ring *consumer, uint64_t deadline, uint64_t *next)
{
    struct eddy_chunk chunk;
    struct payload payload;
    int error;
    while ((error = eddy_ring_take(consumer, deadline, &chunk)) == EDDY_OK) {
        insist(chunk.sn == *next + 1 && !chunk.redelivered, "a chunk is missing or comes again");
        insist(payload_whole(chunk.data, chunk.size, &payload), "a chunk is torn");
        insist(payload.number == *next, "a chunk is not what its number says");
        ++*next;
        must(eddy_ring_release(consumer, &chunk));
    }
    return error;
}

static int the_end_of(const eddy_ring *ring)
{
    enum eddy_ring_state state = ring_info(ring).state;
    return state == EDDY_RING_RUNNING    ? EDDY_EPEERGONE
           : state == EDDY_RING_FINISHED ? EDDY_EFINISHED
                                         : EDDY_ECRASHED;
}

/* Whoever produces next goes on with the stream, if it may. */
static void produce_some_more(eddy_ring *consumer, uint64_t *next)
{
    eddy_ring *producer;
    int error = eddy_ring_attach(NULL, "points", EDDY_RING_PRODUCER, NULL, &producer);
    int end = the_end_of(consumer);
    insist(error == (end == EDDY_EPEERGONE ? EDDY_OK : end), "the role is not free");
    for (uint64_t i = 0; !error && i < 3 * SLOTS; i++) {
        ring_publish(producer, SIZE, *next);
        insist(drain(consumer, EDDY_POLL, next) == EDDY_EAGAIN, "what is published is missing");
    }
    if (!error)
        must(eddy_ring_close(producer));
}

static bool strike_producer(enum ending ending)
{
    bool struck;
    uint64_t next = 0;
    eddy_ring *consumer = ring_create("points", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(producing_actor, &ending);
    while (!is_over(&child, &struck) && ring_info(consumer).published < SLOTS)
        ; /* so that it has to wait for room */
    while (!is_over(&child, &struck))
        (void)drain(consumer, eddy_deadline(MILLISECOND / 4), &next);
    if (struck && plan.blow == STOP)
        (void)drain(consumer, eddy_deadline(MILLISECOND), &next);
    bury(&child, SIGSEGV);
    int end = drain(consumer, was_there(consumer) ? patience() : EDDY_POLL, &next);
    insist(end == (was_there(consumer) ? the_end_of(consumer) : EDDY_EAGAIN), "no word of the end");
    insist(ring_info(consumer).published == next, "a published chunk is missing");
    produce_some_more(consumer, &next);
    must(eddy_ring_close(consumer));
    return struck;
}

/* --- a consumer is struck -------------------------------------------------------------------- */

static void consuming_actor(int wire, void *argument)
{
    (void)wire, (void)argument;
    static const int order[] = {1, 0, 2};
    struct eddy_chunk held[3];
    eddy_point_hook = strike;
    eddy_ring *ring = ring_attach("points", EDDY_RING_CONSUMER);
    if (eddy_ring_take(ring, eddy_deadline(MILLISECOND), &held[0]) == EDDY_OK)
        must(eddy_ring_release(ring, &held[0]));
    for (int i = 0; i < ROUNDS / 3; i++) {
        for (int k = 0; k < 3; k++)
            must(eddy_ring_take(ring, patience(), &held[k]));
        for (int k = 0; k < 3; k++)
            must(eddy_ring_release(ring, &held[order[k]]));
    }
    must(eddy_ring_close(ring));
}

static bool publish_number(eddy_ring *producer, uint64_t number)
{
    struct eddy_chunk loan;
    int error = eddy_ring_loan(producer, EDDY_POLL, &loan);
    if (error) {
        insist(error == EDDY_EAGAIN || error == EDDY_EPEERGONE, "no loan");
        return false;
    }
    payload_fill(loan.data, SIZE, 1, number);
    must(eddy_ring_publish(producer, &loan, SIZE));
    return true;
}

/* What was not released comes once, in order, and only that. */
static void consume_the_rest(eddy_ring *producer)
{
    uint64_t published = ring_info(producer).published;
    uint64_t taken = ring_info(producer).taken, p = ring_info(producer).released;
    bool done[SLOTS] = {false};
    for (uint64_t at = p; at < published; at++) /* looks inside, before anybody comes */
        done[at % SLOTS] = eddy_load_seq(&producer->done[at % SLOTS]) == at + 1;
    eddy_ring *consumer = ring_attach("points", EDDY_RING_CONSUMER);
    for (; p < published && done[p % SLOTS]; p++)
        ;
    insist(ring_info(consumer).released == p, "what is done is no room");
    for (; p < published; p++) {
        struct eddy_chunk chunk;
        struct payload payload;
        if (done[p % SLOTS])
            continue;
        insist(eddy_ring_take(consumer, EDDY_POLL, &chunk) == EDDY_OK, "a chunk is missing");
        insist(chunk.sn == p + 1 && chunk.redelivered == (p < taken), "another chunk comes");
        insist(payload_whole(chunk.data, chunk.size, &payload), "a chunk is torn");
        insist(payload.number == p, "a chunk is not what its number says");
        must(eddy_ring_release(consumer, &chunk));
    }
    for (int i = 0; i < 3 * SLOTS; i++, p++) {
        insist(publish_number(producer, p), "there is no room");
        ring_take_release(consumer, p);
    }
    same(ring_info(consumer).released, p);
    must(eddy_ring_close(consumer));
}

static bool strike_consumer(enum ending unused)
{
    (void)unused;
    bool struck;
    uint64_t number = 0;
    eddy_ring *producer = ring_create("points", EDDY_RING_PRODUCER, SLOTS, SIZE);
    struct child child = child_start(consuming_actor, NULL);
    while (!is_over(&child, &struck))
        number += publish_number(producer, number);
    for (int i = 0; struck && plan.blow == STOP && i < SLOTS; i++)
        number += publish_number(producer, number);
    bury(&child, SIGKILL);
    struct eddy_chunk loan;
    while (publish_number(producer, number))
        number++;
    bool told = was_there(producer);
    int error = eddy_ring_loan(producer, told ? patience() : EDDY_POLL, &loan);
    insist(error == (told ? EDDY_EPEERGONE : EDDY_EAGAIN), "no word of its end");
    consume_the_rest(producer);
    must(eddy_ring_close(producer));
    return struck;
}

/* --- one that waits is struck while the other side dies -------------------------------------- */

static void victim(int wire, void *argument)
{
    (void)argument;
    eddy_point_hook = NULL;
    eddy_ring *ring = ring_attach("points", EDDY_RING_PRODUCER);
    ring_publish(ring, SIZE, 0);
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void bereaved_actor(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct eddy_chunk chunk;
    eddy_ring *ring = ring_create("points", EDDY_RING_CONSUMER, SLOTS, SIZE);
    struct child child = child_start(victim, NULL);
    wire_expect(child.wire, WIRE_READY);
    ring_take_release(ring, 0);
    eddy_point_hook = strike;
    must_fail(eddy_ring_take(ring, eddy_deadline(MILLISECOND), &chunk), EDDY_ETIMEDOUT);
    child_kill(&child);
    must_fail(eddy_ring_take(ring, patience(), &chunk), EDDY_EPEERGONE);
    must(eddy_ring_close(ring));
}

/* Everything of a ring of its own: creating, replacing, both roles, leaving. */
static void creating_actor(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct eddy_ring_options options = {
        .slot_bytes = SIZE, .slots = SLOTS, .role = EDDY_RING_CONSUMER, .flags = EDDY_RING_REPLACE};
    eddy_ring *newer;
    eddy_point_hook = strike;
    struct ring_pair p = {.producer = ring_create("points", EDDY_RING_PRODUCER, SLOTS, SIZE)};
    p.consumer = ring_attach("points", EDDY_RING_CONSUMER);
    ring_publish(p.producer, SIZE, 0);
    must(eddy_ring_create(NULL, "points", &options, &newer));
    ring_take_release(p.consumer, 0);
    ring_pair_close(&p);
    must(eddy_ring_close(newer));
}

/* The actor's own child dies with it, but not in the same moment. */
static void create_and_close(void)
{
    struct eddy_ring_options options = {.slot_bytes = SIZE, .slots = SLOTS};
    eddy_ring *ring;
    int error;
    uint64_t deadline = patience();
    while ((error = eddy_ring_create(NULL, "points", &options, &ring)) == EDDY_EEXIST)
        insist(eddy_now() < deadline, "the name stays in use");
    must(error);
    must(eddy_ring_close(ring));
}

static bool strike_one(child_main *actor)
{
    bool struck;
    eddy_domain *domain = open_domain(); /* so that nobody sweeps because he is alone */
    struct child child = child_start(actor, NULL);
    for (uint64_t deadline = patience(); !is_over(&child, &struck);)
        insist(eddy_now() < deadline, "the actor hangs");
    bury(&child, SIGKILL);
    create_and_close();
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    insist(world_files() == 1, "files are left");
    must(eddy_domain_close(domain));
    return struck;
}

static bool strike_alone(enum ending which)
{
    return strike_one(which == FINISH ? bereaved_actor : creating_actor);
}

/* --- everywhere ------------------------------------------------------------------------------ */

static bool is_wanted(const char *point)
{
    const char *only = getenv("EDDY_TEST_POINT");
    bool ours = strncmp(point, "ring-", 5) == 0 || strncmp(point, "kind-", 5) == 0;
    ours &= strcmp(point, "ring-take:again") != 0; /* ring_again_test.c comes there */
    return only ? strcmp(point, only) == 0 : ours;
}

static unsigned strike_at(const char *point, enum blow blow)
{
    static const struct {
        bool (*strike)(enum ending);
        enum ending ending;
    } scenes[] = {{strike_producer, FINISH}, {strike_producer, REPORT}, {strike_producer, SIGNAL},
                  {strike_consumer, FINISH}, {strike_alone, FINISH},    {strike_alone, REPORT}};
    static const unsigned times[] = {1, 2, 3, 7};
    unsigned struck = 0;
    for (size_t scene = 0; scene < sizeof scenes / sizeof *scenes; scene++)
        for (size_t time = 0; time < sizeof times / sizeof *times; time++) {
            plan.point = point;
            plan.countdown = times[time];
            plan.blow = blow;
            if (!scenes[scene].strike(scenes[scene].ending))
                break;
            struck++;
        }
    return struck;
}

static void strike_everywhere(enum blow blow)
{
    unsigned missed = 0, sum = 0;
    for (size_t i = 0; i < POINTS; i++) {
        unsigned struck = is_wanted(points[i]) ? strike_at(points[i], blow) : 0;
        sum += struck;
        if (!struck && is_wanted(points[i]))
            missed++, fprintf(stderr, "nobody comes to %s\n", points[i]);
    }
    printf("%u blows\n", sum);
    same(missed, 0);
}

static void killed_at_any_point_the_others_go_on(void **state)
{
    (void)state;
    strike_everywhere(KILL);
}

static void stopped_at_any_point_the_others_go_on(void **state)
{
    (void)state;
    strike_everywhere(STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_the_others_go_on),
        WORLD_TEST(stopped_at_any_point_the_others_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
