/* rings.c - calls on rings and regions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

void open_ring(struct input *in)
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

void produce(struct input *in)
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

void consume(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_ring_info info;
    if (!world.consumer)
        return;
    is_an_answer(eddy_ring_describe(world.consumer, &info));
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

void close_ring(struct input *in)
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

void use_region(struct input *in)
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
