/* weak_memory.c - see weak.h: what lies there for everybody, be he on the machine or not.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "weak_inside.h"

uint64_t weak_memory(const volatile void *word, size_t size)
{
    switch (size) {
    case 1:
        return __atomic_load_n((const volatile uint8_t *)word, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_load_n((const volatile uint16_t *)word, __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_load_n((const volatile uint32_t *)word, __ATOMIC_SEQ_CST);
    default:
        return __atomic_load_n((const volatile uint64_t *)word, __ATOMIC_SEQ_CST);
    }
}

bool weak_change_memory(volatile void *word, size_t size, uint64_t from, uint64_t to)
{
    uint8_t from1 = (uint8_t)from;
    uint16_t from2 = (uint16_t)from;
    uint32_t from4 = (uint32_t)from;
    int seq = __ATOMIC_SEQ_CST;
    switch (size) {
    case 1:
        return __atomic_compare_exchange_n((volatile uint8_t *)word, &from1, (uint8_t)to, 0, seq,
                                           seq);
    case 2:
        return __atomic_compare_exchange_n((volatile uint16_t *)word, &from2, (uint16_t)to, 0, seq,
                                           seq);
    case 4:
        return __atomic_compare_exchange_n((volatile uint32_t *)word, &from4, (uint32_t)to, 0, seq,
                                           seq);
    default:
        return __atomic_compare_exchange_n((volatile uint64_t *)word, &from, to, 0, seq, seq);
    }
}
