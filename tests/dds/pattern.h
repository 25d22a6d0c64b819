/* pattern.h - bytes that follow from a seed, so that a torn or mixed-up payload shows.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_PATTERN_H
#define NODE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t node_pattern_word(uint64_t seed, size_t index)
{
    return (seed + index + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline void node_pattern_write(void *bytes, size_t size, uint64_t seed)
{
    unsigned char *at = bytes;
    for (size_t i = 0; size > 0; i++) {
        uint64_t word = node_pattern_word(seed, i);
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(at, &word, part);
        at += part;
        size -= part;
    }
}

static inline bool node_pattern_check(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; size > 0; i++) {
        uint64_t word = node_pattern_word(seed, i);
        size_t part = size < sizeof word ? size : sizeof word;
        if (memcmp(at, &word, part) != 0)
            return false;
        at += part;
        size -= part;
    }
    return true;
}

#endif
