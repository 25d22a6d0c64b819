/* reap.h - take back what the dead held on a topic.  (internal)
 *
 *   seat of a dead participant -- mark --> void, nobody's
 *       -- take over --> void, mine -- cursor, pins, loans, history back --> free
 *                          '-- something cannot be mapped here --> void, nobody's
 *
 * From the mark on, one swap of `owner`, what the seat held counts for nothing: its cursor holds no
 * writer up, and who finds no other slot takes those that it pinned, kept or had on loan.  So nobody
 * has to wait for the rest, which makes the seat fit for the next: whoever opens, closes or waits does
 * that, or gc.  The swap makes one reaper the seat's owner; if that one dies, the next takes the seat
 * from it and does all again: every step may be done twice.  If it is stopped, the seat is not had
 * until it goes on, and that is all.  A participant that is alive or only stopped is never reaped.
 *
 * Threads: any, at any time; none waits.
 * Crash:   see above.                                          spec/protocols.md, "Reaping"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_REAP_H
#define EDDY_REAP_H

#include "allocator/point.h"
#include "allocator/segment/segment.h"
#include "allocator/wait/futex.h"
#include "discovery/domain.h"

#include <string.h>

struct eddy_reaped {
    uint32_t reaped; /* seats of the dead */
    uint32_t alive;  /* seats of the living, our own participant's among them */
    uint32_t others; /* seats of other living participants */
};

/* Reaps every dead seat of a topic: asks the kernel about everybody, and looks at all slots if one is
 * dead.  For those who open, close or wait. */
struct eddy_reaped eddy_reap_topic(const struct eddy_domain *domain, struct eddy_segment *segment);

/* Looks without touching. */
struct eddy_reaped eddy_count_members(const struct eddy_domain *domain,
                                      struct eddy_segment *segment);

/* For those who do not wait: asks the kernel about one seat, the next after `*asked`, and marks it if
 * its holder is dead.  True: it was. */
bool eddy_reap_mark_next(const struct eddy_domain *domain, struct eddy_segment *segment,
                         uint32_t *asked);

/* Who has a seat: a participant, with EDDY_OWNER_REAPING if what it held counts for nothing any more;
 * 0: nobody. */
static inline uint64_t eddy_seat_owner(const struct eddy_segment *s, bool writer, uint32_t seat)
{
    /* acquire, from [holder]: who has it is not taken for dead, as it has joined before.  From [seat]:
     * what the last one's word of presence said is not seen any more. */
    return eddy_load_acquire(writer ? &s->writers[seat].owner : &s->readers[seat].owner);
}

/* Whether somebody is there, or just leaving, in one moment: the word of presence, and whose it is.
 * False: it is changing, and who changes it tells (eddy_segment_touch). */
bool eddy_endpoint_look(const struct eddy_segment *segment, bool writer, uint32_t seat,
                        uint64_t *presence, uint64_t *owner);

/* How often somebody who finds no room looks for the dead: asking the kernel must not be on the way of
 * each call. */
struct eddy_reap_pace {
    _Atomic uint64_t next; /* ns; 0: it has not looked yet */
};

#define EDDY_REAP_SHARE    64u       /* of the time, at most one such part */
#define EDDY_REAP_INTERVAL 50000000u /* ns between two looks in one wait */

static inline bool eddy_reap_is_due(const struct eddy_reap_pace *pace)
{
    return eddy_now() >= eddy_load_relaxed(&pace->next); /* a hint */
}

static inline void eddy_reap_has_been(struct eddy_reap_pace *pace, uint64_t began)
{
    uint64_t now = eddy_now();
    eddy_store_relaxed(&pace->next, now + EDDY_REAP_SHARE * (now - began)); /* a hint */
}

/* For one that waits, before each sleep: true if it is to look now.  `*next` is 0 when the wait
 * begins. */
static inline bool eddy_reap_turn(const struct eddy_reap_pace *pace, uint64_t *next)
{
    uint64_t now = eddy_now();
    if (now < *next || !eddy_reap_is_due(pace))
        return false;
    *next = now + EDDY_REAP_INTERVAL;
    return true;
}

/* The bit among the news of a bell that stands for a topic; topics may share it. */
static inline uint32_t eddy_topic_news(const struct eddy_segment *s)
{
    uint32_t random;
    memcpy(&random, s->nonce, sizeof random);
    return random % EDDY_NEWS_BITS;
}

/* Tells a bell of a topic or event. */
static inline void eddy_bell_tell(struct eddy_bell_seat *seat, uint32_t news)
{
    _Atomic uint64_t *word = &seat->news[news / 64];
    uint64_t bit = 1ull << news % 64;
    if (!(eddy_load_seq(word) & bit))
        eddy_or_seq(word, bit); /* [news] */
}

/* Tells whoever waits for a topic, and wakes those who sleep.  Two loads when nobody does, and two
 * for each wait set that has it. */
static inline void eddy_wake_topic(const struct eddy_segment *s, struct eddy_registry *r)
{
    struct eddy_control *c = s->control;
    eddy_bell_ring(&c->readers_bell);
    EDDY_POINT("wake:readers");
    /* seq, from [bells]: who subscribed too late for us to see it sees what was published. */
    for (uint64_t words = eddy_load_seq(&c->bell_words); words; words &= words - 1) {
        uint32_t w = (uint32_t)__builtin_ctzll(words);
        /* Relaxed: [bells] comes after it. */
        for (uint64_t hit = eddy_load_relaxed(&c->bells[w]); hit; hit &= hit - 1) {
            uint32_t b = (uint32_t)__builtin_ctzll(hit);
            eddy_bell_tell(&r->bells[w * 64 + b], eddy_topic_news(s));
            EDDY_POINT("wake:told");
            if (eddy_load_seq(&r->sleeping[w]) >> b & 1)
                eddy_bell_ring(&r->bells[w * 64 + b].bell);
        }
    }
}

/* Leaving in good order: the same steps, by the owner. */
void eddy_reader_seat_leave(struct eddy_segment *segment, uint32_t seat);
void eddy_writer_seat_leave(struct eddy_segment *segment, uint32_t seat);

#endif
