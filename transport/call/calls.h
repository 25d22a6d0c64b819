/* calls.h - the calls that a client has in work.  (internal)
 *
 *   FREE -- begin --> SENT -- end --> ENDED -- forget --> FREE
 *                       '---------- forget ------------------^
 *
 * A call's number leads to its place in the table: a number that is not there, or no more, leads to
 * nothing.  Those that have ended stand in a line, in which they are taken.
 *
 * Threads: one at a time.
 * Crash:   private memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_CALL_CALLS_H
#define EDDY_CALL_CALLS_H

#include <eddy/call.h>

enum eddy_call_state { EDDY_CALL_FREE = 0, EDDY_CALL_SENT, EDDY_CALL_ENDED };

struct eddy_call {
    uint64_t number;
    uint64_t answer_by;
    enum eddy_call_state state;
    int32_t error;
    uint32_t before, after; /* of those that have ended: place + 1; 0 at the ends */
    struct eddy_sample sample;
};

struct eddy_calls {
    struct eddy_call *table; /* mask + 1 places */
    uint32_t mask, most, count;
    uint32_t first, last; /* that have ended, as `before` */
    uint64_t next;        /* number */
    uint64_t earliest;    /* no call's time passes before that */
};

/* EDDY_ENOMEM. */
int eddy_calls_init(struct eddy_calls *calls, uint32_t most);
void eddy_calls_free(struct eddy_calls *calls);

/* NULL: `most` are in work. */
struct eddy_call *eddy_calls_begin(struct eddy_calls *calls, uint64_t answer_by);
/* NULL: no such call is in work. */
struct eddy_call *eddy_calls_find(struct eddy_calls *calls, uint64_t number);
/* The first of those that have ended; NULL: none has. */
struct eddy_call *eddy_calls_first(struct eddy_calls *calls);
/* sample: NULL if error is not 0. */
void eddy_calls_end(struct eddy_calls *calls, struct eddy_call *call, int32_t error,
                    const struct eddy_sample *sample);
void eddy_calls_forget(struct eddy_calls *calls, struct eddy_call *call);
/* Ends all that are still sent, or those whose time has passed. */
void eddy_calls_fail(struct eddy_calls *calls, int32_t error);
void eddy_calls_expire(struct eddy_calls *calls, uint64_t now);

#endif
