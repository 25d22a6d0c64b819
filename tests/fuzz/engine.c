/* engine.c - the input is a sequence of calls on topics, slots, rings and regions, and of changes to
 * the shared memory between them: every call ends, with a result or an error.
 *
 * One process plays all parts, by two participants.  With HAUNT among the calls another thread changes
 * the same memory meanwhile, so that what is looked at twice may differ.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include <eddy/eddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 200, HELD = 4, LARGE = 1 << 16 };
#define PATIENCE 200000u /* ns that a call may wait */

struct reading {
    eddy_reader *reader;
    struct eddy_sample held[HELD];
    unsigned count;
};

static struct {
    eddy_domain *domains[2];
    eddy_writer *writers[2];
    struct reading readings[3];
    eddy_waitset *waitset;
    eddy_slots *slots[2];
    struct eddy_slots_loan loan;
    bool loaned;
    struct eddy_slots_sample slots_held;
    bool holds;
    eddy_ring *producer, *consumer;
    struct eddy_chunk chunks[HELD], room;
    unsigned chunk_count;
    bool has_room;
    eddy_region *regions[2];
} world;

static volatile unsigned sum;

/* Reads all that a call has given, so that a wrong place or size is noticed. */
static void read_all(const void *data, size_t bytes)
{
    const volatile uint8_t *at = data;
    for (size_t i = 0; i < bytes; i += 32)
        sum += at[i];
    if (bytes)
        sum += at[bytes - 1];
}

static void is_an_answer(int error)
{
    if (error > 0 || error < EDDY_ENOTREADY)
        abort();
}

/* --- topics ---------------------------------------------------------------------------------- */

static const struct eddy_topic_name topic = {.name = "fuzz", .type = "t"};

static void open_domains(struct input *in)
{
    eddy_domain **domain = &world.domains[input_byte(in) % 2];
    if (!*domain)
        is_an_answer(eddy_domain_open(NULL, domain));
}

static void open_writer(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_writer_options options = {.reliability = how & 2 ? EDDY_BEST_EFFORT : EDDY_RELIABLE,
                                          .history_kind =
                                              how & 4 ? EDDY_HISTORY_TOPIC : EDDY_HISTORY_WRITER,
                                          .history = how >> 3,
                                          .max_wait_ns = PATIENCE,
                                          .limit_bytes = 1 << 20};
    eddy_writer **writer = &world.writers[how % 2];
    if (!*writer && world.domains[how % 2])
        is_an_answer(eddy_writer_open(world.domains[how % 2], &topic, &options, writer));
}

static void open_reader(struct input *in)
{
    uint8_t which = input_byte(in), how = input_byte(in);
    struct eddy_reader_options options = {.reliability = how & 1 ? EDDY_BEST_EFFORT : EDDY_RELIABLE,
                                          .history = how & 2 ? UINT32_MAX : how >> 4,
                                          .depth = how >> 3,
                                          .flags = how & 4 ? EDDY_READER_DEEP : 0,
                                          .limit_bytes = 1 << 20};
    struct reading *r = &world.readings[which % 3];
    if (!r->reader && world.domains[which & 1])
        is_an_answer(eddy_reader_open(world.domains[which & 1], &topic, &options, &r->reader));
}

static void publish(struct input *in)
{
    uint8_t how = input_byte(in);
    size_t bytes = how & 2 ? input_number(in, 2) * 16 % LARGE : how;
    eddy_writer *writer = world.writers[how % 2];
    struct eddy_loan_options options = {
        .size = bytes, .alignment = 1u << (how >> 4), .header_size = how & 4 ? 40 : 0};
    struct eddy_loan loan;
    if (!writer)
        return;
    int error = how & 8 ? eddy_writer_loan_with(writer, &options, &loan)
                        : eddy_writer_loan(writer, bytes, &loan);
    is_an_answer(error);
    if (error)
        return;
    memset(loan.data, how, bytes);
    error = how & 64 ? EDDY_ESTALE : eddy_writer_publish(writer, &loan, bytes);
    if (error)
        is_an_answer(eddy_writer_discard(writer, &loan));
}

static void take(struct input *in)
{
    uint8_t how = input_byte(in);
    struct reading *r = &world.readings[how % 3];
    if (!r->reader)
        return;
    for (unsigned n = how >> 4; n-- && r->count < HELD;) {
        struct eddy_sample *s = &r->held[r->count];
        int error =
            how & 8 ? eddy_reader_take_latest(r->reader, s) : eddy_reader_take(r->reader, s);
        is_an_answer(error);
        if (error)
            return;
        read_all(s->data, s->size);
        read_all(s->header, s->header_size);
        r->count++;
    }
}

static void release(struct input *in)
{
    uint8_t how = input_byte(in);
    struct reading *r = &world.readings[how % 3];
    if (!r->count)
        return;
    unsigned which = how / 3 % r->count;
    is_an_answer(eddy_reader_release(r->reader, &r->held[which]));
    r->held[which] = r->held[--r->count];
}

static void wait_for_samples(struct input *in)
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

static void close_writer(struct input *in)
{
    eddy_writer **writer = &world.writers[input_byte(in) % 2];
    is_an_answer(eddy_writer_close(*writer));
    *writer = NULL;
}

static void close_reader(struct input *in)
{
    struct reading *r = &world.readings[input_byte(in) % 3];
    is_an_answer(eddy_reader_close(r->reader));
    memset(r, 0, sizeof *r);
}

/* --- slots ----------------------------------------------------------------------------------- */

static const char *slots_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/fuzz.flink", getenv("EDDY_DIR"));
    return path;
}

static void open_slots(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_slots_options options = {
        .slot_count = 1u + how % 9, .slot_capacity = how, .readers = how & 1 ? 70 : 3};
    uint32_t number;
    if (!world.slots[0])
        is_an_answer(eddy_slots_create(NULL, slots_path(), &options, &world.slots[0]));
    else if (!world.slots[1])
        is_an_answer(eddy_slots_attach(NULL, slots_path(), NULL, &world.slots[1]));
    if (world.slots[1])
        is_an_answer(eddy_slots_join(world.slots[1], how % 3, &number));
}

static void write_slots(struct input *in)
{
    uint8_t how = input_byte(in);
    uint64_t mask = how >> 6;
    eddy_slots *slots = world.slots[how & 1];
    if (!slots)
        return;
    if (!world.loaned) {
        int error = eddy_slots_reserve(slots, how & 2 ? &mask : NULL, how & 2 ? 1 : 0,
                                       eddy_deadline(how & 4 ? PATIENCE : 0), &world.loan);
        is_an_answer(error);
        world.loaned = !error;
    } else if (how & 8) {
        is_an_answer(eddy_slots_discard(slots, &world.loan));
        world.loaned = false;
    } else {
        is_an_answer(eddy_slots_commit(slots, &world.loan, &mask, how >> 5, NULL));
        world.loaned = false;
    }
}

static void read_slots(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_slots_sample sample = {0};
    struct eddy_slots_slot look;
    char copy[64];
    eddy_slots *slots = world.slots[1];
    if (!slots)
        return;
    is_an_answer(eddy_slots_wait(slots, eddy_slots_generation(slots), eddy_deadline(1000)));
    is_an_answer(eddy_slots_look(slots, how % 9, &look));
    int error = eddy_slots_next_unread(slots, how % 3, &sample);
    is_an_answer(error);
    if (!error && how & 8)
        is_an_answer(eddy_slots_read(slots, &sample, copy, sizeof copy));
    if (!error && how & 16)
        is_an_answer(eddy_slots_mark_read(slots, &sample));
    if (world.holds)
        is_an_answer(eddy_slots_release(slots, &world.slots_held));
    error = how & 32 ? eddy_slots_take_latest(slots, how % 3, &world.slots_held)
                     : eddy_slots_take(slots, how % 3, EDDY_POLL, &world.slots_held);
    is_an_answer(error);
    world.holds = !error;
    if (!error)
        read_all(world.slots_held.data, world.slots_held.size);
}

static void change_readers(struct input *in)
{
    uint8_t how = input_byte(in);
    if (world.slots[1] && how & 4)
        is_an_answer(eddy_slots_leave(world.slots[1], how % 3));
    else if (world.slots[1])
        is_an_answer(eddy_slots_mark_reader_disconnected(world.slots[1], how % 3));
}

/* --- rings and regions ----------------------------------------------------------------------- */

static void open_ring(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_ring_options options = {.slot_bytes = how,
                                        .slots = 1u + how % 7,
                                        .role = EDDY_RING_PRODUCER,
                                        .flags = how & 1 ? EDDY_RING_SPARSE | EDDY_RING_PUNCH : 0};
    if (!world.domains[0] || !world.domains[1])
        return;
    if (!world.producer &&
        eddy_ring_create(world.domains[0], "fuzz", &options, &world.producer) == EDDY_EEXIST)
        is_an_answer(
            eddy_ring_attach(world.domains[0], "fuzz", EDDY_RING_PRODUCER, NULL, &world.producer));
    if (!world.consumer && how & 2)
        is_an_answer(
            eddy_ring_attach(world.domains[1], "fuzz", EDDY_RING_CONSUMER, NULL, &world.consumer));
}

static void produce(struct input *in)
{
    uint8_t how = input_byte(in);
    if (!world.producer)
        return;
    if (!world.has_room) {
        int error = eddy_ring_loan(world.producer, eddy_deadline(PATIENCE / 10), &world.room);
        is_an_answer(error);
        world.has_room = !error;
        return;
    }
    memset(world.room.data, how, world.room.size);
    is_an_answer(how & 1
                     ? eddy_ring_discard(world.producer, &world.room)
                     : eddy_ring_publish(world.producer, &world.room, how % (world.room.size + 1)));
    world.has_room = false;
    if (how == 255)
        is_an_answer(eddy_ring_finish(world.producer));
}

static void consume(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_ring_info info;
    if (!world.consumer)
        return;
    is_an_answer(eddy_ring_info(world.consumer, &info));
    if (how & 1 && world.chunk_count < HELD) {
        struct eddy_chunk *c = &world.chunks[world.chunk_count];
        int error = eddy_ring_take(world.consumer, eddy_deadline(PATIENCE / 10), c);
        is_an_answer(error);
        if (!error)
            read_all(c->data, c->size);
        world.chunk_count += !error;
    } else if (world.chunk_count) {
        unsigned which = how / 2 % world.chunk_count;
        is_an_answer(eddy_ring_release(world.consumer, &world.chunks[which]));
        world.chunks[which] = world.chunks[--world.chunk_count];
    }
}

static void close_ring(struct input *in)
{
    if (input_byte(in) & 1) {
        is_an_answer(eddy_ring_close(world.producer));
        world.producer = NULL;
        world.has_room = false;
    } else if (!world.chunk_count) { /* a close that chunks hold up keeps the handle */
        is_an_answer(eddy_ring_close(world.consumer));
        world.consumer = NULL;
    }
}

static void use_region(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_region_options options = {.bytes = 1u + how, .limit_bytes = 1 << 20};
    eddy_region **region = &world.regions[how & 1];
    if (!world.domains[how & 1])
        return;
    if (!*region)
        is_an_answer(how & 2 ? eddy_region_create(world.domains[how & 1], "fuzz", &options, region)
                             : eddy_region_attach(world.domains[how & 1], "fuzz", NULL, region));
    else if (how & 4)
        is_an_answer(eddy_region_grow(*region, (uint64_t)how * 64));
    else if (how & 8 && eddy_region_refresh(*region) > 1)
        abort();
    else if (how & 16)
        is_an_answer(how & 32 ? eddy_region_own(*region) : eddy_region_disown(*region));
    if (*region)
        read_all(eddy_region_data(*region), eddy_region_bytes(*region));
}

/* --- looking and clearing -------------------------------------------------------------------- */

static void look_in(struct input *in)
{
    eddy_snapshot *snapshot = NULL;
    struct eddy_gc_report report;
    int error = eddy_snapshot_take(NULL, &snapshot);
    is_an_answer(error);
    if (!error)
        eddy_snapshot_free(snapshot);
    if (input_byte(in) & 1)
        is_an_answer(eddy_gc(NULL, &report));
}

static void scribble(struct input *in)
{
    folder_scribble(in, false);
}

static void scribble_on_flinks(struct input *in)
{
    folder_scribble(in, true);
}

static void haunt(struct input *in)
{
    folder_haunt(input_number(in, 2));
}

static void leave(void)
{
    for (int i = 0; i < 3; i++)
        eddy_reader_close(world.readings[i].reader);
    while (world.chunk_count)
        eddy_ring_release(world.consumer, &world.chunks[--world.chunk_count]);
    eddy_waitset_close(world.waitset);
    eddy_ring_close(world.producer);
    eddy_ring_close(world.consumer);
    for (int i = 0; i < 2; i++) {
        eddy_writer_close(world.writers[i]);
        eddy_slots_close(world.slots[i]);
        eddy_region_close(world.regions[i]);
        eddy_domain_close(world.domains[i]);
    }
    memset(&world, 0, sizeof world);
}

static void (*const calls[])(struct input *) = {
    open_domains, open_writer, open_reader, publish,          take,         release,
    publish,      take,        scribble,    wait_for_samples, close_writer, close_reader,
    open_slots,   write_slots, read_slots,  change_readers,   scribble,     open_ring,
    produce,      consume,     close_ring,  use_region,       look_in,      scribble_on_flinks,
    scribble,     haunt};

/* The first byte gives the scene that the calls find: bits for both participants, a writer and two
 * readers, slots, a ring. */
static void set_the_scene(uint8_t scene)
{
    static const uint8_t numbers[] = {0, 1, 32, 0, 2, 1, 3, 22, 22, 7, 7, 3};
    struct input in = {numbers, sizeof numbers};
    open_domains(&in);
    open_domains(&in);
    if (scene & 1) {
        open_writer(&in);
        open_reader(&in);
        open_reader(&in);
    }
    if (scene & 2) {
        open_slots(&in);
        open_slots(&in);
    }
    if (scene & 4)
        open_ring(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input in = {data, bytes};
    folder_clear();
    set_the_scene(input_byte(&in));
    for (int n = 0; n < CALLS && in.left; n++)
        calls[input_byte(&in) % (sizeof calls / sizeof *calls)](&in);
    leave();
    folder_calm();
    return 0;
}
