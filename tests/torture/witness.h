/* witness.h - checks each sample that a reader takes against all it took before.
 *
 *   begin -> (see)... -> end
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_WITNESS_H
#define EDDY_TORTURE_WITNESS_H

#include "torture/torture.h"

struct progress {
    uint64_t author, next; /* 0: none of this process and handle was seen */
};

struct witness {
    uint32_t topic;
    bool gapless;    /* numbers follow each other */
    bool complete;   /* each author's numbers follow each other */
    bool from_start; /* it was there before any writer */
    bool counts;     /* taken and lost add up */
    bool leaps;      /* take_latest: the next may be further on */
    uint64_t last_sn, seen, base_sn, base_lost;
    struct progress progress[MOST_PROCESSES][WRITERS + GUESTS];
};

/* What may be expected of a reader with these options that is open already. */
void witness_begin(struct witness *witness, uint32_t topic,
                   const struct eddy_reader_options *options);
/* The sample is whole, in order and, as far as the reader promises it, the very next. */
struct payload witness_see(struct witness *witness, const eddy_reader *reader,
                           const struct eddy_sample *sample);

#endif
