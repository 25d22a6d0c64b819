/* orphans.h - samples whose writer is killed before it has woken who waits for them.  (internal)
 *
 *   a writer:   eddy_orphans_begin -> publish -> wake -> eddy_orphans_end
 *   a sleeper:  on its bell, on `word` and on `tolls`; and not if by then an entry of the log has
 *               changed, where what it waits for will be published
 *
 *   the writer is killed in between: the kernel wakes one who sleeps on `word` -> that one tolls ->
 *   all who sleep in the domain look again
 *
 * When a thread ends, the kernel goes through its robust list, which the C library has given it (see
 * set_robust_list(2)).  If the operation that is pending there is on a futex word that is 0, it wakes
 * one thread that waits on that word: for mutexes whose owner is killed between unlocking and waking.
 * So `word` is 0 for ever, and a writer makes itself such an operation: two stores to its own memory.
 *
 * Threads: any.
 * Crash:   a sleeper that is killed counts as a writer, as it may have been the one that was woken;
 *          then others wake for nothing.                          spec/protocols.md, "Sleeping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_ORPHANS_H
#define EDDY_ORPHANS_H

#include "allocator/atomic.h"
#include "allocator/segment/layout.h"

/* In shared memory, for a domain. */
struct eddy_orphans {
    _Atomic uint32_t word;
    _Atomic uint32_t tolls;
};
/* clang-format off */
EDDY_AT(eddy_orphans, word, 0, 4);  /* nobody: 0                          the kernel */
EDDY_AT(eddy_orphans, tolls, 4, 4); /* who was woken                      who sleeps */
EDDY_SIZE(eddy_orphans, 8);
/* clang-format on */

/* The kernel's struct robust_list_head. */
struct eddy_robust {
    void *list;
    long offset; /* from an entry to its futex word */
    char *volatile pending;
};

/* This thread's; NULL: not asked for yet. */
extern _Thread_local struct eddy_robust *eddy_robust_own __attribute__((tls_model("initial-exec")));
/* Never NULL: one that nobody looks at, if the thread has none, or if something is pending: in a signal
 * handler. */
struct eddy_robust *eddy_robust_find(void);

/* What it returns goes to eddy_orphans_end.  The kernel sees what this thread has done, in order:
 * publishing is a release, and the last look at a bell an acquire, so that the compiler leaves these
 * stores where they are. */
static inline struct eddy_robust *eddy_orphans_begin(struct eddy_orphans *orphans)
{
    struct eddy_robust *own = eddy_robust_own;
    if (__builtin_expect(!own || own->pending, 0))
        own = eddy_robust_find();
    own->pending = (char *)&orphans->word - own->offset;
    return own;
}

static inline void eddy_orphans_end(struct eddy_robust *own)
{
    own->pending = NULL;
}

/* An entry, as it was before the last look found nothing. */
struct eddy_entry_seen {
    const _Atomic uint64_t *at;
    uint64_t was;
};

/* What a sleeper has seen: it sleeps while all of it is so. */
struct eddy_vigil {
    _Atomic uint32_t *bell;
    uint32_t armed, tolls;
    const struct eddy_entry_seen *seen; /* or NULL */
};

/* As eddy_bell_wait; also if somebody tolls, or did since `tolls` was read, or is killed. */
bool eddy_orphans_wait(struct eddy_orphans *orphans, const struct eddy_vigil *vigil,
                       uint64_t deadline);

#endif
