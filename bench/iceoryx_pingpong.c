/* iceoryx_pingpong.c - ping-pong through the C binding of iceoryx 2.  Needs a running RouDi.
 *
 * Modes: spin polls; waitset sleeps in a wait set.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "iceoryx_side.h"
#include "pair.h"

#include <string.h>

static iox_pub_t publisher;
static iox_sub_t subscriber;
static iox_ws_t waitset;
static const void *chunk;
static size_t size;

static void side_open(const struct pair_side *side)
{
    static iox_ws_storage_t storage;
    static iox_pub_storage_t pub_storage;
    static iox_sub_storage_t sub_storage;
    size = side->size;
    iceoryx_join(side->is_ping ? "ping" : "pong");
    publisher = iceoryx_publisher(&pub_storage, side->is_ping ? "ping" : "pong", false);
    subscriber = iceoryx_subscriber(&sub_storage, side->is_ping ? "pong" : "ping", 16, false);
    if (strcmp(side->mode, "waitset") == 0) {
        waitset = iox_ws_init(&storage);
        iox_ws_attach_subscriber_state(waitset, subscriber, SubscriberState_HAS_DATA, 1, NULL);
    }
}

static void side_connect(void)
{
    iceoryx_connect(publisher, subscriber);
}

static void side_send(uint64_t seq)
{
    void *loan = iceoryx_loan(publisher, size);
    bench_fill(loan, size, seq);
    iox_pub_publish_chunk(publisher, loan);
}

static uint64_t side_receive(void)
{
    while (iox_sub_take_chunk(subscriber, &chunk) != ChunkReceiveResult_SUCCESS) {
        iox_notification_info_t event;
        uint64_t missed;
        if (waitset) {
            iox_ws_wait(waitset, &event, 1, &missed);
        }
    }
    return bench_drain(chunk, size);
}

static void side_release(void)
{
    iox_sub_release_chunk(subscriber, chunk);
}

static void side_close(void)
{
    if (waitset) {
        iox_ws_detach_subscriber_state(waitset, subscriber, SubscriberState_HAS_DATA);
        iox_ws_deinit(waitset);
    }
    iox_sub_deinit(subscriber);
    iox_pub_deinit(publisher);
    iox_runtime_shutdown();
}

int main(int argc, char **argv)
{
    static const struct pair_transport transport = {
        .open = side_open,
        .connect = side_connect,
        .send = side_send,
        .receive = side_receive,
        .release = side_release,
        .close = side_close,
    };
    return pair_run(&transport, argc, argv);
}
