/* iceoryx_publish.c - loan and publish through iceoryx 2's C binding.  Needs a running RouDi.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "batches.h"
#include "iceoryx_side.h"

#include <stdlib.h>

static iox_pub_t publisher;
static iox_sub_t *subscribers;
static iox_pub_storage_t publisher_storage;
static iox_sub_storage_t *storage;
static unsigned subscriber_count;
static size_t size;

static void all_open(unsigned count, size_t bytes)
{
    if (count > 256) {
        bench_fail("iceoryx connects at most 256 subscribers to a publisher");
    }
    subscriber_count = count;
    size = bytes;
    subscribers = calloc(count + 1, sizeof(iox_sub_t));
    storage = calloc(count + 1, sizeof *storage);
    iceoryx_join("publish");
    publisher = iceoryx_publisher(&publisher_storage, "publish", false);
    for (unsigned i = 0; i < count; i++) {
        subscribers[i] = iceoryx_subscriber(&storage[i], "publish", 2 * BATCH, false);
        iceoryx_connect(publisher, subscribers[i]);
    }
}

static void all_publish(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t *loan = iceoryx_loan(publisher, size);
        *loan = i;
        iox_pub_publish_chunk(publisher, loan);
    }
}

static void all_drain(unsigned count)
{
    for (unsigned s = 0; s < subscriber_count; s++) {
        for (unsigned i = 0; i < count; i++) {
            const void *chunk;
            if (iox_sub_take_chunk(subscribers[s], &chunk) != ChunkReceiveResult_SUCCESS ||
                *(const uint64_t *)chunk != i) {
                bench_fail("subscriber %u lost sample %u", s, i);
            }
            iox_sub_release_chunk(subscribers[s], chunk);
        }
    }
}

static void all_close(void)
{
    for (unsigned i = 0; i < subscriber_count; i++) {
        iox_sub_deinit(subscribers[i]);
    }
    iox_pub_deinit(publisher);
    iox_runtime_shutdown();
    free(subscribers);
    free(storage);
}

int main(int argc, char **argv)
{
    static const struct batches_transport transport = {
        .open = all_open,
        .publish = all_publish,
        .drain = all_drain,
        .close = all_close,
    };
    return batches_run(&transport, argc, argv);
}
