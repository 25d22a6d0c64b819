/* world.h - what the calls of a fuzzer's input work on.
 *
 * Each call takes what it needs to know from the input.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FUZZ_WORLD_H
#define EDDY_FUZZ_WORLD_H

#include "input.h"

#include <eddy/eddy.h>

enum { HELD = 4, LARGE = 1 << 16 };
#define PATIENCE 200000u /* ns that a call may wait */

struct reading {
    eddy_reader *reader;
    struct eddy_sample held[HELD];
    unsigned count;
};

extern struct world {
    eddy_domain *domains[2];
    eddy_writer *writers[2];
    struct reading readings[3];
    eddy_waitset *waitset;
    eddy_slots *slots[2];
    struct eddy_slot_loan loan;
    bool loaned;
    struct eddy_slot_sample slots_held;
    bool holds;
    eddy_ring *producer, *consumer;
    struct eddy_chunk chunks[HELD], room;
    unsigned chunk_count;
    bool has_room;
    eddy_region *regions[2];
} world;

/* Reads all that a call has given, so that a wrong place or size is noticed. */
void read_all(const void *data, size_t bytes);
/* 0 or an error; else the program ends. */
void is_an_answer(int error);

/* topics.c */
void open_domains(struct input *in);
void open_writer(struct input *in);
void open_reader(struct input *in);
void publish(struct input *in);
void take(struct input *in);
void release(struct input *in);
void wait_for_samples(struct input *in);
void close_writer(struct input *in);
void close_reader(struct input *in);

/* slots.c */
void open_slots(struct input *in);
void write_slots(struct input *in);
void read_slots(struct input *in);
void change_readers(struct input *in);

/* rings.c: and regions */
void open_ring(struct input *in);
void produce(struct input *in);
void consume(struct input *in);
void close_ring(struct input *in);
void use_region(struct input *in);

#endif
