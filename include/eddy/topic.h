/* eddy/topic.h - publish and take samples in shared memory, without a copy.
 *
 *   writer:  loan -> write in place -> publish (or discard)
 *   reader:  take -> read in place -> release
 *
 * A topic comes into being with its first writer or reader and goes with the last.  It has one
 * order of samples, the same for all its readers.  No sizes need be given: memory grows by what is
 * published, up to the topic's limit.
 *
 * Threads: a writer or reader serves one thread at a time; give each thread its own, or lock around
 * it.  But loans are discarded by any thread, and samples released if their reader is opened for that
 * (EDDY_READER_SHARED), also while the handle's own thread is in a call of it; before it is closed.
 * Different handles never wait for each other's locks.  loan, publish, take and release take
 * no lock, allocate nothing and make no system call unless somebody sleeps or the topic grows.
 *
 * Crash:   a loan that was not published is taken back, a published sample is delivered, kept
 *          samples are let go; the others go on.                         spec/protocols.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_TOPIC_H
#define EDDY_TOPIC_H

#include <eddy/domain.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_writer eddy_writer;
typedef struct eddy_reader eddy_reader;

/* Longest name, type or scope, in bytes. */
#define EDDY_NAME_MAX 4096u
/* Longest description of a type, and of a reader or writer. */
#define EDDY_TYPE_TEXT_MAX 65536u
#define EDDY_BLOB_MAX      4096u

/* Which topic.  Strings are copied; any bytes but NUL are allowed. */
struct eddy_topic_identity {
    const char *name; /* 1 to EDDY_NAME_MAX bytes */
    const char *type; /* NULL or "": not checked; else must equal what the topic was created with */
    /* Sets topics of one name apart; the DDS plug-in puts its domain here.  NULL: "". */
    const char *scope;
    uint8_t type_hash[16]; /* all zero: not checked; else as `type` */
    uint32_t flags;        /* EDDY_TOPIC_TYPE_APART */
    uint32_t reserved;     /* zero */
    /* A description of the type, for people and tools: any bytes.  The first that anybody gives stays,
     * as long as the topic; nothing is decided by it. */
    const void *type_text;
    size_t type_text_size; /* EDDY_TYPE_TEXT_MAX at most; 0: none */
};
#define EDDY_TOPIC_TYPE_APART                                                                      \
    1u /* topics of one name and different type are different topics, not an error */

/* Of a reader.  A writer is neither: with each call it says how long it waits for room. */
enum eddy_reliability {
    EDDY_RELIABLE = 0,   /* loses nothing: a writer that is ahead by `depth` waits */
    EDDY_BEST_EFFORT = 1 /* never holds a writer up, skips and counts */
};

enum eddy_history {
    EDDY_HISTORY_WRITER = 0, /* late readers get the last `history` samples of each living writer */
    EDDY_HISTORY_TOPIC =
        1, /* late readers get the last `history` samples of the topic, whoever wrote them */
    EDDY_HISTORY_KEY = 2 /* late readers get the last `history` samples of each key of each living
                            writer; keys come with eddy_writer_publish_with */
};

#define EDDY_HISTORY_MAX 32767u

/* What can go with a sample, besides a user header. */
#define EDDY_WITH_KEY  1u /* 16 bytes that say what it is about: a hash, or the key itself */
#define EDDY_WITH_WORD 2u /* 8 bytes of the application */
#define EDDY_WITH_TIME 4u /* when it was published: eddy_now(), or what the writer says */

/* All zero means default. */
struct eddy_writer_options {
    enum eddy_history history_kind;
    uint32_t history; /* samples kept for late readers, at most EDDY_HISTORY_MAX; default none.
                         EDDY_HISTORY_TOPIC: fewer where limit_bytes or memory is too little */
    uint32_t tag;     /* the application's own: goes with each sample of this writer */
    uint32_t flags;   /* none is defined: zero */
    uint64_t
        limit_bytes; /* most shared memory for the topic: who asks for more than it has gives it
                             to all (eddy_topic_stats says what holds).  Default: nothing more; for
                             who creates it EDDY_MAX_BYTES, else half the file system */
    uint64_t
        patience_ns; /* publish waits so long for best-effort EDDY_READER_BEYOND_DEPTH readers that are
                             noted as reliable (eddy_reader_note) and fall behind by more than their
                             depth and 1 MiB, and goes on waiting while they move; default never */
    uint32_t with; /* EDDY_WITH_*: goes with each sample; 8 bytes each, a key 16.  A key, where the
                          history is not of each key: without history only */
    uint32_t reserved; /* zero */
    /* What the writer says of itself, for others to read (a QoS, a GUID): any bytes, copied. */
    const void *blob;
    size_t blob_size; /* EDDY_BLOB_MAX at most; 0: none */
};

struct eddy_reader_options {
    enum eddy_reliability reliability;
    uint32_t depth; /* unread samples that it may be behind: default 64 if reliable, 8 if
                       best-effort; up to 2^20, whoever created the topic.  Less where the topic's
                       limit has no room for so many of the smallest samples (128 bytes each), or
                       there is no memory for a longer log: eddy_reader_depth tells, and `eddy ls` */
    uint32_t
        history; /* samples wanted from before its time; UINT32_MAX: all there are; default none */
    uint32_t flags;       /* EDDY_READER_* */
    int64_t spin_ns;      /* of eddy_reader_wait; as in eddy_domain_options, which is the default */
    uint64_t limit_bytes; /* as for the writer */
    uint32_t recent; /* best-effort: takes up to so many samples from right before its time, too, if
                        they happen to be there still; what is not does not count as lost */
    uint32_t reserved;   /* zero */
    uint64_t hold_up_ns; /* reliable: writers that it has held up for so long, without moving on,
                               let go of it (eddy_writer_let_go); 0: never */
    /* As of a writer. */
    const void *blob;
    size_t blob_size;
};
#define EDDY_READER_BEYOND_DEPTH                                                                   \
    1u /* best-effort: also take samples older than `depth` that happen to be there still */
#define EDDY_READER_SHARED                                                                         \
    2u /* any thread may release, while another takes.  Costs an atomic operation or two a sample */
#define EDDY_READER_NOT_OWN                                                                        \
    4u /* takes nothing that writers of its own participant publish, and does not hold these up; costs \
          as EDDY_READER_SHARED */

/* A slot on loan: write up to `size` bytes at `data`, then publish or discard.  The fields are the
 * caller's to read. */
struct eddy_loan {
    void *data;   /* aligned as asked, 64 bytes at least if no header was asked */
    size_t size;  /* room at data: what was asked */
    void *header; /* header_size bytes that end where data begins (rounded up to 8), or NULL */
    size_t header_size;
    uint32_t slot; /* the rest identifies the loan; do not change */
    uint32_t ticket;
    uint64_t reserved[3]; /* neither read nor written */
};

/* All zero means default. */
struct eddy_loan_options {
    size_t size; /* bytes at data; 0 is allowed */
    size_t
        alignment; /* of data: a power of two up to 2^31; default 64, or 8 if there is a header */
    size_t header_size; /* bytes of a user header in front of data, below 16 MiB; default none */
    size_t header_alignment; /* a power of two not above `alignment`; default 8 */
    uint32_t with;           /* EDDY_WITH_*: goes with this sample besides what goes with each */
    uint32_t reserved;       /* zero */
};

/* A sample taken: read in place until it is released. */
struct eddy_sample {
    const void *data;
    size_t size;        /* as published */
    const void *header; /* NULL if it has none; ends where data begins (rounded up to 8) */
    size_t header_size;
    uint64_t sn;     /* sequence number: 1 for the topic's first sample, then + 1 each */
    uint64_t source; /* participant that wrote it; compare with eddy_reader_participant */
    uint32_t writer; /* writer's seat on the topic */
    uint32_t tag;    /* of the writer's options */
    uint32_t slot;   /* the rest identifies the sample; do not change */
    uint32_t ticket;
    uint32_t with; /* EDDY_WITH_*: which of these go with it; 0 and NULL else */
    uint32_t reserved_word;
    const uint8_t *key; /* 16 bytes, good until it is released */
    uint64_t word;
    uint64_t time;        /* in nanoseconds of CLOCK_MONOTONIC: compare with eddy_now() */
    uint64_t reserved[4]; /* neither read nor written, and so is reserved_word */
};

/* --- writer ---------------------------------------------------------------------------------- */

/* Opens a writer; the topic is created if nobody has.  options may be NULL.  May block on file
 * operations and on another process that is opening or closing the same topic. Errors: EDDY_EINVAL,
 * EDDY_ETYPE, EDDY_ENOMEM, EDDY_ELIMIT, EDDY_EACCES, EDDY_EFLINK, EDDY_ESEGMENT, EDDY_EVERSION,
 * EDDY_EBUSY, EDDY_ESYS, EDDY_EFORKED. spec/topics.md */
static inline int eddy_writer_open(eddy_domain *domain, const struct eddy_topic_identity *topic,
                                   const struct eddy_writer_options *options, eddy_writer **writer)
{
    return eddy_writer_open_sized(domain, topic, sizeof *topic, options, sizeof *options, writer);
}

/* Gives back its loans and its history and leaves; the last to leave removes the topic.  NULL is
 * allowed.  What it published and readers have not taken yet stays.  Errors: EDDY_EFORKED, EDDY_EBUSY
 * (a watch or an exporter of it is open). */
EDDY_API int eddy_writer_close(eddy_writer *writer);

/* Borrows room for `size` bytes (0 is allowed).  Contents are unspecified.  Any number may be out.
 * Grows the topic when no slot is free; at its limit waits until readers, or other writers, let go
 * of something.  Errors: EDDY_EAGAIN or EDDY_ETIMEDOUT (nobody did), EDDY_ETOOBIG (never fits the
 * limit), EDDY_ELIMIT (at the limit, and no reader has or awaits anything that could come free),
 * EDDY_ENOMEM (the system has no memory), EDDY_EFORKED. */
EDDY_API int eddy_writer_loan(eddy_writer *writer, size_t size, uint64_t deadline,
                              struct eddy_loan *loan);

/* As eddy_writer_loan, with alignment and a user header. */
static inline int eddy_writer_loan_with(eddy_writer *writer,
                                        const struct eddy_loan_options *options, uint64_t deadline,
                                        struct eddy_loan *loan)
{
    return eddy_writer_loan_with_sized(writer, options, sizeof *options, deadline, loan);
}

/* Publishes the first `size` bytes of a loan, which thereby ends.  Waits while a reliable reader is
 * `depth` behind.  On error the loan is still the caller's.  Errors: EDDY_EAGAIN or EDDY_ETIMEDOUT
 * (a reader holds it up), EDDY_ESTALE, EDDY_ETOOBIG, EDDY_ELIMIT (the topic has used up its
 * sequence numbers), EDDY_EFORKED. */
EDDY_API int eddy_writer_publish(eddy_writer *writer, struct eddy_loan *loan, size_t size,
                                 uint64_t deadline);

/* What goes with a sample, if it was loaned for that (EDDY_WITH_*); else it is not looked at.  All
 * zero means default. */
struct eddy_publication {
    uint8_t key[16];   /* what the sample is about: a hash, or the key itself.  Also looked at with
                     EDDY_HISTORY_KEY */
    uint64_t word;     /* free for the application */
    uint64_t time;     /* 0: now */
    uint32_t flags;    /* EDDY_PUBLISH_ENDS_KEY */
    uint32_t reserved; /* zero */
};
#define EDDY_PUBLISH_ENDS_KEY                                                                      \
    1u /* late readers get nothing more of this key: neither what was before, nor this sample */

/* As eddy_writer_publish.  With EDDY_HISTORY_KEY it allocates memory as the number of keys, or of
 * samples of a key up to `history`, grows.  Errors: also EDDY_EINVAL, EDDY_ENOMEM (nothing was
 * published). */
static inline int eddy_writer_publish_with(eddy_writer *writer, struct eddy_loan *loan, size_t size,
                                           const struct eddy_publication *publication,
                                           uint64_t deadline)
{
    return eddy_writer_publish_with_sized(writer, loan, size, publication, sizeof *publication,
                                          deadline);
}

/* Gives a loan back unpublished.  By any thread, at any time before the writer is closed: wait-free.
 * Errors: EDDY_ESTALE, EDDY_EFORKED. */
EDDY_API int eddy_writer_discard(eddy_writer *writer, struct eddy_loan *loan);

/* Loan, copy, publish; the deadline is of both.  Errors: as for these. */
EDDY_API int eddy_writer_write(eddy_writer *writer, const void *data, size_t size,
                               uint64_t deadline);

/* The same, of several pieces one behind the other.  Errors: also EDDY_ETOOBIG (their sizes are too
 * much), EDDY_EINVAL. */
EDDY_API int eddy_writer_write_pieces(eddy_writer *writer, const struct iovec *pieces, size_t count,
                                      uint64_t deadline);

/* --- many at once: one look for room, one wake-up ------------------------------------------------ */

/* Borrows up to `max` slots of `size` bytes: as many as can be had, of which only the first is waited
 * for as eddy_writer_loan does.  Returns 0 with *count >= 1, or that call's errors. */
EDDY_API int eddy_writer_loan_many(eddy_writer *writer, size_t size, struct eddy_loan *loans,
                                   size_t max, uint64_t deadline, size_t *count);

/* Publishes loans in their order, each the first loans[i].size bytes, which may be made less before.
 * Each has a number of its own; samples of other writers may come in between, and readers see each
 * as soon as it is published; who sleeps is woken at the end.  publications: one for each, or NULL.
 * All or some: returns 0 with *published >= 1 if so many were published; the others are still the
 * caller's, and the next call says why.  Else nothing was published, with the errors of
 * eddy_writer_publish_with for the first.  Waits for room as that does, for each. */
static inline int eddy_writer_publish_many(eddy_writer *writer, struct eddy_loan *loans,
                                           size_t count,
                                           const struct eddy_publication *publications,
                                           uint64_t deadline, size_t *published)
{
    return eddy_writer_publish_many_sized(writer, loans, count, publications, sizeof *publications,
                                          deadline, published);
}

/* Publishes on `writer` copies of what `from` keeps for late readers (EDDY_HISTORY_WRITER or _KEY),
 * oldest first: for one that goes on for another, on another topic or in another domain.  The
 * deadline is of them all.  Errors: as for loan and publish; what was published before stays so. */
EDDY_API int eddy_writer_inherit(eddy_writer *writer, eddy_writer *from, uint64_t deadline);

/* Lets go of a reliable reader that holds writers up: they go on without it.  When it takes the next
 * time it gets EDDY_ELETGO, has lost what was published meanwhile (eddy_reader_lost), and goes on
 * with what comes next.  What it holds stays as it is, and so does the sample that it may be just
 * taking.  Nobody else notices.  `reader` and `participant` are as in eddy_member_info (participant
 * 0: whoever has that seat).  Takes some 10 ms.  Errors: EDDY_ENOENT (no such reader), EDDY_EINVAL
 * (it is best-effort), EDDY_EFORKED. */
EDDY_API int eddy_writer_let_go(eddy_writer *writer, uint32_t reader, uint64_t participant);

/* Readers on the topic now, in all processes. */
EDDY_API uint32_t eddy_writer_readers(const eddy_writer *writer);

/* Living readers of other participants that have not taken all that this writer published, or whose
 * programs note samples as held back (eddy_reader_note): it may want to stay for them.  Looks at
 * each reader of the topic. */
EDDY_API uint32_t eddy_writer_awaited(const eddy_writer *writer);

/* --- reader ---------------------------------------------------------------------------------- */

/* Opens a reader; the topic is created if nobody has.  It gets what is published from now on, and
 * the history it asked for.  options may be NULL.  Errors: as eddy_writer_open. */
static inline int eddy_reader_open(eddy_domain *domain, const struct eddy_topic_identity *topic,
                                   const struct eddy_reader_options *options, eddy_reader **reader)
{
    return eddy_reader_open_sized(domain, topic, sizeof *topic, options, sizeof *options, reader);
}

/* As eddy_reader_open, with nothing but the path of a flink: the topic must exist.  domain may be
 * NULL: then the reader is a participant of its own in the flink's folder.  Errors: as above,
 * EDDY_ENOENT. */
static inline int eddy_reader_attach(eddy_domain *domain, const char *flink_path,
                                     const struct eddy_reader_options *options,
                                     eddy_reader **reader)
{
    return eddy_reader_attach_sized(domain, flink_path, options, sizeof *options, reader);
}

/* Releases what it holds and leaves.  Samples taken must not be used any more.  NULL is allowed. */
EDDY_API int eddy_reader_close(eddy_reader *reader);

/* Takes nothing any more, and holds nobody up but with the samples that it holds: these stay good
 * until they are released.  For a reader whose samples outlive the interest in new ones; it is closed
 * as any other.  Detach it from its wait set first.  Errors: EDDY_ESEGMENT, EDDY_EFORKED. */
EDDY_API int eddy_reader_stop(eddy_reader *reader);

/* Takes the next sample; never waits (eddy_reader_wait does).  Any number may be held, and released
 * in any order.  Errors: EDDY_EAGAIN (there is none now), EDDY_ELETGO (writers have let go of it;
 * said once: the next call goes on), EDDY_ESEGMENT (shared memory was scribbled on), EDDY_ENOMEM
 * (cannot map), EDDY_EFORKED. */
EDDY_API int eddy_reader_take(eddy_reader *reader, struct eddy_sample *sample);

/* Takes the newest sample and passes over all before it.  Errors: as eddy_reader_take. */
EDDY_API int eddy_reader_take_latest(eddy_reader *reader, struct eddy_sample *sample);

/* Gives a sample back, once.  By any thread, at any time before the reader is closed, if the reader
 * has EDDY_READER_SHARED: wait-free then.  Errors: EDDY_ESTALE (given back already, or another
 * reader's), EDDY_EFORKED. */
EDDY_API int eddy_reader_release(eddy_reader *reader, struct eddy_sample *sample);

/* Takes up to `max` samples, as many as are there, and never blocks; of a reliable reader without
 * EDDY_READER_SHARED or ..._NOT_OWN half of its depth and 64 at most.  Returns 0 with *count >= 1, or the
 * errors of eddy_reader_take. */
EDDY_API int eddy_reader_take_many(eddy_reader *reader, struct eddy_sample *samples, size_t max,
                                   size_t *count);

/* Gives back all that can be, of what was taken in whatever way and order.  Errors: as
 * eddy_reader_release for the last that could not be. */
EDDY_API int eddy_reader_release_many(eddy_reader *reader, struct eddy_sample *samples,
                                      size_t count);

/* Waits until there is something to take.  Spins first as the options say.  Errors: EDDY_EAGAIN,
 * EDDY_ETIMEDOUT, EDDY_EFORKED. */
EDDY_API int eddy_reader_wait(eddy_reader *reader, uint64_t deadline);

/* True if take would give a sample. */
EDDY_API bool eddy_reader_ready(eddy_reader *reader);

/* Samples that this reader missed so far: a reliable one where writers have let go of it. */
EDDY_API uint64_t eddy_reader_lost(const eddy_reader *reader);

/* True if the writer that published the sample is open, and its participant lives.  (One that is
 * stopped lives.) */
EDDY_API bool eddy_reader_knows_writer(const eddy_reader *reader, const struct eddy_sample *sample);

/* The depth in force. */
EDDY_API uint32_t eddy_reader_depth(const eddy_reader *reader);

/* The participant that this reader belongs to: equals eddy_sample.source for samples written
 * through the same domain handle. */
EDDY_API uint64_t eddy_reader_participant(const eddy_reader *reader);

/* --- both ------------------------------------------------------------------------------------ */

/* Statistics of a topic. */
struct eddy_topic_stats {
    uint64_t published;       /* samples, since the topic was created */
    uint64_t published_bytes; /* their sizes */
    uint64_t shared_bytes;    /* shared memory in use */
    uint64_t limit_bytes;
    uint32_t writers, readers, slots, extents;
    uint64_t reserved[8]; /* zero */
};
EDDY_API int eddy_writer_stats(const eddy_writer *writer, struct eddy_topic_stats *stats);
EDDY_API int eddy_reader_stats(const eddy_reader *reader, struct eddy_topic_stats *stats);

/* The description of the topic's type (eddy_topic_identity.type_text): copies its first bytes, up to
 * `room`; *size is how long it is, 0 if nobody gave one.  Makes system calls.  Errors: EDDY_ENOENT (the
 * domain's files were removed), EDDY_ESEGMENT (somebody made them shorter), EDDY_ESYS, EDDY_EFORKED.
 *                                                          spec/topics.md, "Types" */
EDDY_API int eddy_writer_type_text(const eddy_writer *writer, void *text, size_t room,
                                   size_t *size);
EDDY_API int eddy_reader_type_text(const eddy_reader *reader, void *text, size_t room,
                                   size_t *size);

/* What a program that hands samples on tells about a writer or reader of its own, for people who
 * look (`eddy ls`).  Nothing is decided by it. */
enum eddy_noted {
    EDDY_NOTED_NOTHING = 0, /* as the handle has it */
    EDDY_NOTED_RELIABLE = 1,
    EDDY_NOTED_BEST_EFFORT = 2
};
struct eddy_notes {
    enum eddy_noted reliability; /* of what the program itself promises */
    uint32_t waiting;            /* reader: samples that the program holds back for now */
    uint32_t given_up;           /* reader: samples that it took and could never hand on */
    uint32_t reserved;           /* zero */
};
/* Errors: EDDY_EINVAL, EDDY_EFORKED. */
static inline int eddy_writer_note(eddy_writer *writer, const struct eddy_notes *notes)
{
    return eddy_writer_note_sized(writer, notes, sizeof *notes);
}
static inline int eddy_reader_note(eddy_reader *reader, const struct eddy_notes *notes)
{
    return eddy_reader_note_sized(reader, notes, sizeof *notes);
}

/* Path of the topic's flink file.  Valid while the handle is open. */
EDDY_API const char *eddy_writer_flink(const eddy_writer *writer);
EDDY_API const char *eddy_reader_flink(const eddy_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
