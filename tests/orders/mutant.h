/* mutant.h - the engine's atomics with numbered sites, one of which is weaker than it says.
 *
 * `scripts/mutants` copies the sources, gives each call of allocator/atomic.h a number
 * (eddy_load_seq(p) becomes MUTANT_LOAD(17, memory_order_seq_cst, p)) and puts this in the place
 * of its macros; what is relaxed already, and what tests do, has number 0.  One
 * build serves for every mutant: EDDY_MUTANT=17:release weakens site 17 when the program starts.
 * There are two:
 *
 *   with EDDY_WEAK   the machine of weak.h runs each access
 *   without          the compiler's atomics, for ThreadSanitizer
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TESTS_MUTANT_H
#define EDDY_TESTS_MUTANT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { MUTANT_SITES = 4096 };

extern uint32_t mutant_site; /* 0: none */
extern int mutant_order;
extern uint64_t mutant_nap; /* ns: ROOM_NAP of transport/topic/room.c, for tests to change */
extern uint8_t mutant_reached[MUTANT_SITES]; /* EDDY_MUTANT_REACHED names a file for it */

/* What the order of a site is now, of any access. */
static inline int mutant_of(uint32_t site, int order)
{
    if (!__atomic_load_n(&mutant_reached[site], __ATOMIC_RELAXED))
        __atomic_store_n(&mutant_reached[site], 1, __ATOMIC_RELAXED);
    return __builtin_expect(site == 0 || site != mutant_site, 1) ? order : mutant_order;
}

/* What is left of an order in a load or a store. */
static inline int mutant_reading(int now)
{
    return now == memory_order_release   ? memory_order_relaxed
           : now == memory_order_acq_rel ? memory_order_acquire
                                         : now;
}

static inline int mutant_of_load(uint32_t site, int order)
{
    return mutant_reading(mutant_of(site, order));
}

/* A compare and swap that fails: as allocator/atomic.h has it. */
static inline int mutant_of_failure(uint32_t site, int order)
{
    return order == memory_order_seq_cst ? mutant_of_load(site, order) : memory_order_relaxed;
}

static inline int mutant_of_store(uint32_t site, int order)
{
    int now = mutant_of(site, order);
    return now == memory_order_acquire   ? memory_order_relaxed
           : now == memory_order_acq_rel ? memory_order_release
                                         : now;
}

#ifdef EDDY_WEAK
#include "weak.h"
#define MUTANT_TYPE(p)       __typeof__(((void)0, *(p)))
#define MUTANT_BITS(p, v)    ((uint64_t)(uintptr_t)(MUTANT_TYPE(p))(v))
#define MUTANT_BACK(p, bits) ((MUTANT_TYPE(p))(uintptr_t)(bits))
#define MUTANT_LOAD(s, o, p) MUTANT_BACK(p, weak_load((p), sizeof *(p), mutant_of_load(s, o)))
#define MUTANT_STORE(s, o, p, v)                                                                   \
    weak_store((p), sizeof *(p), MUTANT_BITS(p, v), mutant_of_store(s, o))
#define MUTANT_CHANGE(s, o, p, how, v)                                                             \
    MUTANT_BACK(p, weak_change((p), sizeof *(p), (how), MUTANT_BITS(p, v), mutant_of(s, o)))
#define MUTANT_OR(s, o, p, v)   MUTANT_CHANGE(s, o, p, WEAK_OR, v)
#define MUTANT_AND(s, o, p, v)  MUTANT_CHANGE(s, o, p, WEAK_AND, v)
#define MUTANT_SWAP(s, o, p, v) MUTANT_CHANGE(s, o, p, WEAK_SWAP, v)
#define MUTANT_ADD(s, o, p, v)  MUTANT_CHANGE(s, o, p, WEAK_ADD, v)
#define MUTANT_SUB(s, o, p, v)  MUTANT_CHANGE(s, o, p, WEAK_ADD, -(v))
#define MUTANT_CAS(s, o, p, e, v)                                                                  \
    weak_cas((p), sizeof *(p), (e), MUTANT_BITS(p, v), mutant_of(s, o), mutant_of_failure(s, o))
#else
#define MUTANT_LOAD(s, o, p)     atomic_load_explicit((p), mutant_of_load(s, o))
#define MUTANT_STORE(s, o, p, v) atomic_store_explicit((p), (v), mutant_of_store(s, o))
#define MUTANT_OR(s, o, p, v)    atomic_fetch_or_explicit((p), (v), mutant_of(s, o))
#define MUTANT_AND(s, o, p, v)   atomic_fetch_and_explicit((p), (v), mutant_of(s, o))
#define MUTANT_SWAP(s, o, p, v)  atomic_exchange_explicit((p), (v), mutant_of(s, o))
#define MUTANT_ADD(s, o, p, v)   atomic_fetch_add_explicit((p), (v), mutant_of(s, o))
#define MUTANT_SUB(s, o, p, v)   atomic_fetch_sub_explicit((p), (v), mutant_of(s, o))
#define MUTANT_CAS(s, o, p, e, v)                                                                  \
    atomic_compare_exchange_strong_explicit((p), (e), (v), mutant_of(s, o), mutant_of_failure(s, o))
#endif

static inline void mutant_raise64(uint32_t site, int order, _Atomic uint64_t *word, uint64_t v)
{
    uint64_t seen = MUTANT_LOAD(site, order, word);
    while (seen < v && !MUTANT_CAS(site, order, word, &seen, v))
        ;
}

static inline void mutant_raise32(uint32_t site, int order, _Atomic uint32_t *word, uint32_t v)
{
    uint32_t seen = MUTANT_LOAD(site, order, word);
    while (seen < v && !MUTANT_CAS(site, order, word, &seen, v))
        ;
}

#define MUTANT_RAISE64(s, o, p, v) mutant_raise64((s), (o), (p), (v))
#define MUTANT_RAISE32(s, o, p, v) mutant_raise32((s), (o), (p), (v))

#endif
