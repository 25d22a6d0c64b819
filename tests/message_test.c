/* message_test.c - what Eddy says of names that others chose.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/able.h"
#include "support/child.h"
#include "support/said.h"
#include "support/world.h"

#include <eddy/waitset.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVIL                                                                                       \
    "\x1b]0;owned\x07\x1b[2J\n\xc2\x9b"                                                            \
    "1m"
#define SHOWN "\\x1b]0;owned\\x07\\x1b[2J\\n\\xc2\\x9b1m"

static bool is_shown(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return !memmem(text, length, "\xc2\x9b", 2);
}

static void check_said(int error, int wanted)
{
    must_fail(error, wanted);
    check(is_shown(eddy_last_error(), strlen(eddy_last_error())));
    check(strstr(eddy_last_error(), SHOWN) != NULL);
}

/* A type that disagrees, a file that is not there, a folder that is none. */
static void fail_in_each_way(void)
{
    struct eddy_topic_identity one = {.name = EVIL, .type = "one" EVIL},
                               two = {EVIL, .type = "two"};
    eddy_domain *domain = open_domain(), *none;
    eddy_writer *writer, *other;
    eddy_reader *reader;
    must(eddy_writer_open(domain, &one, NULL, &writer));
    check_said(eddy_writer_open(domain, &two, NULL, &other), EDDY_ETYPE);
    check_said(eddy_reader_attach(domain, "/proc/" EVIL, NULL, &reader), EDDY_ENOENT);
    check_said(eddy_domain_open(&(struct eddy_domain_options){.dir = "/proc/" EVIL}, &none),
               EDDY_ENOENT);
    must(eddy_writer_close(writer));
    must(eddy_domain_close(domain));
}

static void control_characters_of_names_are_escaped(void **state)
{
    (void)state;
    fail_in_each_way();
}

static void check_logged(void (*what)(void))
{
    check(setenv("EDDY_LOG", "debug", 1) == 0);
    char *said = said_by(what);
    unsetenv("EDDY_LOG");
    check(strstr(said, SHOWN) != NULL);
    for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
        check(strncmp(line, "eddy[", 5) == 0 && is_shown(line, strlen(line)));
}

/* What is no failure is logged, too. */
static void join_a_folder(void)
{
    eddy_domain *domain;
    char dir[512];
    snprintf(dir, sizeof dir, "%s/" EVIL, world_dir());
    check(mkdir(dir, 0700) == 0);
    must(eddy_domain_open(&(struct eddy_domain_options){.dir = dir}, &domain));
    must(eddy_domain_close(domain));
    check(rmdir(dir) == 0);
}

static void control_characters_are_escaped_in_the_log(void **state)
{
    (void)state;
    check_logged(fail_in_each_way);
    check_logged(join_a_folder);
}

static void fail_to_open(void)
{
    must_fail(eddy_waitset_open(NULL, NULL), EDDY_EINVAL);
}

static void open_and_close(void)
{
    must(eddy_domain_close(open_domain()));
}

/* A failure may come while another thread changes the environment. */
static void the_environment_is_not_asked_at_each_failure(void **state)
{
    (void)state;
    open_and_close();
    check(setenv("EDDY_LOG", "debug", 1) == 0);
    check(!*said_by(fail_to_open));
    check(*said_by(open_and_close));
    unsetenv("EDDY_LOG");
    check(*said_by(fail_to_open));
    open_and_close();
    check(!*said_by(fail_to_open));
}

/* --- a set-user-ID program ------------------------------------------------------------------- */

enum { AS_STARTED = 2, CANNOT = 3, CALLER = 54323 };

/* Nothing may come of it but what the program itself has to say. */
static int be_the_program(void)
{
    fail_to_open();
    return getauxval(AT_SECURE) ? 0 : AS_STARTED;
}

static int copy_program(void)
{
    char path[512];
    struct stat status;
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/program", world_dir());
    int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    check(from >= 0 && to >= 0 && fstat(from, &status) == 0);
    for (off_t done = 0; done < status.st_size;)
        check(sendfile(to, from, &done, (size_t)status.st_size) > 0);
    check(fchmod(to, 04755) == 0);
    close(from);
    close(to);
    int program = open(path, O_RDONLY | O_CLOEXEC);
    check(program >= 0 && unlink(path) == 0);
    return program;
}

static int program, status;

static void become_it(int wire, void *unused)
{
    (void)wire, (void)unused;
    char *const arguments[] = {"program", "fail", NULL};
    char *const environment[] = {"EDDY_LOG=debug", NULL};
    if (setgid(CALLER) == 0 && setuid(CALLER) == 0)
        execveat(program, "", arguments, environment, AT_EMPTY_PATH);
    _exit(CANNOT);
}

static void start_it(void)
{
    bool hung;
    struct child child = child_start(become_it, NULL);
    status = child_status(&child, PATIENCE_MS, &hung);
    check(!hung);
}

static void its_caller_sees_nothing_of_what_a_set_user_id_program_does(void **state)
{
    (void)state;
    need_others();
    program = copy_program();
    char *said = said_by(start_it);
    close(program);
    if (status != 0)
        skip_because("%s", "programs in the test's folder cannot be set-user-ID");
    check(!*said);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "fail") == 0)
        return be_the_program();
    const struct CMUnitTest tests[] = {
        WORLD_TEST(control_characters_of_names_are_escaped),
        WORLD_TEST(control_characters_are_escaped_in_the_log),
        WORLD_TEST(the_environment_is_not_asked_at_each_failure),
        WORLD_TEST(its_caller_sees_nothing_of_what_a_set_user_id_program_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
