/* layout.h - what lies in the file of a slots segment, byte for byte.  (internal)
 *
 *   <nonce>.slots    header | members | readers | log | slot lines | columns     read-write by all
 *                    payloads                              read-only until a handle first reserves
 *
 * Everything is zero until it is written, and zero means absent.  spec/slots.md shows the same
 * table.
 *
 * Crash:   the file appears complete or not at all; see slots.h for what is in it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SLOTS_LAYOUT_H
#define EDDY_SLOTS_LAYOUT_H

#include "allocator/segment/layout.h"

#define EDDY_SLOTS_LAYOUT       2u
#define EDDY_MAGIC_SLOTS        0x31544c53594444ull /* "DDYSLT1" */
#define EDDY_SLOTS_HEADER_BYTES 4096u
#define EDDY_SLOTS_MEMBERS      2048u
#define EDDY_SLOTS_WORDS_MAX    64u
#define EDDY_SLOTS_HINTS        16u
#define EDDY_SLOTS_SUFFIX       ".slots"

struct eddy_slots_header {
    struct eddy_head head;
    uint64_t file_bytes;
    uint64_t capacity;
    uint64_t creator;

    uint32_t slot_count;
    uint32_t reader_limit;
    uint32_t log_length;
    uint32_t flags;
    uint8_t nonce[16];
    uint8_t type_hash[16];
    uint64_t spare_type[2];

    _Atomic uint64_t next_sn;
    uint64_t spare_next[7];

    _Atomic uint32_t new_bell;
    uint32_t spare_new[15];

    _Atomic uint32_t room_bell;
    uint32_t spare_room[15];

    _Atomic uint32_t hand;
    _Atomic uint32_t empty;
    _Atomic uint32_t hint_count;
    uint32_t spare_hand[13];

    _Atomic uint32_t hints[EDDY_SLOTS_HINTS];
    uint64_t spare_hints[8];

    _Atomic uint64_t joined[EDDY_SLOTS_WORDS_MAX];
    _Atomic uint64_t gone[EDDY_SLOTS_WORDS_MAX];
    uint64_t spare_end[320];
};
/* clang-format off */
/*      struct           field     at  size            written by                      read by */
EDDY_AT(eddy_slots_header, head, 0x000, 40);        /* see head                        see head */
EDDY_AT(eddy_slots_header, file_bytes, 0x028, 8);   /* creator                         attachers */
EDDY_AT(eddy_slots_header, capacity, 0x030, 8);     /* creator                         attachers */
EDDY_AT(eddy_slots_header, creator, 0x038, 8);      /* creator                         gc */
EDDY_AT(eddy_slots_header, slot_count, 0x040, 4);   /* creator                         attachers */
EDDY_AT(eddy_slots_header, reader_limit, 0x044, 4); /* creator                         attachers */
EDDY_AT(eddy_slots_header, log_length, 0x048, 4);   /* creator                         attachers */
EDDY_AT(eddy_slots_header, flags, 0x04c, 4);        /* creator; zero                   nobody yet */
EDDY_AT(eddy_slots_header, nonce, 0x050, 16);       /* creator                         attachers */
EDDY_AT(eddy_slots_header, type_hash, 0x060, 16);   /* creator                         attachers */
EDDY_AT(eddy_slots_header, next_sn, 0x080, 8);      /* committers, by CAS              all */
EDDY_AT(eddy_slots_header, new_bell, 0x0c0, 4);     /* sleeping readers, ringers       committers */
EDDY_AT(eddy_slots_header, room_bell, 0x100, 4);    /* waiting writers, ringers        readers */
EDDY_AT(eddy_slots_header, hand, 0x140, 4);         /* writers; a hint                 writers */
EDDY_AT(eddy_slots_header, empty, 0x144, 4);        /* who empties a slot; a hint      writers */
EDDY_AT(eddy_slots_header, hint_count, 0x148, 4);   /* readers; a hint                 writers */
EDDY_AT(eddy_slots_header, hints, 0x180, 64);       /* readers; hints                  writers */
EDDY_AT(eddy_slots_header, joined, 0x200, 512);     /* joining, leaving readers, reap  writers */
EDDY_AT(eddy_slots_header, gone, 0x400, 512);       /* joining, leaving readers, reap  all */
EDDY_SIZE(eddy_slots_header, EDDY_SLOTS_HEADER_BYTES);
/* clang-format on */

/* A slot's control line; word 0 of its masks is in it. */
struct eddy_slots_line {
    _Atomic uint64_t state;
    _Atomic uint64_t sn;
    _Atomic uint64_t size;
    _Atomic uint64_t read;
    _Atomic uint64_t pins;
    uint64_t spare[3];
};
/* clang-format off */
EDDY_AT(eddy_slots_line, state, 0, 8);              /* claimers, committers, reap      all */
EDDY_AT(eddy_slots_line, sn, 8, 8);                 /* who has it on loan; claimers    all */
EDDY_AT(eddy_slots_line, size, 16, 8);              /* who has it on loan              holders */
EDDY_AT(eddy_slots_line, read, 24, 8);              /* readers 0 to 63, then claimers  writers */
EDDY_AT(eddy_slots_line, pins, 32, 8);              /* readers 0 to 63, a bit each     claimers */
EDDY_SIZE(eddy_slots_line, 64);
/* clang-format on */

/* Words 1 and up of a slot's masks. */
struct eddy_slots_column {
    _Atomic uint64_t read;
    _Atomic uint64_t pins;
};
/* clang-format off */
EDDY_AT(eddy_slots_column, read, 0, 8);             /* as above, for 64 readers more   writers */
EDDY_AT(eddy_slots_column, pins, 8, 8);             /* as above, for 64 readers more   claimers */
EDDY_SIZE(eddy_slots_column, 16);
/* clang-format on */

/* state: who has the slot, and how often it was reserved. */
#define EDDY_SLOTS_OWNER      0xffffull /* 0, or a member + 1 */
#define EDDY_SLOTS_COMMITTING (1ull << 16)
#define EDDY_SLOTS_UNSAID     (1ull << 17) /* sn was never committed: its writer has died before */
#define EDDY_SLOTS_TURN       (1ull << 18) /* + this with each loan */

/* sn: the sample has ended; its number is kept, so that who still holds it can be told. */
#define EDDY_SLOTS_ENDED (1ull << 63)

/* Where the parts begin. */
struct eddy_slots_plan {
    uint32_t words; /* of a mask */
    uint64_t stride, members, readers, log, lines, columns, payload, bytes;
};
void eddy_slots_plan_make(uint64_t slot_count, uint64_t capacity, uint32_t reader_limit,
                          struct eddy_slots_plan *plan);
/* The log's length for a number of slots: a power of two. */
uint32_t eddy_slots_log_length(uint64_t slot_count);

#endif
