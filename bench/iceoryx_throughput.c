/* iceoryx_throughput.c - publishers and subscribers of iceoryx 2 at full speed.  Needs a RouDi.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "iceoryx_side.h"
#include "stream.h"

#include <stdio.h>

static iox_pub_t publisher;
static iox_sub_t subscriber;
static iox_ws_t waitset;
static size_t size;

static void side_open(bool is_writer, size_t bytes)
{
    static iox_ws_storage_t storage;
    static iox_pub_storage_t pub_storage;
    static iox_sub_storage_t sub_storage;
    size = bytes;
    iceoryx_join(is_writer ? "writer" : "reader");
    if (is_writer) {
        publisher = iceoryx_publisher(&pub_storage, "throughput", true);
        iceoryx_connect(publisher, NULL);
    } else {
        subscriber = iceoryx_subscriber(&sub_storage, "throughput", 64, true);
        waitset = iox_ws_init(&storage);
        iox_ws_attach_subscriber_state(waitset, subscriber, SubscriberState_HAS_DATA, 1, NULL);
    }
}

static void side_publish(uint64_t seq)
{
    void *loan = iceoryx_loan(publisher, size);
    bench_fill(loan, size, seq);
    iox_pub_publish_chunk(publisher, loan);
}

static bool side_take(void)
{
    const void *chunk;
    if (iox_sub_take_chunk(subscriber, &chunk) != ChunkReceiveResult_SUCCESS) {
        struct timespec patience = {.tv_nsec = 100000000};
        iox_notification_info_t event;
        uint64_t missed;
        iox_ws_timed_wait(waitset, patience, &event, 1, &missed);
        return false;
    }
    bench_drain(chunk, size);
    iox_sub_release_chunk(subscriber, chunk);
    return true;
}

static void side_close(void)
{
    if (subscriber) {
        iox_ws_detach_subscriber_state(waitset, subscriber, SubscriberState_HAS_DATA);
        iox_ws_deinit(waitset);
        iox_sub_deinit(subscriber);
    } else {
        iox_pub_deinit(publisher);
    }
    iox_runtime_shutdown();
}

int main(int argc, char **argv)
{
    static const struct stream_transport transport = {
        .open = side_open,
        .publish = side_publish,
        .take = side_take,
        .close = side_close,
    };
    return stream_run(&transport, argc, argv);
}
