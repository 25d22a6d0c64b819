/* check.c - see check.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Whoever has another pid is a child. */
static pid_t test_pid;

__attribute__((constructor)) static void begin(void)
{
    test_pid = getpid();
    if (getenv("EDDY_TEST_FILTER")) /* run one test: a name, or a pattern with * and ? */
        cmocka_set_test_filter(getenv("EDDY_TEST_FILTER"));
}

void (*check_tell_more)(void);

void check_fail(struct check_place place, const char *format, ...)
{
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s:%d: %s: %s\n", place.file, place.line, place.text, what);
    if (check_tell_more)
        check_tell_more();
    fflush(NULL);
    if (getpid() != test_pid)
        _exit(CHECK_EXIT);
    if (syscall(SYS_gettid) == test_pid)
        _fail(place.file, place.line);
    abort();
}

void check_true(bool holds, struct check_place place)
{
    if (!holds)
        check_fail(place, "does not hold");
}

void check_error(int got, int wanted, struct check_place place)
{
    if (got != wanted)
        check_fail(place, "%s (%s), not %s", eddy_error_name(got), eddy_last_error(),
                   eddy_error_name(wanted));
}

void check_same(uint64_t left, uint64_t right, struct check_place place)
{
    if (left != right)
        check_fail(place, "%llu is not %llu", (unsigned long long)left, (unsigned long long)right);
}

void check_says(const char *word, struct check_place place)
{
    if (!strstr(eddy_last_error(), word))
        check_fail(place, "\"%s\" does not contain \"%s\"", eddy_last_error(), word);
}
