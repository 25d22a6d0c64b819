/* slots.c - calls on slots.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static const char *slots_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/fuzz.flink", getenv("EDDY_DIR"));
    return path;
}

void open_slots(struct input *in)
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

void write_slots(struct input *in)
{
    uint8_t how = input_byte(in);
    uint64_t mask = how >> 6;
    eddy_slots *slots = world.slots[how & 1];
    if (!slots)
        return;
    if (!world.loaned) {
        int error = eddy_slots_loan(slots, how & 2 ? &mask : NULL, how & 2 ? 1 : 0,
                                    eddy_deadline(how & 4 ? PATIENCE : 0), &world.loan);
        is_an_answer(error);
        world.loaned = !error;
    } else if (how & 8) {
        is_an_answer(eddy_slots_discard(slots, &world.loan));
        world.loaned = false;
    } else {
        is_an_answer(eddy_slots_publish_copy(slots, &world.loan, &mask, how >> 5, NULL));
        world.loaned = false;
    }
}

void read_slots(struct input *in)
{
    uint8_t how = input_byte(in);
    struct eddy_slot_sample sample = {0};
    struct eddy_slot_state look;
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

void change_readers(struct input *in)
{
    uint8_t how = input_byte(in);
    if (world.slots[1] && how & 4)
        is_an_answer(eddy_slots_leave(world.slots[1], how % 3));
    else if (world.slots[1])
        is_an_answer(eddy_slots_let_go(world.slots[1], how % 3));
}
