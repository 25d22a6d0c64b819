/* What a person is told: errors, without asking, each once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <eddy/log.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char said[65536], heard[1100];

/* Two publishers without a domain, one of them twice and with loans; returns how many lines of Eddy
 * were written to standard error. */
static unsigned lines_about_no_domain(const char *log)
{
    int old = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC);
    check(old >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    setenv("EDDY_DIR", "/proc/nowhere", 1);
    check(log == NULL || setenv("EDDY_LOG", log, 1) == 0);
    iox_runtime_init("log");
    for (int i = 0; i < 2; i++) {
        iox_pub_t pub = pub_open("one", 0), other = pub_open(i == 0 ? "one" : "two", 0);
        void *payload;
        same(iox_pub_loan_chunk(pub, &payload, 8), AllocationResult_UNDEFINED_ERROR);
        iox_pub_deinit(pub);
        iox_pub_deinit(other);
    }
    check(dup2(old, STDERR_FILENO) >= 0 && lseek(file, 0, SEEK_SET) == 0);
    ssize_t length = read(file, said, sizeof said - 1);
    check(length >= 0);
    said[length] = '\0';
    unsigned lines = 0;
    for (const char *at = said; (at = strstr(at, "eddy[")) != NULL; at++)
        lines++;
    return lines;
}

static void errors_are_said_once(void)
{
    same(lines_about_no_domain(NULL), 3); /* the domain, and each of the two publishers */
    check(strstr(said, "no shared memory: ") && strstr(said, "/proc/nowhere"));
    check(strstr(said, "publisher of one (I): ") && strstr(said, "publisher of two (I): "));
}

static void none_is_said_if_none_is_wanted(void)
{
    same(lines_about_no_domain("none"), 0);
}

static void each_is_said_if_asked_for(void)
{
    check(lines_about_no_domain("error") > 6);
}

static void names_of_others_are_shown_and_not_obeyed(void)
{
    int old = dup(STDERR_FILENO), file = memfd_create("stderr", MFD_CLOEXEC);
    check(old >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    setenv("EDDY_DIR", "/proc/nowhere", 1);
    iox_runtime_init("log");
    iox_pub_deinit(pub_open("\x1b[2Jone\n", 0));
    check(dup2(old, STDERR_FILENO) >= 0 && lseek(file, 0, SEEK_SET) == 0);
    ssize_t length = read(file, said, sizeof said - 1);
    check(length >= 0);
    said[length] = '\0';
    check(strstr(said, "publisher of \\x1b[2Jone\\n (I): "));
}

static void hear(void *context, enum eddy_log_level level, const char *text)
{
    (void)context;
    if (level == EDDY_LOG_ERROR)
        snprintf(heard, sizeof heard, "%s", text);
}

/* The program's own, of eddy/log.h. */
static void a_call_back_gets_them_all(void)
{
    check(eddy_log_set(hear, NULL, EDDY_LOG_ERROR) == EDDY_OK);
    same(lines_about_no_domain("debug"), 0);
    check(strstr(heard, "publisher of one (I): ") == heard);
}

int main(void)
{
    static const struct bench_test tests[] = {
        ALONE(errors_are_said_once),      ALONE(none_is_said_if_none_is_wanted),
        ALONE(each_is_said_if_asked_for), ALONE(names_of_others_are_shown_and_not_obeyed),
        ALONE(a_call_back_gets_them_all),
    };
    return BENCH_RUN(tests);
}
