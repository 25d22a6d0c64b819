/* payload.h - samples that can tell whether they are whole.
 *
 * Every byte follows from who wrote the sample, its number and its size: a torn, stale or
 * overwritten sample does not check.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_PAYLOAD_H
#define EDDY_TESTS_PAYLOAD_H

#include "check.h"

struct payload {
    uint64_t author; /* who wrote it */
    uint64_t number; /* its how-manieth, from 0 */
    uint64_t size;   /* of the whole sample, this header included */
    uint64_t sum;    /* of the three above */
};

/* Fills `size` bytes, at least sizeof(struct payload). */
void payload_fill(void *data, size_t size, uint64_t author, uint64_t number);
/* True if the bytes are what payload_fill wrote; *payload gets a copy of the header. */
bool payload_whole(const void *data, size_t size, struct payload *payload);

/* Loans, fills and publishes; every call must succeed. */
void payload_publish(eddy_writer *writer, size_t size, uint64_t author, uint64_t number);
/* Checks a taken sample and returns its header. */
struct payload payload_of(const struct eddy_sample *sample);
/* Takes one sample, which must be there, checks it, releases it, and returns its header. */
struct payload payload_take(eddy_reader *reader);
/* Waits for one sample, then as payload_take. */
struct payload payload_await(eddy_reader *reader);

/* A small random number generator; *seed must not be 0. */
uint64_t payload_random(uint64_t *seed);
/* EDDY_TEST_SEED or a fresh one; printed, so that a failed run can be repeated. */
uint64_t payload_seed(void);

#endif
