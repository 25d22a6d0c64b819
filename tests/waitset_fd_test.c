/* waitset_fd_test.c - event loops poll on a wait set's descriptor.  spec/protocols.md, "A descriptor to
 * poll on"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOPICS = 8, SAMPLES = SANITIZED ? 2000 : 40000 };

static eddy_domain *domain;
static eddy_waitset *waitset;
static eddy_reader *readers[TOPICS];
static eddy_writer *writers[TOPICS];
static int fd = -1;

static void set_up(size_t topics, uint32_t mode)
{
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    for (size_t i = 0; i < topics; i++) {
        char name[32];
        snprintf(name, sizeof name, "topic %zu", i);
        readers[i] = open_reader(domain, name, NULL);
        writers[i] = open_writer(domain, name, NULL);
        must(eddy_waitset_attach_reader(waitset, readers[i], mode, readers[i]));
    }
    must(eddy_waitset_fd(waitset, &fd));
}

static void tear_down(size_t topics)
{
    for (size_t i = 0; i < topics; i++) {
        must(eddy_reader_close(readers[i]));
        must(eddy_writer_close(writers[i]));
    }
    must(eddy_waitset_close(waitset));
    must(eddy_domain_close(domain));
}

static bool is_readable(int milliseconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, milliseconds) == 1 && (p.revents & POLLIN);
}

/* One look, as a loop does that was told: how many are ready. */
static size_t look(void *found[TOPICS])
{
    size_t count = 0;
    int rc = eddy_waitset_wait(waitset, EDDY_POLL, found, TOPICS, &count);
    check(rc == EDDY_OK || rc == EDDY_EAGAIN);
    return rc == EDDY_OK ? count : 0;
}

/* Until it is armed: a byte that was on its way makes one more round. */
static void settle(void)
{
    void *found[TOPICS];
    while (is_readable(0))
        same(look(found), 0);
}

static void it_is_readable_when_there_is_something(void **state)
{
    (void)state;
    void *found[TOPICS];
    set_up(2, EDDY_WAIT_LEVEL);
    check(is_readable(0)); /* at first */
    settle();
    for (uint64_t round = 0; round < 200; round++) {
        check(!is_readable(0));
        payload_publish(writers[round % 2], 64, 1, round);
        check(is_readable(10000));
        same(look(found), 1);
        check(found[0] == readers[round % 2]);
        check(is_readable(0)); /* until a look finds nothing */
        same(payload_take(readers[round % 2]).number, round);
        settle();
    }
    tear_down(2);
}

static void it_is_the_same_each_time_and_closed_with_the_wait_set(void **state)
{
    (void)state;
    int again = -1;
    set_up(1, EDDY_WAIT_LEVEL);
    must(eddy_waitset_fd(waitset, &again));
    same(again, fd);
    check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    tear_down(1);
    check(fcntl(fd, F_GETFD) == -1);
}

static void without_descriptors_it_cannot_be_had_and_later_it_can(void **state)
{
    (void)state;
    struct rlimit all, few;
    int again;
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    must_fail(eddy_waitset_fd(NULL, &again), EDDY_EINVAL);
    must_fail(eddy_waitset_fd(waitset, NULL), EDDY_EINVAL);
    check(getrlimit(RLIMIT_NOFILE, &all) == 0);
    few = (struct rlimit){3, all.rlim_max};
    check(setrlimit(RLIMIT_NOFILE, &few) == 0);
    must_fail(eddy_waitset_fd(waitset, &again), EDDY_ESYS);
    check(setrlimit(RLIMIT_NOFILE, &all) == 0);
    must(eddy_waitset_fd(waitset, &fd));
    check(is_readable(0));
    tear_down(0);
}

static void what_is_attached_later_is_told(void **state)
{
    (void)state;
    void *found[TOPICS];
    set_up(0, EDDY_WAIT_LEVEL);
    settle();
    readers[0] = open_reader(domain, "late", NULL);
    writers[0] = open_writer(domain, "late", NULL);
    payload_publish(writers[0], 64, 1, 7);
    must(eddy_waitset_attach_reader(waitset, readers[0], EDDY_WAIT_LEVEL, readers[0]));
    check(is_readable(10000));
    same(look(found), 1);
    same(payload_take(readers[0]).number, 7);
    settle();

    eddy_event *event = NULL;
    must(eddy_event_open(&event));
    must(eddy_waitset_attach_event(waitset, event, EDDY_WAIT_EDGE, event));
    eddy_event_trigger(event);
    check(is_readable(10000));
    while (look(found) == 0)
        check(is_readable(10000));
    check(found[0] == event);
    must(eddy_event_close(event));
    settle();
    tear_down(1);
}

/* Waiting in between neither loses what the descriptor is to tell nor is in its way. */
static void one_may_wait_as_well(void **state)
{
    (void)state;
    void *found[TOPICS];
    size_t count;
    set_up(1, EDDY_WAIT_LEVEL);
    for (uint64_t round = 0; round < 50; round++) {
        settle();
        must_fail(eddy_waitset_wait(waitset, eddy_deadline(100000), found, 1, &count),
                  EDDY_ETIMEDOUT);
        payload_publish(writers[0], 64, 1, round);
        check(is_readable(10000));
        must(eddy_waitset_wait(waitset, patience(), found, 1, &count));
        same(payload_take(readers[0]).number, round);
    }
    settle();
    tear_down(1);
}

/* --- a flood --------------------------------------------------------------------------------- */

static void *flood(void *argument)
{
    size_t which = (size_t)(uintptr_t)argument;
    for (uint64_t i = 0; i < SAMPLES; i++) {
        payload_publish(writers[which], 64, 1, i);
        if (i % 64 == which) /* now and then the loop gets to sleep */
            usleep(50);
    }
    return NULL;
}

static uint64_t take_all(eddy_reader *reader)
{
    struct eddy_sample sample;
    uint64_t taken = 0;
    while (eddy_reader_take(reader, &sample) == EDDY_OK) {
        must(eddy_reader_release(reader, &sample));
        taken++;
    }
    return taken;
}

static void nothing_is_lost_with(uint32_t trigger)
{
    void *found[TOPICS];
    uint64_t taken = 0;
    pthread_t threads[TOPICS];
    set_up(TOPICS, EDDY_WAIT_LEVEL);
    int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN | trigger}, came;
    check(loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, fd, &wanted) == 0);
    for (size_t i = 0; i < TOPICS; i++)
        threads[i] = thread_start(flood, (void *)(uintptr_t)i);
    while (taken < (uint64_t)TOPICS * SAMPLES) {
        check(epoll_wait(loop, &came, 1, 10000) == 1); /* else something was lost */
        for (size_t n = look(found); n > 0; n = trigger == EPOLLET ? look(found) : 0)
            for (size_t i = 0; i < n; i++)
                taken += take_all(found[i]);
    }
    for (size_t i = 0; i < TOPICS; i++)
        thread_join(threads[i]);
    settle();
    close(loop);
    tear_down(TOPICS);
}

static void a_loop_that_is_told_levels_loses_nothing(void **state)
{
    (void)state;
    nothing_is_lost_with(0);
}

static void a_loop_that_is_told_edges_loses_nothing(void **state)
{
    (void)state;
    nothing_is_lost_with(EPOLLET);
}

/* --- bad company ----------------------------------------------------------------------------- */

static void an_idle_one_uses_no_processor(void **state)
{
    (void)state;
    set_up(1, EDDY_WAIT_LEVEL);
    settle();
    struct rusage before, after; /* of all threads */
    check(getrusage(RUSAGE_SELF, &before) == 0);
    check(!is_readable(300));
    check(getrusage(RUSAGE_SELF, &after) == 0);
    check(after.ru_nvcsw - before.ru_nvcsw <= 20);
    tear_down(1);
}

/* Numbers of the pipe become a stranger's, as in a program that closes all it does not know. */
static void replace_pipe(int stranger)
{
    struct stat pipe, other;
    check(fstat(fd, &pipe) == 0);
    for (int n = 3; n < 256; n++)
        if (fstat(n, &other) == 0 && other.st_ino == pipe.st_ino && other.st_dev == pipe.st_dev)
            check(dup2(stranger, n) == n);
}

static void a_number_that_became_a_strangers_is_not_touched(void **state)
{
    (void)state;
    char byte;
    int stranger[2];
    set_up(1, EDDY_WAIT_LEVEL);
    settle();
    check(pipe2(stranger, O_CLOEXEC | O_NONBLOCK) == 0);
    replace_pipe(stranger[1]);
    payload_publish(writers[0], 64, 1, 1);
    struct pollfd p = {.fd = stranger[0], .events = POLLIN};
    check(poll(&p, 1, 100) == 0);
    tear_down(1);
    check(read(stranger[0], &byte, 1) == -1 && errno == EAGAIN);
    check(fcntl(fd, F_GETFD) != -1); /* it is still open */
}

static void after_a_fork(int wire, void *unused)
{
    (void)wire;
    (void)unused;
    int again;
    must_fail(eddy_waitset_fd(waitset, &again), EDDY_EFORKED);
    must_fail(eddy_waitset_close(waitset), EDDY_EFORKED);
}

static void a_child_has_no_part_in_it(void **state)
{
    (void)state;
    set_up(1, EDDY_WAIT_LEVEL);
    settle();
    struct child child = child_start(after_a_fork, NULL);
    child_join(&child);
    payload_publish(writers[0], 64, 1, 1);
    check(is_readable(10000));
    tear_down(1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(it_is_readable_when_there_is_something),
        WORLD_TEST(it_is_the_same_each_time_and_closed_with_the_wait_set),
        WORLD_TEST(without_descriptors_it_cannot_be_had_and_later_it_can),
        WORLD_TEST(what_is_attached_later_is_told),
        WORLD_TEST(one_may_wait_as_well),
        WORLD_TEST(a_loop_that_is_told_levels_loses_nothing),
        WORLD_TEST(a_loop_that_is_told_edges_loses_nothing),
        WORLD_TEST(an_idle_one_uses_no_processor),
        WORLD_TEST(a_child_has_no_part_in_it),
        WORLD_TEST(a_number_that_became_a_strangers_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
