/* full_test.c - a full file system is an error at the call that needs memory, never a signal.
 *
 * Each test mounts a small file system of its own, in a mount namespace of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL = 4 << 20, BIG = 64 << 10 };

static void mount_small(void)
{
    char options[64];
    own_mounts();
    snprintf(options, sizeof options, "size=%d,mode=0700", SMALL);
    check(mount("eddy-test", world_dir(), "tmpfs", 0, options) == 0);
}

static uint64_t free_bytes(void)
{
    struct statvfs status;
    check(statvfs(world_dir(), &status) == 0);
    return (uint64_t)status.f_bavail * status.f_frsize;
}

/* Leaves `bytes` free. */
static void use_up_but(uint64_t bytes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/ballast", world_dir());
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    check(file >= 0);
    uint64_t available = free_bytes();
    check(available >= bytes);
    if (available > bytes)
        check(posix_fallocate(file, 0, (off_t)(available - bytes)) == 0);
    close(file);
}

static void give_back(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/ballast", world_dir());
    check(unlink(path) == 0);
}

static void hoard_until_full(int wire, void *argument)
{
    (void)wire;
    static struct eddy_sample hoard[1000];
    size_t kept = 0;
    struct eddy_loan loan;
    struct eddy_writer_options options = {.limit_bytes = 1u << 30};
    bool waits = *(bool *)argument;
    mount_small();
    struct pair pair = pair_open(&options, &(struct eddy_reader_options){.limit_bytes = 1u << 30});
    int error;
    for (;; kept++) {
        error = eddy_writer_loan(pair.writer, BIG, waits ? patience() : EDDY_POLL, &loan);
        if (error)
            break;
        check(kept < 1000);
        payload_fill(loan.data, BIG, 1, kept);
        must(eddy_writer_publish(pair.writer, &loan, BIG, patience()));
        must(eddy_reader_take(pair.reader, &hoard[kept]));
    }
    must_fail(error, EDDY_ENOMEM);
    says("EDDY_DIR");
    check(kept * BIG > SMALL / 4);
    for (size_t i = 0; i < kept; i++) {
        same(payload_of(&hoard[i]).number, i);
        must(eddy_reader_release(pair.reader, &hoard[i]));
    }
    for (uint64_t i = 0; i < 100; i++) {
        payload_publish(pair.writer, BIG, 1, i);
        same(payload_take(pair.reader).number, i);
    }
    pair_close(&pair);
    world_must_be_empty();
}

static void run_mounted(child_main *run, void *argument)
{
    need_mounts();
    struct child child = child_start(run, argument);
    child_join(&child);
}

static void a_loan_that_finds_no_memory_says_so_and_all_goes_on(void **state)
{
    (void)state;
    bool waits = true;
    run_mounted(hoard_until_full, &waits);
}

static void so_does_one_that_does_not_wait(void **state)
{
    (void)state;
    bool waits = false;
    run_mounted(hoard_until_full, &waits);
}

/* Everything a program does, with ever less memory: ENOMEM somewhere, or success. */
static void open_with(uint64_t bytes, bool *opened)
{
    eddy_domain *domain = NULL;
    eddy_writer *writer = NULL;
    eddy_reader *reader = NULL;
    struct eddy_topic_identity name = {.name = "n"};
    struct eddy_loan loan;
    use_up_but(bytes);
    int error = eddy_domain_open(NULL, &domain);
    if (error == EDDY_OK)
        error = eddy_writer_open(domain, &name, NULL, &writer);
    if (error == EDDY_OK)
        error = eddy_reader_open(domain, &name, NULL, &reader);
    if (error == EDDY_OK)
        error = eddy_writer_loan(writer, 1000, patience(), &loan);
    *opened = error == EDDY_OK;
    if (*opened) {
        memset(loan.data, 1, 1000);
        must(eddy_writer_publish(writer, &loan, 1000, patience()));
    } else {
        must_fail(error, EDDY_ENOMEM);
        check(strlen(eddy_last_error()) > 10);
    }
    must(eddy_reader_close(reader));
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
    give_back();
    world_must_be_empty();
}

static void open_with_ever_more(int wire, void *argument)
{
    (void)wire, (void)argument;
    bool opened = false;
    mount_small();
    for (uint64_t bytes = 0; bytes <= 1 << 20; bytes += 4096)
        open_with(bytes, &opened);
    check(opened);
}

static void opening_with_too_little_memory_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    run_mounted(open_with_ever_more, NULL);
}

/* What was opened before the file system filled up goes on working: its memory is there. */
static void go_on_when_full(int wire, void *argument)
{
    (void)wire, (void)argument;
    struct eddy_sample kept[8];
    mount_small();
    struct pair pair = pair_open(NULL, NULL);
    for (uint64_t i = 0; i < 200; i++) {
        payload_publish(pair.writer, 512, 1, i);
        payload_take(pair.reader);
    }
    use_up_but(0);
    for (uint64_t i = 0; i < 5000; i++) {
        payload_publish(pair.writer, 512, 1, i);
        same(payload_take(pair.reader).number, i);
    }
    for (uint64_t i = 0; i < 8; i++) {
        payload_publish(pair.writer, 512, 1, i);
        must(eddy_reader_take(pair.reader, &kept[i]));
    }
    for (uint64_t i = 0; i < 8; i++)
        must(eddy_reader_release(pair.reader, &kept[i]));
    give_back();
    pair_close(&pair);
}

static void a_running_topic_goes_on_when_the_rest_is_full(void **state)
{
    (void)state;
    run_mounted(go_on_when_full, NULL);
}

/* What more readers than one word has bits need is made when they come, or the topic grows; taking
 * needs nothing. */
static void read_with_many_when_full(int wire, void *argument)
{
    enum { MANY = 66, SAMPLES = 10 };
    (void)wire, (void)argument;
    struct eddy_reader_options eager = {.reliability = EDDY_BEST_EFFORT, .depth = 50};
    eddy_reader *readers[MANY + 1];
    struct eddy_sample first, second;
    mount_small();
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 3000, 1, 0); /* an extent that is there before they come */
    for (int i = 0; i < MANY; i++)
        readers[i] = open_reader(pair.domain, "pair", &eager);
    readers[MANY] = open_reader(pair.domain, "pair", NULL);
    for (uint64_t i = 0; i < SAMPLES; i++)
        payload_publish(pair.writer, i % 2 ? 3000 : 200, 1, i);
    use_up_but(0);
    for (int i = 0; i <= MANY; i++) {
        must(eddy_reader_take(readers[i],
                              &first)); /* the reliable one pins it when it takes the next */
        must(eddy_reader_take(readers[i], &second));
        same(payload_of(&first).number, 0);
        same(payload_of(&second).number, 1);
        same(eddy_reader_lost(readers[i]), 0);
        must(eddy_reader_release(readers[i], &first));
        must(eddy_reader_release(readers[i], &second));
    }
    give_back();
    for (int i = 0; i <= MANY; i++)
        must(eddy_reader_close(readers[i]));
    pair_close(&pair);
    world_must_be_empty();
}

/* Who opens then is told: there is a page for its seat, and none for its column. */
static void open_one_more_when_full(int wire, void *argument)
{
    enum { MANY = 64 };
    (void)wire, (void)argument;
    eddy_reader *readers[MANY], *late = NULL;
    struct eddy_topic_identity name = {.name = "pair"};
    mount_small();
    struct pair pair = pair_open(NULL, NULL);
    payload_publish(pair.writer, 3000, 1, 0);
    for (int i = 0; i < MANY - 1; i++)
        readers[i] = open_reader(pair.domain, "pair", NULL);
    use_up_but(4096);
    must_fail(eddy_reader_open(pair.domain, &name, NULL, &late), EDDY_ENOMEM);
    give_back();
    must(eddy_reader_open(pair.domain, &name, NULL, &late));
    must(eddy_reader_close(late));
    for (int i = 0; i < MANY - 1; i++)
        must(eddy_reader_close(readers[i]));
    pair_close(&pair);
    world_must_be_empty();
}

static void opening_says_so_instead(void **state)
{
    (void)state;
    run_mounted(open_one_more_when_full, NULL);
}

static void taking_needs_no_memory(void **state)
{
    (void)state;
    run_mounted(read_with_many_when_full, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_loan_that_finds_no_memory_says_so_and_all_goes_on),
        WORLD_TEST(so_does_one_that_does_not_wait),
        WORLD_TEST(opening_with_too_little_memory_is_an_error_and_leaves_nothing),
        WORLD_TEST(a_running_topic_goes_on_when_the_rest_is_full),
        WORLD_TEST(taking_needs_no_memory),
        WORLD_TEST(opening_says_so_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
