/* shadow.h - a plain word of the test for each slot: who may touch it is who may touch the slot.
 *
 * A sample's bytes lie at one address for its writer and at another for its readers, so a race
 * detector cannot see that they are the same.  The shadow is written while the slot is on loan and
 * read while its sample is held.  Under ThreadSanitizer any two accesses to a shadow that the
 * engine has not ordered are reported, and so they are on the machine of tests/orders/weak.h.
 * Without either the values are checked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_SHADOW_H
#define EDDY_TESTS_SHADOW_H

#include <stdint.h>

#ifdef EDDY_WEAK
#include "orders/weak.h"
#else
#define weak_reads_plainly(word)  ((void)(word))
#define weak_writes_plainly(word) ((void)(word))
#endif

static inline uint64_t shadow_read(const uint64_t *shadow)
{
    weak_reads_plainly(shadow);
    return *shadow;
}

static inline void shadow_write(uint64_t *shadow, uint64_t value)
{
    weak_writes_plainly(shadow);
    *shadow = value;
}

/* For threads each of which has a mapping of its own: ThreadSanitizer knows nothing of what orders
 * them, and is not told that these are plain. */
static inline uint64_t shadow_read_apart(const uint64_t *shadow)
{
    weak_reads_plainly(shadow);
    return __atomic_load_n(shadow, __ATOMIC_RELAXED);
}

static inline void shadow_write_apart(uint64_t *shadow, uint64_t value)
{
    weak_writes_plainly(shadow);
    __atomic_store_n(shadow, value, __ATOMIC_RELAXED);
}

#endif
