/* waitset_foreign_test.c - a wait set wakes for descriptors that are not Eddy's.  spec/protocols.md,
 * "Descriptors of others"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/thread.h"
#include "support/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { OTHERS = 6, ROUNDS = SANITIZED ? 300 : 3000 };

static eddy_domain *domain;
static eddy_waitset *waitset;
static eddy_writer *writer;
static eddy_reader *reader;

static void set_up(void)
{
    domain = open_domain();
    must(eddy_waitset_open(domain, &waitset));
    writer = open_writer(domain, "topic", NULL);
    reader = open_reader(domain, "topic", NULL);
    must(eddy_waitset_attach_reader(waitset, reader, EDDY_WAIT_LEVEL, reader));
}

static void tear_down(void)
{
    must(eddy_waitset_close(waitset));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static int new_event(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    check(fd >= 0);
    return fd;
}

static void add_to(int fd)
{
    check(eventfd_write(fd, 1) == 0);
}

static uint64_t read_all(int fd)
{
    eventfd_t value = 0;
    return eventfd_read(fd, &value) == 0 ? value : 0;
}

/* One thing is ready, and it is this one. */
static void comes(const void *wanted)
{
    void *found[4];
    size_t count = 0;
    must(eddy_waitset_wait(waitset, patience(), found, 4, &count));
    same(count, 1);
    check(found[0] == wanted);
}

static void nothing_comes(uint64_t nanoseconds)
{
    void *found;
    size_t count;
    must_fail(eddy_waitset_wait(waitset, eddy_deadline(nanoseconds), &found, 1, &count),
              EDDY_ETIMEDOUT);
}

static void one_is_reported_as_long_as_it_is_ready(void **state)
{
    (void)state;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    nothing_comes(MILLISECOND);
    for (uint64_t round = 0; round < 50; round++) {
        add_to(fd);
        comes(&fd);
        comes(&fd);
        same(read_all(fd), 1);
        nothing_comes(round % 2 * 100000);
        payload_publish(writer, 64, 1, round);
        comes(reader);
        same(payload_take(reader).number, round);
    }
    must(eddy_waitset_detach_fd(waitset, fd));
    add_to(fd);
    nothing_comes(MILLISECOND);
    tear_down();
    close(fd);
}

static void fill(int fd)
{
    static const char bytes[4096];
    while (write(fd, bytes, sizeof bytes) > 0) {
    }
}

static void drain(int fd)
{
    char bytes[4096];
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
}

static void room_to_write_and_the_end_of_the_other_side_are_told(void **state)
{
    (void)state;
    int ends[2];
    set_up();
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    must(eddy_waitset_attach_fd(waitset, ends[0], POLLOUT, &ends[0]));
    comes(&ends[0]);
    fill(ends[0]);
    nothing_comes(MILLISECOND);
    drain(ends[1]);
    comes(&ends[0]);
    must(eddy_waitset_detach_fd(waitset, ends[0]));
    fill(ends[0]);
    must(eddy_waitset_attach_fd(waitset, ends[0], POLLPRI, &ends[0]));
    nothing_comes(MILLISECOND);
    close(ends[1]);
    comes(&ends[0]);
    tear_down();
    close(ends[0]);
}

static void a_timer_wakes_a_wait_that_sleeps(void **state)
{
    (void)state;
    uint64_t expirations;
    const struct itimerspec when = {.it_value.tv_nsec = 20000000};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    set_up();
    must(eddy_waitset_attach_fd(waitset, timer, POLLIN, &timer));
    check(timerfd_settime(timer, 0, &when, NULL) == 0);
    comes(&timer);
    check(read(timer, &expirations, sizeof expirations) == sizeof expirations);
    nothing_comes(MILLISECOND);
    tear_down();
    close(timer);
}

/* --- a flood --------------------------------------------------------------------------------- */

static int others[OTHERS];
static uint64_t left[OTHERS]; /* not read yet */

static void *add_to_it(void *which)
{
    for (int i = 0; i < ROUNDS; i++) {
        add_to(*(int *)which);
        if (i % 16 == 0) /* now and then the wait gets to sleep */
            usleep(50);
    }
    return NULL;
}

static void *publish(void *unused)
{
    for (uint64_t i = 0; i < ROUNDS; i++) {
        payload_publish(writer, 64, 1, i);
        if (i % 16 == 0)
            usleep(50);
    }
    return unused;
}

static uint64_t handle(void *found)
{
    struct eddy_sample sample;
    uint64_t read = 0;
    if (found != reader) {
        read = read_all(others[(uint64_t *)found - left]);
        *(uint64_t *)found -= read;
    }
    while (found == reader && eddy_reader_take(reader, &sample) == EDDY_OK) {
        must(eddy_reader_release(reader, &sample));
        read++;
    }
    return read;
}

static void nothing_is_lost_of_many_and_of_topics(void **state)
{
    (void)state;
    pthread_t threads[OTHERS + 1];
    void *found[3];
    size_t count;
    set_up();
    for (int i = 0; i < OTHERS; i++) {
        others[i] = new_event();
        left[i] = ROUNDS;
        must(eddy_waitset_attach_fd(waitset, others[i], POLLIN, &left[i]));
        threads[i] = thread_start(add_to_it, &others[i]);
    }
    threads[OTHERS] = thread_start(publish, NULL);
    for (uint64_t read = 0; read < (uint64_t)(OTHERS + 1) * ROUNDS;) {
        must(
            eddy_waitset_wait(waitset, patience(), found, 3, &count)); /* else something was lost */
        for (size_t i = 0; i < count; i++)
            read += handle(found[i]);
    }
    for (int i = 0; i <= OTHERS; i++)
        thread_join(threads[i]);
    tear_down();
    for (int i = 0; i < OTHERS; i++) {
        same(left[i], 0);
        close(others[i]);
    }
}

/* --- attaching and detaching meanwhile ------------------------------------------------------- */

static atomic_bool over;

static void *attach_and_detach(void *which)
{
    int fd = *(int *)which;
    while (!over) {
        must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
        must(eddy_waitset_detach_fd(waitset, fd));
        fd = -1; /* no wait has it any more */
        fd = *(int *)which;
    }
    return NULL;
}

static void one_comes_and_goes_while_the_wait_sleeps(void **state)
{
    (void)state;
    void *found[2];
    size_t count;
    int fd = new_event();
    set_up();
    add_to(fd);
    over = false;
    pthread_t thread = thread_start(attach_and_detach, &fd);
    for (int i = 0; i < ROUNDS / 10; i++)
        must(eddy_waitset_wait(waitset, patience(), found, 2, &count));
    over = true;
    thread_join(thread);
    nothing_comes(MILLISECOND);
    tear_down();
    close(fd);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    int fd = new_event(), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    set_up();
    must_fail(eddy_waitset_attach_fd(waitset, -1, POLLIN, NULL), EDDY_EINVAL);
    must_fail(eddy_waitset_attach_fd(waitset, fd, 0, NULL), EDDY_EINVAL);
    must_fail(eddy_waitset_attach_fd(waitset, fd, POLLNVAL, NULL), EDDY_EINVAL);
    must_fail(eddy_waitset_attach_fd(waitset, fd, 1u << 16 | POLLIN, NULL), EDDY_EINVAL);
    must_fail(eddy_waitset_attach_fd(waitset, file, POLLIN, NULL), EDDY_EINVAL);
    says("always ready");
    must_fail(eddy_waitset_detach_fd(waitset, fd), EDDY_ENOENT);
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, NULL));
    must_fail(eddy_waitset_attach_fd(waitset, fd, POLLOUT, NULL), EDDY_EBUSY);
    must(eddy_waitset_detach_fd(waitset, fd));
    must_fail(eddy_waitset_detach_fd(waitset, fd), EDDY_ENOENT);
    must_fail(eddy_waitset_attach_fd(waitset, 999, POLLIN, NULL), EDDY_EINVAL);
    says("not open");
    tear_down();
    close(fd);
    close(file);
}

/* --- cost ------------------------------------------------------------------------------------ */

static unsigned threads_of_mine(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

/* By the epolls of this process. */
static unsigned watched(void)
{
    char path[64], line[256];
    unsigned count = 0;
    for (int fd = 3; fd < 64; fd++) {
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
        FILE *info = fopen(path, "re");
        while (info && fgets(line, sizeof line, info))
            count += strncmp(line, "tfd:", 4) == 0;
        if (info)
            fclose(info);
    }
    return count;
}

static void what_is_detached_is_not_watched(void **state)
{
    (void)state;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    unsigned before = watched();
    must(eddy_waitset_detach_fd(waitset, fd));
    same(watched(), before - 1);
    tear_down();
    same(watched(), 0);
    close(fd);
}

static void there_is_a_thread_while_there_is_need(void **state)
{
    (void)state;
    struct rlimit all;
    int fd = new_event();
    unsigned before = threads_of_mine();
    set_up();
    check(getrlimit(RLIMIT_NOFILE, &all) == 0);
    const struct rlimit few = {3, all.rlim_max};
    check(setrlimit(RLIMIT_NOFILE, &few) == 0);
    must_fail(eddy_waitset_attach_fd(waitset, fd, POLLIN, NULL), EDDY_ESYS);
    check(setrlimit(RLIMIT_NOFILE, &all) == 0);
    same(threads_of_mine(), before);
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    same(threads_of_mine(), before + 1);
    add_to(fd);
    comes(&fd);
    tear_down();
    same(threads_of_mine(), before);
    close(fd);
}

static struct rusage used; /* by all threads */

static void begin_to_idle(void)
{
    check(getrusage(RUSAGE_SELF, &used) == 0);
}

static long milliseconds(struct timeval now, struct timeval before)
{
    return (now.tv_sec - before.tv_sec) * 1000 + (now.tv_usec - before.tv_usec) / 1000;
}

static void it_was_idle(void)
{
    struct rusage now;
    check(getrusage(RUSAGE_SELF, &now) == 0);
    check(now.ru_nvcsw - used.ru_nvcsw <= 20);
    check(milliseconds(now.ru_utime, used.ru_utime) + milliseconds(now.ru_stime, used.ru_stime) <
          10);
}

/* Neither while nothing is ready, nor while something is and nobody waits. */
static void an_idle_one_uses_no_processor(void **state)
{
    (void)state;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    nothing_comes(MILLISECOND);
    begin_to_idle();
    nothing_comes(100 * MILLISECOND);
    add_to(fd);
    usleep(100000);
    it_was_idle();
    comes(&fd);
    tear_down();
    close(fd);
}

/* --- on a loop ------------------------------------------------------------------------------- */

static size_t look(void **found)
{
    size_t count = 0;
    int rc = eddy_waitset_wait(waitset, EDDY_POLL, found, 1, &count);
    check(rc == EDDY_OK || rc == EDDY_EAGAIN);
    return rc == EDDY_OK ? count : 0;
}

static void the_wait_sets_own_descriptor_tells_of_them(void **state)
{
    (void)state;
    int fd = new_event(), loop = epoll_create1(EPOLL_CLOEXEC), own;
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLET}, came;
    void *found;
    set_up();
    must(eddy_waitset_fd(waitset, &own));
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    check(epoll_ctl(loop, EPOLL_CTL_ADD, own, &wanted) == 0);
    for (int round = 0; round < 100; round++) {
        add_to(fd);
        for (uint64_t read = 0; read == 0;) {
            check(epoll_wait(loop, &came, 1, 10000) == 1);
            while (look(&found) > 0)
                read += read_all(fd);
        }
    }
    tear_down();
    close(loop);
    close(fd);
}

/* --- bad company ----------------------------------------------------------------------------- */

/* poll(2) says that there is something wrong, as long as it stands there. */
static void one_that_is_closed_is_reported_until_it_is_detached(void **state)
{
    (void)state;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    add_to(fd);
    comes(&fd);
    close(fd);
    comes(&fd);
    comes(&fd);
    must(eddy_waitset_detach_fd(waitset, fd));
    nothing_comes(MILLISECOND);
    tear_down();
}

/* Another one has the file open, and it is ready for ever. */
static void one_that_lives_on_elsewhere_makes_no_busy_loop(void **state)
{
    (void)state;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    nothing_comes(MILLISECOND);
    int elsewhere = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    close(fd);
    must(eddy_waitset_detach_fd(waitset, fd));
    add_to(elsewhere);
    begin_to_idle();
    nothing_comes(50 * MILLISECOND);
    it_was_idle();
    tear_down();
    same(read_all(elsewhere), 1);
    close(elsewhere);
}

static void a_number_that_became_anothers_stands_for_that(void **state)
{
    (void)state;
    int fd = new_event(), other = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    nothing_comes(MILLISECOND);
    add_to(fd);
    comes(&fd);
    check(dup2(other, fd) == fd);
    nothing_comes(MILLISECOND);
    add_to(other);
    comes(&fd);
    tear_down();
    close(fd);
    close(other);
}

#if defined(__SANITIZE_THREAD__)
enum { CLOSING_IS_A_RACE = 1 }; /* with a thread that sleeps on the descriptor */
#else
enum { CLOSING_IS_A_RACE = 0 };
#endif

/* The wait set loses its own descriptors, and can be closed. */
static void in_a_program_that_closes_all(int wire, void *unused)
{
    (void)unused;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    nothing_comes(MILLISECOND);
    for (int n = 3; n < 256; n++)
        if (n != wire)
            close(n);
    payload_publish(writer, 64, 1, 1);
    comes(reader);
    same(payload_take(reader).number, 1);
    tear_down();
}

static void a_program_may_close_all_that_it_does_not_know(void **state)
{
    (void)state;
    if (CLOSING_IS_A_RACE)
        skip_because("ThreadSanitizer sees a race, and there is one: that is what it tries");
    struct child child = child_start(in_a_program_that_closes_all, NULL);
    child_join(&child);
}

static void after_a_fork(int wire, void *fd)
{
    (void)wire;
    must_fail(eddy_waitset_attach_fd(waitset, *(int *)fd, POLLIN, NULL), EDDY_EFORKED);
    must_fail(eddy_waitset_detach_fd(waitset, *(int *)fd), EDDY_EFORKED);
    must_fail(eddy_waitset_close(waitset), EDDY_EFORKED);
}

static void a_child_has_no_part_in_it(void **state)
{
    (void)state;
    int fd = new_event();
    set_up();
    must(eddy_waitset_attach_fd(waitset, fd, POLLIN, &fd));
    nothing_comes(MILLISECOND);
    struct child child = child_start(after_a_fork, &fd);
    child_join(&child);
    add_to(fd);
    comes(&fd);
    tear_down();
    close(fd);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(one_is_reported_as_long_as_it_is_ready),
        WORLD_TEST(room_to_write_and_the_end_of_the_other_side_are_told),
        WORLD_TEST(a_timer_wakes_a_wait_that_sleeps),
        WORLD_TEST(nothing_is_lost_of_many_and_of_topics),
        WORLD_TEST(one_comes_and_goes_while_the_wait_sleeps),
        WORLD_TEST(what_makes_no_sense_is_refused),
        WORLD_TEST(what_is_detached_is_not_watched),
        WORLD_TEST(there_is_a_thread_while_there_is_need),
        WORLD_TEST(an_idle_one_uses_no_processor),
        WORLD_TEST(the_wait_sets_own_descriptor_tells_of_them),
        WORLD_TEST(one_that_is_closed_is_reported_until_it_is_detached),
        WORLD_TEST(one_that_lives_on_elsewhere_makes_no_busy_loop),
        WORLD_TEST(a_number_that_became_anothers_stands_for_that),
        WORLD_TEST(a_program_may_close_all_that_it_does_not_know),
        WORLD_TEST(a_child_has_no_part_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
