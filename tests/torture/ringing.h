/* ringing.h - rings: one that the checker produces, one that it consumes, one that comes and goes.
 *
 * Who consumes the checker's ring notes on the board what it has taken and given back; whoever
 * takes its place must get exactly the rest.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_RINGING_H
#define EDDY_TORTURE_RINGING_H

#include "torture/board.h"

enum { RING_OUT, RING_IN, RING_FLEETING, RINGS, HELD = 6 };

struct ring_kind {
    const char *name;
    uint64_t slot_bytes;
    uint32_t slots;
};
extern const struct ring_kind ring_kinds[RINGS];

/* One role in one ring. */
struct ringing {
    eddy_ring *handle; /* NULL: closed */
    uint32_t ring;
    enum eddy_ring_role role;
    uint64_t author, number;      /* a producer's */
    uint64_t last_sn, fresh;      /* a consumer's; how many were not redelivered */
    struct payload last;          /* that chunk's */
    struct eddy_chunk held[HELD]; /* data NULL: free */
    struct payload was[HELD];
};

/* What processes do; nothing while the role is taken. */
void ringing_open(struct ringing *r, eddy_domain *domain, uint64_t author, uint64_t seed);
void ringing_close(struct ringing *r, uint64_t seed);
void ringing_produce(struct ringing *r, uint32_t count, uint64_t seed);
void ringing_consume(struct ringing *r, uint32_t count, uint64_t seed);
/* The stream's end, by a word or by a crash report. */
void ringing_end(struct ringing *r, uint64_t seed);
/* In a forked child. */
void ringing_try(struct ringing *r);

/* The checker: opens both that it has a part in, moves what can be moved, and drains them. */
struct ring_pair {
    struct ringing out, in;
};
void ring_pair_open(struct ring_pair *pair, eddy_domain *domain);
void ring_pair_move(struct ring_pair *pair);
void ring_pair_close(struct ring_pair *pair, eddy_domain *domain);

#endif
