/* iceoryx_side.c - the parts of iceoryx's C binding that its benchmarks share.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "iceoryx_side.h"
#include "slice.h"

#include <stdio.h>
#include <unistd.h>

void iceoryx_join(const char *name)
{
    char unique[64];
    snprintf(unique, sizeof unique, "bench-%s-%d", name, (int)getpid());
    iox_runtime_init(unique);
}

iox_pub_t iceoryx_publisher(iox_pub_storage_t *storage, const char *event, bool blocks)
{
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    if (blocks) {
        options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    }
    return iox_pub_init(storage, "eddy", "bench", event, &options);
}

iox_sub_t iceoryx_subscriber(iox_sub_storage_t *storage, const char *event, unsigned depth,
                             bool blocks)
{
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.queueCapacity = depth;
    if (blocks) {
        options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    }
    return iox_sub_init(storage, "eddy", "bench", event, &options);
}

void iceoryx_connect(iox_pub_t publisher, iox_sub_t subscriber)
{
    while (
        (publisher && !iox_pub_has_subscribers(publisher)) ||
        (subscriber && iox_sub_get_subscription_state(subscriber) != SubscribeState_SUBSCRIBED)) {
        usleep(1000);
    }
}

void *iceoryx_loan(iox_pub_t publisher, size_t size)
{
    void *chunk;
    enum iox_AllocationResult result = iox_pub_loan_chunk(publisher, &chunk, (uint32_t)size);
    if (result != AllocationResult_SUCCESS) {
        bench_fail("no chunk of %zu bytes (result %d)", size, (int)result);
    }
    return chunk;
}
