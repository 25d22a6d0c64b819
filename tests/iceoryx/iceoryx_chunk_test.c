/* Chunks: where header and payload lie, what may be lent, what NULL does.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <string.h>

#define HEADER 56u

static void *loan_as(iox_pub_t pub, uint32_t size, uint32_t alignment, uint32_t header)
{
    void *payload = NULL;
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, size, alignment, header, 8),
         AllocationResult_SUCCESS);
    check(payload != NULL);
    return payload;
}

static void headers_lie_apart_from_payloads(void)
{
    iox_runtime_init("chunks");
    iox_pub_t pub = pub_open("e", 0);
    for (uint32_t alignment = 1; alignment <= 4096; alignment *= 2) {
        for (uint32_t header = 8; header <= 128; header += 8) {
            char *payload = loan_as(pub, 100, alignment, header);
            check((uintptr_t)payload % alignment == 0 && (uintptr_t)payload % 8 == 0);
            iox_chunk_header_t *chunk = iox_chunk_header_from_user_payload(payload);
            char *user = iox_chunk_header_to_user_header(chunk);
            check((uintptr_t)user % 8 == 0);
            memset(user, 1, header);
            memset(payload, 2, 100);
            check(iox_chunk_header_from_user_payload(payload) == chunk);
            check(iox_chunk_header_from_user_payload_const(payload) == chunk);
            check(iox_chunk_header_to_user_header_const(chunk) == user);
            check(iox_chunk_header_to_user_payload(chunk) == payload);
            check(iox_chunk_header_to_user_payload_const(chunk) == payload);
            check(user[0] == 1 && user[header - 1] == 1 && payload[0] == 2);
            iox_pub_release_chunk(pub, payload);
        }
    }
    iox_pub_deinit(pub);
}

static void headers_of_other_sizes_are_kept_apart(void)
{
    iox_runtime_init("chunks");
    iox_pub_t pub = pub_open("e", 0);
    void *payload = NULL;
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, 8, 1, 13, 1),
         AllocationResult_SUCCESS);
    void *user = iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(payload));
    check((char *)user + 13 <= (char *)payload);
    same(iox_pub_loan_chunk(pub, &payload, 0), AllocationResult_SUCCESS);
    check(iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(payload)) == NULL);
    iox_pub_deinit(pub);
}

/* Another writer may scribble on it at any time; here it is the one that published it. */
static void a_user_header_stays_where_it_was(void)
{
    iox_runtime_init("chunks");
    iox_pub_t pub = pub_open("e", 0);
    iox_sub_t subs[2] = {sub_open("e", 4, 0), sub_open("e", 4, 0)};
    void *lent = loan_as(pub, 64, 8, HEADER);
    const void *taken[2], *user[2];
    iox_pub_publish_chunk(pub, lent);
    for (int i = 0; i < 2; i++) {
        same(iox_sub_take_chunk(subs[i], &taken[i]), ChunkReceiveResult_SUCCESS);
        user[i] = iox_chunk_header_to_user_header_const(
            iox_chunk_header_from_user_payload_const(taken[i]));
        check((const char *)taken[i] - (const char *)user[i] == HEADER + 8);
    }
    static const uint32_t sizes[] = {0, 8, 64, 4096, 0x7ffffff8, 0xfffffff0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ((volatile uint32_t *)lent)[-1] = sizes[i];
        for (int j = 0; j < 2; j++)
            check(iox_chunk_header_to_user_header_const(
                      iox_chunk_header_from_user_payload_const(taken[j])) == user[j]);
    }
    iox_sub_release_chunk(subs[0], taken[0]);
    check(iox_chunk_header_to_user_header_const(
              iox_chunk_header_from_user_payload_const(taken[1])) == user[1]);
    iox_sub_deinit(subs[1]); /* with a chunk out */
    iox_sub_deinit(subs[0]);
    /* The slot comes again, and has no user header. */
    for (int i = 0; i < 300; i++) {
        void *again = loan_as(pub, 64, 8, 0);
        check(!iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(again)));
        iox_pub_publish_chunk(pub, again);
    }
    iox_pub_deinit(pub);
}

#define DATA_SIZE_AT 28u /* in the header of Cyclone DDS 0.10 */

static void publish_as_cyclone(iox_pub_t pub, uint32_t size, uint32_t told, void **lent)
{
    *lent = loan_as(pub, size, 8, HEADER);
    char *user = iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(*lent));
    memset(user, 0, HEADER);
    memcpy(user + DATA_SIZE_AT, &told, sizeof told);
    iox_pub_publish_chunk(pub, *lent);
}

/* Cyclone DDS stores into it and reads from it unasked. */
static void a_program_of_cyclone_always_gets_a_header(void)
{
    iox_runtime_init("iceoryx_rt_chunks");
    iox_pub_t pub = pub_open("e", 0);
    iox_sub_t sub = sub_open("e", 4, 0);
    void *lent;
    const void *taken;
    publish_as_cyclone(pub, 64, 64, &lent);
    same(iox_sub_take_chunk(sub, &taken), ChunkReceiveResult_SUCCESS);
    ((volatile uint32_t *)lent)[-1] = 0;
    const char *user =
        iox_chunk_header_to_user_header_const(iox_chunk_header_from_user_payload_const(taken));
    check(user != NULL && (const char *)taken - user == HEADER + 8);
    iox_sub_release_chunk(sub, taken);
    void *bare = loan_as(pub, 64, 8, 0);
    check(!iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(bare)));
    iox_pub_release_chunk(pub, bare);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static void a_sample_that_is_smaller_than_it_says_is_passed_over(void)
{
    iox_runtime_init("iceoryx_rt_chunks");
    iox_pub_t pub = pub_open("e", 0);
    iox_sub_t sub = sub_open("e", 4, 0);
    void *lent;
    const void *taken;
    publish_as_cyclone(pub, 64, 65, &lent);
    publish_as_cyclone(pub, 64, UINT32_MAX, &lent);
    publish_as_cyclone(pub, 0, 1, &lent);
    take_nothing(sub);
    publish_as_cyclone(pub, 64, 64, &lent);
    same(iox_sub_take_chunk(sub, &taken), ChunkReceiveResult_SUCCESS);
    iox_sub_release_chunk(sub, taken);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static void refuse(iox_pub_t pub, uint32_t alignment, uint32_t header, uint32_t header_alignment)
{
    void *payload = NULL;
    same(iox_pub_loan_aligned_chunk_with_user_header(pub, &payload, 8, alignment, header,
                                                     header_alignment),
         AllocationResult_INVALID_PARAMETER_FOR_USER_PAYLOAD_OR_USER_HEADER);
    check(payload == NULL);
}

static void bad_parameters_are_refused(void)
{
    iox_runtime_init("chunks");
    iox_pub_t pub = pub_open("e", 0);
    refuse(pub, 3, 0, 1);
    refuse(pub, 8, 48, 3);
    refuse(pub, 8, 48, 16);
    refuse(pub, 8, 41, 8);
    iox_pub_deinit(pub);
}

static void eight_loans_are_out_at_most(void)
{
    iox_runtime_init("chunks");
    iox_pub_t pub = pub_open("e", 0);
    void *payloads[9];
    for (int i = 0; i < 8; i++)
        same(iox_pub_loan_chunk(pub, &payloads[i], 8), AllocationResult_SUCCESS);
    same(iox_pub_loan_chunk(pub, &payloads[8], 8),
         AllocationResult_TOO_MANY_CHUNKS_ALLOCATED_IN_PARALLEL);
    iox_pub_release_chunk(pub, payloads[3]);
    same(iox_pub_loan_chunk(pub, &payloads[3], 8), AllocationResult_SUCCESS);
    iox_pub_publish_chunk(pub, payloads[5]);
    same(iox_pub_loan_chunk(pub, &payloads[5], 8), AllocationResult_SUCCESS);
    iox_pub_deinit(pub);
}

static void null_and_strangers_do_no_harm(void)
{
    iox_runtime_init("chunks");
    uint64_t stranger = 0;
    iox_pub_t pub = pub_open("e", 0);
    iox_sub_t sub = sub_open("e", 4, 0);
    iox_pub_release_chunk(pub, NULL);
    iox_pub_publish_chunk(pub, NULL);
    iox_pub_release_chunk(pub, &stranger);
    iox_pub_publish_chunk(pub, &stranger);
    iox_sub_release_chunk(sub, NULL);
    iox_sub_release_chunk(sub, &stranger);
    check(iox_chunk_header_from_user_payload(NULL) == NULL);
    memset(iox_chunk_header_to_user_header(NULL), 0, HEADER);
    publish_number(pub, 1);
    take_number(sub, 1);
    take_nothing(sub);
    iox_sub_deinit(sub);
    iox_pub_deinit(pub);
}

static void give_big_one(int wire, void *argument)
{
    (void)argument;
    const uint32_t size = 64u << 20;
    iox_runtime_init("giver");
    wire_expect(wire, WIRE_READY);
    iox_pub_t pub = pub_open("big", 0);
    unsigned char *payload = loan_as(pub, size, 8, HEADER);
    memset(iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(payload)), 7, HEADER);
    for (uint32_t at = 0; at < size; at += 4096)
        payload[at] = (unsigned char)(at >> 12);
    iox_pub_publish_chunk(pub, payload);
    wire_say(wire, WIRE_GO);
    wire_expect(wire, WIRE_DONE);
    iox_pub_deinit(pub);
}

static void take_big_one(int wire, void *argument)
{
    (void)argument;
    iox_runtime_init("taker");
    iox_sub_t sub = sub_open("big", 1, 0);
    wire_say(wire, WIRE_READY);
    wire_expect(wire, WIRE_GO);
    const void *payload = NULL;
    same(iox_sub_take_chunk(sub, &payload), ChunkReceiveResult_SUCCESS);
    const unsigned char *bytes = payload;
    for (uint32_t at = 0; at < 64u << 20; at += 4096)
        same(bytes[at], (unsigned char)(at >> 12));
    const unsigned char *user =
        iox_chunk_header_to_user_header_const(iox_chunk_header_from_user_payload_const(payload));
    same(user[0], 7);
    same(user[HEADER - 1], 7);
    iox_sub_deinit(sub);
    wire_say(wire, WIRE_DONE);
}

int main(void)
{
    static const struct bench_test tests[] = {
        ALONE(headers_lie_apart_from_payloads),
        ALONE(headers_of_other_sizes_are_kept_apart),
        ALONE(a_user_header_stays_where_it_was),
        ALONE(a_program_of_cyclone_always_gets_a_header),
        ALONE(a_sample_that_is_smaller_than_it_says_is_passed_over),
        ALONE(bad_parameters_are_refused),
        ALONE(eight_loans_are_out_at_most),
        ALONE(null_and_strangers_do_no_harm),
        TWO("64 MiB go to another process", give_big_one, take_big_one),
    };
    return BENCH_RUN(tests);
}
