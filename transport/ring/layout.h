/* layout.h - what lies in the file of a ring, byte for byte.  (internal)
 *
 *   <nonce>.ring    header | lengths | done      read-write by producer and consumer
 *                   payloads                     read-write by the producer, read-only by the
 *                                                consumer
 *
 *   lengths[slots]  8 bytes each: of the chunk; the producer, before it publishes
 *   done[slots]     8 bytes each: position + 1 of the last chunk there that was released
 *
 * Everything is zero until it is written.  One cache line has one writer.  spec/ring.md shows the
 * same table.
 *
 * Crash:   the file appears complete or not at all; see ring.h for what is in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_RING_LAYOUT_H
#define EDDY_RING_LAYOUT_H

#include "allocator/segment/layout.h"

#include <stdbool.h>

#define EDDY_RING_LAYOUT       2u
#define EDDY_MAGIC_RING        0x31474e52594444ull /* "DDYRNG1" */
#define EDDY_RING_HEADER_BYTES 4096u
#define EDDY_RING_SUFFIX       ".ring"

/* Who has a role, and how often it was taken. */
struct eddy_ring_seat {
    _Atomic uint64_t epoch;
    _Atomic uint64_t participant;
    _Atomic int32_t pid;
    uint32_t spare_word;
    uint64_t spare[5];
};
/* clang-format off */
/*      struct        field     at size            written by                     read by */
EDDY_AT(eddy_ring_seat, epoch, 0, 8);           /* who takes the role, + 1 each   the other side */
EDDY_AT(eddy_ring_seat, participant, 8, 8);     /* who has the role               people */
EDDY_AT(eddy_ring_seat, pid, 16, 4);            /* who has the role               people */
EDDY_SIZE(eddy_ring_seat, 64);
/* clang-format on */

struct eddy_ring_header {
    struct eddy_head head;
    uint64_t file_bytes;
    uint64_t slot_bytes;
    uint64_t creator;

    uint32_t slots;
    uint32_t flags;
    uint8_t nonce[16];
    uint64_t spare_nonce[5];

    _Atomic uint64_t write;
    uint64_t spare_write[7];

    _Atomic uint64_t taken;
    _Atomic uint64_t redelivered;
    uint64_t spare_taken[6];

    _Atomic uint64_t read;
    uint64_t spare_read[7];

    _Atomic uint64_t state;
    _Atomic uint64_t crash_address;
    _Atomic int32_t crash_signal;
    _Atomic int32_t crash_operation;
    uint64_t spare_state[5];

    _Atomic uint32_t data_bell;
    uint32_t spare_data[15];

    _Atomic uint32_t room_bell;
    uint32_t spare_room[15];

    struct eddy_ring_seat seats[2];
    uint64_t spare_end[432];
};
/* clang-format off */
/*      struct          field           at     size     written by                     read by */
EDDY_AT(eddy_ring_header, head, 0x000, 40);          /* see head                       see head */
EDDY_AT(eddy_ring_header, file_bytes, 0x028, 8);     /* creator                        attachers */
EDDY_AT(eddy_ring_header, slot_bytes, 0x030, 8);     /* creator                        attachers */
EDDY_AT(eddy_ring_header, creator, 0x038, 8);        /* creator                        people */
EDDY_AT(eddy_ring_header, slots, 0x040, 4);          /* creator                        attachers */
EDDY_AT(eddy_ring_header, flags, 0x044, 4);          /* creator                        attachers */
EDDY_AT(eddy_ring_header, nonce, 0x048, 16);         /* creator                        attachers */
EDDY_AT(eddy_ring_header, write, 0x080, 8);          /* producer                       consumer */
EDDY_AT(eddy_ring_header, taken, 0x0c0, 8);          /* consumer, by CAS               next consumer */
EDDY_AT(eddy_ring_header, redelivered, 0x0c8, 8);    /* consumer                       statistics */
EDDY_AT(eddy_ring_header, read, 0x100, 8);           /* consumer, by CAS               producer */
EDDY_AT(eddy_ring_header, state, 0x140, 8);          /* producer, by CAS               consumer */
EDDY_AT(eddy_ring_header, crash_address, 0x148, 8);  /* producer, once                 consumer */
EDDY_AT(eddy_ring_header, crash_signal, 0x150, 4);   /* producer, once                 consumer */
EDDY_AT(eddy_ring_header, crash_operation, 0x154, 4);/* producer, once                 consumer */
EDDY_AT(eddy_ring_header, data_bell, 0x180, 4);      /* sleeping consumer, ringers     producer */
EDDY_AT(eddy_ring_header, room_bell, 0x1c0, 4);      /* sleeping producer, ringers     consumer */
EDDY_AT(eddy_ring_header, seats, 0x200, 128);        /* see ring_seat: producer, then consumer */
EDDY_SIZE(eddy_ring_header, EDDY_RING_HEADER_BYTES);
/* clang-format on */

enum eddy_ring_word {
    EDDY_RING_WORD_RUNNING,
    EDDY_RING_WORD_FINISHED,
    EDDY_RING_WORD_CRASHED,
    EDDY_RING_WORD_REPORTING /* on the way to CRASHED, or dead */
};

/* Locks on bytes of the file, far behind its end, all exclusive.  A handle holds one of USERS, at
 * random; who has a role holds its SEAT and the byte of its LIFE that the seat's epoch names.  A life
 * is a byte of its own so that who waits for its end is in nobody's way. */
#define EDDY_RING_LOCK_USERS      (1ll << 61)
#define EDDY_RING_LOCK_USERS_MASK ((1ll << 60) - 1)
#define EDDY_RING_LOCK_SEATS      (EDDY_RING_LOCK_USERS + (1ll << 60)) /* two bytes */
#define EDDY_RING_LOCK_LIVES      (1ll << 62) /* + role << 32 + epoch mod 2^32 */

#define EDDY_RING_BYTES_MAX (1ull << 60) /* of the file */

/* Where the parts begin. */
struct eddy_ring_plan {
    uint64_t lengths, done, control_bytes, payload, bytes;
};
/* `slot_bytes` is rounded already.  False: too big. */
bool eddy_ring_plan_make(uint64_t slot_bytes, uint32_t slots, struct eddy_ring_plan *plan);
/* The bytes of a slot; 0: too big. */
uint64_t eddy_ring_slot_bytes(uint64_t wanted);

#endif
