/* protect_test.c - readers see the very memory that was written, cannot write it, and nobody else
 * can get at it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/payload.h"
#include "support/world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void the_reader_sees_the_memory_that_the_writer_wrote(void **state)
{
    (void)state;
    struct pair pair = pair_open(NULL, NULL);
    struct eddy_loan loan;
    struct eddy_sample sample;
    must(eddy_writer_loan(pair.writer, 64, patience(), &loan));
    volatile char *written = loan.data;
    *written = 'a';
    must(eddy_writer_publish(pair.writer, &loan, 64, patience()));
    must(eddy_reader_take(pair.reader, &sample));
    volatile const char *seen = sample.data;
    same(*seen, 'a');
    *written = 'b'; /* no caller may do this; it shows that there is no copy */
    same(*seen, 'b');
    must(eddy_reader_release(pair.reader, &sample));
    pair_close(&pair);
}

static void writer_that_changes_its_mind(int wire, void *argument)
{
    (void)argument;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    struct eddy_loan loan;
    must(eddy_writer_loan(writer, 64, patience(), &loan));
    volatile char *written = loan.data;
    *written = 'a';
    must(eddy_writer_publish(writer, &loan, 64, patience()));
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    *written = 'b';
    wire_say(wire, WIRE_DONE);
    wire_hear(wire);
}

static void so_does_a_reader_in_another_process(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    struct eddy_sample sample;
    struct child child = child_start(writer_that_changes_its_mind, NULL);
    wire_expect(child.wire, WIRE_READY);
    must(eddy_reader_take(reader, &sample));
    volatile const char *seen = sample.data;
    same(*seen, 'a');
    wire_say(child.wire, WIRE_GO);
    wire_expect(child.wire, WIRE_DONE);
    same(*seen, 'b');
    child_kill(&child);
    must(eddy_reader_release(reader, &sample));
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

/* The line of this process's memory map that covers an address. */
static void map_line_of(const void *address, char *line, size_t bytes)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    check(maps != NULL);
    while (fgets(line, (int)bytes, maps)) {
        char *end;
        uintptr_t from = (uintptr_t)strtoull(line, &end, 16);
        uintptr_t to = (uintptr_t)strtoull(end + 1, NULL, 16);
        if ((uintptr_t)address >= from && (uintptr_t)address < to) {
            fclose(maps);
            return;
        }
    }
    fclose(maps);
    check_fail(CHECK_HERE("map_line_of"), "%p is not mapped", address);
}

static void a_sample_lies_in_a_shared_read_only_mapping(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 64, 5000, 3u << 20};
    struct pair pair = pair_open(NULL, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct eddy_loan_options options = {.size = sizes[i], .header_size = 24};
        struct eddy_loan loan;
        struct eddy_sample sample;
        char line[4096];
        must(eddy_writer_loan_with(pair.writer, &options, patience(), &loan));
        must(eddy_writer_publish(pair.writer, &loan, sizes[i], patience()));
        must(eddy_reader_take(pair.reader, &sample));
        const char *ends[] = {sample.header, sample.data, (const char *)sample.data + sizes[i] - 1};
        for (size_t end = 0; end < 3; end++) {
            map_line_of(ends[end], line, sizeof line);
            check(strstr(line, " r--s ") != NULL);
            check(strstr(line, world_dir()) != NULL);
        }
        must(eddy_reader_release(pair.reader, &sample));
    }
    pair_close(&pair);
}

static void scribbling_process(int wire, void *argument)
{
    eddy_domain *domain = open_domain();
    eddy_reader *reader = open_reader(domain, "pair", NULL);
    struct eddy_sample sample;
    bool scribble = *(bool *)argument;
    wire_say(wire, WIRE_READY);
    must(eddy_reader_wait(reader, patience()));
    must(eddy_reader_take(reader, &sample));
    if (scribble)
        *(volatile char *)(uintptr_t)sample.data = 'x';
    must(eddy_reader_close(reader));
    must(eddy_domain_close(domain));
}

static void a_reader_that_writes_a_sample_is_stopped_by_the_hardware(void **state)
{
    (void)state;
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "pair", NULL);
    for (int scribble = 0; scribble < 2; scribble++) {
        bool hung, really = scribble == 1;
        struct child child = child_start(scribbling_process, &really);
        wire_expect(child.wire, WIRE_READY);
        payload_publish(writer, 64, 1, 1);
        int status = child_status(&child, PATIENCE_MS, &hung);
        check(!hung);
        if (really)
            check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
        else
            check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void all_files_are_the_owners_alone_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t masks[] = {0, 022, 0277, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t before = umask(masks[i]);
        struct pair pair = pair_open(NULL, NULL);
        eddy_reader *second = open_reader(pair.domain, "pair", NULL);
        payload_publish(pair.writer, 8u << 20, 1, 1);
        umask(before);
        check(world_files_are(0600, geteuid(), (gid_t)-1) >= 2);
        must(eddy_reader_close(second));
        pair_close(&pair);
    }
}

static void a_folder_that_eddy_makes_is_the_owners_alone(void **state)
{
    (void)state;
    char dir[128];
    struct stat info;
    eddy_domain *domain;
    snprintf(dir, sizeof dir, "%s/made", world_dir());
    setenv("EDDY_DIR", dir, 1);
    mode_t before = umask(0);
    must(eddy_domain_open(NULL, &domain));
    umask(before);
    check(strcmp(eddy_domain_dir(domain), dir) == 0);
    check(stat(dir, &info) == 0);
    same(info.st_mode, S_IFDIR | 0700);
    must(eddy_domain_close(domain));
    world_is_dirty();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_reader_sees_the_memory_that_the_writer_wrote),
        WORLD_TEST(so_does_a_reader_in_another_process),
        WORLD_TEST(a_sample_lies_in_a_shared_read_only_mapping),
        WORLD_TEST(a_reader_that_writes_a_sample_is_stopped_by_the_hardware),
        WORLD_TEST(all_files_are_the_owners_alone_whatever_the_umask),
        WORLD_TEST(a_folder_that_eddy_makes_is_the_owners_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
