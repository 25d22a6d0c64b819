/* What a late subscriber gets, and from whom.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

static void publish_with_history(int wire, void *argument)
{
    (void)argument;
    iox_runtime_init("early");
    iox_pub_t pub = pub_open("e", 4);
    for (uint64_t i = 1; i <= 6; i++)
        publish_number(pub, i);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    publish_number(pub, 7);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_DONE);
    iox_pub_deinit(pub);
}

static void subscribe_late(int wire, void *argument)
{
    (void)argument;
    wire_expect(wire, WIRE_READY);
    iox_runtime_init("late");
    iox_sub_t all = sub_open("e", 8, 8);
    iox_sub_t two = sub_open("e", 8, 2);
    iox_sub_t none = sub_open("e", 8, 0);
    check(iox_sub_has_chunks(all) && iox_sub_has_chunks(two) && !iox_sub_has_chunks(none));
    wire_say(wire, WIRE_GO);
    wire_expect(wire, WIRE_READY);
    for (uint64_t i = 3; i <= 7; i++)
        take_number(all, i);
    for (uint64_t i = 5; i <= 7; i++)
        take_number(two, i);
    take_number(none, 7);
    take_nothing(all);
    take_nothing(two);
    take_nothing(none);
    iox_sub_deinit(all);
    iox_sub_deinit(two);
    iox_sub_deinit(none);
    wire_say(wire, WIRE_DONE);
}

static void who_requires_history_gets_none_without(void)
{
    iox_sub_storage_t storage;
    iox_sub_options_t options;
    iox_runtime_init("requires");
    iox_sub_options_init(&options);
    options.historyRequest = 1;
    options.requirePublisherHistorySupport = true;
    iox_sub_t sub = iox_sub_init(&storage, "S", "I", "e", &options);
    iox_pub_t with = pub_open("e", 1);
    iox_pub_t without = pub_open("e", 0);
    publish_number(without, 1);
    publish_number(with, 2);
    publish_number(without, 3);
    take_number(sub, 2);
    take_nothing(sub);
    iox_sub_deinit(sub);
    iox_pub_deinit(with);
    iox_pub_deinit(without);
}

static void history_goes_with_its_publisher(void)
{
    iox_runtime_init("gone");
    iox_pub_t stays = pub_open("e", 2);
    iox_pub_t goes = pub_open("e", 2);
    publish_number(stays, 1);
    publish_number(goes, 2);
    iox_pub_stop_offer(goes);
    iox_pub_deinit(goes);
    iox_sub_t sub = sub_open("e", 8, 8);
    take_number(sub, 1);
    take_nothing(sub);
    iox_sub_deinit(sub);
    iox_pub_deinit(stays);
}

/* Cyclone DDS gives a late reader the history of its own process itself. */
static void cyclone_gets_its_own_history_once(void)
{
    iox_runtime_init("iceoryx_rt_1_2");
    iox_pub_storage_t pub_storage;
    iox_pub_options_t pub_options;
    iox_pub_options_init(&pub_options);
    pub_options.historyCapacity = 4;
    iox_pub_t pub = iox_pub_init(&pub_storage, "S", "I", "e", &pub_options);
    void *payload = NULL;
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, 8, 8, 56, 8),
         AllocationResult_SUCCESS);
    iox_pub_publish_chunk(pub, payload);
    iox_sub_t sub = sub_open("e", 1, 4);
    take_nothing(sub);
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, 8, 8, 56, 8),
         AllocationResult_SUCCESS);
    *(uint64_t *)payload = 2;
    iox_pub_publish_chunk(pub, payload);
    take_number(sub, 2);
    publish_number(pub, 3); /* without the user header that Cyclone DDS would look at */
    take_nothing(sub);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

int main(void)
{
    static const struct bench_test tests[] = {
        TWO("late subscribers get the history they ask for", publish_with_history, subscribe_late),
        ALONE(who_requires_history_gets_none_without),
        ALONE(history_goes_with_its_publisher),
        ALONE(cyclone_gets_its_own_history_once),
    };
    return BENCH_RUN(tests);
}
