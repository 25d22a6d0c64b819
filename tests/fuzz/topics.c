/* topics.c - calls on topics.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static const char said[] = "what it says of itself";
static const struct eddy_topic_identity topic = {
    .name = "fuzz", .type = "t", .type_text = said, .type_text_size = sizeof said};

void open_domains(struct input *in)
{
    eddy_domain **domain = &world.domains[input_byte(in) % 2];
    if (!*domain)
        is_an_answer(eddy_domain_open(NULL, domain));
}

void open_writer(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_writer_options options = {.history_kind =
                                              how & 4 ? EDDY_HISTORY_TOPIC : EDDY_HISTORY_WRITER,
                                          .history = how >> 3,
                                          .limit_bytes = 1 << 20};
    eddy_writer **writer = &world.writers[how % 2];
    if (!*writer && world.domains[how % 2])
        is_an_answer(eddy_writer_open(world.domains[how % 2], &topic, &options, writer));
}

void open_reader(struct input *in)
{
    uint8_t which = input_byte(in), how = input_byte(in);
    struct eddy_reader_options options = {.reliability = how & 1 ? EDDY_BEST_EFFORT : EDDY_RELIABLE,
                                          .history = how & 2 ? UINT32_MAX : how >> 4,
                                          .depth = how >> 3,
                                          .flags = how & 4 ? EDDY_READER_BEYOND_DEPTH : 0,
                                          .limit_bytes = 1 << 20,
                                          .blob = said,
                                          .blob_size = which % sizeof said};
    struct reading *r = &world.readings[which % 3];
    if (!r->reader && world.domains[which & 1])
        is_an_answer(eddy_reader_open(world.domains[which & 1], &topic, &options, &r->reader));
}

/* Two in one call. */
static void publish_many(eddy_writer *writer, size_t bytes, uint64_t deadline)
{
    struct eddy_loan loans[2];
    size_t count = 0, published = 0;
    int error = eddy_writer_loan_many(writer, bytes, loans, 2, deadline, &count);
    is_an_answer(error);
    if (!error)
        is_an_answer(eddy_writer_publish_many(writer, loans, count, NULL, EDDY_POLL, &published));
    for (size_t i = published; i < count; i++)
        is_an_answer(eddy_writer_discard(writer, &loans[i]));
}

void publish(struct input *in)
{
    uint8_t how = input_byte(in);
    size_t bytes = how & 2 ? input_number(in, 2) * 16 % LARGE : how;
    eddy_writer *writer = world.writers[how % 2];
    struct eddy_loan_options options = {.size = bytes,
                                        .alignment = 1u << (how >> 4),
                                        .header_size = how & 4 ? 40 : 0,
                                        .with = how >> 4 & 7};
    const struct eddy_publication about = {.key = {how}, .word = how, .time = how & 128};
    struct eddy_loan loan;
    if (!writer)
        return;
    if ((how & 0x98) == 0x90) {
        publish_many(writer, bytes, how & 32 ? EDDY_POLL : eddy_deadline(PATIENCE));
        return;
    }
    uint64_t deadline = how & 32 ? EDDY_POLL : eddy_deadline(PATIENCE);
    int error = how & 8 ? eddy_writer_loan_with(writer, &options, deadline, &loan)
                        : eddy_writer_loan(writer, bytes, deadline, &loan);
    is_an_answer(error);
    if (error)
        return;
    memset(loan.data, how, bytes);
    error =
        how & 64 ? EDDY_ESTALE : eddy_writer_publish_with(writer, &loan, bytes, &about, deadline);
    if (error)
        is_an_answer(eddy_writer_discard(writer, &loan));
}

/* What goes with it lies in front of it; fields say no more than `with`. */
static void read_sample(const struct eddy_sample *s)
{
    bool has_key = s->with & EDDY_WITH_KEY, has_word = s->with & EDDY_WITH_WORD,
         has_time = s->with & EDDY_WITH_TIME;
    read_all(s->data, s->size);
    read_all(s->header, s->header_size);
    if (s->with > 7 || has_key != (s->key != NULL) || (!has_word && s->word != 0) ||
        (!has_time && s->time != 0))
        abort();
    if (has_key)
        read_all(s->key, 16);
}

static bool take_many(struct reading *r)
{
    size_t count = 0;
    int error = eddy_reader_take_many(r->reader, &r->held[r->count], HELD - r->count, &count);
    is_an_answer(error);
    for (size_t i = 0; i < count; i++)
        read_sample(&r->held[r->count++]);
    return error == EDDY_OK;
}

void take(struct input *in)
{
    uint8_t how = input_byte(in);
    struct reading *r = &world.readings[how % 3];
    if (!r->reader)
        return;
    for (unsigned n = how >> 4; n-- && r->count < HELD;) {
        if (how & 4) {
            if (!take_many(r))
                return;
            continue;
        }
        struct eddy_sample *s = &r->held[r->count];
        int error =
            how & 8 ? eddy_reader_take_latest(r->reader, s) : eddy_reader_take(r->reader, s);
        is_an_answer(error);
        if (error)
            return;
        read_sample(s);
        r->count++;
    }
}

void release(struct input *in)
{
    uint8_t how = input_byte(in);
    struct reading *r = &world.readings[how % 3];
    if (!r->count)
        return;
    if (how > 240) {
        is_an_answer(eddy_reader_release_many(r->reader, r->held, r->count));
        r->count = 0;
        return;
    }
    unsigned which = how / 3 % r->count;
    is_an_answer(eddy_reader_release(r->reader, &r->held[which]));
    r->held[which] = r->held[--r->count];
}

void wait_for_samples(struct input *in)
{
    uint8_t how = input_byte(in);
    void *found[2];
    size_t count;
    eddy_reader *reader = world.readings[how % 3].reader;
    if (reader)
        is_an_answer(eddy_reader_wait(reader, how & 4 ? EDDY_POLL : eddy_deadline(PATIENCE / 10)));
    if (!world.waitset && world.domains[0])
        is_an_answer(eddy_waitset_open(world.domains[0], &world.waitset));
    if (world.waitset && reader && how & 8)
        is_an_answer(eddy_waitset_attach_reader(world.waitset, reader, how >> 7, NULL));
    if (world.waitset && reader && how & 16)
        is_an_answer(eddy_waitset_detach_reader(world.waitset, reader));
    if (world.waitset)
        is_an_answer(
            eddy_waitset_wait(world.waitset, eddy_deadline(PATIENCE / 10), found, 2, &count));
}

void close_writer(struct input *in)
{
    eddy_writer **writer = &world.writers[input_byte(in) % 2];
    is_an_answer(eddy_writer_close(*writer));
    *writer = NULL;
}

void close_reader(struct input *in)
{
    struct reading *r = &world.readings[input_byte(in) % 3];
    is_an_answer(eddy_reader_close(r->reader));
    memset(r, 0, sizeof *r);
}
