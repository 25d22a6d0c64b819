/* reaping_test.c - whoever reaps badly, or not at all, keeps nobody from what the dead held.
 *
 * A reader and a writer are killed that hold as much of a topic as they can: pins, a cursor that lags
 * behind, loans, history.  Then the room of the topic is to be had, all of it, and what is had stays
 * one's own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include "allocator/point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 65536, LIMIT = 4 << 20, MOST = LIMIT / SIZE, PINNED = 20, KEPT = 8, LENT = 4 };

void (*eddy_point_hook)(const char *name);

static const struct eddy_writer_options narrow = {.limit_bytes = LIMIT};

/* --- the dead -------------------------------------------------------------------------------- */

static void pin(int wire, void *unused)
{
    (void)unused;
    struct eddy_sample sample;
    eddy_reader *reader =
        open_reader(open_domain(), "room", &(struct eddy_reader_options){.depth = 100});
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (int i = 0; i < PINNED; i++)
        must(eddy_reader_take(reader, &sample));
    wire_say(wire, WIRE_DONE);
    pause();
}

static void keep_and_lend(int wire, void *unused)
{
    (void)unused;
    struct eddy_loan loan;
    struct eddy_writer_options options = narrow;
    options.history = KEPT;
    eddy_writer *writer = open_writer(open_domain(), "room", &options);
    for (int i = 0; i < KEPT; i++)
        payload_publish(writer, SIZE, 1, (uint64_t)i);
    for (int i = 0; i < LENT; i++)
        must(eddy_writer_loan(writer, SIZE, patience(), &loan));
    wire_say(wire, WIRE_READY);
    pause();
}

/* Leaves a topic of whose room most is held by the dead. */
static void kill_holders(eddy_writer *writer)
{
    struct child reader = child_start(pin, NULL);
    wire_expect(reader.wire, WIRE_READY);
    struct child other = child_start(keep_and_lend, NULL);
    wire_expect(other.wire, WIRE_READY);
    for (int i = 0; i < PINNED; i++)
        payload_publish(writer, SIZE, 2, (uint64_t)i);
    wire_say(reader.wire, WIRE_GO);
    wire_expect(reader.wire, WIRE_DONE);
    child_kill(&reader);
    child_kill(&other);
}

/* --- the living ------------------------------------------------------------------------------ */

static unsigned lend_all(eddy_writer *writer, struct eddy_loan loans[MOST], unsigned count,
                         bool waits)
{
    while (count < MOST && eddy_writer_loan(writer, SIZE, waits ? eddy_deadline(SECOND) : EDDY_POLL,
                                            &loans[count]) == EDDY_OK) {
        payload_fill(loans[count].data, SIZE, 3, count);
        count++;
    }
    return count;
}

/* As many as there are on a topic where nobody has died; a call that does not wait may find out about
 * one seat each time. */
static void lend_as_many(eddy_writer *writer, struct eddy_loan loans[MOST], unsigned wanted,
                         bool waits)
{
    uint64_t deadline = patience();
    unsigned count = lend_all(writer, loans, 0, waits);
    while (count < wanted && eddy_now() < deadline)
        count = lend_all(writer, loans, count, waits);
    same(count, wanted);
}

static unsigned room_of_a_fresh_topic(eddy_domain *domain)
{
    struct eddy_loan loans[MOST];
    eddy_writer *writer = open_writer(domain, "fresh", &narrow);
    unsigned count = lend_all(writer, loans, 0, false);
    must(eddy_writer_close(writer));
    check(count > PINNED + KEPT + LENT);
    return count;
}

static void are_mine(eddy_writer *writer, struct eddy_loan loans[MOST], unsigned count)
{
    struct payload payload;
    for (unsigned i = 0; i < count; i++) {
        check(payload_whole(loans[i].data, SIZE, &payload));
        same(payload.author, 3);
        same(payload.number, i);
        must(eddy_writer_publish(writer, &loans[i], SIZE, patience()));
    }
}

/* --- who does not wait ----------------------------------------------------------------------- */

static atomic_uint reaped;

static void count_reaping(const char *point)
{
    if (strcmp(point, "reap:taken-over") == 0 || strncmp(point, "leave:", 6) == 0)
        atomic_fetch_add(&reaped, 1);
}

static void who_does_not_wait_has_the_room_of_the_dead_and_reaps_nobody(void **state)
{
    (void)state;
    struct eddy_loan loans[MOST];
    eddy_domain *domain = open_domain();
    unsigned room = room_of_a_fresh_topic(domain);
    eddy_writer *writer = open_writer(domain, "room", &narrow);
    kill_holders(writer);
    atomic_store(&reaped, 0);
    eddy_point_hook = count_reaping;
    lend_as_many(writer, loans, room, false);
    are_mine(writer, loans, room);
    eddy_point_hook = NULL;
    same(atomic_load(&reaped), 0);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

/* --- a reaper that has no room for mappings -------------------------------------------------- */

static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    check(file && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void reap_without_address_space(int wire, void *unused)
{
    (void)unused;
    eddy_domain *domain = open_domain();
    struct rlimit limit = {address_space() + (1u << 20), RLIM_INFINITY};
    eddy_reader *reader;
    check(setrlimit(RLIMIT_AS, &limit) == 0);
    if (eddy_reader_open(domain, &(struct eddy_topic_identity){.name = "room"}, NULL, &reader) ==
        EDDY_OK)
        must(eddy_reader_close(reader));
    wire_say(wire, WIRE_DONE);
}

static void seats_are_given_away_when_all_is_taken_back(bool waits)
{
    struct eddy_loan loans[MOST];
    eddy_domain *domain = open_domain();
    unsigned room = room_of_a_fresh_topic(domain);
    eddy_writer *writer = open_writer(domain, "room", &narrow);
    kill_holders(writer);
    struct child reaper = child_start(reap_without_address_space, NULL);
    wire_expect(reaper.wire, WIRE_DONE);
    child_join(&reaper);
    same(eddy_writer_readers(writer), 1); /* the dead one's seat, which nobody may have yet */
    lend_as_many(writer, loans, room, waits);
    must(eddy_gc(NULL, &(struct eddy_gc_report){0}));
    same(eddy_writer_readers(writer), 0);
    are_mine(writer, loans, room);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void what_one_cannot_map_another_finishes(void **state)
{
    (void)state;
#if SANITIZED
    skip(); /* it has all of the address space */
#endif
    seats_are_given_away_when_all_is_taken_back(false);
    seats_are_given_away_when_all_is_taken_back(true);
}

/* --- a reaper that stops ---------------------------------------------------------------------- */

static const char *stop_at;

static void stop_there(const char *point)
{
    if (strcmp(point, stop_at) == 0) {
        eddy_point_hook = NULL;
        kill(getpid(), SIGSTOP);
    }
}

static void reap_and_stop(int wire, void *unused)
{
    (void)unused;
    eddy_domain *domain = open_domain();
    wire_say(wire, WIRE_READY);
    eddy_point_hook = stop_there;
    must(eddy_reader_close(open_reader(domain, "room", &(struct eddy_reader_options){.depth = 1})));
    must(eddy_domain_close(domain));
}

static void wait_until_stopped(const struct child *child)
{
    siginfo_t news = {0};
    check(waitid(P_PID, (id_t)child->pid, &news, WSTOPPED | WEXITED | WNOWAIT) == 0);
    same((uint64_t)news.si_code, CLD_STOPPED);
}

static void nobody_waits_for(bool waits)
{
    struct eddy_loan loans[MOST];
    eddy_domain *domain = open_domain();
    unsigned room = room_of_a_fresh_topic(domain);
    eddy_writer *writer = open_writer(domain, "room", &narrow);
    kill_holders(writer);
    struct child reaper = child_start(reap_and_stop, NULL);
    wire_expect(reaper.wire, WIRE_READY);
    wait_until_stopped(&reaper);
    lend_as_many(writer, loans, room, waits);
    child_continue(&reaper);
    child_join(&reaper);
    are_mine(writer, loans, room);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void a_reaper_that_stops_keeps_a_seat_and_no_more(void **state)
{
    (void)state;
    static const char *const points[] = {
        "reap:taken-over",       "leave:reader-cursor",   "leave:bit-cleared",
        "leave:reader-unpinned", "leave:reader-unmarked", "leave:loan-back",
        "leave:writer-released", "reap:loan-seen",        "reap:resolved"};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        stop_at = points[i];
        nobody_waits_for(false);
        nobody_waits_for(true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_does_not_wait_has_the_room_of_the_dead_and_reaps_nobody),
        WORLD_TEST(what_one_cannot_map_another_finishes),
        WORLD_TEST(a_reaper_that_stops_keeps_a_seat_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
