/* Publishers and subscribers: options, queues, policies, what is held, what is lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void options_have_their_defaults(void)
{
    iox_pub_options_t pub;
    iox_pub_options_init(&pub);
    check(iox_pub_options_is_initialized(&pub) && pub.historyCapacity == 0 && !pub.nodeName);
    check(pub.offerOnCreate);
    same(pub.subscriberTooSlowPolicy, ConsumerTooSlowPolicy_DISCARD_OLDEST_DATA);
    same(pub.initCheck, 123454321);
    iox_sub_options_t sub;
    iox_sub_options_init(&sub);
    check(iox_sub_options_is_initialized(&sub) && sub.queueCapacity == 256 && !sub.historyRequest);
    check(sub.subscribeOnCreate && !sub.requirePublisherHistorySupport && !sub.nodeName);
    same(sub.queueFullPolicy, QueueFullPolicy_DISCARD_OLDEST_DATA);
    same(sub.initCheck, 543212345);
    same(sizeof pub, 32);
    same(sizeof sub, 48);
    sub.initCheck = 0;
    check(!iox_sub_options_is_initialized(&sub) && !iox_pub_options_is_initialized(NULL));
}

static void the_word_before_the_handle_is_the_callers(void)
{
    iox_runtime_init("words");
    iox_sub_storage_t storage;
    iox_sub_t sub = iox_sub_init(&storage, "S", "I", "e", NULL);
    void **word = (void **)(void *)((char *)sub - sizeof(void *));
    same(storage.do_not_touch_me[0], (uintptr_t)sub);
    check(*word == (void *)&storage);
    *word = &word;
    iox_pub_t pub = pub_open("e", 0);
    publish_number(pub, 1);
    take_number(sub, 1);
    iox_sub_unsubscribe(sub);
    iox_sub_subscribe(sub);
    check(*word == (void *)&word);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static void a_full_queue_drops_its_oldest(void)
{
    iox_runtime_init("queue");
    iox_sub_t sub = sub_open("e", 2, 0);
    iox_pub_t pub = pub_open("e", 0);
    check(iox_pub_has_subscribers(pub) && iox_pub_is_offered(pub));
    check(!iox_sub_has_chunks(sub) && !iox_sub_has_lost_chunks(sub));
    for (uint64_t i = 1; i <= 5; i++)
        publish_number(pub, i);
    check(iox_sub_has_chunks(sub));
    take_number(sub, 4);
    take_number(sub, 5);
    take_nothing(sub);
    check(iox_sub_has_lost_chunks(sub));
    check(!iox_sub_has_lost_chunks(sub));
    publish_number(pub, 6);
    iox_sub_release_queued_chunks(sub);
    take_nothing(sub);
    iox_sub_deinit(sub);
    check(!iox_pub_has_subscribers(pub));
    iox_pub_deinit(pub);
}

static void a_loan_may_be_touched_when_its_publisher_has_gone(void)
{
    iox_runtime_init("forgotten");
    void *payload = NULL;
    iox_pub_t pub = pub_open("e", 0);
    same(iox_pub_loan_chunk(pub, &payload, 64), AllocationResult_SUCCESS);
    iox_pub_deinit(pub);
    memset(payload, 1, 64); /* or is killed */
}

#define MANY 2000u

static void any_number_is_held_and_released_in_any_order(void)
{
    static const void *held[MANY];
    iox_runtime_init("hold");
    iox_sub_t sub = sub_open("e", 2, 0);
    iox_sub_t other = sub_open("e", 2, 0);
    iox_pub_t pub = pub_open("e", 0);
    for (uint64_t i = 0; i < MANY; i++) {
        const void *again = NULL;
        publish_number(pub, i);
        same(iox_sub_take_chunk(sub, &held[i]), ChunkReceiveResult_SUCCESS);
        same(iox_sub_take_chunk(other, &again), ChunkReceiveResult_SUCCESS);
        check(again == held[i]);
        iox_sub_release_chunk(other, again);
        iox_sub_release_chunk(other, again);
    }
    for (uint64_t i = 0; i < MANY; i++)
        same(*(const uint64_t *)held[i], i);
    for (uint64_t i = 0; i < MANY; i++)
        iox_sub_release_chunk(sub, held[(i * 7) % MANY]);
    publish_number(pub, MANY);
    take_number(sub, MANY);
    iox_sub_deinit(sub);
    iox_sub_deinit(other);
    iox_pub_deinit(pub);
}

static void what_is_held_outlives_unsubscribing(void)
{
    iox_runtime_init("unsubscribe");
    iox_sub_t sub = sub_open("e", 4, 0);
    iox_pub_t pub = pub_open("e", 0);
    const void *held = NULL;
    publish_number(pub, 1);
    same(iox_sub_take_chunk(sub, &held), ChunkReceiveResult_SUCCESS);
    same(iox_sub_get_subscription_state(sub), SubscribeState_SUBSCRIBED);
    iox_sub_unsubscribe(sub);
    same(iox_sub_get_subscription_state(sub), SubscribeState_NOT_SUBSCRIBED);
    publish_number(pub, 2);
    take_nothing(sub);
    iox_sub_subscribe(sub);
    publish_number(pub, 3);
    take_number(sub, 3);
    same(*(const uint64_t *)held, 1);
    iox_sub_release_chunk(sub, held);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static void names_count_in_full(void)
{
    char left[200], right[200];
    memset(left, 'x', sizeof left);
    left[199] = 0;
    memcpy(right, left, sizeof left);
    right[198] = 'y';
    iox_runtime_init("names");
    iox_pub_t pub = pub_open(left, 0);
    iox_sub_t same_name = sub_open(left, 4, 0);
    iox_sub_t other_name = sub_open(right, 4, 0);
    iox_sub_storage_t storage;
    iox_sub_t other_type = iox_sub_init(&storage, "S", "J", left, NULL);
    iox_sub_t other_service = iox_sub_init(&storage, "T", "I", left, NULL);
    publish_number(pub, 1);
    take_number(same_name, 1);
    take_nothing(other_name);
    take_nothing(other_type);
    take_nothing(other_service);
    iox_service_description_t described = iox_sub_get_service_description(same_name);
    same(strlen(described.eventString), 100);
    check(!strcmp(described.serviceString, "S") && !strcmp(described.instanceString, "I"));
    iox_sub_deinit(same_name);
    iox_sub_deinit(other_name);
    iox_sub_deinit(other_type);
    iox_sub_deinit(other_service);
    iox_pub_deinit(pub);
}

static iox_pub_t waiting_pub;
static _Atomic unsigned published;

static void *publish_three(void *argument)
{
    (void)argument;
    for (uint64_t i = 1; i <= 3; i++) {
        publish_number(waiting_pub, i);
        atomic_fetch_add(&published, 1);
    }
    return NULL;
}

static iox_sub_t open_waiting(void)
{
    iox_pub_storage_t pub_storage;
    iox_pub_options_t pub_options;
    iox_pub_options_init(&pub_options);
    pub_options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    iox_sub_storage_t sub_storage;
    iox_sub_options_t sub_options;
    iox_sub_options_init(&sub_options);
    sub_options.queueCapacity = 2;
    sub_options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    iox_sub_t sub = iox_sub_init(&sub_storage, "S", "I", "w", &sub_options);
    waiting_pub = iox_pub_init(&pub_storage, "S", "I", "w", &pub_options);
    return sub;
}

/* The third publication is under way, and stays so: longer than a turn of the wait. */
static void expect_waiting(pthread_t *thread)
{
    check(pthread_create(thread, NULL, publish_three, NULL) == 0);
    await_count(&published, 2);
    uint64_t end = eddy_deadline(100 * MILLISECOND);
    while (eddy_now() < end)
        same(atomic_load(&published), 2);
}

static void a_publisher_waits_for_its_consumer(void)
{
    iox_runtime_init("wait");
    iox_sub_t sub = open_waiting();
    pthread_t thread;
    expect_waiting(&thread);
    take_number(sub, 1);
    await_count(&published, 3);
    take_number(sub, 2);
    take_number(sub, 3);
    check(pthread_join(thread, NULL) == 0);
    iox_sub_deinit(sub);
    iox_pub_deinit(waiting_pub);
}

static void stop_offer_frees_a_publisher(void)
{
    iox_runtime_init("stop");
    iox_sub_t sub = open_waiting();
    pthread_t thread;
    expect_waiting(&thread);
    iox_pub_stop_offer(waiting_pub);
    check(pthread_join(thread, NULL) == 0);
    take_number(sub, 1);
    take_number(sub, 2);
    take_nothing(sub);
    iox_sub_deinit(sub);
    iox_pub_deinit(waiting_pub);
}

static void shutdown_frees_a_publisher(void)
{
    iox_runtime_init("shutdown");
    iox_sub_t sub = open_waiting();
    pthread_t thread;
    expect_waiting(&thread);
    iox_runtime_shutdown();
    check(pthread_join(thread, NULL) == 0);
    iox_sub_deinit(sub);
    iox_pub_deinit(waiting_pub);
}

static void services_are_found(void)
{
    iox_runtime_init("find");
    iox_pub_t one = pub_open("one", 0);
    iox_pub_t two = pub_open("two", 0);
    iox_sub_t sub = sub_open("three", 1, 0); /* a subscriber offers nothing */
    iox_service_discovery_storage_t storage;
    iox_service_discovery_t discovery = iox_service_discovery_init(&storage);
    iox_service_description_t found[4];
    uint64_t missed = 0;
    same(iox_service_discovery_find_service(discovery, "S", NULL, NULL, found, 4, &missed,
                                            MessagingPattern_PUB_SUB),
         2);
    same(missed, 0);
    same(iox_service_discovery_find_service(discovery, NULL, "I", NULL, found, 1, &missed,
                                            MessagingPattern_PUB_SUB),
         1);
    same(missed, 1);
    iox_pub_stop_offer(one);
    same(iox_service_discovery_find_service(discovery, NULL, NULL, NULL, found, 4, &missed,
                                            MessagingPattern_PUB_SUB),
         1);
    check(!strcmp(found[0].eventString, "two"));
    iox_service_discovery_deinit(discovery);
    iox_sub_deinit(sub);
    iox_pub_deinit(one);
    iox_pub_deinit(two);
}

static void without_a_domain_all_is_an_error_and_nothing_ends(void)
{
    setenv("EDDY_DIR", "/proc/nowhere", 1);
    iox_runtime_init("nowhere");
    iox_pub_t pub = pub_open("e", 0);
    iox_sub_t sub = sub_open("e", 1, 0);
    void *payload = NULL;
    const void *taken = NULL;
    same(iox_pub_loan_chunk(pub, &payload, 8), AllocationResult_UNDEFINED_ERROR);
    iox_pub_publish_chunk(pub, payload);
    same(iox_sub_take_chunk(sub, &taken), ChunkReceiveResult_UNDEFINED_ERROR);
    same(iox_sub_get_subscription_state(sub), SubscribeState_UNDEFINED_ERROR);
    check(!iox_sub_has_chunks(sub) && !iox_sub_has_lost_chunks(sub));
    iox_listener_storage_t listener_storage;
    iox_listener_t listener = iox_listener_init(&listener_storage);
    check(listener != NULL);
    iox_ws_storage_t set_storage;
    iox_ws_t set = iox_ws_init(&set_storage);
    same(iox_ws_attach_subscriber_state(set, sub, SubscriberState_HAS_DATA, 1, NULL),
         WaitSetResult_UNDEFINED_ERROR);
    iox_notification_info_t infos[1];
    uint64_t missed = 1;
    same(iox_ws_timed_wait(set, (struct timespec){0, 1000}, infos, 1, &missed), 0);
    iox_ws_deinit(set);
    iox_listener_deinit(listener);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

int main(void)
{
    static const struct bench_test tests[] = {
        ALONE(options_have_their_defaults),
        ALONE(the_word_before_the_handle_is_the_callers),
        ALONE(a_full_queue_drops_its_oldest),
        ALONE(a_loan_may_be_touched_when_its_publisher_has_gone),
        ALONE(any_number_is_held_and_released_in_any_order),
        ALONE(what_is_held_outlives_unsubscribing),
        ALONE(names_count_in_full),
        ALONE(a_publisher_waits_for_its_consumer),
        ALONE(stop_offer_frees_a_publisher),
        ALONE(shutdown_frees_a_publisher),
        ALONE(services_are_found),
        ALONE(without_a_domain_all_is_an_error_and_nothing_ends),
    };
    return BENCH_RUN(tests);
}
