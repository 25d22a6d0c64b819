/* cgroup_test.c - a memory limit of the process's control group is an error at the call that needs
 * memory, and nobody of the group is killed for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/child.h"
#include "support/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20, LIMIT = 64 * MIB };

static char group[640], inner[700]; /* folders of the groups made for the test */
static const char *limit_file;

static bool write_text(const char *dir, const char *name, const char *text)
{
    char path[800];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text);
    if (file >= 0)
        close(file);
    return written;
}

/* The folder of our own group, in either version: "" if it cannot be found. */
static void find_own(char *dir, size_t room)
{
    char line[512];
    FILE *file = fopen("/proc/self/cgroup", "re");
    *dir = 0;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *memory = strstr(line, ":memory:");
        if (memory)
            snprintf(dir, room, "/sys/fs/cgroup/memory%s", memory + 8);
        else if (strncmp(line, "0::", 3) == 0 && !*dir &&
                 !access("/sys/fs/cgroup/memory.stat", F_OK))
            snprintf(dir, room, "/sys/fs/cgroup%s", line + 3);
    }
    if (file)
        fclose(file);
}

static void drop_groups(void)
{
    rmdir(inner);
    rmdir(group);
}

static void need_groups(void)
{
    char own[600], text[32];
    find_own(own, sizeof own);
    limit_file = strstr(own, "/cgroup/memory") ? "memory.limit_in_bytes" : "memory.max";
    snprintf(group, sizeof group, "%s/eddy-test-%d", own, (int)getpid());
    snprintf(inner, sizeof inner, "%s/inner", group);
    snprintf(text, sizeof text, "%d", LIMIT);
    if (!*own || mkdir(group, 0755) != 0)
        skip_because("no control group of memory can be made here (%s)",
                     *own ? strerror(errno) : "none is mounted");
    if (!write_text(group, limit_file, text)) {
        drop_groups();
        skip_because("the memory of a control group cannot be limited here");
    }
    check(mkdir(inner, 0755) == 0);
}

static void enter(const char *dir)
{
    char text[32];
    snprintf(text, sizeof text, "%d", (int)getpid());
    check(write_text(dir, "cgroup.procs", text));
}

/* Somebody else in the group, who needs a little memory now and then. */
static void bystander(int wire, void *dir)
{
    enter(dir);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    for (int i = 0; i < 100; i++) {
        void *at = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(at != MAP_FAILED);
        memset(at, 1, MIB);
        munmap(at, MIB);
    }
}

static void ask_for_too_much(int wire, void *dir)
{
    struct eddy_loan loan;
    struct eddy_writer_options options = {.limit_bytes = 1u << 30};
    size_t count = 0;
    int error;
    enter(dir);
    eddy_domain *domain = open_domain();
    eddy_writer *writer = open_writer(domain, "t", &options);
    must_fail(eddy_writer_loan(writer, 200 * MIB, patience(), &loan), EDDY_ENOMEM);
    says("control group");
    while ((error = eddy_writer_loan(writer, MIB, patience(), &loan)) == EDDY_OK) {
        memset(loan.data, 1, MIB);
        check(++count < LIMIT / MIB);
    }
    must_fail(error, EDDY_ENOMEM);
    check(count >= LIMIT / MIB / 2);
    while ((error = eddy_writer_loan(writer, 1000, patience(), &loan)) == EDDY_OK)
        check(++count < LIMIT / 1000);
    must_fail(error, EDDY_ENOMEM);
    wire_say(wire, WIRE_READY); /* as full as we get it */
    wire_expect(wire, WIRE_GO);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void play(const char *dir)
{
    struct child other = child_start(bystander, (void *)dir);
    wire_expect(other.wire, WIRE_READY);
    struct child child = child_start(ask_for_too_much, (void *)dir);
    wire_expect(child.wire, WIRE_READY);
    wire_say(other.wire, WIRE_GO);
    child_join(&other);
    wire_say(child.wire, WIRE_GO);
    child_join(&child);
}

static void a_limit_is_an_error_and_nobody_is_killed(void **state)
{
    (void)state;
    need_groups();
    play(group);
    drop_groups();
}

/* The limit is that of the group above. */
static void so_is_that_of_a_group_above(void **state)
{
    (void)state;
    need_groups();
    play(inner);
    drop_groups();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_limit_is_an_error_and_nobody_is_killed),
        WORLD_TEST(so_is_that_of_a_group_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
