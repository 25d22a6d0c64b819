/* layout.h - what lies in the shared memory of a topic, byte for byte.  (internal)
 *
 * A segment is one control file and a file for each extent:
 *
 *   <nonce>.seg        control header | names | seats | log | type text | longer logs | blobs
 *   <nonce>.x<f>       extent header | blocks, two bits each | slots, one line each | payloads
 *   <nonce>.x<f>.m<c>  one word a slot: the mask bits of reader seats 64c to 64c+63, c >= 1
 *
 * All is mapped read-write by all, but for payloads: read-only by readers.  Everything is zero
 * until it is written, and zero means absent.  One cache line has one kind of writer.
 * spec/layout.md shows the same tables; a test compares the two.
 *
 * Crash:   each word is either repaired by the next who meets it or by reap: spec/protocols.md.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_LAYOUT_H
#define EDDY_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDDY_AT(type, field, at, bytes)                                                            \
    _Static_assert(offsetof(struct type, field) == (at) &&                                         \
                       sizeof(((struct type *)0)->field) == (bytes),                               \
                   "the layout moved: bump the version of its kind")
#define EDDY_SIZE(type, bytes)                                                                     \
    _Static_assert(sizeof(struct type) == (bytes), "the layout moved: bump the version of its "    \
                                                   "kind")

#define EDDY_TOPIC_LAYOUT  7u
#define EDDY_LINE          64u
#define EDDY_CONTROL_BYTES 4096u
#define EDDY_LINES         2u  /* in which writers wait for room */
#define EDDY_SEAT_CHUNK    64u /* seats that come into being together */
#define EDDY_SEATS_MAX     4096u
#define EDDY_EXTENTS_MAX   256u
#define EDDY_TURNS_MAX     64u /* extents that one after the other have one number */
#define EDDY_SLOT_BITS     22u /* of an entry: extent 8, index 14 */
#define EDDY_INDEX_BITS    14u
#define EDDY_EXTENT_SLOTS  (1u << EDDY_INDEX_BITS)
#define EDDY_LOG_MIN_SHIFT 10u
#define EDDY_LOG_MAX_SHIFT 20u
#define EDDY_LOG_MIN       (1u << EDDY_LOG_MIN_SHIFT)
#define EDDY_LOG_MAX       (1u << EDDY_LOG_MAX_SHIFT)
#define EDDY_LOG_GROWN     (1u << 13) /* entries that a longer log has at least: 64 KiB, whole pages */
#define EDDY_BLOB_BYTES    4096u
#define EDDY_TEXT_BYTES    65536u

#define EDDY_MAGIC_CONTROL  0x31474553594444ull /* "DDYSEG1" */
#define EDDY_MAGIC_EXTENT   0x31545845594444ull /* "DDYEXT1" */
#define EDDY_MAGIC_REGISTRY 0x31474552594444ull /* "DDYREG1" */

/* A feature of a topic that has a number, and is for later. */
#define EDDY_TOPIC_FOREIGN_MEMORY 0u /* incompatible: samples that lie in memory of others */

#define EDDY_CURSOR_ABSENT  0u
#define EDDY_CURSOR_JOINING 1u

/* What the seat held counts for nothing any more; with the participant id of who clears it up, or 0:
 * whoever comes. */
#define EDDY_OWNER_REAPING (1ull << 63)

#define EDDY_SEAT_RELIABLE       1u
#define EDDY_SEAT_DEEP           2u
#define EDDY_SEAT_NOTED          4u /* its program said what the next one tells */
#define EDDY_SEAT_NOTED_RELIABLE 8u
#define EDDY_SEAT_SHALLOW        16u /* less deep than it asked for */
#define EDDY_SEAT_NOT_OWN        32u /* takes nothing of its participant, whose writers move its cursor */
#define EDDY_SEAT_GROUPS         64u /* its cursor may protect EDDY_UNDER_MAX samples that it has taken */

/* What every header begins with: format.h. */
struct eddy_head {
    _Atomic uint64_t magic;
    uint64_t version;
    uint64_t incompatible;
    uint64_t look_only;
    uint64_t compatible;
};
/* clang-format off */
/*      struct     field           at  size   written by          read by */
EDDY_AT(eddy_head, magic, 0, 8);           /* creator, last       whoever attaches */
EDDY_AT(eddy_head, version, 8, 8);         /* creator             whoever attaches */
EDDY_AT(eddy_head, incompatible, 16, 8);   /* creator             whoever attaches */
EDDY_AT(eddy_head, look_only, 24, 8);      /* creator             whoever attaches */
EDDY_AT(eddy_head, compatible, 32, 8);     /* creator             whoever attaches */
EDDY_SIZE(eddy_head, 40);
/* clang-format on */

struct eddy_control {
    struct eddy_head head;
    uint64_t control_bytes;
    _Atomic uint64_t limit_bytes;
    uint64_t first_sn;

    uint64_t creator;
    uint32_t log_length;
    uint32_t names_bytes;
    uint32_t name_length;
    uint32_t type_length;
    uint32_t scope_length;
    uint32_t flags;
    uint8_t nonce[16];
    uint8_t type_hash[16];

    _Atomic uint64_t next_sn;
    _Atomic uint32_t log_shift;
    uint32_t spare_shift;
    uint64_t spare_next[6];

    _Atomic uint32_t readers_bell;
    uint32_t spare_bell;
    _Atomic uint64_t bell_words;
    uint64_t spare_bells[6];

    _Atomic uint64_t min_cursor;
    _Atomic uint64_t gate;
    _Atomic uint64_t untaken;
    _Atomic uint64_t untaken_deep;
    _Atomic uint64_t let_go_epoch;
    _Atomic uint32_t turn[EDDY_LINES];
    _Atomic uint32_t waiting[EDDY_LINES];
    _Atomic uint64_t turn_need;

    _Atomic uint32_t room_bell;
    _Atomic uint32_t room_news;
    _Atomic uint64_t waiting_groups[EDDY_LINES];
    _Atomic uint32_t room_slot;
    uint32_t spare_slot;
    uint64_t spare_rooms[4];

    _Atomic uint64_t window;
    _Atomic uint64_t history;
    _Atomic uint32_t reader_high;
    _Atomic uint32_t writer_high;
    _Atomic uint64_t reader_groups;
    _Atomic uint64_t writer_groups;
    _Atomic uint32_t type_text;
    uint32_t spare_text;
    uint64_t spare_window[2];

    _Atomic uint64_t gone_bytes;
    uint64_t spare_gone[7];

    _Atomic uint64_t bells[64];
    _Atomic uint64_t extents[EDDY_EXTENTS_MAX];
    _Atomic uint64_t reader_bits[EDDY_SEATS_MAX / 64];
    _Atomic uint64_t writer_bits[EDDY_SEATS_MAX / 64];
};
/* clang-format off */
/*      struct        field        at    size  written by                        read by */
EDDY_AT(eddy_control, head, 0x000, 40);         /* see head                      see head */
EDDY_AT(eddy_control, control_bytes, 0x028, 8); /* creator                       whoever attaches */
EDDY_AT(eddy_control, limit_bytes, 0x030, 8);   /* openers, raised, locked       writers, openers */
EDDY_AT(eddy_control, first_sn, 0x038, 8);      /* creator                       whoever attaches */
EDDY_AT(eddy_control, creator, 0x040, 8);       /* creator                       gc */
EDDY_AT(eddy_control, log_length, 0x048, 4);    /* creator                       whoever attaches */
EDDY_AT(eddy_control, names_bytes, 0x04c, 4);   /* creator                       whoever attaches */
EDDY_AT(eddy_control, name_length, 0x050, 4);   /* creator                       whoever attaches */
EDDY_AT(eddy_control, type_length, 0x054, 4);   /* creator                       whoever attaches */
EDDY_AT(eddy_control, scope_length, 0x058, 4);  /* creator                       whoever attaches */
EDDY_AT(eddy_control, flags, 0x05c, 4);         /* creator                       whoever attaches */
EDDY_AT(eddy_control, nonce, 0x060, 16);        /* creator                       whoever attaches */
EDDY_AT(eddy_control, type_hash, 0x070, 16);    /* creator                       whoever attaches */
EDDY_AT(eddy_control, next_sn, 0x080, 8);       /* writers, by CAS               all */
EDDY_AT(eddy_control, log_shift, 0x088, 4);     /* who meets a mark, by CAS      all */
EDDY_AT(eddy_control, readers_bell, 0x0c0, 4);  /* sleeping readers, ringers     writers */
EDDY_AT(eddy_control, bell_words, 0x0c8, 8);    /* wait sets, at attach          writers */
EDDY_AT(eddy_control, min_cursor, 0x100, 8);    /* writers, by CAS, raised       writers */
EDDY_AT(eddy_control, gate, 0x108, 8);          /* writers; a hint               writers */
EDDY_AT(eddy_control, untaken, 0x110, 8);       /* writers, by CAS, raised       writers */
EDDY_AT(eddy_control, untaken_deep, 0x118, 8);  /* writers, by CAS, raised       writers */
EDDY_AT(eddy_control, let_go_epoch, 0x120, 8);  /* who lets go, who comes back  writers */
EDDY_AT(eddy_control, turn, 0x128, 8);          /* waiting writers, leave, reap  writers */
EDDY_AT(eddy_control, waiting, 0x130, 8);       /* waiting writers; a hint       writers */
EDDY_AT(eddy_control, turn_need, 0x138, 8);     /* who waits for a slot; a hint  writers */
EDDY_AT(eddy_control, room_bell, 0x140, 4);     /* waiting writers, ringers      readers */
EDDY_AT(eddy_control, room_news, 0x144, 4);     /* writers, who lets go; a hint  writers */
EDDY_AT(eddy_control, waiting_groups, 0x148, 16); /* waiting writers, leave, reap writers */
EDDY_AT(eddy_control, room_slot, 0x158, 4);     /* who lets go; a hint           writers */
EDDY_AT(eddy_control, window, 0x180, 8);        /* openers, raised               writers */
EDDY_AT(eddy_control, history, 0x188, 8);       /* opening writers, raised       opening readers */
EDDY_AT(eddy_control, reader_high, 0x190, 4);   /* opening readers, raised       openers, remove */
EDDY_AT(eddy_control, writer_high, 0x194, 4);   /* opening writers, raised       openers */
EDDY_AT(eddy_control, reader_groups, 0x198, 8); /* openers; closers, locked      writers, reap */
EDDY_AT(eddy_control, writer_groups, 0x1a0, 8); /* openers; closers, locked      reap */
EDDY_AT(eddy_control, type_text, 0x1a8, 4);     /* who knows it first, locked    openers, people */
EDDY_AT(eddy_control, gone_bytes, 0x1c0, 8);    /* closing writers, reap         statistics */
EDDY_AT(eddy_control, bells, 0x200, 512);       /* wait sets, at attach          writers */
EDDY_AT(eddy_control, extents, 0x400, 2048);    /* growing writers, by CAS       all */
EDDY_AT(eddy_control, reader_bits, 0xc00, 512); /* a seat's holder: its bit      writers, reap */
EDDY_AT(eddy_control, writer_bits, 0xe00, 512); /* a seat's holder: its bit      reap */
EDDY_SIZE(eddy_control, EDDY_CONTROL_BYTES);    /* spares stay zero until they get a row */
/* clang-format on */

/* A reader's place on a topic.  One line, as writers look at those of all readers. */
struct eddy_reader_seat {
    _Atomic uint64_t owner;
    _Atomic uint64_t cursor;
    _Atomic uint64_t position;
    _Atomic uint64_t taken;
    _Atomic uint64_t lost;
    _Atomic uint32_t held;
    _Atomic uint32_t depth;
    _Atomic uint32_t flags;
    uint32_t spare_word;
    _Atomic uint64_t let_go;
};
/* clang-format off */
EDDY_AT(eddy_reader_seat, owner, 0, 8);     /* opener and reap, by CAS          all */
EDDY_AT(eddy_reader_seat, cursor, 8, 8);    /* its reader; reap                 writers */
EDDY_AT(eddy_reader_seat, position, 16, 8); /* its reader                       writers */
EDDY_AT(eddy_reader_seat, taken, 24, 8);    /* its reader                       statistics */
EDDY_AT(eddy_reader_seat, lost, 32, 8);     /* its reader                       statistics */
EDDY_AT(eddy_reader_seat, held, 40, 4);     /* its reader                       statistics */
EDDY_AT(eddy_reader_seat, depth, 44, 4);    /* its reader, at open              writers */
EDDY_AT(eddy_reader_seat, flags, 48, 4);    /* its reader, at open              writers */
EDDY_AT(eddy_reader_seat, let_go, 56, 8);   /* who lets go, its reader, by CAS  writers */
EDDY_SIZE(eddy_reader_seat, 64);
/* clang-format on */

/* The rest of a reader's seat, which nobody looks at for a sample. */
struct eddy_reader_rest {
    _Atomic uint64_t hold_up_ns;
    _Atomic uint32_t bell;
    _Atomic uint32_t waiting;
    _Atomic uint32_t given_up;
    _Atomic uint32_t let_go_count;
    _Atomic uint64_t presence;
    uint64_t spare[4];
};
/* clang-format off */
EDDY_AT(eddy_reader_rest, hold_up_ns, 0, 8);    /* its reader, at open              writers */
EDDY_AT(eddy_reader_rest, bell, 8, 4);          /* its wait set: bell + 1           people */
EDDY_AT(eddy_reader_rest, waiting, 12, 4);      /* its program's notes              writers that leave */
EDDY_AT(eddy_reader_rest, given_up, 16, 4);     /* its program's notes              people */
EDDY_AT(eddy_reader_rest, let_go_count, 20, 4); /* its reader                       watches */
EDDY_AT(eddy_reader_rest, presence, 24, 8);     /* its reader; reap                 watches */
EDDY_SIZE(eddy_reader_rest, 64);
/* clang-format on */

/* A writer's place on a topic. */
struct eddy_writer_seat {
    _Atomic uint64_t owner;
    _Atomic uint64_t published;
    _Atomic uint64_t bytes;
    _Atomic uint32_t history;
    _Atomic uint32_t flags;
    _Atomic uint32_t kept;
    _Atomic uint32_t waits;
    _Atomic uint32_t bell;
    uint32_t spare_word;
    _Atomic uint64_t since;
    _Atomic uint64_t presence;
};
/* clang-format off */
EDDY_AT(eddy_writer_seat, owner, 0, 8);     /* opener and reap, by CAS          all */
EDDY_AT(eddy_writer_seat, published, 8, 8); /* its writer                       statistics */
EDDY_AT(eddy_writer_seat, bytes, 16, 8);    /* its writer                       statistics */
EDDY_AT(eddy_writer_seat, history, 24, 4);  /* its writer, at open              people */
EDDY_AT(eddy_writer_seat, flags, 28, 4);    /* its writer, at open              people */
EDDY_AT(eddy_writer_seat, kept, 32, 4);     /* its writer                       statistics */
EDDY_AT(eddy_writer_seat, waits, 36, 4);    /* its writer; who passes it over   writers */
EDDY_AT(eddy_writer_seat, bell, 40, 4);     /* its writer, ringers              writers */
EDDY_AT(eddy_writer_seat, since, 48, 8);    /* its writer, at open; who frees it  late readers */
EDDY_AT(eddy_writer_seat, presence, 56, 8); /* its writer; reap                 watches */
EDDY_SIZE(eddy_writer_seat, 64);
/* clang-format on */

/* `header_size` of a slot: above the bytes of the user header, bits for what lies in front of it
 * besides a key: spec/layout.md, "Room for later". */
#define EDDY_HEADER_MAX  0xffffffu
#define EDDY_HEADER_WITH 29u /* from this bit on: a key, a word of the application, a time */

/* `retain` of a slot: the history of its writer, 0 where the sample ends its key, and whether there
 * is a key: EDDY_KEY_BYTES in front of the user header. */
#define EDDY_RETAIN_KEYED 0x8000u
#define EDDY_KEY_BYTES    16u

/* `owner` of a slot: the seat + 1 of the writer that has it on loan, or 0; whether its sn counts for
 * nothing, as its last owner died before it was published; and how often it was given up or taken back,
 * so that nobody takes back another loan than he has seen. */
#define EDDY_SLOT_SEAT   0x1fffu
#define EDDY_SLOT_ABSENT 0x1fffu /* in place of a seat: it has no memory now */
#define EDDY_SLOT_EMPTY  0x2000u
#define EDDY_SLOT_TAKEN  0x4000u /* + this each time */

/* Room for one sample: slot.h tells its life. */
struct eddy_slot {
    _Atomic uint32_t owner;
    _Atomic uint32_t keeper;
    _Atomic uint64_t sn;
    _Atomic uint64_t mask;
    _Atomic uint64_t size;
    _Atomic uint32_t data_offset;
    _Atomic uint32_t header_size;
    _Atomic uint16_t writer;
    _Atomic uint16_t retain;
    _Atomic uint32_t flags;
    _Atomic uint64_t source;
    _Atomic uint32_t ticket;
    _Atomic uint32_t count;
};
/* clang-format off */
EDDY_AT(eddy_slot, owner, 0, 4);        /* claimer, by CAS; then its owner  claimers, reap */
EDDY_AT(eddy_slot, keeper, 4, 4);       /* its writer, after publishing     claimers, reap */
EDDY_AT(eddy_slot, sn, 8, 8);           /* its owner                        all */
EDDY_AT(eddy_slot, mask, 16, 8);        /* readers 0 to 63, one bit each    claimers */
EDDY_AT(eddy_slot, size, 24, 8);        /* its owner                        holders */
EDDY_AT(eddy_slot, data_offset, 32, 4); /* its owner                        holders */
EDDY_AT(eddy_slot, header_size, 36, 4); /* its owner                        holders */
EDDY_AT(eddy_slot, writer, 40, 2);      /* its owner: writer seat           holders */
EDDY_AT(eddy_slot, retain, 42, 2);      /* its owner: writer's history      opening readers */
EDDY_AT(eddy_slot, flags, 44, 4);       /* its owner                        holders */
EDDY_AT(eddy_slot, source, 48, 8);      /* its owner: participant id        holders */
EDDY_AT(eddy_slot, ticket, 56, 4);      /* its owner, + 1 a loan            holders */
EDDY_AT(eddy_slot, count, 60, 4);       /* its owner: how-manieth of kind  opening readers */
EDDY_SIZE(eddy_slot, 64);
/* clang-format on */

/* Head of an extent's file. */
struct eddy_extent_header {
    uint64_t magic;
    uint64_t version;
    uint8_t nonce[16];
    uint64_t descriptor;
    _Atomic uint64_t columns;
    uint64_t spare[2];
};
/* clang-format off */
EDDY_AT(eddy_extent_header, magic, 0, 8);       /* maker              whoever maps it */
EDDY_AT(eddy_extent_header, version, 8, 8);     /* maker              whoever maps it */
EDDY_AT(eddy_extent_header, nonce, 16, 16);     /* maker              whoever maps it */
EDDY_AT(eddy_extent_header, descriptor, 32, 8); /* maker              whoever maps it */
EDDY_AT(eddy_extent_header, columns, 40, 8);    /* readers, by OR     claimers, reap */
EDDY_SIZE(eddy_extent_header, 64);
/* clang-format on */

/* A bit for each of 64 blocks: slots whose memory comes and goes together (block.h). */
struct eddy_blocks {
    _Atomic uint64_t committed;
    _Atomic uint64_t reserved;
};
/* clang-format off */
EDDY_AT(eddy_blocks, committed, 0, 8); /* who owns a block's first slot  growing writers, trim */
EDDY_AT(eddy_blocks, reserved, 8, 8);  /* who owns a slot of the block    trim, reap */
EDDY_SIZE(eddy_blocks, 16);
/* clang-format on */

/* An extent's descriptor: capacity of a slot in lines << 16 | slots.  An entry of `extents` is that,
 * with the turn of the extent that has the number, and whether it is closed.  0: no extent. */
#define EDDY_EXTENT_CLOSED (1ull << 63) /* its slots get no memory */

static inline uint64_t eddy_extent_descriptor(uint64_t capacity, uint32_t slots)
{
    return capacity / EDDY_LINE << 16 | slots;
}
static inline uint64_t eddy_descriptor_capacity(uint64_t descriptor)
{
    return (descriptor >> 16 & ((1ull << 35) - 1)) * EDDY_LINE;
}
static inline uint32_t eddy_descriptor_slots(uint64_t descriptor)
{
    return (uint32_t)(descriptor & 0xffff);
}
static inline uint64_t eddy_extent_entry(uint32_t turn, uint64_t descriptor)
{
    return (uint64_t)turn << 51 | descriptor;
}
/* The number in the name of the file of the extent that has the number i. */
static inline uint32_t eddy_extent_file(uint32_t i, uint64_t entry)
{
    return i + EDDY_EXTENTS_MAX * (uint32_t)(entry >> 51 & (EDDY_TURNS_MAX - 1));
}

/* Where the parts of a control file begin. */
static inline uint64_t eddy_readers_offset(uint32_t names_bytes)
{
    return EDDY_CONTROL_BYTES + (uint64_t)names_bytes;
}
static inline uint64_t eddy_writers_offset(uint32_t names_bytes)
{
    return eddy_readers_offset(names_bytes) + EDDY_SEATS_MAX * sizeof(struct eddy_reader_seat);
}
static inline uint64_t eddy_reader_rests_offset(uint32_t names_bytes)
{
    return eddy_writers_offset(names_bytes) + EDDY_SEATS_MAX * sizeof(struct eddy_writer_seat);
}
static inline uint64_t eddy_log_offset(uint32_t names_bytes)
{
    return eddy_reader_rests_offset(names_bytes) + EDDY_SEATS_MAX * sizeof(struct eddy_reader_rest);
}
static inline uint64_t eddy_control_total(uint32_t names_bytes, uint32_t log_length)
{
    return eddy_log_offset(names_bytes) + (uint64_t)log_length * 8;
}
/* A longer log of 2^shift entries: each length has a place of its own, whose memory is zero until
 * then, and a multiple of 64 KiB. */
static inline uint64_t eddy_longer_log_offset(uint64_t control_bytes, uint32_t shift)
{
    uint64_t page = EDDY_LOG_GROWN * 8ull;
    return (control_bytes + page - 1) / page * page + (8ull << shift);
}

/* What the topic says of its type, up to EDDY_TYPE_TEXT_MAX bytes: right before the longer logs, whose
 * shortest begins 64 KiB behind it. */
static inline uint64_t eddy_type_text_offset(uint64_t control_bytes)
{
    return eddy_longer_log_offset(control_bytes, EDDY_LOG_MAX_SHIFT) - (8ull << EDDY_LOG_MAX_SHIFT);
}

/* What an endpoint says of itself, up to EDDY_BLOB_MAX bytes: behind the longest log, readers and
 * writers in turn. */
static inline uint64_t eddy_blob_offset(uint64_t control_bytes, bool writer, uint32_t seat)
{
    return eddy_longer_log_offset(control_bytes, EDDY_LOG_MAX_SHIFT) +
           (8ull << EDDY_LOG_MAX_SHIFT) + (2ull * seat + writer) * EDDY_BLOB_BYTES;
}

#endif
