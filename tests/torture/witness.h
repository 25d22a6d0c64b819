/* witness.h - checks each sample that a reader takes against all it took before.
 *
 *   begin -> (expect)... -> (see | let_go)... -> end
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_WITNESS_H
#define EDDY_TORTURE_WITNESS_H

#include "torture/torture.h"

struct progress {
    uint64_t author, next; /* 0: none of this process and handle was seen */
    bool begins;           /* nothing was seen yet, and the very first is `next` */
    bool follows;          /* what was seen last was published after the reader was opened */
    uint8_t begins_key;    /* as `begins`: a bit for each key */
    uint16_t past[KEYS];   /* seen of each that was published before */
    uint64_t keys[KEYS];   /* next of each, + 1; 0: not known */
};

struct witness {
    uint32_t topic;
    bool gapless;            /* numbers follow each other */
    bool complete;           /* each author's numbers follow each other */
    bool from_start;         /* it was there before any writer */
    bool counts;             /* taken and lost add up */
    bool based;              /* ... from a sample on that has been taken */
    bool leaps;              /* take_latest: the next may be further on */
    uint32_t history;        /* as asked */
    uint64_t own;            /* the participant whose samples are passed over, or 0 */
    uint64_t before, joined; /* samples up to `before` are history, behind `joined` none is */
    uint64_t last_sn, seen, base_sn, base_lost;
    uint64_t lost,
        gap; /* lost as far as it was told that it was let go of; of that since last_sn */
    struct progress progress[MOST_PROCESSES][WRITERS + GUESTS];
};

/* What may be expected of a reader with these options that is open already.  before: samples that
 * were published before it was opened, as far as anybody knows. */
void witness_begin(struct witness *witness, uint32_t topic, const eddy_reader *reader,
                   const struct eddy_reader_options *options, uint64_t before);
/* Of a living author that has published nothing since, and keeps some for late readers: the first that
 * the reader gets is `number`.  any: it gets one from before its time. */
void witness_expect(struct witness *witness, uint64_t author, uint64_t number, bool any);
void witness_expect_of_key(struct witness *witness, uint64_t author, uint32_t key, uint64_t number,
                           bool any);
/* The sample is whole, in order and, as far as the reader promises it, the very next.  What was lost:
 * up to this sample at least, and at most. */
struct payload witness_see(struct witness *witness, const struct eddy_sample *sample,
                           uint64_t lost_least, uint64_t lost_most);
/* The reader was told that it was let go of. */
void witness_let_go(struct witness *witness, const eddy_reader *reader);

#endif
