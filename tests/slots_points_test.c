/* slots_points_test.c - kill -9, or a stop, at every named point of the slots, in every role.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/points.h"
#include "support/slots_pair.h"

#include "discovery/domain.h"
#include "transport/slots/slots.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { SLOTS = 8, SIZE = 100, MANY = 60 };

static const char *const kinds[] = {"slots-", "kind-", NULL};
static const uint64_t nobody[] = {0};

/* --- the roles ------------------------------------------------------------------------------- */

static void write_one(eddy_slots *slots, uint64_t number)
{
    struct eddy_slot_loan loan;
    must(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan));
    must(eddy_slots_discard(slots, &loan));
    must(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan));
    payload_fill(loan.data, SIZE, 1, number);
    must(eddy_slots_publish(slots, &loan, SIZE, NULL));
}

static void take_one(eddy_slots *slots, uint32_t reader)
{
    struct eddy_slot_sample sample;
    if (eddy_slots_take(slots, reader, EDDY_POLL, &sample) == EDDY_OK)
        must(eddy_slots_release(slots, &sample));
}

static void copy_one(eddy_slots *slots, uint32_t reader)
{
    struct eddy_slot_sample sample;
    char copy[SIZE];
    if (eddy_slots_next_unread(slots, reader, &sample) == EDDY_OK &&
        eddy_slots_read(slots, &sample, copy, sizeof copy) == EDDY_OK)
        (void)eddy_slots_mark_read(slots, &sample); /* it may be overwritten by now */
}

/* Closes with a loan. */
static void write_only(void)
{
    points_arm();
    eddy_slots *slots = slots_attach("points");
    struct eddy_slot_loan loan;
    for (uint64_t i = 0; i < MANY; i++)
        write_one(slots, i);
    must(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan));
    must(eddy_slots_close(slots));
}

/* Closes while joined. */
static void read_and_write(void)
{
    uint32_t reader;
    points_arm();
    eddy_slots *slots = slots_attach("points");
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &reader));
    for (uint64_t i = 0; i < MANY / 3; i++) {
        write_one(slots, i);
        (i % 2 ? take_one : copy_one)(slots, reader);
    }
    must(eddy_slots_leave(slots, reader));
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &reader));
    must(eddy_slots_let_go(slots, reader));
    must(eddy_slots_close(slots));
}

/* Waits in vain, for a sample and for room. */
static void wait_in_vain(void)
{
    points_arm();
    eddy_slots *slots = slots_create("actor", 1, 8, 0);
    struct eddy_slot_loan loan;
    uint64_t soon = eddy_deadline(MILLISECOND / 4);
    must_fail(eddy_slots_wait(slots, 0, soon), EDDY_ETIMEDOUT);
    must(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan));
    must_fail(eddy_slots_loan(slots, nobody, 1, soon, &loan), EDDY_ETIMEDOUT);
    must(eddy_slots_close(slots));
}

/* Leaves a dead member's loan and a dead reader's hold, or its very segment. */
static void hold_all(int wire, void *argument)
{
    eddy_slots *slots = argument ? slots_create("actor", 1, 8, 0) : slots_attach("points");
    struct eddy_slot_loan loan;
    struct eddy_slot_sample sample;
    must(eddy_slots_join(slots, EDDY_SLOTS_ANY_READER, &sample.reader));
    int error = eddy_slots_take(slots, sample.reader, EDDY_POLL, &sample);
    check(error == EDDY_OK || error == EDDY_EAGAIN);
    must(eddy_slots_loan(slots, nobody, 1, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void kill_a_victim(void *argument)
{
    struct child child = child_start(hold_all, argument);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
}

static void reap(void)
{
    kill_a_victim(NULL);
    points_arm();
    must(eddy_slots_close(slots_attach("points")));
}

static void create_anew(void)
{
    kill_a_victim("their own");
    points_arm();
    must(eddy_slots_close(slots_create("actor", 2, 64, 0)));
}

/* Somebody pins the sample just before it is claimed. */
static eddy_slots *claimed;

static void pin_what_is_claimed(const char *name)
{
    struct eddy_slot_sample sample;
    eddy_point_hook = points_arrive;
    if (strcmp(name, "slots-claim:looked") == 0)
        must(eddy_slots_take(claimed, 0, EDDY_POLL, &sample));
    else
        eddy_point_hook = pin_what_is_claimed;
    points_arrive(name);
}

static void claim_what_is_held(void)
{
    struct eddy_slot_loan loan;
    claimed = slots_create("actor", 1, 8, 1);
    must(eddy_slots_join(claimed, 0, NULL));
    must(slots_publish(claimed, nobody, "x", 1));
    eddy_point_hook = pin_what_is_claimed;
    must_fail(eddy_slots_loan(claimed, nobody, 1, EDDY_POLL, &loan), EDDY_EAGAIN);
    must(eddy_slots_close(claimed));
}

static void have_the_only_slot(int wire, void *unused)
{
    (void)unused;
    struct eddy_slot_loan loan;
    must(eddy_slots_loan(slots_attach("actor"), nobody, 1, EDDY_POLL, &loan));
    wire_say(wire, WIRE_READY);
    wire_hear(wire);
}

static void poll_past_the_dead(void)
{
    struct eddy_slot_loan loan;
    eddy_slots *slots = slots_create("actor", 1, 8, 1);
    struct child child = child_start(have_the_only_slot, NULL);
    wire_expect(child.wire, WIRE_READY);
    child_kill(&child);
    points_arm();
    slots_loan_soon(slots, nobody, 1, &loan);
    must(eddy_slots_discard(slots, &loan));
    must(eddy_slots_close(slots));
}

static const struct role {
    const char *name;
    void (*act)(void);
    uint64_t published;
} roles[] = {
    {"writer", write_only, MANY},
    {"reader", read_and_write, MANY / 3},
    {"waiter", wait_in_vain, 0},
    {"reaper", reap, 0},
    {"creator", create_anew, 0},
    {"who claims what is held", claim_what_is_held, 0},
    {"who polls past the dead", poll_past_the_dead, 0},
};
enum { ROLES = sizeof roles / sizeof *roles };

/* --- the witness ----------------------------------------------------------------------------- */

static struct witness {
    eddy_domain *domain; /* so that nobody is ever alone in the folder */
    eddy_slots *slots;
    uint64_t sn, next[3];
} witness;

/* What it reads is whole, and in order. */
static void watch(void)
{
    struct witness *w = &witness;
    struct eddy_slot_sample sample;
    int error;
    while ((error = eddy_slots_take(w->slots, 0, EDDY_POLL, &sample)) == EDDY_OK) {
        struct payload payload;
        check(payload_whole(sample.data, sample.size, &payload));
        check(sample.sn > w->sn && payload.author < 3);
        check(payload.number >= w->next[payload.author]);
        w->sn = sample.sn;
        w->next[payload.author] = payload.number + 1;
        must(eddy_slots_release(w->slots, &sample));
    }
    must_fail(error, EDDY_EAGAIN);
}

/* Publishes, gated by everybody who lives, and misses none of its own. */
static void publish_as_witness(const uint64_t *active, int count)
{
    struct witness *w = &witness;
    for (int i = 0; i < count; i++) {
        struct eddy_slot_loan loan;
        uint64_t number = w->next[2], sn;
        slots_loan_soon(w->slots, active, active ? 1 : 0, &loan);
        payload_fill(loan.data, SIZE, 2, number);
        points_insist(eddy_slots_publish(w->slots, &loan, SIZE, &sn), "commit");
        watch();
        if (w->next[2] != number + 1 || (active == NULL && w->sn != sn))
            check_fail(CHECK_HERE("publish_as_witness"), "a sample is missing after a blow at %s",
                       plan.point);
    }
}

static void no_slot_is_lost(void)
{
    struct eddy_slot_loan loans[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        slots_loan_soon(witness.slots, NULL, 0, &loans[i]);
    for (int i = 0; i < SLOTS; i++)
        must(eddy_slots_discard(witness.slots, &loans[i]));
}

static void nothing_is_lost(void)
{
    struct eddy_slots_info report;
    no_slot_is_lost();
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    must(eddy_slots_describe(witness.slots, &report));
    same(report.attached, 1);
    same(report.readers, 1);
    for (uint32_t i = 0; i < SLOTS; i++)
        same(eddy_load_seq(eddy_slots_pin_word(witness.slots, i, 0)), 0);
    same(world_files(), 3);
    must(eddy_slots_close(slots_create("actor", 2, 64, 0)));
    same(world_files(), 3);
}

static void actor_process(int wire, void *argument)
{
    (void)wire;
    ((const struct role *)argument)->act();
}

/* True if it was struck; the actor has stopped or ended then. */
static bool watch_until_over(struct child *child)
{
    bool struck;
    for (uint64_t deadline = patience();;) {
        watch();
        if (points_is_over(child, &struck))
            return struck;
        if (eddy_now() > deadline)
            check_fail(CHECK_HERE("watch_until_over"), "hung at %s", plan.point);
    }
}

/* A stopped one may hold slots, but nobody up, and its own samples are not taken away. */
static bool play(void *context)
{
    const struct role *role = context;
    witness.next[1] = 0;
    struct child child = child_start(actor_process, context);
    bool struck = watch_until_over(&child);
    if (struck && plan.blow == STOP) {
        siginfo_t news;
        check(waitid(P_PID, (id_t)child.pid, &news, WSTOPPED) == 0);
        publish_as_witness(nobody, 40 * SLOTS); /* the log goes round several times */
        child_continue(&child);
        check(!watch_until_over(&child));
    }
    bool killed = points_bury(&child);
    watch(); /* what it still committed, or the witness itself would gate */
    check(killed || role->published == 0 || witness.next[1] == role->published);
    publish_as_witness(NULL, 3 * SLOTS);
    nothing_is_lost();
    return struck;
}

static void strike_everywhere(enum blow blow)
{
    struct points_scene scenes[ROLES];
    witness =
        (struct witness){.domain = open_domain(), .slots = slots_create("points", SLOTS, SIZE, 4)};
    must(eddy_slots_join(witness.slots, 0, NULL));
    for (size_t i = 0; i < ROLES; i++)
        scenes[i] = (struct points_scene){roles[i].name, play, (void *)&roles[i]};
    points_strike_all(scenes, ROLES, blow, kinds, NULL);
    must(eddy_slots_close(witness.slots));
    must(eddy_domain_close(witness.domain));
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

/* --- a commit whose writer does not come to say that it is done ------------------------------ */

static void stopping_writer(int wire, void *argument)
{
    (void)wire, (void)argument;
    plan = (struct points_plan){.point = "slots-commit:swapped", .countdown = 1, .blow = STOP};
    eddy_slots *slots = slots_attach("points");
    points_arm();
    must(slots_publish(slots, nobody, "mine", 4));
    must(eddy_slots_close(slots));
}

/* Publishes, gated by reader 0, which reads just this. */
static void publish_and_mark(eddy_slots *slots)
{
    const uint64_t first[] = {1};
    struct eddy_slot_loan loan;
    struct eddy_slot_sample sample = {.reader = 0};
    must(eddy_slots_loan(slots, first, 1, EDDY_POLL, &loan));
    must(eddy_slots_publish_copy(slots, &loan, "next", 4, &sample.sn));
    sample.slot = loan.slot;
    sample.segment = loan.segment;
    must(eddy_slots_mark_read(slots, &sample));
}

/* The log goes over it several times, and nobody has reaped its writer. */
static void a_commit_is_done_with_the_swap(void **state)
{
    (void)state;
    for (int rounds = 1; rounds <= 1000; rounds *= 10) {
        eddy_slots *slots = slots_create("points", SLOTS, SIZE, 4);
        struct eddy_slot_sample sample;
        must(eddy_slots_join(slots, 0, NULL));
        struct child child = child_start(stopping_writer, NULL);
        siginfo_t news;
        check(waitid(P_PID, (id_t)child.pid, &news, WSTOPPED) == 0);
        for (int i = 0; i < rounds; i++)
            publish_and_mark(slots);
        must(eddy_slots_take(slots, 0, EDDY_POLL, &sample));
        same(sample.sn, 1);
        check(sample.size == 4 && memcmp(sample.data, "mine", 4) == 0);
        must_fail(eddy_slots_take(slots, 0, EDDY_POLL, &sample), EDDY_EAGAIN);
        check(kill(child.pid, SIGCONT) == 0);
        child_join(&child);
        must(eddy_slots_close(slots));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(killed_at_any_point_the_others_go_on),
        WORLD_TEST(stopped_at_any_point_the_others_go_on),
        WORLD_TEST(a_commit_is_done_with_the_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
