/* slots_pair.h - a slots segment in the test's folder, with a writing and a reading handle.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_SLOTS_PAIR_H
#define EDDY_TESTS_SLOTS_PAIR_H

#include "world.h"

#include <stdio.h>
#include <string.h>

/* Two handles as two programs would have them; the reading one has joined as reader 0. */
struct slots_pair {
    eddy_slots *writer, *reader;
};

/* <folder>/<name>.flink, until the next call. */
static inline const char *slots_path(const char *name)
{
    static _Thread_local char path[512];
    snprintf(path, sizeof path, "%s/%s.flink", world_dir(), name);
    return path;
}

static inline eddy_slots *slots_create(const char *name, uint64_t count, uint64_t capacity,
                                       uint32_t readers)
{
    struct eddy_slots_options options = {
        .slot_count = count, .slot_capacity = capacity, .readers = readers};
    eddy_slots *slots = NULL;
    must(eddy_slots_create(NULL, slots_path(name), &options, &slots));
    return slots;
}

static inline eddy_slots *slots_attach(const char *name)
{
    eddy_slots *slots = NULL;
    must(eddy_slots_attach(NULL, slots_path(name), NULL, &slots));
    return slots;
}

static inline struct slots_pair slots_pair_open_at(const char *name, uint64_t count,
                                                   uint64_t capacity, uint32_t readers)
{
    struct slots_pair p = {.writer = slots_create(name, count, capacity, readers)};
    p.reader = slots_attach(name);
    must(eddy_slots_join(p.reader, 0, NULL));
    return p;
}

static inline struct slots_pair slots_pair_open(uint64_t count, uint64_t capacity, uint32_t readers)
{
    return slots_pair_open_at("slots", count, capacity, readers);
}

static inline void slots_pair_close(struct slots_pair *p)
{
    must(eddy_slots_close(p->reader));
    must(eddy_slots_close(p->writer));
}

/* Reserves, gated by one word of readers (NULL: who has joined), and commits. */
static inline int slots_publish(eddy_slots *slots, const uint64_t *active, const void *data,
                                size_t size)
{
    struct eddy_slot_loan loan;
    int error = eddy_slots_loan(slots, active, active ? 1 : 0, EDDY_POLL, &loan);
    return error ? error : eddy_slots_publish_copy(slots, &loan, data, size, NULL);
}

/* True if the oldest unread sample is this one; it is read and marked then. */
static inline bool slots_hear(eddy_slots *slots, uint32_t reader, const void *data, size_t size)
{
    struct eddy_slot_sample sample;
    char copy[4096];
    must(eddy_slots_next_unread(slots, reader, &sample));
    must(eddy_slots_read(slots, &sample, copy, sizeof copy));
    must(eddy_slots_mark_read(slots, &sample));
    return sample.size == size && memcmp(copy, data, size) == 0;
}

/* Polls: somebody has died, which one who does not wait finds out bit by bit. */
static inline void slots_loan_soon(eddy_slots *slots, const uint64_t *active, size_t words,
                                   struct eddy_slot_loan *loan)
{
    int error;
    for (uint64_t end = patience();
         (error = eddy_slots_loan(slots, active, words, EDDY_POLL, loan)) == EDDY_EAGAIN;)
        check(eddy_now() < end);
    must(error);
}

#endif
