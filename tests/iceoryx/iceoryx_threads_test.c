/* Threads share handles: publishers lend and publish, subscribers take here and release there, and
 * listeners come and go meanwhile.  Runs under ThreadSanitizer too.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

#define ROUNDS  15000u
#define WRITERS 3u

static iox_pub_t shared_pub;
static iox_sub_t shared_sub;
static _Atomic unsigned lent, came, writing;
static _Atomic(const void *) handed_over;

static void *lend_and_publish(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        void *payload;
        enum iox_AllocationResult result =
            iox_pub_loan_aligned_chunk_with_user_header(shared_pub, &payload, 64, 8, 56, 8);
        same(result, AllocationResult_SUCCESS);
        *(uint64_t *)payload = i;
        if (i % 3 == 0) {
            iox_pub_release_chunk(shared_pub, payload);
        } else {
            iox_pub_publish_chunk(shared_pub, payload);
            atomic_fetch_add(&lent, 1);
        }
    }
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

/* Another thread releases what it leaves here. */
static void take_all(iox_sub_t sub)
{
    const void *payload;
    while (iox_sub_take_chunk(sub, &payload) == ChunkReceiveResult_SUCCESS) {
        atomic_fetch_add(&came, 1);
        check(iox_chunk_header_to_user_header_const(
                  iox_chunk_header_from_user_payload_const(payload)) != NULL);
        payload = atomic_exchange(&handed_over, payload);
        if (payload != NULL) {
            iox_sub_release_chunk(sub, payload);
        }
    }
}

static void *release_elsewhere(void *argument)
{
    (void)argument;
    while (atomic_load(&writing) > 0) {
        const void *payload = atomic_exchange(&handed_over, NULL);
        if (payload != NULL) {
            iox_sub_release_chunk(shared_sub, payload);
        }
    }
    return NULL;
}

static void *attach_and_detach(void *argument)
{
    iox_listener_t listener = argument;
    while (atomic_load(&writing) > 0) {
        iox_sub_t sub = sub_open("e", 16, 0);
        same(iox_listener_attach_subscriber_event(listener, sub, SubscriberEvent_DATA_RECEIVED,
                                                  iox_sub_release_queued_chunks),
             ListenerResult_SUCCESS);
        iox_sub_deinit(sub);
    }
    return NULL;
}

static void handles_are_shared(void)
{
    iox_runtime_init("threads");
    iox_listener_storage_t storage;
    iox_listener_t listener = iox_listener_init(&storage);
    shared_sub = sub_open("e", 256, 0);
    shared_pub = pub_open("e", 2);
    same(iox_listener_attach_subscriber_event(listener, shared_sub, SubscriberEvent_DATA_RECEIVED,
                                              take_all),
         ListenerResult_SUCCESS);
    pthread_t threads[WRITERS + 2];
    atomic_store(&writing, WRITERS);
    for (unsigned i = 0; i < WRITERS; i++)
        check(pthread_create(&threads[i], NULL, lend_and_publish, NULL) == 0);
    check(pthread_create(&threads[WRITERS], NULL, release_elsewhere, NULL) == 0);
    check(pthread_create(&threads[WRITERS + 1], NULL, attach_and_detach, listener) == 0);
    for (unsigned i = 0; i < WRITERS + 2; i++)
        check(pthread_join(threads[i], NULL) == 0);
    same(atomic_load(&lent), WRITERS * ROUNDS * 2 / 3);
    iox_listener_deinit(listener);
    take_all(shared_sub);
    unsigned taken = atomic_load(&came);
    check(taken > 0 && taken <= atomic_load(&lent));
    check(taken == atomic_load(&lent) || iox_sub_has_lost_chunks(shared_sub));
    iox_sub_deinit(shared_sub);
    iox_pub_deinit(shared_pub);
}

int main(void)
{
    static const struct bench_test tests[] = {ALONE(handles_are_shared)};
    return BENCH_RUN(tests);
}
