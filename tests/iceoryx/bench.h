/* bench.h - a workbench for programs that speak iceoryx: publishers, subscribers and numbers.
 *
 * The library keeps one domain for each process, so every test works in child processes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_ICEORYX_BENCH_H
#define EDDY_TESTS_ICEORYX_BENCH_H

#include "support/child.h"
#include "support/world.h"

#include <iceoryx_binding_c/api.h>

/* A test: `body` in a process of its own; or `first` and `second` in one each, with a wire between.
 */
struct bench_test {
    const char *name;
    void (*body)(void);
    child_main *first, *second;
};
#define ALONE(function)                                                                            \
    {                                                                                              \
        .name = #function, .body = function                                                        \
    }
#define TWO(title, one, other)                                                                     \
    {                                                                                              \
        .name = title, .first = one, .second = other                                               \
    }

/* Runs them under cmocka, each in a world of its own.  Returns what main shall return. */
int bench_run(const struct bench_test *tests, size_t count);
#define BENCH_RUN(tests) bench_run(tests, sizeof(tests) / sizeof *(tests))

/* On the service "S", instance "I".  The options begin as the library's defaults. */
iox_pub_t pub_open(const char *event, uint64_t history);
iox_sub_t sub_open(const char *event, uint64_t capacity, uint64_t history);

/* Publishes one uint64_t. */
void publish_number(iox_pub_t pub, uint64_t number);
/* Takes one, which must be there, checks it and releases it. */
void take_number(iox_sub_t sub, uint64_t number);
/* As take_number, and waits for it. */
void await_number(iox_sub_t sub, uint64_t number);
/* Nothing is there to take. */
void take_nothing(iox_sub_t sub);

/* Waits until a flag or counter that another thread sets has this value or more. */
void await_count(const _Atomic unsigned *count, unsigned least);

#endif
