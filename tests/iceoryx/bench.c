/* bench.c - see bench.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Ends like a program, so that the library can take leave of its domain: the world's teardown sees
 * what it leaves behind. */
_Noreturn static void end(void)
{
    exit(0);
}

static void act_second(int wire, void *argument)
{
    const struct bench_test *test = argument;
    test->second(wire, NULL);
    end();
}

static void act(int wire, void *argument)
{
    (void)wire;
    struct bench_test *test = argument;
    if (test->body != NULL) {
        test->body();
        end();
    }
    struct child second = child_start(act_second, test);
    test->first(second.wire, NULL);
    child_join(&second);
    end();
}

static void in_child(void **state)
{
    struct child child = child_start(act, *state);
    child_join(&child);
}

static int setup(void **state)
{
    void *kept = NULL;
    (void)state;
    return world_setup(&kept);
}

int bench_run(const struct bench_test *tests, size_t count)
{
    struct CMUnitTest units[32];
    check(count <= sizeof units / sizeof *units);
    for (size_t i = 0; i < count; i++)
        units[i] = (struct CMUnitTest){.name = tests[i].name,
                                       .test_func = in_child,
                                       .setup_func = setup,
                                       .teardown_func = world_teardown,
                                       .initial_state = (void *)(uintptr_t)&tests[i]};
    return _cmocka_run_group_tests("iceoryx", units, count, NULL, NULL);
}

iox_pub_t pub_open(const char *event, uint64_t history)
{
    iox_pub_storage_t storage;
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    options.historyCapacity = history;
    iox_pub_t pub = iox_pub_init(&storage, "S", "I", event, &options);
    check(pub != NULL);
    return pub;
}

iox_sub_t sub_open(const char *event, uint64_t capacity, uint64_t history)
{
    iox_sub_storage_t storage;
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.queueCapacity = capacity;
    options.historyRequest = history;
    iox_sub_t sub = iox_sub_init(&storage, "S", "I", event, &options);
    check(sub != NULL);
    return sub;
}

void publish_number(iox_pub_t pub, uint64_t number)
{
    void *payload = NULL;
    same(iox_pub_loan_chunk(pub, &payload, sizeof number), AllocationResult_SUCCESS);
    *(uint64_t *)payload = number;
    iox_pub_publish_chunk(pub, payload);
}

void take_number(iox_sub_t sub, uint64_t number)
{
    const void *payload = NULL;
    same(iox_sub_take_chunk(sub, &payload), ChunkReceiveResult_SUCCESS);
    same(*(const uint64_t *)payload, number);
    iox_sub_release_chunk(sub, payload);
}

void await_number(iox_sub_t sub, uint64_t number)
{
    uint64_t end = patience();
    while (!iox_sub_has_chunks(sub)) {
        check(eddy_now() < end);
        sched_yield();
    }
    take_number(sub, number);
}

void take_nothing(iox_sub_t sub)
{
    const void *payload = NULL;
    same(iox_sub_take_chunk(sub, &payload), ChunkReceiveResult_NO_CHUNK_AVAILABLE);
    check(payload == NULL);
}

void await_count(const _Atomic unsigned *count, unsigned least)
{
    uint64_t end = patience();
    while (atomic_load(count) < least) {
        check(eddy_now() < end);
        sched_yield();
    }
}
