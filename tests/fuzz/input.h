/* input.h - a fuzzer's bytes as numbers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_FUZZ_INPUT_H
#define EDDY_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *at;
    size_t left;
};

/* 0 when the bytes have come to an end. */
static inline uint8_t input_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

/* So many bytes, least first. */
static inline uint64_t input_number(struct input *in, unsigned bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)input_byte(in) << 8 * i;
    return number;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#endif
