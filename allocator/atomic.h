/* atomic.h - the memory orders that Eddy uses, by name.  (internal)
 *
 * Every release carries a label in brackets where it stands; the acquire that it pairs with says
 * `from` and the label.  A relaxed access says why it may be.  `seq` is for the store-buffering
 * patterns alone (I say, then look; you say, then look): pin against claim, sleep against wake,
 * join against gate.  spec/protocols.md lists the pairs.  Each order is the weakest that will do:
 * scripts/mutants weakens each, and a test notices.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ATOMIC_H
#define EDDY_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define eddy_load_relaxed(p)     atomic_load_explicit((p), memory_order_relaxed)
#define eddy_load_acquire(p)     atomic_load_explicit((p), memory_order_acquire)
#define eddy_load_seq(p)         atomic_load_explicit((p), memory_order_seq_cst)
#define eddy_store_relaxed(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define eddy_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
#define eddy_store_seq(p, v)     atomic_store_explicit((p), (v), memory_order_seq_cst)
#define eddy_or_relaxed(p, v)    atomic_fetch_or_explicit((p), (v), memory_order_relaxed)
#define eddy_or_release(p, v)    atomic_fetch_or_explicit((p), (v), memory_order_release)
#define eddy_or_seq(p, v)        atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
#define eddy_and_relaxed(p, v)   atomic_fetch_and_explicit((p), (v), memory_order_relaxed)
#define eddy_and_release(p, v)   atomic_fetch_and_explicit((p), (v), memory_order_release)
#define eddy_and_seq(p, v)       atomic_fetch_and_explicit((p), (v), memory_order_seq_cst)
#define eddy_swap_seq(p, v)      atomic_exchange_explicit((p), (v), memory_order_seq_cst)
#define eddy_add_relaxed(p, v)   atomic_fetch_add_explicit((p), (v), memory_order_relaxed)
#define eddy_add_release(p, v)   atomic_fetch_add_explicit((p), (v), memory_order_release)
#define eddy_add_seq(p, v)       atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
#define eddy_sub_relaxed(p, v)   atomic_fetch_sub_explicit((p), (v), memory_order_relaxed)
#define eddy_sub_release(p, v)   atomic_fetch_sub_explicit((p), (v), memory_order_release)
#define eddy_sub_acq_rel(p, v)   atomic_fetch_sub_explicit((p), (v), memory_order_acq_rel)

/* Compare and swap: `*e` receives what was found when it fails, which is relaxed but for seq. */
#define eddy_cas_relaxed(p, e, v)                                                                  \
    atomic_compare_exchange_strong_explicit((p), (e), (v), memory_order_relaxed,                   \
                                            memory_order_relaxed)
#define eddy_cas_acquire(p, e, v)                                                                  \
    atomic_compare_exchange_strong_explicit((p), (e), (v), memory_order_acquire,                   \
                                            memory_order_relaxed)
#define eddy_cas_release(p, e, v)                                                                  \
    atomic_compare_exchange_strong_explicit((p), (e), (v), memory_order_release,                   \
                                            memory_order_relaxed)
#define eddy_cas_acq_rel(p, e, v)                                                                  \
    atomic_compare_exchange_strong_explicit((p), (e), (v), memory_order_acq_rel,                   \
                                            memory_order_relaxed)
#define eddy_cas_seq(p, e, v)                                                                      \
    atomic_compare_exchange_strong_explicit((p), (e), (v), memory_order_seq_cst,                   \
                                            memory_order_seq_cst)

/* Raises a word to at least v. */
static inline void eddy_raise64_relaxed(_Atomic uint64_t *word, uint64_t v)
{
    uint64_t seen = eddy_load_relaxed(word);
    while (seen < v && !eddy_cas_relaxed(word, &seen, v))
        ;
}

static inline void eddy_raise64_release(_Atomic uint64_t *word, uint64_t v)
{
    uint64_t seen = eddy_load_relaxed(word);
    while (seen < v && !eddy_cas_release(word, &seen, v))
        ;
}

static inline void eddy_raise32_relaxed(_Atomic uint32_t *word, uint32_t v)
{
    uint32_t seen = eddy_load_relaxed(word);
    while (seen < v && !eddy_cas_relaxed(word, &seen, v))
        ;
}

/* Asks for a cache line to write to it soon: without, the first store would wait for another core
 * to give it up. */
static inline void eddy_prefetch_write(const void *line)
{
#if defined(__x86_64__)
    /* The builtin asks to read only, as the oldest x86-64 has no prefetchw; there it does nothing.
     */
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

static inline void eddy_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
