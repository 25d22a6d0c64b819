/* children_test.c - children that are made in any way: each is told that it is one, and none keeps
 * its parent alive.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/ring_pair.h"
#include "support/world.h"

#include <eddy/region.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern pid_t _Fork(void);
extern char **environ;

struct way {
    const char *name;
    pid_t (*make)(void); /* 0 in the child */
};

static pid_t by_clone(unsigned long flags)
{
    return (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0ul);
}

static pid_t by_plain_clone(void)
{
    return by_clone(0);
}

static pid_t by_clone_with_files(void)
{
    return by_clone(CLONE_FILES);
}

static const struct way ways[] = {{"fork", fork},
                                  {"_Fork", _Fork},
                                  {"clone", by_plain_clone},
                                  {"clone with CLONE_FILES", by_clone_with_files}};
enum { WAYS = sizeof ways / sizeof *ways };

static struct {
    eddy_domain *domain;
    eddy_writer *writer;
    eddy_reader *reader;
    eddy_waitset *waitset;
    eddy_ring *ring;
    eddy_region *region;
} mine;

static void open_everything(void)
{
    struct eddy_region_options options = {.bytes = 4096};
    mine.domain = open_domain();
    mine.writer = open_writer(mine.domain, "topic", NULL);
    mine.reader = open_reader(mine.domain, "topic", NULL);
    must(eddy_waitset_open(mine.domain, &mine.waitset));
    mine.ring = ring_create("ring", EDDY_RING_PRODUCER, 4, 64);
    must(eddy_region_create(mine.domain, "region", &options, &mine.region));
}

static void close_everything(void)
{
    must(eddy_region_close(mine.region));
    must(eddy_ring_close(mine.ring));
    must(eddy_waitset_close(mine.waitset));
    must(eddy_reader_close(mine.reader));
    must(eddy_writer_close(mine.writer));
    must(eddy_domain_close(mine.domain));
}

/* --- told ------------------------------------------------------------------------------------ */

static bool opening_and_closing_are_refused(void)
{
    struct eddy_topic_identity name = {.name = "other"};
    struct eddy_region_options options = {.bytes = 4096};
    eddy_writer *writer;
    eddy_reader *reader;
    eddy_waitset *waitset;
    eddy_region *region;
    return eddy_writer_open(mine.domain, &name, NULL, &writer) == EDDY_EFORKED &&
           eddy_reader_open(mine.domain, &name, NULL, &reader) == EDDY_EFORKED &&
           eddy_waitset_open(mine.domain, &waitset) == EDDY_EFORKED &&
           eddy_region_create(mine.domain, "other", &options, &region) == EDDY_EFORKED &&
           eddy_region_close(mine.region) == EDDY_EFORKED &&
           eddy_ring_close(mine.ring) == EDDY_EFORKED &&
           eddy_waitset_close(mine.waitset) == EDDY_EFORKED &&
           eddy_reader_close(mine.reader) == EDDY_EFORKED &&
           eddy_writer_close(mine.writer) == EDDY_EFORKED &&
           eddy_domain_close(mine.domain) == EDDY_EFORKED;
}

static bool use_is_refused(void)
{
    struct eddy_sample sample;
    struct eddy_chunk chunk;
    return eddy_writer_write(mine.writer, "x", 1, patience()) == EDDY_EFORKED &&
           eddy_reader_take(mine.reader, &sample) == EDDY_EFORKED &&
           eddy_reader_wait(mine.reader, EDDY_POLL) == EDDY_EFORKED &&
           eddy_ring_loan(mine.ring, EDDY_POLL, &chunk) == EDDY_EFORKED &&
           eddy_region_grow(mine.region, 8192) == EDDY_EFORKED;
}

/* A child may open handles of its own. */
static bool opens_its_own(void)
{
    eddy_domain *domain;
    return eddy_domain_open(NULL, &domain) == EDDY_OK && eddy_domain_close(domain) == EDDY_OK;
}

static void is_told(const struct way *way)
{
    int status = 0;
    pid_t child = way->make();
    if (child == 0)
        _exit(use_is_refused() && opening_and_closing_are_refused() && opens_its_own() ? 0 : 1);
    check(child > 0 && waitpid(child, &status, 0) == child);
    if (status != 0)
        check_fail(CHECK_HERE("is_told"), "a child of %s was not told that it is one", way->name);
}

static void parent_goes_on(uint64_t number)
{
    payload_publish(mine.writer, 100, 1, number);
    same(payload_take(mine.reader).number, number);
    ring_publish(mine.ring, 64, number);
}

static void a_child_is_told_that_it_is_one(void **state)
{
    (void)state;
    open_everything();
    for (unsigned i = 0; i < WAYS; i++) {
        is_told(&ways[i]);
        parent_goes_on(i);
    }
    close_everything();
}

/* It has the memory of its parent; what it must not do is to open or close there. */
static void a_child_of_vfork_neither_opens_nor_closes(void **state)
{
    (void)state;
    int status;
    open_everything();
    pid_t child = vfork();
    if (child == 0)
        _exit(opening_and_closing_are_refused() ? 0 : 1);
    check(child > 0 && waitpid(child, &status, 0) == child);
    same(status, 0);
    parent_goes_on(0);
    close_everything();
}

/* --- the parent's death ---------------------------------------------------------------------- */

static pid_t by_vfork_and_exec(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/sleep", "sleep", "600", (char *)NULL);
        _exit(1);
    }
    return child;
}

static pid_t by_posix_spawn(void)
{
    pid_t child = -1;
    char *arguments[] = {(char[]){"sleep"}, (char[]){"600"}, NULL};
    return posix_spawn(&child, "/bin/sleep", NULL, NULL, arguments, environ) == 0 ? child : -1;
}

static const struct way others[] = {{"vfork and exec", by_vfork_and_exec},
                                    {"posix_spawn", by_posix_spawn}};

static void makes_children_and_waits(int wire, void *argument)
{
    const struct way *way = argument;
    open_everything();
    pid_t child = way->make();
    if (child == 0)
        for (;;)
            pause();
    check(child > 0);
    wire_say(wire, (uint64_t)child);
    pause();
}

static uint32_t reaped(void)
{
    struct eddy_gc_report report;
    must(eddy_gc(NULL, &report));
    return report.members_reaped;
}

static void dies_with_a_child_alive(const struct way *way)
{
    struct eddy_chunk chunk;
    eddy_domain *domain = open_domain();
    struct child parent = child_start(makes_children_and_waits, (void *)(uintptr_t)way);
    pid_t child = (pid_t)wire_hear(parent.wire);
    eddy_writer *writer = open_writer(domain, "topic", NULL);
    eddy_ring *consumer = ring_attach("ring", EDDY_RING_CONSUMER);
    child_stop(&parent);
    same(reaped(), 0); /* who is stopped is alive */
    check(eddy_ring_peer_alive(consumer));
    child_kill(&parent);
    check(kill(child, 0) == 0);
    must_fail(ring_take_in_time(consumer, &chunk), EDDY_EPEERGONE);
    for (uint64_t end = patience(); eddy_writer_readers(writer) > 0;) {
        (void)reaped();
        check(eddy_now() < end);
    }
    must(eddy_ring_close(consumer));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain)); /* and with it what the dead owned */
    world_must_be_empty();
    kill(child, SIGKILL);
}

static void no_child_keeps_its_parent_alive(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WAYS; i++)
        dies_with_a_child_alive(&ways[i]);
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        dies_with_a_child_alive(&others[i]);
}

/* --- children that another thread makes all the time ----------------------------------------- */

enum { LITTER = 200 };

static pid_t litter[LITTER];

/* Each lives on, with whatever descriptors were open when it was made. */
static void *make_many(void *unused)
{
    for (unsigned i = 0; i < LITTER; i++) {
        litter[i] = fork();
        if (litter[i] == 0)
            for (;;)
                pause();
    }
    return unused;
}

static void opens_while_children_are_made(int wire, void *unused)
{
    (void)unused;
    pthread_t thread;
    check(pthread_create(&thread, NULL, make_many, NULL) == 0);
    for (unsigned i = 0; i < 30; i++)
        open_domain();
    pthread_join(thread, NULL);
    for (unsigned i = 0; i < LITTER; i++)
        wire_say(wire, (uint64_t)litter[i]);
    pause();
}

static void one_that_is_made_while_its_parent_opens_does_not_either(void **state)
{
    (void)state;
    struct child parent = child_start(opens_while_children_are_made, NULL);
    for (unsigned i = 0; i < LITTER; i++)
        litter[i] = (pid_t)wire_hear(parent.wire);
    child_kill(&parent);
    eddy_domain *domain = open_domain();
    must(eddy_domain_close(domain)); /* alone, so that all goes */
    for (unsigned i = 0; i < LITTER; i++)
        kill(litter[i], SIGKILL);
    world_must_be_empty();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_child_is_told_that_it_is_one),
        WORLD_TEST(a_child_of_vfork_neither_opens_nor_closes),
        WORLD_TEST(no_child_keeps_its_parent_alive),
        WORLD_TEST(one_that_is_made_while_its_parent_opens_does_not_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
