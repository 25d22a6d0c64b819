/* message_test.c - what Eddy says of names that others chose.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/world.h"

#include <eddy/waitset.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* What is written to standard error meanwhile. */
static char *said_by(void (*what)(void))
{
    static char said[65536];
    int file = memfd_create("stderr", MFD_CLOEXEC), old = dup(STDERR_FILENO);
    check(file >= 0 && old >= 0 && dup2(file, STDERR_FILENO) >= 0);
    what();
    check(dup2(old, STDERR_FILENO) >= 0);
    ssize_t length = pread(file, said, sizeof said - 1, 0);
    check(length >= 0);
    said[length] = 0;
    close(old);
    close(file);
    return said;
}

static void control_characters_are_escaped_in_the_log(void **state)
{
    (void)state;
    check(setenv("EDDY_LOG", "debug", 1) == 0);
    char *said = said_by(fail_in_each_way);
    unsetenv("EDDY_LOG");
    check(strstr(said, SHOWN) != NULL);
    for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
        check(strncmp(line, "eddy[", 5) == 0 && is_shown(line, strlen(line)));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(control_characters_of_names_are_escaped),
        WORLD_TEST(control_characters_are_escaped_in_the_log),
        WORLD_TEST(the_environment_is_not_asked_at_each_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
