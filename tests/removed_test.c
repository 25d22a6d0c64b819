/* removed_test.c - a domain whose files are removed, and a writer that goes on for another.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct eddy_reader_options all = {.history = UINT32_MAX};

static void sweep(void)
{
    DIR *dir = opendir(world_dir());
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            check(unlinkat(dirfd(dir), entry->d_name, 0) == 0);
    closedir(dir);
}

/* True if this thread has been told since the last time. */
static bool was_told(void)
{
    sigset_t set;
    bool told = false;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    while (sigtimedwait(&set, NULL, &(struct timespec){0}) == SIGRTMIN)
        told = true;
    return told;
}

static void a_domain_tells_that_its_files_are_gone(void **state)
{
    (void)state;
    int fd;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    check(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    eddy_domain *domain = open_domain(), *other = open_domain();
    must(eddy_domain_notify(domain, SIGRTMIN, &fd));
    eddy_writer *writer = open_writer(domain, "a", NULL);
    eddy_reader *reader = open_reader(other, "a", NULL);
    check(!eddy_domain_is_removed(domain) && !was_told());
    sweep();
    check(eddy_domain_is_removed(domain) && eddy_domain_is_removed(other) && was_told());
    payload_publish(writer, 100, 1, 7); /* who has it open goes on with who else has */
    same(payload_take(reader).number, 7);
    eddy_domain *fresh = open_domain();
    check(!eddy_domain_is_removed(fresh));
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
    must(eddy_domain_close(fresh));
    close(fd);
}

static void who_meets_has_one_identity_and_nobody_else_has_it(void **state)
{
    (void)state;
    uint8_t one[16], two[16], fresh_one[16];
    eddy_domain *domain = open_domain(), *other = open_domain();
    must(eddy_domain_identity(domain, one));
    must(eddy_domain_identity(other, two));
    check(memcmp(one, two, sizeof one) == 0);
    sweep();
    must_fail(eddy_domain_identity(domain, two), EDDY_ENOENT);
    eddy_domain *fresh = open_domain();
    must(eddy_domain_identity(fresh, fresh_one));
    check(memcmp(one, fresh_one, sizeof one) != 0);
    must(eddy_domain_close(fresh));
    must(eddy_domain_close(other));
    must(eddy_domain_close(domain));
}

static const eddy_domain *watched;
static atomic_bool *told_of_removal;

static void *watch(void *unused)
{
    while (!eddy_domain_is_removed(watched))
        ;
    atomic_store(told_of_removal, true);
    return unused;
}

/* After the destructors of the engine, which has the same priority as most. */
__attribute__((destructor(101))) static void stay_a_moment(void)
{
    if (watched != NULL)
        usleep(20000);
}

static void ends_with_its_domain_open(int wire, void *unused)
{
    (void)wire, (void)unused;
    pthread_t thread;
    watched = open_domain();
    check(pthread_create(&thread, NULL, watch, NULL) == 0);
    exit(0);
}

static void a_process_that_ends_removes_nothing(void **state)
{
    (void)state;
    told_of_removal = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(told_of_removal != MAP_FAILED);
    struct child child = child_start(ends_with_its_domain_open, NULL);
    child_join(&child);
    check(!atomic_load(told_of_removal));
    munmap(told_of_removal, 4096);
}

static void publish(eddy_writer *writer, uint64_t number, uint8_t key, size_t header)
{
    struct eddy_loan_options plan = {.size = 100 + number, .header_size = header};
    struct eddy_publication what = {.key = {key}};
    struct eddy_loan loan;
    must(eddy_writer_loan_with(writer, &plan, patience(), &loan));
    if (header)
        memset(loan.header, (int)number, header);
    payload_fill(loan.data, loan.size, 1, number);
    must(eddy_writer_publish_with(writer, &loan, loan.size, &what, patience()));
}

/* What is kept of one is published by the other, whole, in order, and kept by that one then. */
static void inherits(const struct eddy_writer_options *options, const uint64_t *wanted,
                     size_t count)
{
    eddy_domain *domain = open_domain();
    eddy_writer *from = open_writer(domain, "from", options);
    eddy_writer *to = open_writer(domain, "to", options);
    for (uint64_t i = 0; i < 6; i++)
        publish(from, i, i % 3 == 0, i % 2 ? 21 : 0);
    must(eddy_writer_inherit(to, from, patience()));
    must(eddy_writer_close(from));
    eddy_reader *late = open_reader(domain, "to", &all);
    for (size_t i = 0; i < count; i++) {
        struct eddy_sample sample;
        must(eddy_reader_take(late, &sample));
        uint64_t number = payload_of(&sample).number;
        same(number, wanted[i]);
        same(sample.size, 100 + number);
        same(sample.header_size, number % 2 ? 21 : 0);
        for (size_t at = 0; at < sample.header_size; at++)
            same(((const uint8_t *)sample.header)[at], number);
        must(eddy_reader_release(late, &sample));
    }
    check(!eddy_reader_ready(late));
    must(eddy_reader_close(late));
    must(eddy_writer_close(to));
    must(eddy_domain_close(domain));
}

static void a_writer_inherits_the_last_samples_of_another(void **state)
{
    (void)state;
    inherits(&(struct eddy_writer_options){.history = 3}, (const uint64_t[]){3, 4, 5}, 3);
}

static void a_writer_inherits_the_last_samples_of_each_key(void **state)
{
    (void)state;
    struct eddy_writer_options options = {.history_kind = EDDY_HISTORY_KEY, .history = 1};
    inherits(&options, (const uint64_t[]){3, 5}, 2);
    options.history = 2;
    inherits(&options, (const uint64_t[]){0, 3, 4, 5}, 4);
}

static void a_writer_that_keeps_nothing_leaves_nothing(void **state)
{
    (void)state;
    inherits(NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_domain_tells_that_its_files_are_gone),
        WORLD_TEST(who_meets_has_one_identity_and_nobody_else_has_it),
        WORLD_TEST(a_process_that_ends_removes_nothing),
        WORLD_TEST(a_writer_inherits_the_last_samples_of_another),
        WORLD_TEST(a_writer_inherits_the_last_samples_of_each_key),
        WORLD_TEST(a_writer_that_keeps_nothing_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
