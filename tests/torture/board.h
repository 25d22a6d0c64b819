/* board.h - what all processes of a run share besides Eddy: counters, and the order of samples.
 *
 * Anonymous shared memory, mapped by the controller before it starts anybody.  A process that is
 * killed leaves single words, each true.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TORTURE_BOARD_H
#define EDDY_TORTURE_BOARD_H

#include "torture/torture.h"

/* Lines: the processes', the checker's, and one for all forked children. */
enum { BOARD_ORDER = 1 << 16, CHECKER = MOST_PROCESSES, GUEST, LINES };

/* One process's line: written by it, but for `stops`. */
struct line {
    _Atomic uint64_t since; /* when the call that it is in began; 0: in none */
    _Atomic(const char *) what;
    _Atomic uint64_t calls, published, taken, opened, guests;
    _Atomic uint64_t told;    /* readers, that writers had let go of them */
    _Atomic uint64_t trimmed; /* bytes */
    _Atomic uint64_t past;    /* samples that were published before their reader was opened */
    _Atomic uint64_t ring_opened, produced, consumed, redelivered; /* chunks of rings */
    _Atomic uint64_t ring_refused; /* no room, nothing there, role taken, nobody there */
    _Atomic uint64_t refused;      /* no room in time: what the promise allows */
    _Atomic uint64_t busy;         /* a stopped process was in the way */
    _Atomic uint64_t longest;      /* call in which it was not stopped, in ns */
    _Atomic(const char *) longest_what;
    _Atomic uint64_t stops; /* the controller's */
};

struct board {
    struct line lines[LINES];
    _Atomic uint64_t order[STEADY][BOARD_ORDER];
    _Atomic uint64_t shared_bytes[STEADY]; /* most that each topic had */
    uint32_t processes;
    _Atomic uint64_t skipped;             /* by the checker's best-effort readers */
    _Atomic uint64_t chunks[BOARD_ORDER]; /* of the ring that the checker produces */
    _Atomic uint64_t ring_in;             /* published by processes to the ring that it consumes */
};
extern struct board *board;

void board_create(void);

/* Whose line the calls of this process go to. */
void board_sign(uint32_t line);
struct line *board_line(void);
void board_add(_Atomic uint64_t *counter, uint64_t more);
uint64_t board_sum(size_t counter_offset);

/* Times a call of Eddy; its value is the call's. */
#define timed(what, call) (board_begin(what), board_end(call))
void board_begin(const char *what);
int board_end(int result);

/* Sample `sn` of a steady topic is this one: whoever comes first says so, the others agree. */
void board_agree(uint32_t topic, uint64_t sn, const struct payload *payload);

/* Chunk `sn` of the checker's ring was taken: for the first time, or redelivered to who came after
 * one who had not given it back; none was left out. */
void board_take(uint64_t sn, const struct payload *payload, bool redelivered);
/* It is about to be given back, or has been (`done`). */
void board_release(uint64_t sn, const struct payload *payload, bool done);

#endif
