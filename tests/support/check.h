/* check.h - assertions that mean the same in the test, in its child processes and in its threads.
 *
 * In the test itself a failed check fails the test.  In a child it ends the child with
 * CHECK_EXIT, which whoever joins the child reports.  In a thread it aborts: cmocka cannot unwind
 * another thread's stack.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_CHECK_H
#define EDDY_TESTS_CHECK_H

#include <eddy/eddy.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_EXIT 99

struct check_place {
    const char *file;
    int line;
    const char *text;
};
#define CHECK_HERE(text)                                                                           \
    (struct check_place)                                                                           \
    {                                                                                              \
        __FILE__, __LINE__, text                                                                   \
    }

/* The condition holds. */
#define check(condition) check_true((condition), CHECK_HERE(#condition))
/* The call returns 0; else its error and eddy_last_error() are shown. */
#define must(call) check_error((call), EDDY_OK, CHECK_HERE(#call))
/* The call returns this error. */
#define must_fail(call, error) check_error((call), (error), CHECK_HERE(#call))
/* Two unsigned numbers are equal; both are shown if not. */
#define same(left, right)                                                                          \
    check_same((uint64_t)(left), (uint64_t)(right), CHECK_HERE(#left " == " #right))
/* eddy_last_error() names `word`. */
#define says(word) check_says((word), CHECK_HERE("eddy_last_error() names " #word))

void check_true(bool holds, struct check_place place);
void check_error(int got, int wanted, struct check_place place);
void check_same(uint64_t left, uint64_t right, struct check_place place);
void check_says(const char *word, struct check_place place);
/* If set, called before a failed check ends the test: tells what the test was at. */
extern void (*check_tell_more)(void);
_Noreturn void check_fail(struct check_place place, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
