/* chunks.c - the input is a sequence of calls on publishers and subscribers of the stand-in for
 * iceoryx, and of changes to the chunks that it shares: every call ends, and what it hands out can be
 * read.
 *
 * One process plays all parts.  With HAUNT among the calls another thread changes the same memory
 * meanwhile, so that what is looked at twice may differ.  With EDDY_FUZZ_CYCLONE in the environment
 * the program calls itself one of Cyclone DDS, whose chunks have a header of a known size.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <iceoryx_binding_c/api.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 200, ENDS = 2, HELD = 4, CYCLONE_HEADER = 56 };

static bool is_cyclone;

static struct end {
    iox_pub_storage_t pub_storage;
    iox_sub_storage_t sub_storage;
    iox_pub_t pub;
    iox_sub_t sub;
    void *loan;
    const void *held[HELD];
    unsigned count;
} ends[ENDS];

static volatile unsigned sum;

static void read_bytes(const void *data, size_t bytes)
{
    const volatile uint8_t *at = data;
    for (size_t i = 0; i < bytes; i++)
        sum += at[i];
}

static uint32_t header_of(uint8_t how)
{
    static const uint32_t sizes[] = {0, 8, 24, CYCLONE_HEADER};
    return is_cyclone ? CYCLONE_HEADER : sizes[how % 4];
}

/* --- calls ----------------------------------------------------------------------------------- */

static void open_pub(struct input *in)
{
    struct end *end = &ends[input_byte(in) % ENDS];
    iox_pub_options_t options;
    iox_pub_options_init(&options);
    options.historyCapacity = input_byte(in) % 4;
    if (!end->pub)
        end->pub = iox_pub_init(&end->pub_storage, "S", "I", "e", &options);
}

static void open_sub(struct input *in)
{
    struct end *end = &ends[input_byte(in) % ENDS];
    uint8_t how = input_byte(in);
    iox_sub_options_t options;
    iox_sub_options_init(&options);
    options.queueCapacity = 1u + how % 8;
    options.historyRequest = how / 8 % 4;
    if (!end->sub)
        end->sub = iox_sub_init(&end->sub_storage, "S", "I", "e", &options);
}

static void lend(struct input *in)
{
    struct end *end = &ends[input_byte(in) % ENDS];
    uint8_t how = input_byte(in);
    uint32_t header = header_of(how), size = how / 4u * 8;
    if (!end->pub || end->loan ||
        iox_pub_loan_aligned_chunk_with_user_header(end->pub, &end->loan, size, 1u << how % 8,
                                                    header, 8) != AllocationResult_SUCCESS)
        return;
    void *user = iox_chunk_header_to_user_header(iox_chunk_header_from_user_payload(end->loan));
    if (header)
        memset(user, how, header);
    if (is_cyclone)
        memcpy((char *)user + 28, &size, sizeof size);
    memset(end->loan, how, size);
}

static void publish(struct input *in)
{
    uint8_t how = input_byte(in);
    struct end *end = &ends[how % ENDS];
    if (!end->loan)
        return;
    if (how & 2)
        iox_pub_release_chunk(end->pub, end->loan);
    else
        iox_pub_publish_chunk(end->pub, end->loan);
    end->loan = NULL;
}

/* What a program does that expects such a header: it asks twice, and reads. */
static void read_chunk(const void *payload)
{
    const iox_chunk_header_t *chunk = iox_chunk_header_from_user_payload_const(payload);
    const void *user = iox_chunk_header_to_user_header_const(chunk);
    if (user != iox_chunk_header_to_user_header_const(chunk) || (is_cyclone && !user))
        abort();
    if (iox_chunk_header_to_user_payload_const(chunk) != payload)
        abort();
    if (user)
        read_bytes(user, is_cyclone ? CYCLONE_HEADER : 8);
}

static void take(struct input *in)
{
    struct end *end = &ends[input_byte(in) % ENDS];
    if (!end->sub || end->count == HELD ||
        iox_sub_take_chunk(end->sub, &end->held[end->count]) != ChunkReceiveResult_SUCCESS)
        return;
    read_chunk(end->held[end->count++]);
    for (unsigned i = 0; i < end->count; i++)
        read_chunk(end->held[i]);
}

static void release(struct input *in)
{
    uint8_t how = input_byte(in);
    struct end *end = &ends[how % ENDS];
    if (!end->sub || !end->count)
        return;
    unsigned which = how / 2 % end->count;
    iox_sub_release_chunk(end->sub, end->held[which]);
    end->held[which] = end->held[--end->count];
}

static void look(struct input *in)
{
    struct end *end = &ends[input_byte(in) % ENDS];
    if (end->pub)
        (void)iox_pub_has_subscribers(end->pub);
    if (end->sub) {
        (void)iox_sub_has_chunks(end->sub);
        (void)iox_sub_has_lost_chunks(end->sub);
        (void)iox_sub_get_subscription_state(end->sub);
    }
}

static void drop_queue(struct input *in)
{
    struct end *end = &ends[input_byte(in) % ENDS];
    if (end->sub)
        iox_sub_release_queued_chunks(end->sub);
}

static void close_end(struct end *end, bool pub, bool sub)
{
    if (pub && end->pub) {
        iox_pub_deinit(end->pub);
        end->pub = NULL;
        end->loan = NULL;
    }
    if (sub && end->sub) {
        iox_sub_deinit(end->sub);
        end->sub = NULL;
        end->count = 0;
    }
}

static void leave(struct input *in)
{
    uint8_t how = input_byte(in);
    close_end(&ends[how % ENDS], how & 2, how & 4);
}

static void scribble(struct input *in)
{
    folder_scribble(in, false);
}

static void haunt(struct input *in)
{
    folder_haunt(input_number(in, 2));
}

/* --- a run ----------------------------------------------------------------------------------- */

/* The library keeps one domain for each process: its registry stays, whole. */
static void begin(void)
{
    static bool begun;
    if (begun)
        return;
    is_cyclone = getenv("EDDY_FUZZ_CYCLONE") != NULL;
    folder_clear();
    folder_spare("registry");
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init(is_cyclone ? "iceoryx_rt_fuzz" : "fuzz");
    begun = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static void (*const calls[])(struct input *) = {open_pub, open_sub, lend,       publish,
                                                    take,     release,  look,       scribble,
                                                    haunt,    leave,    drop_queue, take};
    struct input in = {data, bytes};
    begin();
    folder_clear(); /* what could not be closed, as it was scribbled on */
    for (int n = 0; n < CALLS && in.left; n++)
        calls[input_byte(&in) % (sizeof calls / sizeof *calls)](&in);
    for (int i = 0; i < ENDS; i++)
        close_end(&ends[i], true, true);
    folder_calm();
    return 0;
}
