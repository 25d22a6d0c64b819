/* eddy/slots.h - slots in shared memory, for programs that want slots and not topics.
 *
 *   writer:  loan -> write in place -> publish (or discard)
 *   reader:  join -> next_unread -> read, or hold ... release -> mark_read          at least once
 *            join -> take (marks as read, holds) -> read in place -> release       at most once
 *
 * A slots segment has a fixed number of slots of one capacity and a number for each of its readers.
 * A flink file at a path of the caller's choice leads to it.  A slot can be had when it is
 * empty, or when the readers that the writer names have read what is in it, and never while
 * somebody holds it.  A loan ends the old sample.  Any number of processes may write.
 *
 * Threads: all calls on one handle may be made by any thread at any time, but one reader number
 * serves one thread at a time.  Nothing but create, attach, join, leave and close takes a lock or
 * allocates; a system call is made only to wake somebody who sleeps, to sleep, and when no slot is
 * to be had.
 * Crash:   a loan of the dead is discarded, a dead reader counts as having read everything, what it
 * held is let go.  The last to leave, the next who creates, or eddy_gc removes the segment.
 * spec/slots.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_SLOTS_H
#define EDDY_SLOTS_H

#include <eddy/domain.h>
#include <eddy/locator.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_slots eddy_slots;

#define EDDY_SLOTS_MAX          (1u << 22)  /* slots of a segment */
#define EDDY_SLOTS_CAPACITY_MAX 0xffffff80u /* bytes of a slot */
#define EDDY_SLOTS_READERS_MAX  4096u       /* readers of a segment */
#define EDDY_SLOTS_ANY_READER   UINT32_MAX  /* eddy_slots_join: whichever number is free */

/* --- the segment ----------------------------------------------------------------------------- */

struct eddy_slots_options {
    uint64_t slot_capacity; /* bytes of a slot, 0 to EDDY_SLOTS_CAPACITY_MAX */
    uint64_t slot_count;    /* 1 to EDDY_SLOTS_MAX */
    uint32_t readers;       /* reader numbers are 0 to readers - 1; default 64 */
    uint32_t flags;         /* zero */
    uint8_t type_hash[16];  /* all zero: any type */
};

/* Creates a segment, and its flink at `flink_path`, which must end in ".flink".  The path's folder
 * becomes a domain: it is made if need be (mode 0700; parents 0755), and it must be the caller's
 * alone, or a group's (eddy/domain.h).  domain: one that is open on that folder, or NULL for a
 * participant of its own.  A flink whose users are all dead is replaced.  All memory is reserved
 * now.  Errors: EDDY_EEXIST (somebody alive uses that path), EDDY_EINVAL, EDDY_ETOOBIG (a number
 * beyond its limit), EDDY_EFLINK (the path leads to something else), EDDY_ENOMEM, EDDY_EACCES,
 * EDDY_EBUSY, EDDY_ESYS, EDDY_EFORKED. */
static inline int eddy_slots_create(eddy_domain *domain, const char *flink_path,
                                    const struct eddy_slots_options *options, eddy_slots **slots)
{
    return eddy_slots_create_sized(domain, flink_path, options, sizeof *options, slots);
}

/* Attaches to a segment by its flink.  type_hash: 16 bytes, or NULL not to ask; refused with
 * EDDY_ETYPE before a slot is looked at.  Payloads are mapped read-only until the handle's first
 * loan.  Errors: EDDY_ENOENT (no flink, or all its users are dead), EDDY_EFLINK,
 * EDDY_ESEGMENT, EDDY_EVERSION, EDDY_ETYPE, EDDY_ELIMIT, and as above. */
EDDY_API int eddy_slots_attach(eddy_domain *domain, const char *flink_path,
                               const uint8_t *type_hash, eddy_slots **slots);

/* Discards the handle's loans, ends its readers, and leaves; the last to leave removes the segment
 * and its flink.  No other call on the handle may be going on.  NULL is allowed.  In a forked child
 * it frees the child's copy and returns EDDY_EFORKED. */
EDDY_API int eddy_slots_close(eddy_slots *slots);

struct eddy_slots_info {
    uint64_t published;     /* samples, since the segment was created */
    uint64_t slot_capacity; /* as created, the same for everybody */
    uint64_t slot_bytes;    /* what a slot takes, its control line included: 128 for 64 */
    uint64_t shared_bytes;  /* shared memory in use */
    uint32_t slot_count;
    uint32_t reader_limit;
    uint32_t readers;     /* joined now */
    uint32_t attached;    /* handles, in all processes */
    uint64_t reserved[8]; /* zero */
};
EDDY_API int eddy_slots_describe(const eddy_slots *slots, struct eddy_slots_info *report);

/* Absolute paths of the flink and of the shared memory object.  Valid while the handle is open. */
EDDY_API const char *eddy_slots_flink(const eddy_slots *slots);
EDDY_API const char *eddy_slots_object(const eddy_slots *slots);

/* What to announce to other participants, so that those on this host can attach.  EDDY_ETOOBIG if
 * the flink's path is longer than EDDY_LOCATOR_PATH_MAX. */
EDDY_API int eddy_slots_locator(const eddy_slots *slots, struct eddy_locator *locator);

/* --- writing --------------------------------------------------------------------------------- */

/* A slot on loan: write up to `size` bytes at `data`, then publish or discard.  The fields are the
 * caller's to read. */
struct eddy_slot_loan {
    void *data; /* aligned to 64 bytes */
    size_t size;
    uint64_t ticket; /* the rest identifies the loan; do not change */
    uint32_t slot;
    uint32_t segment;
    uint64_t reserved[4]; /* neither read nor written */
};

/* Lends a slot.  `active` names the readers that must have read a sample before its slot may be
 * had: bit r % 64 of word r / 64.  active NULL: the readers that are joined.  All bits 0: no reader
 * gates, the oldest samples go first.  Readers that have left, died or been let go of gate
 * nothing.  Contents of the slot are unspecified.  Waits for a slot until the deadline.  Errors:
 * EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_EBOUNDS (a bit beyond the last reader), EDDY_EFORKED,
 * EDDY_ENOMEM. */
EDDY_API int eddy_slots_loan(eddy_slots *slots, const uint64_t *active, size_t words,
                             uint64_t deadline, struct eddy_slot_loan *loan);

/* Publishes the first `size` bytes of a loan, which thereby ends; never waits: the slot is had.  sn
 * (may be NULL) gets the sample's number: 1 for the segment's first, then + 1 each.  Errors:
 * EDDY_ETOOBIG (the loan goes on, no number is used), EDDY_ESTALE (published or discarded already,
 * or another handle's loan), EDDY_EBOUNDS, EDDY_EINVAL (a loan of another segment), EDDY_EFORKED. */
EDDY_API int eddy_slots_publish(eddy_slots *slots, const struct eddy_slot_loan *loan, size_t size,
                                uint64_t *sn);

/* As eddy_slots_publish, of bytes that are copied from `data` first. */
EDDY_API int eddy_slots_publish_copy(eddy_slots *slots, const struct eddy_slot_loan *loan,
                                     const void *data, size_t size, uint64_t *sn);

/* Gives a loan back: the slot is empty then.  Errors: as eddy_slots_publish. */
EDDY_API int eddy_slots_discard(eddy_slots *slots, const struct eddy_slot_loan *loan);

/* --- readers --------------------------------------------------------------------------------- */

/* Takes a reader number, or EDDY_SLOTS_ANY_READER.  Every sample that is still in a slot is unread
 * for it.  Errors: EDDY_EBUSY (somebody alive has it), EDDY_ELIMIT (none is free), EDDY_EBOUNDS,
 * EDDY_EFORKED. */
EDDY_API int eddy_slots_join(eddy_slots *slots, uint32_t wanted, uint32_t *reader);

/* Gives a number of this handle back; what it holds must not be used any more.  Errors:
 * EDDY_EINVAL (not this handle's), EDDY_EBOUNDS, EDDY_EFORKED. */
EDDY_API int eddy_slots_leave(eddy_slots *slots, uint32_t reader);

/* Makes a reader, whosever it is, count as having read everything until it joins anew: for one
 * whose lease has ended.  What it holds stays protected until it lets go or dies; its other calls
 * give EDDY_ELETGO.  Errors: EDDY_EBOUNDS, EDDY_EFORKED. */
EDDY_API int eddy_slots_let_go(eddy_slots *slots, uint32_t reader);

/* --- reading --------------------------------------------------------------------------------- */

/* A sample.  `data` and `size` are the caller's to read; the rest identifies it. */
struct eddy_slot_sample {
    const void *data; /* NULL unless it was asked for in place */
    size_t size;
    uint64_t sn;
    uint32_t slot;
    uint32_t reader;
    uint32_t segment;
    uint32_t reserved_word;
    uint64_t reserved[3]; /* neither read nor written */
};

/* Finds the oldest sample that the reader has not read; changes nothing.  Errors: EDDY_EAGAIN,
 * EDDY_EINVAL (the handle has not joined as this reader), EDDY_EBOUNDS, EDDY_ELETGO (the reader
 * was let go of), EDDY_ESEGMENT, EDDY_EFORKED. */
EDDY_API int eddy_slots_next_unread(eddy_slots *slots, uint32_t reader,
                                    struct eddy_slot_sample *sample);

/* Copies the first `bytes` bytes of a sample, or all if it is shorter; sample->size gets the whole
 * size.  Errors: EDDY_ESTALE (overwritten meanwhile), EDDY_ESEGMENT, and as above. */
EDDY_API int eddy_slots_read(eddy_slots *slots, struct eddy_slot_sample *sample, void *buffer,
                             size_t bytes);

/* Gives a sample in place; its slot is nobody else's before eddy_slots_release.  Any number may be
 * held.  Errors: as eddy_slots_read, and EDDY_EBUSY (the reader holds it already). */
EDDY_API int eddy_slots_hold(eddy_slots *slots, struct eddy_slot_sample *sample);

/* Ends a hold.  Errors: EDDY_ESTALE (ended already), and as above. */
EDDY_API int eddy_slots_release(eddy_slots *slots, struct eddy_slot_sample *sample);

/* Marks this sample, and no other, as read by its reader.  A hold goes on.  Errors: EDDY_ESTALE
 * (the slot has another sample by now), and as above. */
EDDY_API int eddy_slots_mark_read(eddy_slots *slots, const struct eddy_slot_sample *sample);

/* The oldest unread sample, marked as read and held; waits for one until the deadline.  Errors: as
 * eddy_slots_next_unread; EDDY_ETIMEDOUT. */
EDDY_API int eddy_slots_take(eddy_slots *slots, uint32_t reader, uint64_t deadline,
                             struct eddy_slot_sample *sample);

/* The newest unread sample, held; it and all before it are marked as read.  Never waits. */
EDDY_API int eddy_slots_take_latest(eddy_slots *slots, uint32_t reader,
                                    struct eddy_slot_sample *sample);

/* --- waiting --------------------------------------------------------------------------------- */

/* Moves with every sample: 0 at first.  0 too in a forked child. */
EDDY_API uint64_t eddy_slots_generation(const eddy_slots *slots);

/* Waits until the generation is another than `last`: capture it, look, then wait.  Errors:
 * EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_EFORKED. */
EDDY_API int eddy_slots_wait(eddy_slots *slots, uint64_t last, uint64_t deadline);

/* --- looking in ------------------------------------------------------------------------------ */

/* What is in a slot at this moment. */
struct eddy_slot_state {
    uint64_t sn; /* 0: no sample */
    uint64_t size;
    uint64_t source; /* the participant that has it on loan; 0: nobody */
    bool loaned;
    bool held;
    uint8_t reserved_bytes[6]; /* zero */
    uint64_t reserved[4];      /* zero */
};
EDDY_API int eddy_slots_look(const eddy_slots *slots, uint32_t slot, struct eddy_slot_state *look);

/* Which readers have read what is in a slot, 64 a word, those that were let go of among them.
 * Errors: EDDY_EBOUNDS. */
EDDY_API int eddy_slots_read_mask(const eddy_slots *slots, uint32_t slot, uint64_t *mask,
                                  size_t words);

#ifdef __cplusplus
}
#endif
#endif
