/* eddy/ring.h - the trace ring: one producer process, one consumer process, large chunks.
 *
 *   producer:  loan -> write in place -> publish (or discard) ... finish, or report_crash
 *   consumer:  take -> read in place -> release                    many at once, in any order
 *
 * A ring has a fixed number of slots of one size.  Nothing is lost: the producer waits for room.
 * The stream ends with one of four words: finished, crashed (with what the producer could still
 * say), peer gone (it died or left without a word), or not at all.  A consumer that is started
 * again gets again what its predecessor took and did not release, marked as redelivered.
 *
 * Threads: all calls on one handle may be made by any thread at any time.  loan, publish, take and
 *          release take no lock and allocate nothing; a system call is made to sleep and to wake
 *          one who sleeps, and for nothing else (EDDY_RING_PUNCH gives memory back by one).  Before
 *          a handle first waits for somebody, it starts a thread that does nothing but wait for
 *          that one's end; all signals are blocked in it, and closing ends it.
 * Crash:   a loan of the dead is gone, what it published is delivered; the seat of the dead is free
 *          at once, and who waits for it is told at once.  When both are gone, the ring is removed
 *          by the next who creates or attaches that name, by eddy_gc, or by the first participant
 *          that is alone in the folder.                                     spec/ring.md
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EDDY_RING_H
#define EDDY_RING_H

#include <eddy/domain.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eddy_ring eddy_ring;

#define EDDY_RING_SLOTS_MAX (1u << 20)

enum eddy_ring_role {
    EDDY_RING_OBSERVER = 0, /* looks at the info, no more; any number */
    EDDY_RING_PRODUCER = 1,
    EDDY_RING_CONSUMER = 2
};

/* Flags of a ring. */
#define EDDY_RING_SPARSE  0x1u /* memory comes when it is written: a full file system is SIGBUS */
#define EDDY_RING_HUGE    0x2u /* transparent huge pages, where the kernel has them */
#define EDDY_RING_PUNCH   0x4u /* a released slot's memory goes back to the system; needs SPARSE */
#define EDDY_RING_REPLACE 0x8u /* takes the name from a living ring: its users keep it, nameless */
/* Flags of a handle, for create and attach. */
#define EDDY_RING_CRASH_FIRST 0x100u /* take reports a crash before the chunks that precede it */

struct eddy_ring_options {
    uint64_t slot_bytes; /* at least 1; rounded up to 64 bytes, from 2 MiB on to 2 MiB */
    uint32_t slots;      /* 1 to EDDY_RING_SLOTS_MAX */
    uint32_t flags;
    enum eddy_ring_role role; /* the creator's own part */
    uint32_t reserved;        /* zero */
};

/* --- the ring -------------------------------------------------------------------------------- */

/* Creates a ring; without a domain (NULL) in one of its own, in the default folder.  "/x" and "x"
 * are one name (letters, digits, then also `_ - .`, up to 63).  A ring of that name whose users are
 * all dead is replaced.  All memory is reserved now, unless SPARSE.  Errors: EDDY_EEXIST,
 * EDDY_EINVAL, EDDY_ETOOBIG (the product of slots and bytes), EDDY_ENOMEM, EDDY_EACCES,
 * EDDY_EFLINK, EDDY_ESEGMENT, EDDY_EVERSION, EDDY_EBUSY, EDDY_ESYS, EDDY_EFORKED. */
static inline int eddy_ring_create(eddy_domain *domain, const char *name,
                                   const struct eddy_ring_options *options, eddy_ring **ring)
{
    return eddy_ring_create_sized(domain, name, options, sizeof *options, ring);
}

/* What an attacher knows of the ring; NULL or zero fields: whatever it is. */
struct eddy_ring_wanted {
    uint64_t slot_bytes; /* before rounding; EDDY_EINVAL if it differs, with both */
    uint32_t slots;      /* as above */
    uint32_t flags;      /* EDDY_RING_CRASH_FIRST */
};
/* Attaches to a ring in a role.  Errors: EDDY_ENOENT, EDDY_EBUSY (somebody alive has the role),
 * EDDY_EFLINK, EDDY_ESEGMENT, EDDY_EVERSION, EDDY_EINVAL, EDDY_EACCES, EDDY_ENOMEM, EDDY_ESYS,
 * EDDY_EFORKED.  A producer of a stream that has ended: EDDY_EFINISHED or EDDY_ECRASHED. */
static inline int eddy_ring_attach(eddy_domain *domain, const char *name, enum eddy_ring_role role,
                                   const struct eddy_ring_wanted *wanted, eddy_ring **ring)
{
    return eddy_ring_attach_sized(domain, name, (int)role, wanted, sizeof *wanted, ring);
}

/* Gives the role back; the last to leave removes the ring.  An open loan is discarded.  While
 * chunks are out it returns 0 and the last release completes it: what they point to stays readable
 * until then, and the role stays taken.  NULL is allowed.  In a forked child it frees the child's
 * copy and returns EDDY_EFORKED. */
EDDY_API int eddy_ring_close(eddy_ring *ring);

/* --- producing ------------------------------------------------------------------------------- */

/* A slot on loan, or a chunk that was taken.  The fields are the caller's to read. */
struct eddy_chunk {
    void *data;           /* aligned to 64 bytes; a taken chunk's pages are read-only */
    size_t size;          /* loan: room; taken: what was published */
    uint64_t sn;          /* taken: 1 for the stream's first, then + 1 each */
    bool redelivered;     /* taken: an earlier consumer had it in work when it died */
    uint8_t spare[7];     /* zero */
    uint64_t position;    /* identifies it; do not change */
    uint64_t reserved[3]; /* neither read nor written */
};

/* Gives room for one chunk; waits for it until the deadline.  Contents are unspecified.  One loan
 * at a time: EDDY_EBUSY.  Errors: EDDY_EAGAIN, EDDY_ETIMEDOUT, EDDY_EPEERGONE (no room,
 * and the consumer is dead or has left), EDDY_EFINISHED (after eddy_ring_finish), EDDY_EINVAL (not
 * the producer), EDDY_ECRASHED (after a crash report), EDDY_ESEGMENT (the positions were scribbled
 * on), EDDY_ESYS (no thread to watch the other side), EDDY_EFORKED. */
EDDY_API int eddy_ring_loan(eddy_ring *ring, uint64_t deadline, struct eddy_chunk *chunk);

/* Publishes the first `bytes` bytes.  Errors: EDDY_ETOOBIG (the loan goes on), EDDY_ESTALE (no such
 * loan any more, or the stream has ended), EDDY_EINVAL, EDDY_EFORKED. */
EDDY_API int eddy_ring_publish(eddy_ring *ring, const struct eddy_chunk *chunk, size_t bytes);
EDDY_API int eddy_ring_discard(eddy_ring *ring, const struct eddy_chunk *chunk);

/* The stream is complete.  Again: no effect.  EDDY_ECRASHED after a crash report. */
EDDY_API int eddy_ring_finish(eddy_ring *ring);

enum eddy_crash_operation {
    EDDY_CRASH_UNKNOWN = 0,
    EDDY_CRASH_READ = 1,
    EDDY_CRASH_WRITE = 2,
    EDDY_CRASH_EXECUTE = 3
};
struct eddy_crash {
    int32_t signal;       /* 0: it died while it reported */
    int32_t operation;    /* enum eddy_crash_operation */
    uint64_t address;     /* that it was about */
    uint64_t reserved[2]; /* zero */
};

/* Tells the consumer that this process is going down.  Async-signal-safe; the first report counts.
 * EDDY_EFINISHED if the stream was finished: it stays so.  eddy_last_error is left alone. */
EDDY_API int eddy_ring_report_crash(eddy_ring *ring, const struct eddy_crash *crash);

/* From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT of this process are reported to the ring;
 * then what was installed before runs, as if this were not there.  Several rings may be watched.
 * A handler that recovers from such signals and goes on must not be combined with this.  The
 * overflow of a stack is reported only on threads that have another one for signals
 * (sigaltstack). */
EDDY_API int eddy_ring_watch_crashes(eddy_ring *ring);
/* Ends it for this ring, as does closing.  After the last ring the earlier handlers are put
 * back. */
EDDY_API int eddy_ring_unwatch_crashes(eddy_ring *ring);

/* --- consuming ------------------------------------------------------------------------------- */

/* Takes the next chunk; waits for one until the deadline.  Any number may be held, by any threads.
 * Else: EDDY_EFINISHED, EDDY_ECRASHED, EDDY_EPEERGONE (all after the last chunk was taken, and for
 * every thread, every time; the last until another producer comes), EDDY_EAGAIN or EDDY_ETIMEDOUT (the first
 * also in the very moment of the producer's death).  Errors: EDDY_EINVAL (not the consumer),
 * EDDY_ESEGMENT, EDDY_ESYS (no thread to watch the other side), EDDY_EFORKED.  These leave
 * eddy_last_error alone but for the last four.  Room comes in the order of the chunks: a thread
 * that holds an old one should not wait for a new one. */
EDDY_API int eddy_ring_take(eddy_ring *ring, uint64_t deadline, struct eddy_chunk *chunk);

/* Gives a chunk back, in any order.  EDDY_ESTALE: given back already. */
EDDY_API int eddy_ring_release(eddy_ring *ring, const struct eddy_chunk *chunk);

/* What the producer said when it crashed.  EDDY_EAGAIN: it has not, so far. */
EDDY_API int eddy_ring_crash(const eddy_ring *ring, struct eddy_crash *crash);

/* --- looking in ------------------------------------------------------------------------------ */

enum eddy_ring_state { EDDY_RING_RUNNING = 0, EDDY_RING_FINISHED = 1, EDDY_RING_CRASHED = 2 };

struct eddy_ring_info {
    uint64_t slot_bytes; /* after rounding: the size of a loan */
    uint32_t slots;
    uint32_t flags;
    uint64_t published, taken, released; /* chunks; released: without a gap from the first */
    uint64_t redelivered;                /* chunks, in all */
    enum eddy_ring_state state;
    bool producer_alive, consumer_alive;
    uint8_t reserved_bytes[2];          /* zero */
    int32_t producer_pid, consumer_pid; /* in their own PID namespaces; 0: never there */
    uint64_t shared_bytes;              /* shared memory in use */
    uint64_t reserved[8];               /* zero */
};
EDDY_API int eddy_ring_describe(const eddy_ring *ring, struct eddy_ring_info *info);

/* Whether somebody alive has the other role.  A process that is stopped is alive. */
EDDY_API bool eddy_ring_peer_alive(const eddy_ring *ring);

/* Absolute path of the shared memory object.  Valid while the handle is open. */
EDDY_API const char *eddy_ring_object(const eddy_ring *ring);

#ifdef __cplusplus
}
#endif
#endif
