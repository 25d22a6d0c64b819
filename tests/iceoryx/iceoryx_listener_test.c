/* Listeners: when they call back, how often, and when they no longer may.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define DATA SubscriberEvent_DATA_RECEIVED

static _Atomic unsigned entered, left, taken;
static _Atomic bool hold;

static void await_release(void)
{
    uint64_t end = patience();
    while (atomic_load(&hold))
        check(eddy_now() < end);
}

static void on_data(iox_sub_t sub, void *context)
{
    const void *payload;
    check(context == &entered);
    atomic_fetch_add(&entered, 1);
    await_release();
    while (iox_sub_take_chunk(sub, &payload) == ChunkReceiveResult_SUCCESS) {
        iox_sub_release_chunk(sub, payload);
        atomic_fetch_add(&taken, 1);
    }
    atomic_fetch_add(&left, 1);
}

static iox_listener_t listener_open(void)
{
    iox_listener_storage_t storage;
    iox_listener_t listener = iox_listener_init(&storage);
    check(listener != NULL && iox_listener_size(listener) == 0);
    same(iox_listener_capacity(listener), 256);
    return listener;
}

static enum iox_ListenerResult attach(iox_listener_t listener, iox_sub_t sub)
{
    return iox_listener_attach_subscriber_event_with_context_data(listener, sub, DATA, on_data,
                                                                  (void *)&entered);
}

/* Waits for `wanted` callbacks, and that there are no more within a time in which one more would
 * come: a wake-up takes well under a millisecond. */
static void exactly(_Atomic unsigned *count, unsigned wanted)
{
    await_count(count, wanted);
    uint64_t end = eddy_deadline(200 * MILLISECOND);
    while (eddy_now() < end)
        same(atomic_load(count), wanted);
}

static void what_comes_during_a_callback_is_told_once(void)
{
    iox_runtime_init("coalesce");
    iox_listener_t listener = listener_open();
    iox_sub_t sub = sub_open("e", 16, 0);
    iox_pub_t pub = pub_open("e", 0);
    same(attach(listener, sub), ListenerResult_SUCCESS);
    same(iox_listener_size(listener), 1);
    atomic_store(&hold, true);
    publish_number(pub, 0);
    await_count(&entered, 1);
    for (uint64_t i = 1; i <= 7; i++)
        publish_number(pub, i);
    atomic_store(&hold, false);
    exactly(&left, 2);
    same(taken, 8);
    iox_listener_deinit(listener);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static void nobody_is_attached_twice_or_without_callback(void)
{
    iox_runtime_init("twice");
    iox_listener_t listener = listener_open();
    iox_sub_t sub = sub_open("e", 16, 0);
    same(attach(listener, sub), ListenerResult_SUCCESS);
    same(attach(listener, sub), ListenerResult_EVENT_ALREADY_ATTACHED);
    same(iox_listener_attach_subscriber_event(listener, sub, DATA, NULL),
         ListenerResult_EMPTY_EVENT_CALLBACK);
    iox_listener_detach_subscriber_event(listener, sub, DATA);
    iox_listener_detach_subscriber_event(listener, sub, DATA);
    same(iox_listener_size(listener), 0);
    same(attach(listener, sub), ListenerResult_SUCCESS);
    iox_sub_deinit(sub); /* takes it off */
    same(iox_listener_size(listener), 0);
    iox_listener_deinit(listener);
}

static void *detach_and_count(void *argument)
{
    void **both = argument;
    iox_listener_detach_subscriber_event(both[0], both[1], DATA);
    return (void *)(uintptr_t)atomic_load(&left);
}

static void detach_waits_for_the_callback(void)
{
    iox_runtime_init("detach");
    iox_listener_t listener = listener_open();
    iox_sub_t sub = sub_open("e", 16, 0);
    iox_pub_t pub = pub_open("e", 0);
    same(attach(listener, sub), ListenerResult_SUCCESS);
    atomic_store(&hold, true);
    publish_number(pub, 0);
    await_count(&entered, 1);
    pthread_t thread;
    void *both[2] = {listener, sub}, *left_then;
    check(pthread_create(&thread, NULL, detach_and_count, both) == 0);
    uint64_t end = patience();
    while (iox_listener_size(listener) != 0) /* it has begun */
        check(eddy_now() < end);
    atomic_store(&hold, false);
    check(pthread_join(thread, &left_then) == 0);
    same((uintptr_t)left_then, 1);
    publish_number(pub, 1);
    exactly(&entered, 1);
    iox_listener_deinit(listener);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static iox_listener_t own;

static void detach_self(iox_sub_t sub)
{
    atomic_fetch_add(&entered, 1);
    iox_listener_detach_subscriber_event(own, sub, DATA);
    same(iox_listener_size(own), 0);
    atomic_fetch_add(&left, 1);
}

static void a_callback_may_detach_itself(void)
{
    iox_runtime_init("self");
    own = listener_open();
    iox_sub_t sub = sub_open("e", 16, 0);
    iox_pub_t pub = pub_open("e", 0);
    same(iox_listener_attach_subscriber_event(own, sub, DATA, detach_self), ListenerResult_SUCCESS);
    publish_number(pub, 0);
    await_count(&left, 1);
    publish_number(pub, 1);
    exactly(&entered, 1);
    same(iox_listener_attach_subscriber_event(own, sub, DATA, detach_self), ListenerResult_SUCCESS);
    await_count(&left, 2); /* what is queued is told after a while */
    iox_sub_deinit(sub);
    iox_listener_deinit(own);
    iox_pub_deinit(pub);
}

static void what_was_queued_is_told_later(void)
{
    iox_runtime_init("later");
    iox_listener_t listener = listener_open();
    iox_pub_t pub = pub_open("e", 4);
    for (uint64_t i = 0; i < 4; i++)
        publish_number(pub, i);
    iox_sub_t sub = sub_open("e", 16, 4);
    uint64_t before = eddy_now();
    same(attach(listener, sub), ListenerResult_SUCCESS);
    await_count(&left, 1);
    check(eddy_now() - before >= 100 * MILLISECOND);
    same(taken, 4);
    exactly(&entered, 1);
    publish_number(pub, 5);
    await_count(&left, 2);
    same(taken, 5);
    iox_listener_deinit(listener);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

/* What Cyclone DDS gives as context, and fills in after attaching. */
static struct {
    pthread_mutex_t mutex;
    void *_Atomic monitor;
    void *_Atomic reader;
} cyclone;

static void on_data_of_cyclone(iox_sub_t sub, void *context)
{
    check(context == &cyclone && cyclone.monitor != NULL && cyclone.reader != NULL);
    on_data(sub, (void *)&entered);
}

static void publish_for_cyclone(iox_pub_t pub)
{
    void *payload = NULL;
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, 8, 8, 56, 8),
         AllocationResult_SUCCESS);
    iox_pub_publish_chunk(pub, payload);
}

static void cyclone_is_called_back_when_it_is_ready(void)
{
    static int no_handle, monitor;
    iox_runtime_init("iceoryx_rt_1_2");
    iox_listener_t listener = listener_open();
    iox_sub_t sub = sub_open("e", 1, 0);
    iox_pub_t pub = pub_open("e", 0);
    publish_for_cyclone(pub);
    same(iox_listener_attach_subscriber_event_with_context_data(listener, sub, DATA,
                                                                on_data_of_cyclone, &cyclone),
         ListenerResult_SUCCESS);
    publish_for_cyclone(pub);
    exactly(&entered, 0);
    cyclone.monitor = &monitor;
    exactly(&entered, 0);
    cyclone.reader = &no_handle;
    await_count(&left, 1);
    same(taken, 2);
    publish_for_cyclone(pub);
    await_count(&taken, 3);
    iox_listener_deinit(listener);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static _Atomic unsigned failed;

static void take_fails(iox_sub_t sub, void *context)
{
    const void *payload;
    check(context == &cyclone);
    same(iox_sub_take_chunk(sub, &payload), ChunkReceiveResult_UNDEFINED_ERROR);
    atomic_fetch_add(&failed, 1);
}

/* It would hang at its end if it could not attach; and a reader without data should be told of. */
static void cyclone_is_told_when_there_is_no_domain(void)
{
    setenv("EDDY_DIR", "/proc/nowhere", 1);
    iox_runtime_init("iceoryx_rt_1_2");
    iox_listener_t listener = listener_open();
    iox_sub_t sub = sub_open("e", 1, 0);
    cyclone.monitor = cyclone.reader = &cyclone;
    same(iox_listener_attach_subscriber_event_with_context_data(listener, sub, DATA, take_fails,
                                                                &cyclone),
         ListenerResult_SUCCESS);
    exactly(&failed, 1);
    iox_sub_deinit(sub);
    iox_listener_deinit(listener);
}

static void on_trigger(iox_user_trigger_t trigger, void *context)
{
    check(context == &left);
    check(!iox_user_trigger_has_triggered(trigger));
    atomic_fetch_add(&entered, 1);
    await_release();
    atomic_fetch_add(&left, 1);
}

static void triggers_are_told_once(void)
{
    iox_runtime_init("trigger");
    iox_listener_t listener = listener_open();
    iox_user_trigger_storage_t storage;
    iox_user_trigger_t trigger = iox_user_trigger_init(&storage);
    iox_user_trigger_trigger(trigger);
    check(!iox_user_trigger_has_triggered(trigger));
    same(iox_listener_attach_user_trigger_event_with_context_data(listener, trigger, on_trigger,
                                                                  (void *)&left),
         ListenerResult_SUCCESS);
    atomic_store(&hold, true);
    iox_user_trigger_trigger(trigger);
    await_count(&entered, 1);
    for (int i = 0; i < 10; i++)
        iox_user_trigger_trigger(trigger);
    check(iox_user_trigger_has_triggered(trigger));
    atomic_store(&hold, false);
    exactly(&left, 2);
    iox_listener_detach_user_trigger_event(listener, trigger);
    iox_user_trigger_trigger(trigger);
    exactly(&left, 2);
    iox_user_trigger_deinit(trigger);
    iox_listener_deinit(listener);
}

#define MANY 300

static void there_may_be_more_than_256(void)
{
    static iox_sub_t subs[MANY];
    iox_runtime_init("many");
    iox_listener_t listener = listener_open();
    for (int i = 0; i < MANY; i++) {
        subs[i] = sub_open("e", 1, 0);
        same(attach(listener, subs[i]), ListenerResult_SUCCESS);
    }
    same(iox_listener_size(listener), MANY);
    iox_pub_t pub = pub_open("e", 0);
    publish_number(pub, 1);
    exactly(&left, MANY);
    same(taken, MANY);
    iox_listener_deinit(listener);
    for (int i = 0; i < MANY; i++)
        iox_sub_deinit(subs[i]);
    iox_pub_deinit(pub);
}

static void deinit_wakes_a_sleeping_thread(void)
{
    iox_runtime_init("deinit");
    iox_listener_t listener = listener_open();
    iox_listener_t other = listener_open();
    iox_sub_t sub = sub_open("e", 1, 0);
    same(attach(listener, sub), ListenerResult_SUCCESS);
    same(attach(other, sub), ListenerResult_SUCCESS); /* takes it away from the first */
    same(iox_listener_size(listener), 0);
    iox_pub_t pub = pub_open("e", 0);
    publish_number(pub, 1);
    exactly(&left, 1);
    iox_listener_deinit(listener);
    iox_listener_deinit(other);
    publish_number(pub, 2);
    take_number(sub, 2);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

/* --- samples that are passed over --------------------------------------------------------------- */

enum { UNWANTED = 200 };
static _Atomic unsigned turns, wanted_found;

static void take_wanted(iox_sub_t sub)
{
    const void *payload;
    while (iox_sub_take_chunk(sub, &payload) == ChunkReceiveResult_SUCCESS) {
        same(*(const uint64_t *)payload, 7);
        iox_sub_release_chunk(sub, payload);
        atomic_fetch_add(&wanted_found, 1);
    }
    atomic_fetch_add(&turns, 1);
}

static iox_sub_t open_choosy(void)
{
    static iox_sub_storage_t storage;
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.requirePublisherHistorySupport = true;
    options.queueCapacity = 256;
    return iox_sub_init(&storage, "S", "I", "choosy", &options);
}

/* A take looks at so many only; what is behind them is found all the same, though nothing more is
 * published. */
static void what_is_behind_many_unwanted_ones_is_found(void)
{
    iox_listener_storage_t storage;
    iox_runtime_init("choosy");
    iox_sub_t sub = open_choosy();
    iox_pub_t unwanted = pub_open("choosy", 0), wanted = pub_open("choosy", 1);
    for (uint64_t i = 0; i < UNWANTED; i++)
        publish_number(unwanted, i);
    publish_number(wanted, 7);
    iox_listener_t listener = iox_listener_init(&storage);
    same(iox_listener_attach_subscriber_event(listener, sub, SubscriberEvent_DATA_RECEIVED,
                                              take_wanted),
         ListenerResult_SUCCESS);
    await_count(&wanted_found, 1);
    await_count(&turns, UNWANTED / 64 + 1);
    iox_listener_deinit(listener);
    /* And by who polls, at the first take. */
    for (uint64_t i = 0; i < UNWANTED; i++)
        publish_number(unwanted, i);
    publish_number(wanted, 7);
    const void *payload;
    same(iox_sub_take_chunk(sub, &payload), ChunkReceiveResult_SUCCESS);
    iox_sub_release_chunk(sub, payload);
    iox_sub_deinit(sub);
    iox_pub_deinit(unwanted);
    iox_pub_deinit(wanted);
}

int main(void)
{
    static const struct bench_test tests[] = {
        ALONE(what_is_behind_many_unwanted_ones_is_found),
        ALONE(what_comes_during_a_callback_is_told_once),
        ALONE(nobody_is_attached_twice_or_without_callback),
        ALONE(detach_waits_for_the_callback),
        ALONE(a_callback_may_detach_itself),
        ALONE(what_was_queued_is_told_later),
        ALONE(cyclone_is_called_back_when_it_is_ready),
        ALONE(cyclone_is_told_when_there_is_no_domain),
        ALONE(triggers_are_told_once),
        ALONE(there_may_be_more_than_256),
        ALONE(deinit_wakes_a_sleeping_thread),
    };
    return BENCH_RUN(tests);
}
