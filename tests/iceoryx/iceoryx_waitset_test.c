/* Wait sets: states and events, ids and callbacks, what does not fit, and how a wait ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

#define DATA  SubscriberEvent_DATA_RECEIVED
#define STATE SubscriberState_HAS_DATA

static iox_ws_t set_open(void)
{
    iox_ws_storage_t storage;
    iox_ws_t set = iox_ws_init(&storage);
    check(set != NULL && iox_ws_size(set) == 0);
    same(iox_ws_capacity(set), 256);
    return set;
}

static uint64_t wait_briefly(iox_ws_t set, iox_notification_info_t *infos, uint64_t capacity,
                             uint64_t *missed)
{
    return iox_ws_timed_wait(set, (struct timespec){0, 20000000}, infos, capacity, missed);
}

static void nothing_is_told(iox_ws_t set)
{
    iox_notification_info_t infos[4];
    uint64_t missed = 7;
    same(wait_briefly(set, infos, 4, &missed), 0);
    same(missed, 0);
}

static iox_notification_info_t one_is_told(iox_ws_t set)
{
    iox_notification_info_t infos[4];
    uint64_t missed = 7;
    same(iox_ws_wait(set, infos, 4, &missed), 1);
    same(missed, 0);
    return infos[0];
}

static void a_state_is_told_while_it_holds(void)
{
    iox_runtime_init("state");
    iox_ws_t set = set_open();
    iox_sub_t sub = sub_open("e", 4, 0);
    iox_pub_t pub = pub_open("e", 0);
    publish_number(pub, 1);
    same(iox_ws_attach_subscriber_state(set, sub, STATE, 42, NULL), WaitSetResult_SUCCESS);
    same(iox_ws_attach_subscriber_state(set, sub, STATE, 42, NULL), WaitSetResult_ALREADY_ATTACHED);
    same(iox_ws_size(set), 1);
    for (int i = 0; i < 3; i++) {
        iox_notification_info_t info = one_is_told(set);
        same(iox_notification_info_get_notification_id(info), 42);
        check(iox_notification_info_does_originate_from_subscriber(info, sub));
        check(iox_notification_info_get_subscriber_origin(info) == sub);
        check(iox_notification_info_get_user_trigger_origin(info) == NULL);
        iox_notification_info_call(info); /* there is no callback */
    }
    take_number(sub, 1);
    nothing_is_told(set);
    publish_number(pub, 2);
    (void)one_is_told(set);
    iox_ws_detach_subscriber_state(set, sub, STATE);
    same(iox_ws_size(set), 0);
    nothing_is_told(set);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
    iox_ws_deinit(set);
}

static iox_sub_t called;

static void remember(iox_sub_t sub, void *context)
{
    check(context == &called);
    called = sub;
}

static void an_event_is_told_once(void)
{
    iox_runtime_init("event");
    iox_ws_t set = set_open();
    iox_sub_t sub = sub_open("e", 4, 0);
    iox_pub_t pub = pub_open("e", 0);
    same(iox_ws_attach_subscriber_event_with_context_data(set, sub, DATA, 5, remember, &called),
         WaitSetResult_SUCCESS);
    nothing_is_told(set);
    publish_number(pub, 1);
    publish_number(pub, 2);
    iox_notification_info_call(one_is_told(set));
    check(called == sub);
    nothing_is_told(set);
    publish_number(pub, 3);
    (void)one_is_told(set);
    iox_ws_detach_subscriber_state(set, sub, STATE); /* is not attached so */
    same(iox_ws_size(set), 1);
    iox_ws_detach_subscriber_event(set, sub, DATA);
    same(iox_ws_size(set), 0);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
    iox_ws_deinit(set);
}

#define SUBS 5u

static void what_does_not_fit_comes_next(void)
{
    iox_sub_t subs[SUBS];
    iox_notification_info_t infos[3];
    uint64_t missed = 0, ids = 0;
    iox_runtime_init("missed");
    iox_ws_t set = set_open();
    for (uint64_t i = 0; i < SUBS; i++) {
        subs[i] = sub_open("e", 4, 0);
        same(iox_ws_attach_subscriber_event(set, subs[i], DATA, i, NULL), WaitSetResult_SUCCESS);
    }
    iox_pub_t pub = pub_open("e", 0);
    publish_number(pub, 1);
    same(iox_ws_wait(set, infos, 3, &missed), 3);
    same(missed, 2);
    for (int i = 0; i < 3; i++)
        ids |= 1u << iox_notification_info_get_notification_id(infos[i]);
    same(iox_ws_wait(set, infos, 3, &missed), 2);
    same(missed, 0);
    for (int i = 0; i < 2; i++)
        ids |= 1u << iox_notification_info_get_notification_id(infos[i]);
    same(ids, (1u << SUBS) - 1);
    nothing_is_told(set);
    for (uint64_t i = 0; i < SUBS; i++)
        iox_sub_deinit(subs[i]);
    same(iox_ws_size(set), 0);
    iox_pub_deinit(pub);
    iox_ws_deinit(set);
}

static _Atomic unsigned waits;

static void *wait_for_one(void *set)
{
    iox_notification_info_t infos[1];
    uint64_t missed;
    atomic_fetch_add(&waits, 1);
    return (void *)(uintptr_t)iox_ws_wait(set, infos, 1, &missed);
}

static void a_trigger_ends_a_wait(void)
{
    iox_runtime_init("trigger");
    iox_ws_t set = set_open();
    iox_user_trigger_storage_t storage;
    iox_user_trigger_t trigger = iox_user_trigger_init(&storage);
    same(iox_ws_attach_user_trigger_event(set, trigger, 9, NULL), WaitSetResult_SUCCESS);
    same(iox_ws_attach_user_trigger_event(set, trigger, 9, NULL), WaitSetResult_ALREADY_ATTACHED);
    pthread_t thread;
    void *told;
    check(pthread_create(&thread, NULL, wait_for_one, set) == 0);
    await_count(&waits, 1);
    iox_user_trigger_trigger(trigger);
    check(pthread_join(thread, &told) == 0);
    same((uintptr_t)told, 1);
    nothing_is_told(set);
    iox_user_trigger_trigger(trigger);
    iox_notification_info_t info = one_is_told(set);
    check(iox_notification_info_does_originate_from_user_trigger(info, trigger));
    check(iox_notification_info_get_user_trigger_origin(info) == trigger);
    check(iox_notification_info_get_subscriber_origin(info) == NULL);
    check(!iox_user_trigger_has_triggered(trigger));
    iox_ws_detach_user_trigger_event(set, trigger);
    iox_user_trigger_trigger(trigger);
    nothing_is_told(set);
    iox_user_trigger_deinit(trigger);
    iox_ws_deinit(set);
}

static void marking_ends_all_waits(void)
{
    iox_runtime_init("mark");
    iox_ws_t set = set_open();
    iox_sub_t sub = sub_open("e", 4, 0);
    iox_pub_t pub = pub_open("e", 0);
    same(iox_ws_attach_subscriber_state(set, sub, STATE, 1, NULL), WaitSetResult_SUCCESS);
    pthread_t thread;
    void *told;
    check(pthread_create(&thread, NULL, wait_for_one, set) == 0);
    await_count(&waits, 1);
    iox_ws_mark_for_destruction(set);
    check(pthread_join(thread, &told) == 0);
    same((uintptr_t)told, 0);
    publish_number(pub, 1);
    nothing_is_told(set);
    iox_ws_deinit(set);
    take_number(sub, 1);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

int main(void)
{
    static const struct bench_test tests[] = {
        ALONE(a_state_is_told_while_it_holds), ALONE(an_event_is_told_once),
        ALONE(what_does_not_fit_comes_next),   ALONE(a_trigger_ends_a_wait),
        ALONE(marking_ends_all_waits),
    };
    return BENCH_RUN(tests);
}
